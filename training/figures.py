"""The figures of an evaluation: from loop results to rows with intervals. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llmcc.training.estimators import (
    Interval,
    Values,
    best_of_k,
    even_parts,
    geomean,
    geomean_interval,
    mean_interval,
    paired_gain,
    part_of,
    pass_at_k,
)
from llmcc.training.loop_results import LoopResult

KS = (1, 8, 32)
_PERCENTILES = (25, 50, 75)


@dataclass(frozen=True, slots=True)
class Figures:
    """How one row did on one section's loops; shares 0 to 1, intervals over shapes."""

    row: str
    section: str
    loops: int
    shapes: int  # distinct ones among the loops
    samples: int  # of all loops
    assembles: Interval  # share of samples past the gate, a mean over loops
    right: Interval  # share of samples that pass verification
    faster: Interval  # share of samples right and shown to be faster
    timed: Interval  # geometric mean of the ratios as timed, of right samples, accepted or not
    geomean_one: Interval  # over loops of one sample's geometric mean, unaccepted as 1.0
    percentiles: tuple[float, ...]  # p25, p50, p75 over loops of the best sample's speed-up
    pass_at: tuple[Interval, ...]  # for k in KS
    speedup_at: tuple[Interval, ...]  # for k in KS; geometric mean over loops
    refusals: Mapping[str, int]  # how the samples ended


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two rows on the same loops: speedup@k of the new over that of the old."""

    new: str
    old: str
    section: str
    k: int
    loops: int
    gain: Interval  # paired, over loops
    parts: tuple[Interval, ...]  # the same on disjoint parts

    @property
    def is_shown(self) -> bool:
        """Whether the new row is better on the whole and on every part."""
        return self.loops > 0 and all(i.low > 1.0 for i in (self.gain, *self.parts))


def figures(row: str, section: str, results: Sequence[LoopResult], *, seed: int) -> Figures:
    """Sum up one row's results on one section."""
    shapes = [result.shape for result in results]

    def share(count: Callable[[LoopResult], int]) -> Interval:
        shares = [count(result) / max(len(result.outcomes), 1) for result in results]
        return mean_interval(np.array(shares), shapes, seed=seed)

    singles = np.array([geomean(np.array(result.ratios)) for result in results])
    best = [max(result.ratios, default=1.0) for result in results] or [1.0]
    endings = Counter(outcome.name for result in results for outcome in result.outcomes)
    return Figures(
        row=row,
        section=section,
        loops=len(results),
        shapes=len(set(shapes)),
        samples=sum(len(result.outcomes) for result in results),
        assembles=share(lambda result: result.assembled_count),
        right=share(lambda result: result.right_count),
        faster=share(lambda result: result.faster_count),
        timed=_timed(results, seed=seed),
        geomean_one=geomean_interval(singles, shapes, seed=seed),
        percentiles=tuple(np.percentile(best, _PERCENTILES).tolist()),
        pass_at=tuple(mean_interval(_pass(results, k), shapes, seed=seed) for k in KS),
        speedup_at=tuple(geomean_interval(speedups(results, k), shapes, seed=seed) for k in KS),
        refusals=dict(endings.most_common()),
    )


def compare(
    new: tuple[str, Sequence[LoopResult]],
    old: tuple[str, Sequence[LoopResult]],
    *,
    section: str,
    k: int,
    parts: int,
    by_kind: bool,
    seed: int,
) -> Comparison:
    """Compare two named rows on the loops that both have, on the whole and part by part.

    parts: their number; no shape is in two of them.
    by_kind: no family or project is in two of them either, where there are enough for that.
    """
    former = {result.record_id: result for result in old[1]}
    both = [(one, former[one.record_id]) for one in new[1] if one.record_id in former]
    part_of_shape = _parts([one for one, _ in both], parts, by_kind=by_kind)

    def gain(pairs: Sequence[tuple[LoopResult, LoopResult]]) -> Interval:
        ours = speedups([one for one, _ in pairs], k)
        theirs = speedups([one for _, one in pairs], k)
        return paired_gain(ours, theirs, [one.shape for one, _ in pairs], seed=seed)

    split = [
        [pair for pair in both if part_of_shape[pair[0].shape] == part] for part in range(parts)
    ]
    return Comparison(new[0], old[0], section, k, len(both), gain(both), tuple(map(gain, split)))


def _parts(results: Sequence[LoopResult], parts: int, *, by_kind: bool) -> dict[str, int]:
    """Choose a part for each shape."""
    kinds: dict[str, str] = {}
    for result in results:
        kinds.setdefault(result.shape, result.kind)
    shapes_of = Counter(kinds.values())
    if by_kind and len(shapes_of) >= parts:
        part_of_kind = even_parts(shapes_of, parts)
        return {shape: part_of_kind[kind] for shape, kind in kinds.items()}
    return {shape: part_of(shape, parts) for shape in kinds}


def speedups(results: Iterable[LoopResult], k: int) -> Values:
    """One expected best-of-k speed-up a loop; 1.0 where nothing is accepted."""
    return np.array([best_of_k(result.ratios or (1.0,), k) for result in results])


def _pass(results: Iterable[LoopResult], k: int) -> Values:
    counts = ((len(result.outcomes), result.right_count) for result in results)
    return np.array([pass_at_k(count, right, k) for count, right in counts])


def _timed(results: Iterable[LoopResult], *, seed: int) -> Interval:
    """Of one ratio a loop that anything was timed for."""
    timed = [(result.shape, [ratio for ratio in result.raw_ratios if ratio]) for result in results]
    means = np.array([geomean(np.array(ratios)) for _, ratios in timed if ratios])
    return geomean_interval(means, [shape for shape, ratios in timed if ratios], seed=seed)
