"""The program environment for the local engine: rows, a tokenizer trained on them, and judges."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from llmcc.backends.embedded.renaming import Renaming
from llmcc.backends.embedded.tokens import END, PADDING, SEPARATOR, UNKNOWN, Vocabulary
from llmcc.training.dataset import SPLITS, EncodedPair
from llmcc.training.environment import Demonstration, Prompt
from llmcc.training.judgement import Judgement
from llmcc.training.program.prompting import answer_of, prompt_of
from llmcc.training.program.rows import Row

_SPECIAL = (PADDING, UNKNOWN, END, SEPARATOR)


class _NoRenaming(Renaming):
    """Leaves every token as it is: pieces of text are no registers."""

    __slots__ = ()

    def draw(self, rng: random.Random, vocabulary: Vocabulary) -> NDArray[np.int64]:
        """Give the identity, (V,) int64."""
        del rng
        return np.arange(len(vocabulary))


def train_tokenizer(rows: Iterable[Row], *, vocabulary_size: int) -> Tokenizer:
    """Train byte-level byte-pair encoding on the prompts, and so the assembly, of rows.

    Pairs are merged within lines, not within words: a frequent instruction becomes one token.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split("\n", "merged_with_previous"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((prompt_of(row) for row in rows), trainer)
    return tokenizer


def vocabulary_of(tokenizer: Tokenizer) -> Vocabulary:
    """Give a tokenizer's tokens in the order of their ids, as checkpoints keep them."""
    by_id = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    return Vocabulary(tuple(token for token, _ in by_id))


class ProgramEnvironment:
    """Whole programs as problems; an answer is a whole response, fence included."""

    def __init__(
        self,
        rows: Iterable[Row],
        tokenizer: Tokenizer,
        *,
        context: int,
        judge: Callable[[Sequence[tuple[Row, str]]], list[Judgement]],
    ) -> None:
        """Keep the rows whose prompt and baseline fit into the context.

        context: the model's longest text, in tokens.
        """
        self._tokenizer = tokenizer
        self._judge = judge
        self._context = context
        self._rows: dict[str, list[Row]] = {split: [] for split in SPLITS}
        self.left_out = 0
        ids = vocabulary_of(tokenizer).ids
        self.end_id = ids[END]
        self._separator = ids[SEPARATOR]
        self.never = (ids[PADDING], ids[UNKNOWN], ids[SEPARATOR])
        for row in rows:
            if len(self._taught(row, answer_of(row.assembly)).ids) <= context:
                self._rows[row.split].append(row)
            else:
                self.left_out += 1

    def prompts(self, split: str) -> Sequence[Row]:
        """Give the rows of a split, in the file's order."""
        return self._rows[split]

    def encode(self, problem: Row, rng: random.Random | None) -> Prompt:
        """Write a row's prompt; there is nothing to rename."""
        del rng
        ids = [*self._ids(prompt_of(problem)), self._separator]
        return Prompt(np.array(ids, dtype=np.int64), None)

    def decode(self, prompt: Prompt, ids: Sequence[int]) -> str:
        """Read a response; bytes that are not UTF-8 are replaced."""
        del prompt
        return self._tokenizer.decode(list(ids), skip_special_tokens=False)

    def judge(self, cases: Sequence[tuple[Row, str]]) -> list[Judgement]:
        """Judge responses by building, testing and timing them."""
        return self._judge(cases)

    def demonstration(
        self, problem: Row, answer: str | None, rng: random.Random
    ) -> Demonstration | None:
        """Write a response to imitate; the known one is gcc's own assembly, as in the paper's SFT.

        None when it does not fit into the context.
        """
        del rng
        shown = self._taught(problem, answer_of(problem.assembly) if answer is None else answer)
        return shown if len(shown.ids) <= self._context else None

    def pairs(self, split: str) -> list[EncodedPair]:
        """Give a split as supervised training reads it: every prompt answered with its assembly."""
        nothing = _NoRenaming(frozenset(), wide_follows_xmm=False)
        taught = (self._taught(row, answer_of(row.assembly)) for row in self._rows[split])
        return [EncodedPair("program", d.ids, d.start, nothing) for d in taught]

    def _taught(self, row: Row, answer: str) -> Demonstration:
        prompt = self.encode(row, None).ids
        tail = np.array([*self._ids(answer), self.end_id], dtype=np.int64)
        return Demonstration(np.concatenate((prompt, tail)), len(prompt))

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids
