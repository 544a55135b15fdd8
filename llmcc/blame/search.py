"""Find the fast paths that make a test fail, by switching some off and running it again.

Looked for is a smallest set to switch off so that the test passes with all others on, by delta
debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002, ddmin):
smallest means that putting any one of the set back makes the test fail again. So several culprits
are found together, and each comes with a run that failed by it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Trial:
    """How one run of the user's tests ended."""

    is_passed: bool
    failure: str = ""  # first line: which test and why; then the end of its output


class Ending(Enum):
    """What a search comes to, as a sentence for the user."""

    PASSES = "the tests pass"
    NOTHING_ON = "there is no fast path to blame"
    NOT_OURS = "the tests fail without fast paths too"
    UNSTABLE = "the tests do not end the same way when run again"
    FOUND = "fast paths make the tests fail"


@dataclass(frozen=True, slots=True)
class Culprit:
    """A guilty fast path."""

    key: str
    failure: str  # of the run in which all culprits but this one were off


@dataclass(frozen=True, slots=True)
class Blame:
    """The end of a search."""

    ending: Ending
    culprits: tuple[Culprit, ...] = ()
    failure: str = ""  # of the first run, or of the run without fast paths when that failed
    trials: int = 0


def find_culprits(keys: Sequence[str], run: Callable[[Sequence[str]], Trial]) -> Blame:
    """Search for the culprits among the fast paths that are on.

    Args:
        keys: of all fast paths that can be switched.
        run: switches exactly these off and runs the tests.

    Before anybody is blamed the answer is checked by runs of its own. A test that fails by chance
    once in a while ends as `UNSTABLE`; does not cover: one that fails by chance just so that all of
    these runs agree.
    """
    search = _Search(run)
    first = search.run(())
    if first.is_passed:
        return search.end(Ending.PASSES)
    if not keys:
        return search.end(Ending.NOTHING_ON, failure=first.failure)
    without = search.run(keys)
    if not without.is_passed:
        return search.end(Ending.NOT_OURS, failure=without.failure)
    off = search.smallest(list(keys))
    if not search.run(off, is_again=True).is_passed:
        return search.end(Ending.UNSTABLE, failure=first.failure)
    culprits = []
    for key in off:
        alone = search.run([other for other in off if other != key], is_again=True)
        if alone.is_passed:
            return search.end(Ending.UNSTABLE, failure=first.failure)
        culprits.append(Culprit(key, alone.failure))
    return Blame(Ending.FOUND, tuple(culprits), first.failure, search.trials)


class _Search:
    """Runs each set once, unless asked again."""

    def __init__(self, run: Callable[[Sequence[str]], Trial]) -> None:
        self.trials = 0
        self._run = run
        self._known: dict[frozenset[str], Trial] = {}

    def run(self, off: Sequence[str], *, is_again: bool = False) -> Trial:
        known = self._known.get(frozenset(off))
        if known is not None and not is_again:
            return known
        self.trials += 1
        trial = self._run(off)
        self._known[frozenset(off)] = trial
        return trial

    def end(self, ending: Ending, *, failure: str = "") -> Blame:
        return Blame(ending, (), failure, self.trials)

    def smallest(self, off: list[str]) -> list[str]:
        """Take away from a set to switch off as long as the tests pass."""
        parts = 2
        while len(off) > 1:
            chunks = [
                off[len(off) * n // parts : len(off) * (n + 1) // parts] for n in range(parts)
            ]
            rests = [[key for key in off if key not in chunk] for chunk in chunks]
            tried = chunks + rests if parts > 2 else chunks
            smaller = next((some for some in tried if self.run(some).is_passed), None)
            if smaller is not None:
                parts = 2 if smaller in chunks else max(parts - 1, 2)
                off = smaller
            elif parts == len(off):
                break
            else:
                parts = min(2 * parts, len(off))
        return off
