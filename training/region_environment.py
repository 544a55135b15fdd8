"""The region environment: loops as gcc wrote them, answered with rewrites of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from llmcc.backends.embedded.renaming import Renaming
from llmcc.backends.embedded.tokens import END, UNKNOWN, Vocabulary, is_in_rewrite
from llmcc.training.dataset import SPLITS, PairRecord, encode_pair, prompt_ids
from llmcc.training.environment import Demonstration, Prompt
from llmcc.training.judgement import Judgement
from llmcc.training.judging import Case

# An answer needs room; what leaves less is no prompt to learn from.
_LEAST_ANSWER_TOKENS = 64


class RegionEnvironment:
    """Loops of a pairs file, those without a known rewrite included."""

    def __init__(
        self,
        records: Iterable[PairRecord],
        vocabulary: Vocabulary,
        *,
        context: int,
        judge: Callable[[Sequence[Case]], list[Judgement]],
    ) -> None:
        """Keep the records that have a region, known words and room for an answer.

        context: the model's longest text, in tokens.
        """
        self._vocabulary = vocabulary
        self._context = context
        self._judge = judge
        self._records: dict[str, list[PairRecord]] = {split: [] for split in SPLITS}
        self.left_out = 0
        for record in records:
            if self._is_usable(record):
                self._records[record.split].append(record)
            else:
                self.left_out += 1
        self.end_id = vocabulary.ids[END]
        self.never = tuple(n for n, t in enumerate(vocabulary.tokens) if not is_in_rewrite(t))

    def prompts(self, split: str) -> Sequence[PairRecord]:
        """Give the loops of a split, in the file's order."""
        return self._records[split]

    def encode(self, problem: PairRecord, rng: random.Random | None) -> Prompt:
        """Write a loop's prompt; with `rng`, with its registers renamed as in a compile."""
        ids = np.array(prompt_ids(problem.prompt, self._vocabulary), dtype=np.int64)
        if rng is None:
            return Prompt(ids, None)
        # As the embedded backend does: what a rewrite will name is not known yet.
        renaming = Renaming.of(ids, len(ids), vocabulary=self._vocabulary, wide_follows_xmm=True)
        table = renaming.draw(rng, self._vocabulary)
        return Prompt(table[ids], np.argsort(table))

    def decode(self, prompt: Prompt, ids: Sequence[int]) -> str:
        """Read a rewrite, in the loop's own registers."""
        array = np.array(ids, dtype=np.int64)
        original = array if prompt.original is None else prompt.original[array]
        return self._vocabulary.decode(original.tolist()) + "\n"

    def judge(self, cases: Sequence[tuple[PairRecord, str]]) -> list[Judgement]:
        """Judge rewrites with the product's gate, verification and timing."""
        return self._judge([_case(record, text) for record, text in cases])

    def demonstration(
        self, problem: PairRecord, answer: str | None, rng: random.Random
    ) -> Demonstration | None:
        """Write a rewrite under a renaming; None when none is known or it cannot be written."""
        rewrite = problem.rewrite if answer is None else answer
        if not rewrite.strip():
            return None
        pair = encode_pair(
            replace(problem, rewrite=rewrite), self._vocabulary, context=self._context
        )
        if pair is None:
            return None
        renamed = pair.renaming.draw(rng, self._vocabulary)[pair.ids]
        return Demonstration(renamed, pair.target_start)

    def _is_usable(self, record: PairRecord) -> bool:
        if record.region is None or record.split not in self._records:
            return False
        ids = prompt_ids(record.prompt, self._vocabulary)
        room = self._context - len(ids)
        return room >= _LEAST_ANSWER_TOKENS and self._vocabulary.ids[UNKNOWN] not in ids


def _case(record: PairRecord, text: str) -> Case:
    if record.region is None:
        raise ValueError(f"{record.id} has no region to judge its rewrites by")
    return Case(record.region, record.isa, text)
