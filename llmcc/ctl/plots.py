"""Small plots as SVG text: speedups on a log scale, shares as bars.

Places are percentages, so that a plot is as wide as its cell and its strokes and dots keep their
size on a phone. Each svg has a title that says in words what it shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from llmcc.store.records import SpeedupInterval

_TICKS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
_FINE_TICKS = (0.8, 0.9, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
# A scale that reaches less than this far needs finer ticks.
_FINE_BELOW = 3.2
_EDGE_PERCENT = 3.0  # room for a dot, and for half a number below a tick


@dataclass(frozen=True, slots=True)
class Scale:
    """A logarithmic axis that has 1 on it."""

    low: float
    high: float
    ticks: tuple[float, ...]

    @classmethod
    def of(cls, ratios: Iterable[float]) -> Scale:
        """Make an axis on which all ratios have a place."""
        all_ratios = [0.95, 1.05, *ratios]
        low, high = min(all_ratios), max(all_ratios)
        among = _FINE_TICKS if high / low < _FINE_BELOW else _TICKS
        return cls(low, high, tuple(tick for tick in among if low <= tick <= high))

    def percent(self, ratio: float) -> float:
        """Return where a ratio stands, from the left."""
        share = math.log(ratio / self.low) / math.log(self.high / self.low)
        return round(_EDGE_PERCENT + share * (100 - 2 * _EDGE_PERCENT), 2)


def axis(scale: Scale) -> Markup:
    """Draw the numbers below a plot."""
    numbers = (
        f'<text class="tick" x="{scale.percent(tick)}%" y="14">{tick:g}&times;</text>'
        for tick in scale.ticks
    )
    return _svg("scale of speedups, logarithmic", "".join(numbers), css_class="axis")


def interval(scale: Scale, speedup: SpeedupInterval) -> Markup:
    """Draw one speedup and its interval."""
    low, high = scale.percent(speedup.low), scale.percent(speedup.high)
    drawn = (
        f'<line class="whisker" x1="{low}%" x2="{high}%" y1="50%" y2="50%"/>'
        f'<circle class="dot" cx="{scale.percent(speedup.ratio)}%" cy="50%" r="4"/>'
    )
    title = (
        f"{speedup.ratio:.2f} times gcc's speed, between {speedup.low:.2f} and {speedup.high:.2f}"
    )
    return _svg(title, _grid(scale) + drawn)


def dots(scale: Scale, ratios: Sequence[float], *, mean: float) -> Markup:
    """Draw the speedups of several loops and a bar at their geometric mean."""
    drawn = "".join(
        f'<circle class="dot faint" cx="{scale.percent(ratio)}%" cy="50%" r="4"/>'
        for ratio in ratios
    )
    at = scale.percent(mean)
    mean_line = f'<line class="mean" x1="{at}%" x2="{at}%" y1="10%" y2="90%"/>'
    title = f"{len(ratios)} speedups from {min(ratios):.2f} to {max(ratios):.2f}, mean {mean:.2f}"
    return _svg(title, _grid(scale) + drawn + mean_line)


def bar(share: float, title: str) -> Markup:
    """Draw a share of 1 as a bar."""
    # Few of very many is not none.
    percent = max(round(100 * share, 2), 0.5) if share else 0
    rectangle = f'<rect class="bar" x="0" y="4" width="{percent}%" height="14" rx="2"/>'
    return _svg(title, rectangle)


def _grid(scale: Scale) -> str:
    return "".join(
        f'<line class="{"one" if tick == 1 else "grid"}" '
        f'x1="{scale.percent(tick)}%" x2="{scale.percent(tick)}%" y1="0" y2="100%"/>'
        for tick in scale.ticks
    )


def _svg(title: str, drawn: str, *, css_class: str = "row") -> Markup:
    # Numbers and our own words only, but for the title.
    return Markup(
        f'<svg class="{css_class}" role="img" width="100%" height="22">'
        f"<title>{escape(title)}</title>{drawn}</svg>"
    )
