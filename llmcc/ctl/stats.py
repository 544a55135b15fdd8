"""`llmcc-ctl stats`: how many loops ended in which outcome."""

from __future__ import annotations

import json
from collections import Counter

import click

from llmcc.config import read_config
from llmcc.outcome import Outcome, OutcomeClass
from llmcc.store.outcomes import OutcomeLog


@click.command()
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def stats(*, is_json: bool) -> None:
    """Count what became of all loops so far, compile by compile.

    A loop that is compiled again unchanged is not counted again: its unit comes from the store.
    """
    cache = read_config().cache
    counts = OutcomeLog(cache).counts()
    if is_json:
        click.echo(json.dumps({outcome.name: counts[outcome] for outcome in counts}, indent=1))
        return
    for line in _table(counts):
        click.echo(line)


def _table(counts: Counter[Outcome]) -> list[str]:
    total = counts.total()
    if not total:
        return ["no loops yet. Compile something with llmcc."]
    lines = [f"{total} loops"]
    for kind in OutcomeClass:
        of_kind = [(count, outcome) for outcome, count in counts.items() if outcome.kind is kind]
        if of_kind:
            subtotal = sum(count for count, _ in of_kind)
            lines.append(f"{kind.value}: {subtotal} ({100 * subtotal / total:.1f} %)")
        lines += [
            f"  {count:6d}  {outcome.name}: {outcome.sentence}"
            for count, outcome in sorted(of_kind, key=lambda pair: (-pair[0], pair[1].name))
        ]
    return lines
