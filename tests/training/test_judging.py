"""The pool that judges: endings, cache, and workers that die."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from llmcc.asm.parse import parse
from llmcc.outcome import Outcome, OutcomeClass
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.sandbox.runner import Sandbox
from llmcc.training.judgement import Judgement
from llmcc.training.judging import Case, JudgePool, Task
from llmcc.training.region_judge import RegionJudge, Thoroughness
from llmcc.training.self_timing import time_itself
from llmcc.x86.registers import spelled
from tests.adversarial.rewrites import read_kept

ADVERSARIAL = Path(__file__).parent.parent / "adversarial"
_SOURCE = (
    "int f(const int *a, long n) { int s = 0; for (long i = 0; i < n; i++) s += a[i]; return s; }"
)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    """A loop that adds up integers, as gcc writes it."""
    place = tmp_path_factory.mktemp("judging")
    (place / "unit.c").write_text(_SOURCE + "\n")
    subprocess.run(["gcc", "-O2", "-fno-tree-vectorize", "-S", "unit.c"], check=True, cwd=place)
    (found,) = find_regions(parse((place / "unit.s").read_text()))
    assert isinstance(found, Region)
    return found


def wide_sum(region: Region, *, step: int = 32) -> str:
    """Eight at a time, the last of them by gcc's loop; right for a step of 32."""
    contract = region.contract
    pointer = f"%{contract.inductions[0].register}"
    bound = f"%{contract.invariants[0]}"
    total = f"%{spelled(contract.accumulators[0], 32)}"
    scratch, narrow = f"%{contract.scratch[0]}", f"%{spelled(contract.scratch[0], 32)}"
    a, b = (family.removeprefix("xmm") for family in contract.vector_scratch[:2])
    lines = [
        f"\tmovq\t{bound}, {scratch}",
        f"\tsubq\t{pointer}, {scratch}",
        f"\tcmpq\t$64, {scratch}",
        "\tjb\t.LH",
        f"\tvpxor\t%xmm{a}, %xmm{a}, %xmm{a}",
        ".LR0:",
        f"\tvpaddd\t({pointer}), %ymm{a}, %ymm{a}",
        f"\taddq\t${step}, {pointer}",
        f"\tsubq\t$32, {scratch}",
        f"\tcmpq\t$64, {scratch}",
        "\tjae\t.LR0",
        f"\tvextracti128\t$1, %ymm{a}, %xmm{b}",
        f"\tvpaddd\t%xmm{b}, %xmm{a}, %xmm{a}",
        f"\tvpshufd\t$78, %xmm{a}, %xmm{b}",
        f"\tvpaddd\t%xmm{b}, %xmm{a}, %xmm{a}",
        f"\tvpshufd\t$177, %xmm{a}, %xmm{b}",
        f"\tvpaddd\t%xmm{b}, %xmm{a}, %xmm{a}",
        f"\tvmovd\t%xmm{a}, {narrow}",
        f"\taddl\t{narrow}, {total}",
        "\tvzeroupper",
        "\tjmp\t.LH",
    ]
    return "\n".join(lines) + "\n"


def test_the_products_own_judges_tell_right_wrong_and_nothing_apart(
    region: Region, tmp_path: Path
) -> None:
    with Sandbox() as sandbox:
        if "avx2" not in sandbox.features():
            pytest.skip("this CPU has no AVX2")
    texts = [
        wide_sum(region),
        wide_sum(region, step=36),
        region.text.replace(".LH:\n", ""),
        "\tjmp\t.LH\n",
        "nonsense",
    ]
    cases = [Case(region, "avx2", text) for text in (*texts, texts[0])]
    cache = tmp_path / "judged.jsonl"
    with JudgePool(jobs=1, seed=1, cache=cache) as pool:
        right, wrong, copy, nothing, nonsense, again = pool.judge(cases)
    # How fast it is depends on the machine and its neighbours; that it is right does not.
    assert right.is_right
    assert right.tests_passed == 1.0
    assert right.ratio is not None
    assert right.low_ratio is not None
    assert right.high_ratio is not None
    assert right.low_ratio <= right.ratio <= right.high_ratio
    assert again == right
    assert not wrong.is_right
    assert 0.0 <= wrong.tests_passed < 1.0
    assert copy.outcome is nothing.outcome is Outcome.IDENTICAL
    assert nonsense.outcome is Outcome.GATE_DOES_NOT_ASSEMBLE
    assert len(cache.read_text().splitlines()) == 5


