"""Minutes that a command may take over all its calls together; what is spent is kept in a file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path


class Budget:
    """Counts time from its making on, and what earlier calls have spent."""

    def __init__(
        self, path: Path, minutes: float | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Go on counting.

        Args:
            path: file of what is spent; made by `note`.
            minutes: of all calls together; None for no limit.
            clock: seconds from any moment on; for tests.
        """
        self._path = path
        self._most_s = None if minutes is None else 60 * minutes
        self._clock = clock
        former_s = json.loads(path.read_text())["spent_s"] if path.exists() else 0.0
        self._began_s = clock() - former_s

    @property
    def spent_s(self) -> float:
        """Seconds that all calls have spent."""
        return self._clock() - self._began_s

    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self._most_s is not None and self.spent_s >= self._most_s

    def note(self) -> None:
        """Write down what is spent, whole, so that a call that is killed loses little of it."""
        temporary = self._path.with_name(self._path.name + ".tmp")
        temporary.write_text(json.dumps({"spent_s": round(self.spent_s, 1)}) + "\n")
        temporary.replace(self._path)
