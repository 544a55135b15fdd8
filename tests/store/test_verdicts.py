"""Verdicts hold whatever the CPU: with a store that has them, only timing is done again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from llmcc.asm.parse import parse
from llmcc.config import Config
from llmcc.eligibility import Driver
from llmcc.gate.check import Gated, check
from llmcc.measure.model import Measured
from llmcc.outcome import Outcome, Refusal
from llmcc.pipeline import UnitResult, make_context, optimise_unit
from llmcc.propose import Proposal, Request
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.rewrite_region import RegionRewriter
from llmcc.sandbox.model import Blob, Ends, States, Steps
from llmcc.sandbox.runner import Sandbox
from llmcc.store.verdicts import KnownLevel, Verdicts
from llmcc.toolchain import find_gcc, run_gcc
from llmcc.training.widen import widen
from llmcc.verify.verify import Verified, recall
from tests.torture.untimed import like_it, plain_config

SUM = (
    "int sum(const int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }\n"
)
RIGHT = "\tnop\n\tjmp\t.LH\n"  # of no use
KEY = "ab" * 32


class Watched(Sandbox):
    """A sandbox that remembers what it ran."""

    def __init__(self, cache: Path) -> None:
        super().__init__(cache)
        self.ran: list[bytes] = []

    def run(self, blob: Blob, states: States, *, timeout_s: float = 5.0) -> Ends:
        self.ran.append(blob.code)
        return super().run(blob, states, timeout_s=timeout_s)

    def trace(
        self, blob: Blob, states: States, *, steps_most: int, timeout_s: float = 5.0
    ) -> Steps:
        self.ran.append(blob.code)
        return super().trace(blob, states, steps_most=steps_most, timeout_s=timeout_s)


@dataclass
class Proposes:
    """Proposes one rewrite for each region."""

    make_text: Callable[[Region, str], str]

    def propose(self, request: Request, n: int) -> list[Proposal]:
        text = self.make_text(request.region, request.isa)
        return [Proposal(text, request.isa, 0.0, "tests")]


def _wrong(region: Region, isa: str = "avx2") -> str:
    """Leave an element out."""
    return f"\taddq\t$16, %{region.contract.inductions[0].register}\n\tjmp\t.LH\n"


@dataclass
class Machine:
    """A CPU's name and how often something was timed on it."""

    cpu: str
    timed: int = 0

    def measure(self, *blobs: object, **options: object) -> Measured | Refusal:
        self.timed += 1
        return like_it(seed=0)


@dataclass
class Project:
    """One source, compiled by machines that share a cache."""

    folder: Path
    config: Config
    sandbox: Watched
    backend: Proposes = field(default_factory=lambda: Proposes(widen))

    def compile_on(self, machine: Machine) -> UnitResult:
        self.sandbox.ran.clear()
        command = (str(find_gcc()), "-O3", "-c", "a.c")
        driver = Driver(find_gcc(), command, self.folder, time.time_ns())
        rewriter = RegionRewriter(
            self.config,
            backend=self.backend,
            sandbox=self.sandbox,
            clock=lambda: 0.0,
            measure=machine.measure,
        )
        context = replace(
            make_context(self.config, driver),
            make_rewriter=lambda: rewriter,
            cpu=lambda: machine.cpu,
        )
        return optimise_unit(self.text(), context)

    def text(self) -> str:
        command = [str(find_gcc()), "-O3", "-c", "a.c", "-S", "-o", "-"]
        return run_gcc(command, cwd=self.folder, timeout_s=60).stdout.decode("latin-1")

    def region(self) -> Region:
        return next(r for r in find_regions(parse(self.text())) if isinstance(r, Region))

    def ran_rewrite(self, text: str) -> bool:
        (gated,) = check(self.region(), [Proposal(text, "avx2", 0.0, "")])
        assert isinstance(gated, Gated)
        return any(gated.code in code for code in self.sandbox.ran)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with Watched(tmp_path_factory.mktemp("runner")) as running:
        if "avx2" not in running.features():
            pytest.skip("this CPU has no AVX2")
        yield running


@pytest.fixture
def project(own_cache: Path, tmp_path: Path, sandbox: Watched) -> Project:
    (tmp_path / "a.c").write_text(SUM)
    return Project(tmp_path, plain_config(own_cache), sandbox)


def test_another_cpu_times_again_but_does_not_verify_again(project: Project) -> None:
    first, second = Machine("Zen 3"), Machine("Zen 5")
    made = project.compile_on(first)
    accepted = [r.decision for r in made.records if r.decision.outcome is Outcome.ACCEPTED]
    assert accepted
    rewrites = [decision.rewrite for decision in accepted if decision.isa == "avx2"]
    assert all(project.ran_rewrite(text) for text in rewrites)

    again = project.compile_on(second)

    assert second.timed == first.timed > 0
    assert not any(project.ran_rewrite(text) for text in rewrites)
    assert again.text.count("llmcc_fp0:") == made.text.count("llmcc_fp0:") == 1
    assert [r.decision for r in again.records] == [r.decision for r in made.records]
    third = Machine("Zen 5")
    project.compile_on(third)
    assert (third.timed, project.sandbox.ran) == (0, [])


def test_another_cpu_takes_a_refusal_too(project: Project) -> None:
    project.backend = Proposes(_wrong)
    made = project.compile_on(Machine("Zen 3"))
    assert project.ran_rewrite(_wrong(project.region()))
    again = project.compile_on(Machine("Zen 5"))
    assert project.sandbox.ran == []
    assert [r.decision for r in again.records] == [r.decision for r in made.records]
    assert {r.decision.outcome.kind.name for r in made.records} == {"REFUSED"}


@pytest.fixture
def gated(project: Project) -> Gated:
    (made,) = check(project.region(), [Proposal(RIGHT, "avx2", 0.0, "")])
    assert isinstance(made, Gated)
    return made


@pytest.mark.parametrize("score", [0.97, 1.0, None])
def test_a_verdict_is_read_as_it_was_written(
    tmp_path: Path, gated: Gated, score: float | None
) -> None:
    verified = recall(gated, tests=10_000, mutation_score=score, seed=3)
    Verdicts(tmp_path, generation="g").keep_verified(KEY, verified)
    assert Verdicts(tmp_path, generation="g").verified(KEY, gated) == verified


@pytest.mark.parametrize(
    ("outcome", "is_kept"),
    [
        (Outcome.WRONG_OUTPUT, True),
        (Outcome.BATTERY_TOO_WEAK, True),
        (Outcome.NOT_COVERED, True),
        (Outcome.TIMED_OUT, False),
        (Outcome.CRASHED, False),
        (Outcome.NOT_DETERMINISTIC, False),
        (Outcome.NOT_A_COUNTED_STATE, False),
        (Outcome.SANDBOX_UNSAFE, False),
        (Outcome.CPU_WITHOUT_ISA, False),
        (Outcome.MACHINE_TOO_NOISY, False),
    ],
)
def test_only_lasting_refusals_are_kept(
    tmp_path: Path, gated: Gated, outcome: Outcome, is_kept: bool
) -> None:
    verdicts, refusal = Verdicts(tmp_path, generation="g"), Refusal(outcome, "rax in state 3")
    verdicts.keep_verified(KEY, refusal)
    assert verdicts.verified(KEY, gated) == (refusal if is_kept else None)


def test_levels_are_read_as_they_were_written(tmp_path: Path) -> None:
    verdicts = Verdicts(tmp_path, generation="g")
    level, disproved = KnownLevel("bounded", "bounded(40)", "why"), Refusal(Outcome.DISPROVED, "x")
    assert verdicts.level(KEY) is None
    verdicts.keep_level(KEY, level)
    assert verdicts.level(KEY) == level
    verdicts.keep_level(KEY, disproved)
    assert verdicts.level(KEY) == disproved
    # An answer to something else says nothing about a level.
    verdicts.keep_yes(KEY)
    assert verdicts.level(KEY) is None
    assert verdicts.is_known_to_hold(KEY)


def test_a_verdict_holds_for_one_question_only(project: Project, tmp_path: Path) -> None:
    region = project.region()
    other = replace(region, text=region.text + "\tnop\n")
    constants = replace(region, constants="\t.long\t1\n")
    keys = [
        Verdicts(tmp_path, generation=generation).key(loop, question, isa=isa, rewrite=rewrite)
        for generation, loop, question, isa, rewrite in (
            ("g", region, "verify 0 10000", "avx2", RIGHT),
            ("h", region, "verify 0 10000", "avx2", RIGHT),
            ("g", other, "verify 0 10000", "avx2", RIGHT),
            ("g", constants, "verify 0 10000", "avx2", RIGHT),
            ("g", region, "verify 1 10000", "avx2", RIGHT),
            ("g", region, "verify 0 30000", "avx2", RIGHT),
            ("g", region, "verify 0 10000", "avx512", RIGHT),
            ("g", region, "verify 0 10000", "avx2", "\tnop\n" + RIGHT),
        )
    ]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("at", [0, 20, 90, -2])
def test_a_damaged_verdict_is_removed(tmp_path: Path, gated: Gated, at: int) -> None:
    verdicts = Verdicts(tmp_path, generation="g")
    verdicts.keep_yes(KEY)
    (path,) = (tmp_path / "verdicts").glob("*/*")
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    assert not verdicts.is_known_to_hold(KEY)
    assert not path.exists()


def test_a_cache_that_cannot_be_written_keeps_no_verdict(tmp_path: Path, gated: Gated) -> None:
    (tmp_path / "file").write_bytes(b"")
    verdicts = Verdicts(tmp_path / "file", generation="g")
    verdicts.keep_yes(KEY)
    assert not verdicts.is_known_to_hold(KEY)


def test_only_verifying_and_recalling_make_a_verified(gated: Gated) -> None:
    with pytest.raises(TypeError):
        Verified(gated, 10_000, 1.0, 0)
