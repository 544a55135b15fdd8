"""Rename the registers of a pair, in prompt and rewrite alike.

In training each pair teaches many; in a compile the model is asked about the same loop under other
names, which makes its mistakes less alike than other samples of one prompt would be.

Families are permuted: general registers among themselves, xmm0-15 among themselves. Kept as they
are: rsp; families that an instruction of the pair uses without naming them; families with a
high-byte spelling in the pair; and families that the rewrite names but the prompt does not,
because nothing in the prompt tells the learner where they went.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from llmcc.backends.embedded.tokens import NEWLINE, Vocabulary, render
from llmcc.x86.registers import GPR, REGISTERS, WIDE_ONLY, XMM, spelled

# Mnemonic -> families it uses without naming them. Source: Intel SDM vol. 2.
_IMPLICIT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            *("mulb", "mulw", "mull", "mulq"),
            *("divb", "divw", "divl", "divq", "idivb", "idivw", "idivl", "idivq"),
            *("cwtd", "cltd", "cqto"),
        ),
        ("rax", "rdx"),
    ),
    **dict.fromkeys(("cbtw", "cwtl", "cltq"), ("rax",)),
    **dict.fromkeys(("mulx", "mulxl", "mulxq"), ("rdx",)),
    **dict.fromkeys(("rep", "jrcxz"), ("rcx", "rsi", "rdi", "rax")),
    **dict.fromkeys(("stosb", "stosl", "stosq", "movsl", "cmpsb", "scasb"), ("rsi", "rdi", "rax")),
    **dict.fromkeys(("pblendvb", "blendvps", "blendvpd"), ("xmm0",)),
}
# These use rax and rdx in their one-operand form only.
_MULTIPLIES = frozenset(("imulb", "imulw", "imull", "imulq", "imul"))
_NARROW = dict(zip(WIDE_ONLY, XMM, strict=True))
_SHIFTS = tuple(
    name + size for name in ("shl", "sal", "shr", "sar", "rol", "ror") for size in "bwlq"
)


@dataclass(frozen=True, slots=True)
class Renaming:
    """What may be renamed in one pair."""

    fixed: frozenset[str]  # families that keep their names
    wide_follows_xmm: bool  # register 16+N is renamed like N

    @classmethod
    def of(
        cls,
        ids: NDArray[np.int64],
        target_start: int,
        *,
        vocabulary: Vocabulary,
        wide_follows_xmm: bool,
    ) -> Renaming:
        """Find what must keep its name in a pair.

        ids: (T,) prompt and rewrite; the rewrite begins at `target_start`.
        """
        words = [vocabulary.tokens[n] for n in ids]
        fixed = {"rsp"}
        for word in set(words):
            fixed.update(_IMPLICIT.get(word, ()))
            if word[0] == "%" and word != "%rip" and REGISTERS[word[1:]].is_high_byte:
                fixed.add(REGISTERS[word[1:]].family)
        if "%cl" in words and not set(words).isdisjoint(_SHIFTS):
            fixed.add("rcx")
        if any(map(_is_widening_multiply, _lines(words))):
            fixed.update(("rax", "rdx"))
        named = _families(words[target_start:])
        if wide_follows_xmm:
            named = {_NARROW.get(family, family) for family in named}
        fixed |= named - _families(words[:target_start])
        return cls(frozenset(fixed), wide_follows_xmm)

    def draw(self, rng: random.Random, vocabulary: Vocabulary) -> NDArray[np.int64]:
        """Draw a renaming: (V,) int64, old id -> new id, the identity on all but registers."""
        new_family = {
            **_shuffled(rng, (family for family in GPR if family not in self.fixed)),
            **_shuffled(rng, (family for family in XMM if family not in self.fixed)),
        }
        if self.wide_follows_xmm:
            for wide, narrow in _NARROW.items():
                renamed = new_family.get(narrow, narrow)
                new_family[wide] = WIDE_ONLY[XMM.index(renamed)]
        table = np.arange(len(vocabulary), dtype=np.int64)
        ids_of_family = _register_ids(vocabulary.tokens)
        for old, new in new_family.items():
            table[ids_of_family[old]] = ids_of_family[new]
        return table


def _lines(words: list[str]) -> Iterator[list[str]]:
    for is_newline, line in groupby(words, key=NEWLINE.__eq__):
        if not is_newline:
            yield list(line)


def _is_widening_multiply(line: list[str]) -> bool:
    return line[0] in _MULTIPLIES and ", " not in render(line)


def _shuffled(rng: random.Random, families: Iterable[str]) -> dict[str, str]:
    names = list(families)
    renamed = names.copy()
    rng.shuffle(renamed)
    return dict(zip(names, renamed, strict=True))


def _families(words: Iterable[str]) -> set[str]:
    return {
        REGISTERS[word[1:]].family for word in words if word[0] == "%" and word[1:] in REGISTERS
    }


@cache
def _register_ids(tokens: tuple[str, ...]) -> dict[str, NDArray[np.int64]]:
    """Give each family's token ids by falling width, in the same order for every family."""
    index = {token: n for n, token in enumerate(tokens)}
    return {
        family: np.array([index["%" + spelled(family, bits)] for bits in widths])
        for families, widths in (
            (GPR, (64, 32, 16, 8)),
            ((*XMM, *WIDE_ONLY), (512, 256, 128)),
        )
        for family in families
    }
