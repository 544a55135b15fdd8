"""Which problems the next iteration asks about, and the best answers that were found to them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

# Also what is always or never solved is asked again now and then.
_LEAST_WEIGHT = 0.02
_FORGETTING = 0.8  # of what was seen at former visits: the policy that did that is gone


@dataclass(slots=True)
class Curriculum:
    """Prefers problems that the policy solves sometimes: only those have something to teach.

    An untried problem counts as solved half the time.
    """

    tried: list[float]  # samples of each problem, former visits discounted
    solved: list[float]  # how many of them were accepted

    @classmethod
    def untried(cls, count: int) -> Curriculum:
        """Start with problems nothing is known about."""
        return cls([0.0] * count, [0.0] * count)

    @classmethod
    def sampled(cls, tried: Sequence[int], accepted: Sequence[int]) -> Curriculum:
        """Start from how often each problem was tried before, by a policy much like this one."""
        return cls([float(count) for count in tried], [float(count) for count in accepted])

    def draw(self, count: int, rng: random.Random) -> list[int]:
        """Draw distinct problems, with odds by the variance of their success."""
        tried, solved = np.array(self.tried), np.array(self.solved)
        rate = (solved + 1.0) / (tried + 2.0)
        weights = rate * (1.0 - rate) + _LEAST_WEIGHT
        # Weighted sampling without replacement: Efraimidis and Spirakis, IPL 97 (2006), A-ES.
        noise = np.random.default_rng(rng.getrandbits(64)).random(len(weights))
        keys = np.log(noise) / weights
        return [int(n) for n in np.argsort(-keys)[:count]]

    def note(self, problem: int, *, samples: int, accepted: int) -> None:
        """Remember how a problem went."""
        self.tried[problem] = _FORGETTING * self.tried[problem] + samples
        self.solved[problem] = _FORGETTING * self.solved[problem] + accepted


@dataclass(slots=True)
class Finds:
    """The best accepted answer to each problem: what the policy is kept from forgetting."""

    best: dict[int, tuple[float, str]] = field(default_factory=dict)  # problem -> (reward, answer)

    def note(self, problem: int, reward: float, answer: str) -> None:
        """Keep an accepted answer if none better is known."""
        if problem not in self.best or reward > self.best[problem][0]:
            self.best[problem] = (reward, answer)

    def answer_to(self, problem: int) -> str | None:
        """Give the best answer found; None when there is none."""
        found = self.best.get(problem)
        return None if found is None else found[1]

    def draw(self, count: int, taught: Sequence[int], rng: random.Random) -> list[int]:
        """Draw problems to imitate: half of those with finds, half of those that were taught."""
        found = sorted(self.best)
        first = rng.choices(found, k=count // 2) if found else []
        return first + (rng.choices(taught, k=count - len(first)) if taught else [])
