"""`llmcc-ctl stats`: how many loops ended in which outcome, and how long trying them took."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from llmcc.config import read_config
from llmcc.ctl.builds import Summary, last_build, summarise
from llmcc.ctl.listing import count_text, duration_text, time_text
from llmcc.outcome import Outcome, OutcomeClass
from llmcc.store.records import DecisionStore
from llmcc.store.unit_records import UnitRecords, count_outcomes, latest

NOTHING_YET = "no loops yet. Compile something with llmcc."


@dataclass(frozen=True, slots=True)
class Durations:
    """How long regions took from proposing to the decision, in seconds."""

    regions: int
    total_s: float
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
        total_s = round(sum(ordered), 3)
        return cls(len(ordered), total_s, statistics.median(ordered), p95_s, ordered[-1])


@dataclass(frozen=True, slots=True)
class StoreSize:
    """How much the store holds."""

    folder: str
    files: int
    size_bytes: int

    @classmethod
    def of(cls, cache: Path) -> StoreSize:
        """Add up what lies in the store's folders; files that vanish meanwhile do not count."""
        sizes = []
        for name in ("units", "regions", "records"):
            for path in (cache / name).glob("[0-9a-f][0-9a-f]/*"):
                try:
                    sizes.append(path.stat().st_size)
                except OSError:
                    continue
        return cls(str(cache), len(sizes), sum(sizes))


@click.command()
@click.option("--last", "is_last", is_flag=True, help="Count the last build only.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def stats(*, is_last: bool, is_json: bool) -> None:
    """Count what became of all loops, each source and command as it was compiled last.

    The last build is what was compiled without a pause of more than 60 seconds. A unit that comes
    whole from the store leaves no record: it counts where it was looked at, not again later.
    Speedups are of single loops, timed on this machine, not of programs.
    """
    cache = read_config().cache
    records = UnitRecords(cache).all()
    last = last_build(records)
    counted = last if is_last else latest(records)
    counts, whole = count_outcomes(counted), summarise(counted)
    durations = None if is_last else Durations.of(DecisionStore(cache).seconds())
    store = StoreSize.of(cache)
    if is_json:
        described = {
            "outcomes": {outcome.name: counts[outcome] for outcome in counts},
            "units": whole.units,
            "loops": whole.loops,
            "durations": asdict(durations) if durations else None,
            "store": asdict(store),
            "last_build": asdict(summarise(last)) if last else None,
        }
        click.echo(json.dumps(described, indent=1))
        return
    for line in _table(counts, whole):
        click.echo(line)
    if durations:
        click.echo(
            f"trying a loop took {durations.median_s:.1f} s (median of {durations.regions}), "
            f"95 % at most {durations.p95_s:.1f} s, the longest {durations.most_s:.1f} s; "
            f"{duration_text(durations.total_s)} in all"
        )
    if last:
        for line in summary_lines(summarise(last)):
            click.echo(line)
    files = count_text(store.files, "file")
    click.echo(f"the store has {store.size_bytes / 1e6:.1f} MB in {files}: {store.folder}")


def summary_lines(build: Summary) -> list[str]:
    """Tell what came of a build; it has units."""
    assert build.finished_s is not None
    lines = [
        f"last build, {time_text(build.finished_s)}: {count_text(build.units, 'unit')}, "
        f"{count_text(build.loops, 'loop')}, {build.tried} tried, {build.accepted} accepted; "
        f"trying them took {duration_text(build.trying_s)}"
    ]
    if speedup := build.speedup:
        lines.append(
            f"  loops with a fast path: {speedup.ratio:.2f} times gcc's speed "
            f"({speedup.low:.2f} to {speedup.high:.2f}; geomean of the {build.accepted} accepted "
            f"of {build.tried} tried loops, not of programs)"
        )
    return lines


def _table(counts: Counter[Outcome], whole: Summary) -> list[str]:
    total = counts.total()
    if not total:
        return [NOTHING_YET]
    lines = [f"{count_text(total, 'loop')} in {count_text(whole.units, 'unit')}"]
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
