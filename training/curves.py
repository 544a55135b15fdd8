"""The curves of a run: tensorboard while it goes, and a picture drawn from its log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

# (title, names of the log that share its axes)
_PANELS = (
    ("reward", ("reward_mean", "validation_reward_mean", "validation_reward_best")),
    ("share of samples", ("right_share", "faster_share", "identical_share", "unfinished_share")),
    ("validation: speed-up of the best sample", ("validation_speedup",)),
    ("KL (nats a token)", ("kl_to_reference", "kl_of_step")),
    ("entropy (nats a token)", ("entropy",)),
    ("explained variance", ("explained_variance",)),
    ("seconds", ("sample_s", "judge_s", "score_s", "update_s")),
    ("reward-hacking gap", ("alarm_gap",)),
)
_COLUMNS = 2


class Board:
    """Writes each record's numbers for tensorboard."""

    def __init__(self, directory: Path, *, first_step: int) -> None:
        """Open the directory's events; those from `first_step` on, of a lost session, are void."""
        # Slow to import, and only a run needs it.
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(directory), purge_step=first_step)

    def write(self, step: int, record: Mapping[str, object]) -> None:
        """Add a record; what is no number is passed over."""
        for name, value in record.items():
            if isinstance(value, int | float):
                self._writer.add_scalar(name, value, step)
        self._writer.flush()


def draw_curves(log: Path, picture: Path) -> None:
    """Draw the curves of a log of JSON lines as a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    series = _series(log)
    rows = -(-len(_PANELS) // _COLUMNS)
    figure, axes = pyplot.subplots(rows, _COLUMNS, figsize=(11, 2.6 * rows), sharex=True)
    for panel, (title, names) in zip(axes.flat, _PANELS, strict=True):
        panel.set_title(title, fontsize=9)
        for name in names:
            points = series.get(name, {})
            panel.plot(list(points), list(points.values()), label=name, linewidth=1, marker=".")
        panel.legend(fontsize=7)
        panel.grid(alpha=0.3)
    for panel in axes[-1]:
        panel.set_xlabel("iteration")
    figure.tight_layout()
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)


def _series(log: Path) -> dict[str, dict[int, float]]:
    """Read name -> iteration -> value; a resumed run's later line wins over a lost one's."""
    series: dict[str, dict[int, float]] = {}
    for record in _records(log):
        iteration = record.get("iteration")
        if not isinstance(iteration, int):
            continue
        for name, value in record.items():
            if isinstance(value, int | float):
                series.setdefault(name, {})[iteration] = float(value)
    return {name: dict(sorted(points.items())) for name, points in series.items()}


def _records(log: Path) -> Iterator[dict[str, object]]:
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:  # cut short by a kill
            continue
