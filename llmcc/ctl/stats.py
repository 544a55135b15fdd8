"""`llmcc-ctl stats`: how many loops ended in which outcome, and how long trying them took."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import click

from llmcc.config import read_config
from llmcc.outcome import Outcome, OutcomeClass
from llmcc.store.records import DecisionStore
from llmcc.store.unit_records import UnitRecords, count_outcomes, latest


@dataclass(frozen=True, slots=True)
class Durations:
    """How long regions took from proposing to the decision, in seconds."""

    regions: int
    median_s: float
    p95_s: float  # 95 % of the regions took no longer
    most_s: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Durations | None:
        """Summarise; None without any."""
        if not seconds:
            return None
        ordered = sorted(seconds)
        p95_s = ordered[(len(ordered) * 95 + 99) // 100 - 1]
        return cls(len(ordered), statistics.median(ordered), p95_s, ordered[-1])


@click.command()
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def stats(*, is_json: bool) -> None:
    """Count what became of all loops, each source and command as it was compiled last."""
    cache = read_config().cache
    counts = count_outcomes(latest(UnitRecords(cache).all()))
    durations = Durations.of(DecisionStore(cache).seconds())
    if is_json:
        record = {
            "outcomes": {outcome.name: counts[outcome] for outcome in counts},
            "durations": asdict(durations) if durations else None,
        }
        click.echo(json.dumps(record, indent=1))
        return
    for line in _table(counts):
        click.echo(line)
    if durations:
        click.echo(
            f"trying a loop took {durations.median_s:.1f} s (median of {durations.regions}), "
            f"95 % at most {durations.p95_s:.1f} s, the longest {durations.most_s:.1f} s"
        )


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