def test_what_is_faster_is_tried_on_more_states_before_it_counts() -> None:
    kept = read_kept(ADVERSARIAL / "overlap_by_the_other_length.s")
    # One distance between the arrays is left at which it is wrong.
    text = kept.text.replace("(%r9,%rcx,4), %r10", "4(%r9,%rcx,4), %r10")
    by_seed: dict[int, list[Judgement]] = {}
    with Sandbox() as sandbox:
        if "avx2" not in sandbox.features():
            pytest.skip("this CPU has no AVX2")
        for seed in range(8):
            judges = (
                RegionJudge(sandbox, seed=seed, thoroughness=Thoroughness("quick", timing))
                for timing in ("none", "quick")
            )
            by_seed[seed] = [one.judge(kept.region, "avx2", [text])[0] for one in judges]
    endings = {seed: [one.outcome for one in both] for seed, both in by_seed.items()}
    # Under some seeds some 600 states do not tell it from gcc's loop.
    assert [Outcome.NOT_FASTER, Outcome.WRONG_OUTPUT] in endings.values(), endings


@pytest.mark.parametrize("timing", ["quick", "full"])
def test_a_loop_timed_against_itself_gives_its_ratios(region: Region, timing: str) -> None:
    with Sandbox() as sandbox:
        judgement = time_itself(region, sandbox=sandbox, timing=timing, seed=1)
    if judgement.outcome.kind is OutcomeClass.ENVIRONMENT:
        pytest.skip(f"this machine cannot time just now: {judgement.outcome.sentence}")
    assert judgement.is_right
    assert judgement.ratio is not None
    assert judgement.low_ratio is not None
    assert judgement.high_ratio is not None
    assert judgement.low_ratio <= judgement.ratio <= judgement.high_ratio


def test_what_was_judged_is_not_judged_again(region: Region, tmp_path: Path) -> None:
    cache = tmp_path / "judged.jsonl"
    asked = tmp_path / "asked"

    def make() -> Callable[[Task], list[Judgement]]:
        def judge(task: Task) -> list[Judgement]:
            with asked.open("a") as stream:
                stream.writelines(text + "\n" for text in task.texts)
            return [Judgement(Outcome.ACCEPTED, 1.0, 2.0, 1.9, 2.1)] * len(task.texts)

        return judge

    # Two spellings of one text are one.
    cases = [Case(region, "avx2", "\tjmp\t.LH"), Case(region, "avx2", " jmp   .LH\n")]
    with JudgePool(jobs=2, seed=1, cache=cache, make_worker=make) as pool:
        first = pool.judge(cases)
    with cache.open("a") as stream:
        stream.write('["cut sho')
    with JudgePool(jobs=1, seed=1, cache=cache, make_worker=make) as pool:
        assert pool.judge(cases) == first
        assert len(asked.read_text().splitlines()) == 1
        pool.judge([Case(region, "avx512", "\tjmp\t.LH")])
    with JudgePool(jobs=1, seed=2, cache=cache, make_worker=make) as pool:
        pool.judge(cases)
    assert len(asked.read_text().splitlines()) == 3


def test_a_worker_that_dies_costs_only_the_case_it_died_of(region: Region) -> None:
    def make() -> Callable[[Task], list[Judgement]]:
        def judge(task: Task) -> list[Judgement]:
            if "deadly" in task.texts:
                os._exit(1)
            return [Judgement(Outcome.NOT_FASTER, 1.0)] * len(task.texts)

        return judge

    texts = ["a", "deadly", "b", "c"]
    with JudgePool(jobs=1, seed=1, make_worker=make) as pool:
        found = pool.judge([Case(region, "avx2", text) for text in texts])
    assert [one.outcome.name for one in found] == [
        *("NOT_FASTER", "INTERNAL_ERROR"),
        *("NOT_FASTER", "NOT_FASTER"),
    ]


def test_what_the_machine_stood_in_the_way_of_is_asked_again(region: Region) -> None:
    def make() -> Callable[[Task], list[Judgement]]:
        outcomes = iter((Outcome.MACHINE_TOO_NOISY, Outcome.ACCEPTED))
        return lambda task: [Judgement(next(outcomes))]

    case = Case(region, "avx2", "\tjmp\t.LH")
    with JudgePool(jobs=1, seed=1, make_worker=make) as pool:
        found = [pool.judge([case])[0].outcome for _ in range(3)]
    assert found == [Outcome.MACHINE_TOO_NOISY, Outcome.ACCEPTED, Outcome.ACCEPTED]


def test_an_unknown_thoroughness_is_refused() -> None:
    with pytest.raises(ValueError, match="thorough"):
        JudgePool(jobs=1, seed=1, battery="thorough")
