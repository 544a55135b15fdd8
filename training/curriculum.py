"""Which problems the next iteration asks about, and the best answers that were found to them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# Also what is always or never solved is asked again now and then: this share of the most.
_LEAST_SHARE = 0.08
_PRIOR_SOLVED, _PRIOR_FAILED = 0.25, 0.75  # samples that an untried problem counts as
_FORGETTING = 0.8  # of what was seen at former visits: the policy that did that is gone


@dataclass(slots=True)
class Curriculum:
    """Prefers problems that the policy solves sometimes: only those have something to teach."""

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

    def rates(self) -> NDArray[np.float64]:
        """Estimate of each problem how often an answer succeeds, above 0 and below 1."""
        tried, solved = np.array(self.tried), np.array(self.solved)
        return (solved + _PRIOR_SOLVED) / (tried + _PRIOR_SOLVED + _PRIOR_FAILED)

    def draw(self, count: int, rng: random.Random, *, best_of: int) -> list[int]:
        """Draw distinct problems, with odds by what an answer can teach.

        That is the variance of its success, p (1 - p), times the chance that none of the best_of
        - 1 others succeeds, which would leave it nothing to add (`ppo_batches.share_credit`).
        """
        rate = self.rates()
        weights = rate * (1.0 - rate) ** best_of
        weights = np.maximum(weights, _LEAST_SHARE * weights.max())
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

    def draw(
        self,
        count: int,
        taught: Sequence[int],
        rng: random.Random,
        *,
        weights: Sequence[float] | NDArray[np.float64],
    ) -> list[int]:
        """Draw problems to imitate: half of those with finds, half of those that were taught.

        weights: odds of each problem, should it have a find.
        """
        found = sorted(self.best)
        first = rng.choices(found, [weights[n] for n in found], k=count // 2) if found else []
        return first + (rng.choices(taught, k=count - len(first)) if taught else [])
