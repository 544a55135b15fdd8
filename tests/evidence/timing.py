"""`make timing-evidence`: what the timing decision makes of rewrites whose worth is known.

Identical code, gcc's loop offered as its own rewrite over the bench kernels: never accepted. Loops
made 5 % slower: never. Loops made 8 % faster: nearly always. Every trial has its own seed and its
own timing buckets, and the whole decision is taken as `rewrite_region` takes it, alpha included.
Goes on where it was stopped; `--seconds` ends a slice. For a quiet machine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from llmcc.decide import decide
from llmcc.measure.paired import pair, ratio_interval
from llmcc.measure.rounds import measure
from llmcc.outcome import Outcome, OutcomeClass, Refusal
from llmcc.regions.model import Region
from llmcc.rewrite_region import _ALPHA_EACH as ALPHA_EACH
from llmcc.sandbox.model import Blob
from llmcc.sandbox.runner import Sandbox
from llmcc.states.blob import baseline_blob
from llmcc.states.buckets import timing_buckets
from tests.evidence.chains import Chain, chains
from tests.evidence.kernel_units import LEVELS, kernel_regions
from tests.evidence.machine_facts import machine_facts
from tests.evidence.rows import append_row, evidence_folder, read_rows
from tests.evidence.timing_report import SERIES, summary, write_page

_JSON = Path("docs/evidence/timing.json")
_PAGE = Path("docs/timing-evidence.md")
_SEED = 10_000
# Of the chains: links in gcc's loop and in the rewrite.
_SLOWER = (20, 21)
_FASTER = (27, 25)
_TRUTH_PLACEMENTS = 48
_TRUTH_ROUNDS = 25
_TRUTH_RUNS = 20


@dataclass(frozen=True, slots=True)
class _Pair:
    """A loop and what is offered as its rewrite."""

    name: str
    region: Region
    rewrite: Blob


@dataclass(frozen=True, slots=True)
class TimingTrial:
    """How one decision ended."""

    series: str  # a key of SERIES
    number: int
    loop: str
    outcome: str  # name of an Outcome
    is_decided: bool  # False when the machine or the loop stood in the way: no trial
    seconds: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run a slice; write the page when all is done. 1: a target missed, 3: not finished."""
    options = _parse(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    trials_file, truth_file = options.out / "timing.jsonl", options.out / "timing-truth.jsonl"
    deadline_s = time.monotonic() + options.seconds
    with Sandbox() as sandbox:
        is_whole = all(
            _run(series, pairs, options.scale, trials_file, sandbox, deadline_s)
            for series, pairs in _pairs().items()
        )
        if is_whole and not truth_file.exists():
            _measure_truth(truth_file, sandbox)
    found = summary(list(read_rows(trials_file)), options.scale)
    print(json.dumps(found, indent=1))
    if not is_whole:
        print("not finished: run the command again")
        return 3
    if options.scale == 1:
        record = {
            "machine": asdict(machine_facts("tests.evidence.timing")),
            "alpha": ALPHA_EACH,
            "first_seed": _SEED,
            "series": found,
            "truth": list(read_rows(truth_file)),
        }
        _JSON.parent.mkdir(parents=True, exist_ok=True)
        _JSON.write_text(json.dumps(record, indent=1) + "\n")
        write_page(_PAGE, record)
    return 0 if all(row["is_met"] for row in found.values()) else 1


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.timing", description=__doc__)
    parser.add_argument("--seconds", type=float, default=7200, help="start nothing after so long")
    parser.add_argument(
        "--out", type=Path, default=evidence_folder(), help="folder for what is done so far"
    )
    parser.add_argument(
        "--scale", type=float, default=1, help="share of the trials to run, for a look; no page"
    )
    return parser.parse_args(argv)


def _pairs() -> Mapping[str, Sequence[_Pair]]:
    return {
        "same": [
            _Pair(place.name, place.region, baseline_blob(place.region))
            for level in LEVELS
            for place in kernel_regions(level)
        ],
        "slower": [_of_chain(chain) for chain in chains(*_SLOWER)],
        "faster": [_of_chain(chain) for chain in chains(*_FASTER)],
    }


def _of_chain(chain: Chain) -> _Pair:
    return _Pair(f"{chain.shape}, {chain.length}", chain.region, chain.rewrite)


def _run(
    series: str,
    pairs: Sequence[_Pair],
    scale: float,
    file: Path,
    sandbox: Sandbox,
    deadline_s: float,
) -> bool:
    """Take pairs in turn until the series has its trials; False when time ran out."""
    wanted = round(SERIES[series].trials * scale)
    done = [row for row in read_rows(file) if row["series"] == series]
    decided = sum(row["is_decided"] for row in done)
    for number in itertools.count(len(done)):
        # A loop that cannot be timed at all must not keep the series from ending.
        if decided >= wanted or number >= 3 * wanted:
            return True
        if time.monotonic() > deadline_s:
            return False
        trial = _try(series, number, pairs[number % len(pairs)], sandbox)
        decided += trial.is_decided
        append_row(file, asdict(trial))
    raise AssertionError("count() does not end")


def _try(series: str, number: int, offered: _Pair, sandbox: Sandbox) -> TimingTrial:
    """Take one decision as `rewrite_region` does, from the buckets to the verdict."""
    started_s = time.monotonic()
    outcome = _outcome(offered, _SEED + number, sandbox)
    is_decided = outcome.kind in (OutcomeClass.ACCEPTED, OutcomeClass.NOT_WORTH)
    seconds = round(time.monotonic() - started_s, 3)
    return TimingTrial(series, number, offered.name, outcome.name, is_decided, seconds)


def _outcome(offered: _Pair, seed: int, sandbox: Sandbox) -> Outcome:
    buckets = timing_buckets(offered.region, seed=seed, sandbox=sandbox)
    if isinstance(buckets, Refusal):
        return buckets.outcome
    measured = measure(
        baseline_blob(offered.region),
        offered.rewrite,
        buckets,
        sandbox=sandbox,
        seed=seed,
        alpha=ALPHA_EACH,
    )
    return measured.outcome if isinstance(measured, Refusal) else decide(measured).outcome


def _measure_truth(file: Path, sandbox: Sandbox) -> None:
    """Measure what the synthetic rewrites are worth here, in the buckets that decide."""
    for chain in (*chains(*_SLOWER), *chains(*_FASTER)):
        for row in _truth(chain, sandbox):
            append_row(file, row)


def _truth(chain: Chain, sandbox: Sandbox) -> Iterator[dict[str, object]]:
    buckets = timing_buckets(chain.region, seed=_SEED, sandbox=sandbox)
    assert not isinstance(buckets, Refusal), buckets
    for bucket in buckets:
        timed = sandbox.time(
            baseline_blob(chain.region),
            chain.rewrite,
            bucket.states,
            placements=_TRUTH_PLACEMENTS,
            rounds=_TRUTH_ROUNDS,
            runs_per_block=_TRUTH_RUNS,
            seed=_SEED,
        )
        logs = pair(timed).log_ratios
        low, high = ratio_interval(logs, statistic="median", seed=_SEED)
        yield {
            "loop": f"{chain.shape}, {chain.length} to {chain.rewrite_length}",
            "bucket": bucket.name,
            "by_construction": round(chain.speedup_ratio, 4),
            "measured": round(float(np.exp(np.median(logs))), 4),
            "low": round(low, 4),
            "high": round(high, 4),
        }


if __name__ == "__main__":
    sys.exit(main())
