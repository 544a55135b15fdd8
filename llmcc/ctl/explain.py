"""`llmcc-ctl explain FILE`: what became of every loop of a file, and why."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import click

from llmcc.config import read_config
from llmcc.eligibility import Driver
from llmcc.outcome import Outcome
from llmcc.pipeline import UnitResult, make_context, optimise_unit
from llmcc.store.records import LoopRecord, RegionDecision
from llmcc.store.unit_records import loop_to_json
from llmcc.toolchain import find_gcc, run_gcc

_GCC_TIMEOUT_S = 120


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def explain(file: Path, options: tuple[str, ...], *, is_json: bool) -> None:
    """Tell what became of every loop of FILE, a C or C++ source or gcc's assembly.

    OPTIONS are gcc's, as in the compile that is asked about; -O3 when there is no -O among them.
    A loop that the store knows nothing of is tried now, which takes up to LLMCC_BUDGET seconds.
    """
    result = _explain_assembly(file) if file.suffix == ".s" else _explain_source(file, options)
    if is_json:
        click.echo(json.dumps([loop_to_json(record) for record in result.records], indent=1))
        return
    for record in result.records:
        click.echo("\n".join(_lines(record)))
    click.echo(_summary(result.records))


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


def _lines(record: LoopRecord) -> list[str]:
    decision = record.decision
    lines = [f"{record.function} {record.head_label}: {decision.outcome.name}"]
    lines.append(f"  {decision.outcome.sentence}")
    # The times below say the same, and more.
    is_in = decision.outcome is Outcome.ACCEPTED
    if decision.detail and not is_in:
        lines += [f"  {line}" for line in decision.detail.split("\n")]
    lines += _evidence(decision)
    lines += _listing("gcc's loop:", record.loop_text)
    lines += _listing(
        "the fast path:" if is_in else "the rewrite that came furthest:", decision.rewrite
    )
    return [*lines, ""]


def _evidence(decision: RegionDecision) -> list[str]:
    """Tell what the decision rests on, as far as the stages came."""
    lines = []
    if decision.speedup is not None:
        speedup = decision.speedup
        lines.append(
            f"  {speedup.ratio:.2f} times gcc's speed "
            f"(between {speedup.low:.2f} and {speedup.high:.2f}) with {decision.isa}"
        )
    if decision.level:
        lines.append(f"  level {decision.level}: {decision.level_detail}")
    rest = dict(decision.evidence)
    times = [
        f"{bucket} {rest.pop(name):.2f}x of {rest.pop(f'{bucket}_baseline_ns'):.0f} ns"
        for name in decision.evidence
        if (bucket := name.removesuffix("_speedup_ratio")) != name
    ]
    if times:
        lines.append(f"  trip counts: {', '.join(times)}")
    if rest:
        facts = (f"{name.replace('_', ' ')} {value:g}" for name, value in rest.items())
        lines.append(f"  {', '.join(facts)}")
    return lines


def _listing(title: str, text: str) -> list[str]:
    if not text:
        return []
    return [f"  {title}", *(f"    {_aligned(line)}" for line in text.rstrip("\n").split("\n"))]


def _aligned(line: str) -> str:
    """Put operands in one column; tabs do not, since AVX-512's names are longer than 7 letters."""
    if not line.startswith("\t"):
        return line
    name, _, operands = line.strip().partition("\t")
    return f"    {name:<12} {operands}".rstrip()


def _summary(records: Sequence[LoopRecord]) -> str:
    accepted = sum(record.decision.outcome is Outcome.ACCEPTED for record in records)
    return f"{len(records)} loops, {accepted} with a fast path"
