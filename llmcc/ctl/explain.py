"""`llmcc-ctl explain FILE[:FUNCTION]`: what became of every loop of a file, and why."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from llmcc.config import read_config
from llmcc.ctl.builds import source_of, units_of
from llmcc.ctl.evidence import bucket_times, facts
from llmcc.ctl.listing import (
    Listing,
    command_text,
    count_text,
    one_above_the_other,
    printable,
    side_by_side,
    time_text,
)
from llmcc.ctl.target import Target, target_argument
from llmcc.eligibility import Driver
from llmcc.outcome import Outcome, OutcomeClass
from llmcc.pipeline import UnitResult, make_context, optimise_unit
from llmcc.store.records import LoopRecord, RegionDecision
from llmcc.store.unit_records import UnitRecord, UnitRecords, loop_to_json
from llmcc.toolchain import find_gcc, run_gcc

_GCC_TIMEOUT_S = 120
# Two columns of assembly are easier to read above each other below this.
_LEAST_COLUMNS = 100
_COLOUR = {OutcomeClass.ACCEPTED: "green", OutcomeClass.NOT_WORTH: "yellow"}


@click.command(context_settings={"ignore_unknown_options": True})
@target_argument(is_required=True)
@click.argument("options", metavar="[GCC OPTIONS]...", nargs=-1, type=click.UNPROCESSED)
@click.option("--fresh", "is_fresh", is_flag=True, help="Compile now, whatever is recorded.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def explain(target: Target, options: tuple[str, ...], *, is_fresh: bool, is_json: bool) -> None:
    """Tell what became of every loop of FILE, a C or C++ source or gcc's assembly.

    Shown is what llmcc recorded when it last compiled FILE, wherever that was. Without a record,
    with --fresh or with GCC OPTIONS the file is compiled now; -O3 when no -O is among the options.
    A loop that the store knows nothing of is then tried, which takes up to LLMCC_BUDGET seconds.
    """
    record = None if is_fresh or options else _recorded(target.file)
    loops = target.loops_of(record.loops if record else _compiled(target.file, options).records)
    if is_json:
        click.echo(json.dumps([loop_to_json(loop) for loop in loops], indent=1))
        return
    if record:
        click.echo("\n".join([*_origin(record), ""]))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for loop in loops:
        click.echo("\n".join(loop_lines(loop, width=width)))
    click.echo(_summary(loops))


def _recorded(file: Path) -> UnitRecord | None:
    units = units_of(file, UnitRecords(read_config().cache).all())
    return units[-1] if units else None


def _compiled(file: Path, options: Sequence[str]) -> UnitResult:
    return _explain_assembly(file) if file.suffix == ".s" else _explain_source(file, options)


def _explain_source(file: Path, options: Sequence[str]) -> UnitResult:
    flags = list(options)
    if not any(flag.startswith("-O") for flag in flags):
        flags.insert(0, "-O3")
    gcc = find_gcc()
    command = [str(gcc), *flags, str(file)]
    started_ns = time.time_ns()
    run = run_gcc([*command, "-S", "-o", "-"], cwd=Path.cwd(), timeout_s=_GCC_TIMEOUT_S)
    if run.returncode != 0:
        raise click.ClickException(f"gcc: {run.stderr.decode(errors='replace').strip()}")
    driver = Driver(gcc, tuple(command), Path.cwd(), started_ns)
    return optimise_unit(run.stdout.decode("latin-1"), make_context(read_config(), driver))


def _explain_assembly(file: Path) -> UnitResult:
    """Explain gcc's text; without its command nothing may be touched, so nothing is tried."""
    return optimise_unit(file.read_bytes().decode("latin-1"), make_context(read_config(), None))


def _origin(record: UnitRecord) -> list[str]:
    """Tell which compile is shown, and whether the file is still the same."""
    source = source_of(record)
    lines = [f"{printable(str(source))}, as compiled {time_text(record.finished_s)}"]
    if record.command:
        lines.append(f"  by {command_text(record.command)}")
    try:
        is_changed = source.stat().st_mtime > record.finished_s
    except OSError:
        is_changed = False
    return [*lines, "  it has changed since: --fresh compiles it now"] if is_changed else lines


def loop_lines(loop: LoopRecord, *, width: int) -> list[str]:
    """Tell all about a loop in lines of `width` characters; 0 when nobody looks at columns."""
    decision = loop.decision
    outcome = decision.outcome
    name = click.style(outcome.name, fg=_COLOUR.get(outcome.kind), bold=True)
    lines = [f"{printable(loop.function)} {loop.head_label}: {name}", f"  {outcome.sentence}"]
    # The times below say the same, and more.
    is_in = outcome is Outcome.ACCEPTED
    if decision.detail and not is_in:
        lines += [f"  {line}" for line in printable(decision.detail).split("\n")]
    lines += _evidence(decision)
    title = "the fast path:" if is_in else "the rewrite that came furthest:"
    baseline = Listing.of("gcc's loop:", loop.loop_text)
    rewrite = Listing.of(title, decision.rewrite)
    columns = None
    if width >= _LEAST_COLUMNS and rewrite.lines:
        columns = side_by_side(baseline, rewrite, width=width - 2)
    return [*lines, *(f"  {x}" for x in columns or one_above_the_other([baseline, rewrite])), ""]


def _evidence(decision: RegionDecision) -> list[str]:
    """Tell what the decision rests on, as far as the stages came."""
    lines = []
    if speedup := decision.speedup:
        lines.append(
            f"  {speedup.ratio:.2f} times gcc's speed "
            f"(between {speedup.low:.2f} and {speedup.high:.2f}) with {decision.isa}"
        )
    for bucket in bucket_times(decision):
        trips = f"{bucket.name}, within {bucket.trips}" if bucket.trips else bucket.name
        interval = f" ({bucket.interval})" if bucket.interval else ""
        lines.append(
            f"    {bucket.speedup_ratio:6.2f}x{interval} "
            f"of {bucket.baseline_ns:9,.1f} ns at trip counts {trips}"
        )
    if decision.level:
        lines.append(f"  level {decision.level}: {printable(decision.level_detail)}")
    lines += [f"  {fact.sentence}: {fact.value}" for fact in facts(decision)]
    return lines


def _summary(loops: Sequence[LoopRecord]) -> str:
    accepted = sum(loop.decision.outcome is Outcome.ACCEPTED for loop in loops)
    return f"{count_text(len(loops), 'loop')}, {accepted} with a fast path"
