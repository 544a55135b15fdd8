"""How one proposal ended: what rewards, evaluation and curves read."""

from __future__ import annotations

from dataclasses import dataclass

from llmcc.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Judgement:
    """The ending of one proposal, for both environments (region and program).

    outcome: ACCEPTED means right and shown faster; NOT_FASTER right, but not shown faster;
        IDENTICAL a copy of what was there; everything else is a refusal of `llmcc.outcome`.
    tests_passed: share of the tests passed, 0.0 to 1.0; 1.0 for whatever is right.
    ratio: median speed-up over gcc's code, over 1 when faster; None when it was not timed.
    low_ratio, high_ratio: its 95 % interval; None when it was not timed.
    """

    outcome: Outcome
    tests_passed: float = 0.0
    ratio: float | None = None
    low_ratio: float | None = None
    high_ratio: float | None = None
    detail: str = ""

    @property
    def is_right(self) -> bool:
        """Whether the proposal does what gcc's code does, whatever its speed."""
        return self.outcome in _RIGHT

    @property
    def is_right_rewrite(self) -> bool:
        """Whether it is right and neither a copy of gcc's code nor a jump to it."""
        return self.is_right and self.outcome is not Outcome.IDENTICAL

    @property
    def is_faster(self) -> bool:
        """Whether it is right and was shown to be faster."""
        return self.outcome is Outcome.ACCEPTED


_RIGHT = frozenset(
    (Outcome.ACCEPTED, Outcome.NOT_FASTER, Outcome.SLOWER_WHEN_SHORT, Outcome.IDENTICAL)
)
