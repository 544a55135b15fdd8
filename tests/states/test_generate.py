"""Machine states: valid, varied, the same for the same seed."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmcc.asm.parse import parse
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.sandbox.model import Ends, States
from llmcc.sandbox.runner import Sandbox
from llmcc.states.blob import baseline_blob
from llmcc.states.buckets import RANGES, timing_buckets
from llmcc.states.generate import Learnt, learn, make_states, passes
from llmcc.states.layout import draw_arenas
from llmcc.states.model import Recipe
from llmcc.states.recipe import make_recipe
from llmcc.states.trips import Length
from llmcc.x86.registers import GPR
from tests.verify.regions import all_regions

NAMES = sorted(all_regions())


class Loop:
    """One region with everything to make its states."""

    def __init__(self, name: str, sandbox: Sandbox, level: str = "-O2") -> None:
        self.region = all_regions(level)[name]
        recipe = make_recipe(self.region)
        assert isinstance(recipe, Recipe)
        self.recipe = recipe
        self._blob = baseline_blob(self.region)
        self._sandbox = sandbox
        self.learnt: Learnt = learn(recipe, self.run, seed=1)

    def run(self, states: States) -> Ends:
        return self._sandbox.run(self._blob, states, timeout_s=2.0)

    def states(self, count: int = 300, *, chunk: int = 0, length: Length = Length.SMALL) -> States:
        made = make_states(
            self.recipe, self.learnt, self.run, seed=1, chunk=chunk, count=count, length=length
        )
        assert made is not None
        return made


@pytest.mark.parametrize("name", NAMES)
def test_from_most_states_the_loop_reaches_an_exit(name: str, sandbox: Sandbox) -> None:
    loop = Loop(name, sandbox)
    assert (loop.run(loop.states()).exit_id >= 0).mean() >= 0.6


@pytest.mark.parametrize("name", ["sum", "map", "fmap.1", "reverse.1"])
def test_sse_loops_have_valid_states_too(name: str, sandbox: Sandbox) -> None:
    loop = Loop(name, sandbox, "-O3")
    assert (loop.run(loop.states()).exit_id >= 0).all()


@pytest.mark.parametrize("name", ["find", "byte", "mismatch", "palindrome", "fixed", "stack"])
def test_both_exits_of_a_search_are_taken_often(name: str, sandbox: Sandbox) -> None:
    loop = Loop(name, sandbox)
    ends = loop.run(loop.states(600))
    assert all((ends.exit_id == number).mean() >= 0.1 for number in (0, 1))


def test_every_small_trip_count_occurs(sandbox: Sandbox) -> None:
    loop = Loop("sum", sandbox)
    states = loop.states(1500)
    assert set(passes(loop.recipe, states, loop.run(states)).tolist()) == set(range(1, 73))


def test_large_trip_counts_are_powers_of_two_and_their_neighbours(sandbox: Sandbox) -> None:
    loop = Loop("sum", sandbox)
    states = loop.states(length=Length.LARGE)
    trips = passes(loop.recipe, states, loop.run(states))
    assert all(any(abs(trip - (1 << n)) <= 1 for n in range(7, 13)) for trip in trips.tolist())
    assert trips.max() >= 2047


@pytest.mark.parametrize("name", ["sum", "byte"])
def test_many_states_end_with_the_last_mapped_byte(name: str, sandbox: Sandbox) -> None:
    loop = Loop(name, sandbox)
    states = loop.states(600)
    arena_end = states.arenas[0] + states.memory.shape[2]
    pointer = loop.run(states).gpr[:, GPR.index("rdi")].astype(np.int64)
    assert (arena_end - pointer <= 4).mean() >= 0.2


def test_overlapping_pointers_occur(sandbox: Sandbox) -> None:
    loop = Loop("map", sandbox)
    states = loop.states(600)
    distance = (states.gpr[:, GPR.index("rdi")] - states.gpr[:, GPR.index("rsi")]).astype(np.int64)
    assert (np.abs(distance) <= 512).mean() >= 0.2
    assert {-4, 0, 4} <= set(distance.tolist())


def test_the_same_seed_makes_the_same_states(sandbox: Sandbox) -> None:
    first, second = (Loop("find", sandbox).states() for _ in range(2))
    assert np.array_equal(first.memory, second.memory)
    assert np.array_equal(first.gpr, second.gpr)
    assert np.array_equal(first.vector, second.vector)


@pytest.mark.parametrize(
    "name",
    "sum find end mismatch map palindrome upper compare spaces kept slash threes".split(),
)
def test_timing_buckets_have_the_trip_counts_of_their_names(name: str, sandbox: Sandbox) -> None:
    loop = Loop(name, sandbox)
    buckets = timing_buckets(loop.region, seed=5, sandbox=sandbox)
    assert isinstance(buckets, tuple)
    assert [bucket.name for bucket in buckets] == list(RANGES)
    for bucket in buckets:
        assert bucket.states.memory.shape[0] == 1
        assert bucket.states.gpr.shape == (256, 16)
        shape = (256, *bucket.states.memory.shape[1:])
        own = bucket.states.memory
        states = replace(bucket.states, memory=np.broadcast_to(own, shape))
        ends = loop.run(states)
        least, most = RANGES[bucket.name]
        done = passes(loop.recipe, states, ends)
        assert (ends.exit_id >= 0).all()
        assert least - 1 <= done.min()
        assert done.max() <= most


def test_strings_that_are_equal_for_a_while_occur(sandbox: Sandbox) -> None:
    loop = Loop("compare", sandbox)
    states = loop.states()
    ends = loop.run(states)
    done = passes(loop.recipe, states, ends)
    for exit_id in (0, 1):  # the end of both, a difference
        assert ((ends.exit_id == exit_id) & (done >= 5)).mean() >= 0.04


def test_a_carried_byte_is_also_one_that_stands_nowhere(sandbox: Sandbox) -> None:
    loop = Loop("compare", sandbox)
    states = loop.states()
    carried = states.gpr[:, GPR.index("rax")].astype(np.uint32).view(np.int32)
    assert ((carried < -128) | (carried > 127)).mean() >= 0.02


def test_a_bound_in_memory_is_met_after_any_number_of_passes(sandbox: Sandbox) -> None:
    loop = Loop("kept", sandbox)
    states = loop.states()
    done = passes(loop.recipe, states, loop.run(states))
    assert len(np.unique(done)) >= 30


def test_values_that_never_end_a_loop_are_left_out(sandbox: Sandbox) -> None:
    loop = Loop("leading", sandbox)
    assert 0 in loop.learnt.endless
    assert (loop.run(loop.states()).exit_id >= 0).all()


def test_arenas_lie_apart_and_some_across_a_multiple_of_two_gigabytes() -> None:
    rng = np.random.default_rng(3)
    drawn = [draw_arenas(rng, 3, arena_bytes=8192).bases for _ in range(200)]
    for bases in drawn:
        assert all(base % 4096 == 0 and 0 < base < 1 << 47 for base in bases)
        assert min(np.diff(np.sort(bases))) > 8192
    across = [base for bases in drawn for base in bases if (base + 8191) >> 31 != (base - 1) >> 31]
    assert len(across) > 100
    assert len({base >> 32 for bases in drawn for base in bases}) > 100


def test_rounding_and_flushing_differ_between_states_of_float_loops(sandbox: Sandbox) -> None:
    states = Loop("fsum", sandbox).states(600)
    assert len(set(states.mxcsr.tolist())) == 6
    assert (states.mxcsr == 0x1F80).mean() > 0.7


def test_a_loop_of_a_function_that_asks_for_sse4_is_run_too(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    (tmp_path / "t.c").write_text(
        '__attribute__((target("sse4.1"))) void f(int *a, const int *b, long n)\n'
        "{ for (long i = 0; i < n; i++) a[i] *= b[i]; }\n"
    )
    subprocess.run(["gcc", "-O3", "-S", "t.c"], check=True, cwd=tmp_path)
    found = find_regions(parse((tmp_path / "t.s").read_text()))
    region = next(r for r in found if isinstance(r, Region) and "pmulld" in r.text)
    assert timing_buckets(region, seed=1, sandbox=sandbox)
