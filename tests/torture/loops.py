"""`make torture-loops`: random loops give the same bytes, whoever compiled them.

The check that does not depend on llmcc's own battery: other states, other comparisons, the whole
program. Each is compiled by gcc -O0 and -O3 and by llmcc -O2 and -O3. A difference keeps its files.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from llmcc.pipeline import Rewriter
from llmcc.sandbox.runner import Sandbox
from tests.torture.programs import (
    CountedCompiler,
    Counts,
    Ending,
    compile_with,
    outcome_lines,
    run_program,
    told,
)
from tests.torture.random_loops import (
    FIRST_SEED,
    FLAGS,
    RandomProgram,
    random_program,
    write_program,
)
from tests.torture.teacher import TeacherRewriter
from tests.torture.untimed import fill_store, plain_config, untimed_rewriter

RUN_TIMEOUT_S = 60.0
LLMCC_LEVELS = ("-O2", "-O3")


class Way(Enum):
    """How a loop's rewrite is found."""

    REAL = "real"  # llmcc's own way, with timing
    UNTIMED = "untimed"  # the same without timing
    TEACHER = "teacher"  # the training teachers' rewrites, without timing


@dataclass(frozen=True, slots=True)
class Result:
    """One program: what llmcc did at each level, and what its functions did otherwise."""

    seed: int
    counts: tuple[Counts, ...]  # by level
    differences: tuple[str, ...]


def main(argv: Sequence[str] | None = None) -> int:
    """Compare gcc with llmcc on random loops."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.loops", description=__doc__)
    parser.add_argument("--count", type=int, default=5, help="programs")
    parser.add_argument("--functions", type=int, default=20, help="functions in each")
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="of the first program")
    parser.add_argument("--budget", type=float, default=600, help="LLMCC_BUDGET, seconds a compile")
    parser.add_argument(
        "--teacher",
        action="store_true",
        help="take the training teachers' rewrites, verified but not timed, instead of the model's",
    )
    parser.add_argument(
        "--untimed", action="store_true", help="take the model's rewrites, verified but not timed"
    )
    options = parser.parse_args(argv)
    print(
        f"{'seed':>7} {'flag':>4} {'found':>6} {'tried':>6} {'accepted':>8} {'failed':>6}  result"
    )
    different = 0
    total = Counts()
    with tempfile.TemporaryDirectory(prefix="llmcc-loops-") as name:
        llmcc = CountedCompiler(Path(name) / "cache", budget_s=options.budget)
        for seed in range(options.seed, options.seed + options.count):
            folder = Path(name) / str(seed)
            folder.mkdir()
            result = try_program(
                seed,
                llmcc,
                folder=folder,
                functions=options.functions,
                way=Way.TEACHER
                if options.teacher
                else Way.UNTIMED
                if options.untimed
                else Way.REAL,
            )
            verdict = "; ".join(result.differences) or "same"
            for level, counts in zip(LLMCC_LEVELS, result.counts, strict=True):
                print(_line(str(seed), level, counts, verdict), flush=True)
                total += counts
            if result.differences:
                different += 1
                kept = Path(tempfile.mkdtemp(prefix=f"llmcc-loops-{seed}-"))
                shutil.copytree(folder, kept, dirs_exist_ok=True)
                print(f"        kept: {kept}")
        print(_line("total", "", total, f"{options.count - different} same, {different} different"))
        print("\n".join(outcome_lines(llmcc.outcomes)))
    if not total.accepted:
        print("no fast path was accepted, so none was checked. See llmcc's log; is there a model?")
    return 0 if total.accepted and not different else 1


def try_program(
    seed: int,
    llmcc: CountedCompiler,
    *,
    folder: Path,
    functions: int,
    levels: Sequence[str] = LLMCC_LEVELS,
    way: Way = Way.REAL,
) -> Result:
    """Make the program of a seed in `folder`, build it all ways, compare what it prints."""
    program = random_program(seed, functions=functions)
    write_program(program, folder)
    compile_with("gcc", ["-O1", *FLAGS, "-c", "main.c"], folder=folder)
    endings = {f"gcc {level}": _gcc_ending(level, folder=folder) for level in ("-O0", "-O3")}
    counts = []
    lost = []
    for level in levels:
        arguments = [level, *FLAGS, "-c", "loops.c"]
        if way is not Way.REAL:
            _decide_beforehand(way, program, arguments, folder=folder, cache=llmcc.cache)
        counts.append(llmcc.compile([*arguments, "-o", f"llmcc{level}.o"], folder=folder))
        is_used = b"llmcc_cpu" in (folder / f"llmcc{level}.o").read_bytes()
        if is_used is not (counts[-1].accepted > 0):
            lost.append(f"DIFFERENT: llmcc {level} has no fast path of those accepted")
        endings[f"llmcc {level}"] = _linked_ending(f"llmcc{level}.o", folder=folder)
    return Result(seed, tuple(counts), (*lost, *differences(endings)))


def _decide_beforehand(
    way: Way, program: RandomProgram, arguments: Sequence[str], *, folder: Path, cache: Path
) -> None:
    config = plain_config(cache)
    with Sandbox(cache) as sandbox:
        rewriter: Rewriter = (
            untimed_rewriter(config, sandbox)
            if way is Way.UNTIMED
            else TeacherRewriter(program.specs, sandbox, seed=program.seed)
        )
        fill_store(rewriter, arguments, folder=folder, config=config)


def differences(endings: dict[str, Ending]) -> tuple[str, ...]:
    """Tell where programs printed something else than the first, function by function."""
    (_, wanted), *others = endings.items()
    found = [] if wanted.status == 0 else [f"DIFFERENT: the first {told(wanted)}"]
    lines = wanted.output.decode().splitlines()
    for name, ending in others:
        if ending == wanted:
            continue
        got = ending.output.decode(errors="replace").splitlines()
        wrong = [line.rpartition(" ")[0] for line in lines if line not in got]
        found.append(f"DIFFERENT: {name} {told(ending)}: {', '.join(wrong) or 'more output'}")
    return tuple(found)


def _gcc_ending(level: str, *, folder: Path) -> Ending:
    compile_with("gcc", [level, *FLAGS, "-c", "loops.c", "-o", f"gcc{level}.o"], folder=folder)
    return _linked_ending(f"gcc{level}.o", folder=folder)


def _linked_ending(item: str, *, folder: Path) -> Ending:
    program = item.removesuffix(".o")
    compile_with("gcc", ["main.o", item, "-o", program], folder=folder)
    return run_program(folder / program, timeout_s=RUN_TIMEOUT_S)


def _line(seed: str, level: str, counts: Counts, verdict: str) -> str:
    return (
        f"{seed:>7} {level:>4} {counts.found:6d} {counts.tried:6d} {counts.accepted:8d}"
        f" {counts.failed:6d}  {verdict}"
    )


if __name__ == "__main__":
    sys.exit(main())
