"""The paper's figures over many responses, floored as in its table and not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmcc.training.program.judging import Protocol, Result, ratio_of


@dataclass(frozen=True, slots=True)
class Summary:
    """What a table says of one set of responses under one protocol.

    Shares are of all responses. Ratios count 1.0 for a response that is wrong, is a copy by the
    protocol's own check, or was not timed.
    """

    protocol: Protocol
    count: int
    compile_pass: float
    test_pass: float
    copies: float  # after normalisation
    identical_by_paper: float
    shown_faster: float  # judged ACCEPTED
    mean: float  # metrics.py of the paper
    geomean: float  # print_results.py of the paper
    percentiles: tuple[float, float, float]  # 25, 50, 75
    floored_percentiles: tuple[float, float, float]  # at least 1.0 each, as the paper prints them


def summarise(results: Sequence[Result], protocol: Protocol) -> Summary:
    """Add up results.

    Raises:
        ValueError: there are none.
    """
    if not results:
        raise ValueError("no results to add up")
    ratios = np.array([ratio_of(result, protocol) for result in results])
    quarters = [float(value) for value in np.percentile(ratios, (25, 50, 75))]
    return Summary(
        protocol=protocol,
        count=len(results),
        compile_pass=_share([result.tested.is_built for result in results]),
        test_pass=_share([result.tested.is_right for result in results]),
        copies=_share([result.is_copy for result in results]),
        identical_by_paper=_share([result.is_identical_by_paper for result in results]),
        shown_faster=_share([result.judgement(protocol).is_faster for result in results]),
        mean=float(ratios.mean()),
        geomean=float(np.exp(np.log(ratios).mean())),
        percentiles=(quarters[0], quarters[1], quarters[2]),
        floored_percentiles=(max(1.0, quarters[0]), max(1.0, quarters[1]), max(1.0, quarters[2])),
    )


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags)
