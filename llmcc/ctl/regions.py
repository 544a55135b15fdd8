"""`llmcc-ctl regions`: the loops of an assembly file as llmcc sees them; no model, no timing."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from llmcc.asm.parse import parse
from llmcc.regions.find import RefusedLoop, find_regions
from llmcc.regions.model import Contract, Region


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def regions(file: Path, *, is_json: bool) -> None:
    """Print the loops of FILE (gcc's .s): canonical text and contract, or why one is refused."""
    all_found = find_regions(parse(file.read_text(encoding="latin-1")))
    if is_json:
        click.echo(json.dumps([_described(found) for found in all_found], indent=1))
        return
    if not all_found:
        click.echo("no loops.")
    for found in all_found:
        for line in _refused(found) if isinstance(found, RefusedLoop) else _region(found):
            click.echo(line)


def _described(found: Region | RefusedLoop) -> dict[str, object]:
    if isinstance(found, RefusedLoop):
        return {
            "function": found.function,
            "head_label": found.head_label,
            "outcome": found.outcome.name,
            "detail": found.detail,
            "loop_text": "",
            "contract": None,
        }
    return {
        "function": found.function,
        "head_label": found.placement.head_label,
        "outcome": None,
        "detail": "",
        "loop_text": found.text,
        "contract": asdict(found.contract),
    }


def _refused(loop: RefusedLoop) -> list[str]:
    detail = f" ({loop.detail})" if loop.detail else ""
    return [f"refused {loop.function} {loop.head_label}: {loop.outcome.name}{detail}"]


def _region(region: Region) -> list[str]:
    header = f"region {region.function} {region.placement.head_label} depth {region.depth}"
    return [header, *region.text.rstrip().split("\n"), *_contract(region.contract)]


def _contract(contract: Contract) -> list[str]:
    lines = [f"  induction {i.register} by {i.step} in {i.bits} bits" for i in contract.inductions]
    for access in contract.accesses:
        verbs = " and ".join(["load"] * access.is_load + ["store"] * access.is_store)
        maybe = " sometimes" if access.is_conditional else ""
        place = f"{access.disp}({access.base or ''},{access.index or ''},{access.scale})"
        size, stride = access.size_bytes, access.stride_bytes
        lines.append(f"  {verbs}{maybe} of {size} bytes at {place}, stride {stride}")
    for latch in contract.latches:
        bound = latch.bound if latch.bound is not None else latch.bound_value
        when = "after" if latch.is_advanced else "before"
        lines.append(
            f"  goes on while {latch.induction} {latch.condition} {bound}, tested {when} its step"
        )
    for name, families in (
        ("accumulators", contract.accumulators),
        ("invariants", contract.invariants),
        ("scratch", contract.scratch),
    ):
        lines.append(f"  {name} {' '.join(families) or '-'}")
    return lines
