"""``llmcc-train program-data``: make rows from C programs and the inputs of their tests."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from rich.progress import track

from llmcc.toolchain import ToolTimedOut, find_gcc, run_gcc
from llmcc.training.program.fence import refuse_network
from llmcc.training.program.readers import read_programs
from llmcc.training.program.rows import TESTS_MOST, Example, Program, Row, to_line
from llmcc.training.program.running import Ended, Limits, run

_COMPILE_S = 30.0


def make_row(program: Program, *, limits: Limits) -> Row | str:
    """Compile a program and find out what its tests print; a sentence when it makes no row.

    Expected output is that of the program built without optimisation, as in the paper. A program is
    left out when it does not build, crashes or does not end, when a given output has other words
    than its own, and when the -O3 build prints something else (the paper's filter_wrong.py).
    """
    with tempfile.TemporaryDirectory(prefix="llmcc-program-") as name:
        folder = Path(name)
        source = folder / "program.c"
        source.write_text(program.c, encoding="utf-8", errors="surrogateescape")
        plain, optimised = folder / "plain", folder / "optimised"
        for arguments in (
            ["-O0", source.name, "-o", plain.name, "-lm"],
            ["-O3", "-S", source.name, "-o", "program.s"],
            ["program.s", "-o", optimised.name, "-lm"],
        ):
            if not _compiles(arguments, folder):
                return "does not compile"
        tests = []
        pairs = list(zip(program.inputs, program.outputs, strict=True))[:TESTS_MOST]
        for number, (given, wanted) in enumerate(pairs):
            path = folder / f"input-{number}"
            path.write_text(given, encoding="utf-8", errors="surrogateescape")
            former, latter = run(plain, path, limits), run(optimised, path, limits)
            if not (_is_well(former) and _is_well(latter)):
                return "crashes, or does not end in time"
            if former.stdout != latter.stdout:
                return "prints something else with -O3"
            if wanted is not None and wanted.encode().split() != former.stdout.split():
                return "prints something else than its test says"
            try:
                tests.append(Example(given, former.stdout.decode("utf-8")))
            except UnicodeDecodeError:
                return "prints what is not text"
        if not tests:
            return "has no tests"
        assembly = (folder / "program.s").read_text(encoding="utf-8", errors="replace")
    return Row(program.id, program.c, assembly, tuple(tests), program.split)


@click.command("program-data")
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("runs/programs.jsonl"),
    show_default=True,
    help="File of the rows.",
)
@click.option(
    "--split",
    type=click.Choice(("train", "validation", "test")),
    default=None,
    help="Split of all rows. Default: what a table says, else test.",
)
@click.option(
    "--limit-s",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Longest run of a program, in seconds.",
)
def program_data(
    sources: tuple[Path, ...], target: Path, split: str | None, limit_s: float
) -> None:
    """Make rows from SOURCES: .c files, folders of them, or tables with c and tests.

    Compiles with plain gcc: -O3 -S for the assembly, -O0 to run for the expected output.
    """
    refuse_network()
    limits = Limits(wall_s=limit_s, cpu_s=int(limit_s) + 1)
    left_out: Counter[str] = Counter()
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(target.name + ".tmp")
    count = 0
    try:
        programs = list(_programs(sources))
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    with temporary.open("w", encoding="utf-8", errors="surrogateescape") as stream:
        for program in track(programs, description="programs", transient=True):
            row = make_row(program, limits=limits)
            if isinstance(row, str):
                left_out[row] += 1
                continue
            if split is not None:
                row = Row(row.id, row.c, row.assembly, row.tests, split)
            stream.write(to_line(row))
            count += 1
    temporary.replace(target)
    click.echo(f"{count} rows in {target}")
    for reason, number in left_out.most_common():
        click.echo(f"{number} left out: {reason}")


def _programs(sources: Iterable[Path]) -> Iterator[Program]:
    for source in sources:
        yield from read_programs(source)


def _compiles(arguments: list[str], folder: Path) -> bool:
    try:
        answer = run_gcc([str(find_gcc()), "-w", *arguments], cwd=folder, timeout_s=_COMPILE_S)
    except ToolTimedOut:
        return False
    return answer.returncode == 0


def _is_well(ended: Ended) -> bool:
    return ended.returncode == 0 and not ended.is_timed_out and not ended.is_cut
