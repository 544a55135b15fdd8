"""What the timing trials came to: counts with exact bounds, and docs/timing-evidence.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from tests.evidence.binomial import clopper_pearson
from tests.evidence.machine_facts import MachineFacts
from tests.evidence.tables import table


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of rewrite whose worth is known, and what must become of it."""

    what: str
    trials: int
    accepted_least: float  # share
    accepted_most: float

    @property
    def target(self) -> str:
        """The demand on the share of accepted trials."""
        if self.accepted_most == 0:
            return f"0 of {self.trials}"
        return f"at least {self.accepted_least:.0%} of {self.trials}"


SERIES: Mapping[str, Series] = MappingProxyType(
    {
        "same": Series("gcc's loop offered as its own rewrite", 2000, 0.0, 0.0),
        "slower": Series("chains of 21 for chains of 20: 5 % slower", 500, 0.0, 0.0),
        "faster": Series("chains of 25 for chains of 27: 8 % faster", 500, 0.95, 1.0),
    }
)


def summary(rows: Sequence[Mapping[str, Any]], scale: float) -> dict[str, dict[str, Any]]:
    """Count each series; `scale` is the share of its trials that was asked for."""
    return {
        name: _summary(name, [r for r in rows if r["series"] == name], scale) for name in SERIES
    }


def _summary(name: str, rows: Sequence[Mapping[str, Any]], scale: float) -> dict[str, Any]:
    series = SERIES[name]
    decided = [row for row in rows if row["is_decided"]]
    accepted = sum(row["outcome"] == "ACCEPTED" for row in decided)
    bounds = clopper_pearson(accepted, len(decided))
    seconds = [row["seconds"] for row in decided]
    share = accepted / len(decided) if decided else float("nan")
    is_enough = len(decided) >= round(series.trials * scale)
    return {
        "what": series.what,
        "target": series.target,
        "trials": len(decided),
        "accepted": accepted,
        "low": round(bounds.low, 5),
        "high": round(bounds.high, 5),
        "is_met": is_enough and series.accepted_least <= share <= series.accepted_most,
        "loops": len({row["loop"] for row in decided}),
        "outcomes": dict(Counter(row["outcome"] for row in rows).most_common()),
        "accepted_loops": dict(
            Counter(row["loop"] for row in decided if row["outcome"] == "ACCEPTED").most_common()
        ),
        "seconds_in_all": round(sum(seconds), 1),
        "median_s": round(float(np.median(seconds)), 3) if seconds else None,
    }


def write_page(file: Path, record: Mapping[str, Any]) -> None:
    """Write docs/timing-evidence.md from docs/evidence/timing.json, and from nothing else."""
    found = record["series"]
    parts = [
        "# The timing decision on rewrites whose worth is known",
        "What `make timing-evidence` found; written by it, do not edit. "
        + MachineFacts(**record["machine"]).sentence(),
        _METHOD.format(alpha=record["alpha"], seed=record["first_seed"]),
        table(
            ("rewrite", "target", "trials", "accepted", "95 % bounds of the share", "met", "loops"),
            (_row(row) for row in found.values()),
        ),
        "Where a trial came to no decision, it was not counted: all endings, and times.",
        table(
            ("rewrite", "endings", "seconds in all", "median of one, s"),
            (
                (row["what"], _listed(row["outcomes"]), row["seconds_in_all"], row["median_s"])
                for row in found.values()
            ),
        ),
        *_wrongly_accepted(found),
        "## What the synthetic rewrites are worth here",
        "By construction, and as measured with 48 placements of 25 rounds (median over placements, "
        '95 % bootstrap interval). In "tiny" and "small" trampoline and CPU check weigh in.',
        table(
            ("loop", "bucket", "by construction", "measured", "interval"),
            (
                (
                    r["loop"],
                    r["bucket"],
                    r["by_construction"],
                    r["measured"],
                    f"{r['low']} to {r['high']}",
                )
                for r in record["truth"]
            ),
        ),
    ]
    file.write_text("\n\n".join(parts) + "\n")


def _row(row: Mapping[str, Any]) -> Iterable[object]:
    bounds = f"{row['low']:.3%} to {row['high']:.3%}"
    is_met = "yes" if row["is_met"] else "**no**"
    return (
        row["what"], row["target"], row["trials"], row["accepted"], bounds, is_met, row["loops"],
    )  # fmt: skip


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _wrongly_accepted(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    loops = {**found["same"]["accepted_loops"], **found["slower"]["accepted_loops"]}
    return [f"Accepted although not faster: {_listed(loops)}."] if loops else []


_METHOD = """\
Every trial makes its own timing buckets from its own seed (from {seed} up) and takes the whole
decision as `rewrite_region` takes it: screen, confirmation, guards, alpha = {alpha}. Bounds are
Clopper-Pearson, two-sided. The identical code has no CPU check in front, so that nothing makes it
slower. The synthetic loops are chains of dependent additions and xors of registers, one cycle
each on any CPU (`tests/evidence/chains.py`), behind the CPU check of a fast path."""
