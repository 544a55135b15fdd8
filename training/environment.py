"""What a policy learns in: problems, how they are read and written, and how answers are judged."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from llmcc.training.judgement import Judgement

ProblemT = TypeVar("ProblemT")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A problem as token ids, under one renaming of its registers."""

    ids: NDArray[np.int64]  # (T,) separator included
    original: NDArray[np.int64] | None  # (V,) id written -> id in the problem's own names


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A prompt and a good answer to it, to be imitated."""

    ids: NDArray[np.int64]  # (T,) prompt, answer, end
    start: int  # index of the answer's first token


class Environment(Protocol[ProblemT]):
    """Problems of one kind."""

    @property
    def end_id(self) -> int:
        """The id that ends an answer."""
        ...

    @property
    def never(self) -> tuple[int, ...]:
        """Ids that cannot be part of an answer."""
        ...

    def prompts(self, split: str) -> Sequence[ProblemT]:
        """Give the problems of a split, always in the same order."""
        ...

    def encode(self, problem: ProblemT, rng: random.Random | None) -> Prompt:
        """Write a problem as ids; with `rng` under a renaming drawn from it, if there is one."""
        ...

    def decode(self, prompt: Prompt, ids: Sequence[int]) -> str:
        """Read an answer, without its end token, in the problem's own names."""
        ...

    def judge(self, cases: Sequence[tuple[ProblemT, str]]) -> list[Judgement]:
        """Judge answers, in their order; never raises for what an answer does."""
        ...

    def demonstration(
        self, problem: ProblemT, answer: str | None, rng: random.Random
    ) -> Demonstration | None:
        """Write a good answer, None for the known one, to be imitated; None: there is none."""
        ...
