"""All one-instruction mutants of a rewrite's text, made on the text (AT&T). Pure.

Deleted instructions, other mnemonics, immediates and displacements beside the right ones, other
scales, registers, orders of operands, jump targets. Each text once; what as rejects is no mutant.
Does not make: two changes at once, inserted instructions, other operand sizes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmcc.asm.parse import split_operands
from llmcc.x86.registers import REGISTERS, spelled
from tests.evidence.swapped_mnemonics import swapped_mnemonics

CLASSES = (
    "deleted", "mnemonic", "condition", "immediate", "displacement", "scale", "register",
    "operands exchanged", "jump target", "exit",
)  # fmt: skip
_NUMBER = re.compile(r"\$(-?(?:0x[0-9a-f]+|\d+))$")
_MEMORY = re.compile(r"(-?(?:0x[0-9a-f]+|\d+))?\((%\w+)(?:,(%\w+)(?:,([1248]))?)?\)")
_REGISTER = re.compile(r"%([a-z][a-z0-9]+)")
_OTHER_SCALE = {"1": ("2",), "2": ("1", "4"), "4": ("2", "8"), "8": ("4",)}


@dataclass(frozen=True, slots=True)
class RewriteMutant:
    """A rewrite with one instruction changed."""

    kind: str  # one of CLASSES
    line: int  # of the text, from 0
    before: str
    after: str  # "" when the instruction was deleted
    text: str


@dataclass(frozen=True, slots=True)
class MutantSet:
    """The mutants of one rewrite, and how many changes gave a text that was there already."""

    mutants: tuple[RewriteMutant, ...]
    duplicates: int


def mutants_of(text: str, *, targets: Sequence[str], element_bytes: int) -> MutantSet:
    """Make every mutant of a rewrite in the gate's normal form.

    targets: labels a jump may go to beside the rewrite's own: .LH and the exits gcc has labels for.
    element_bytes: size of the loop's elements, by which displacements are moved too.
    """
    lines = text.rstrip("\n").split("\n")
    own = [line[:-1] for line in lines if line.endswith(":")]
    found: dict[str, RewriteMutant] = {}
    duplicates = 0
    change = _Change(lines, (*own, *targets), element_bytes)
    for number, line in enumerate(lines):
        if line.endswith(":"):
            continue
        for kind, after in change.of(line.strip()):
            kept = [*lines[:number], *(["\t" + after] if after else []), *lines[number + 1 :]]
            mutated = "\n".join(kept) + "\n"
            if mutated == text or mutated in found:
                duplicates += 1
            else:
                found[mutated] = RewriteMutant(kind, number, line.strip(), after, mutated)
    return MutantSet(tuple(found.values()), duplicates)


class _Change:
    """The changes of one instruction, given what the whole rewrite holds."""

    def __init__(self, lines: Sequence[str], targets: Sequence[str], element_bytes: int) -> None:
        self._targets = targets
        words = [word for line in lines for word in _REGISTER.findall(line) if word in REGISTERS]
        self._families = list(dict.fromkeys(REGISTERS[word].family for word in words))
        wide = next((w for w in ("zmm", "ymm") if any(word.startswith(w) for word in words)), "xmm")
        width = {"zmm": 64, "ymm": 32, "xmm": 16}[wide]
        self._steps = tuple(dict.fromkeys(s for d in (1, element_bytes, width) for s in (d, -d)))

    def of(self, line: str) -> Iterator[tuple[str, str]]:
        """Yield the class and the text of each change."""
        mnemonic, _, rest = line.partition("\t")
        yield "deleted", ""
        is_jump = mnemonic.startswith("j")
        swap = "condition" if is_jump or mnemonic.startswith(("set", "cmov")) else "mnemonic"
        for other in swapped_mnemonics(mnemonic):
            yield swap, f"{other}\t{rest}".rstrip("\t")
        if is_jump:
            for target in self._targets:
                is_exit = not (target.startswith(".LR") or rest.startswith(".LR"))
                yield "exit" if is_exit else "jump target", f"{mnemonic}\t{target}"
            return
        operands = [operand.strip() for operand in split_operands(rest)]
        for number, operand in enumerate(operands):
            for kind, changed in self._of_operand(operand):
                put = [*operands[:number], changed, *operands[number + 1 :]]
                yield kind, f"{mnemonic}\t{', '.join(put)}"
        for number in range(len(operands) - 1):
            put = list(operands)
            put[number], put[number + 1] = put[number + 1], put[number]
            yield "operands exchanged", f"{mnemonic}\t{', '.join(put)}"

    def _of_operand(self, operand: str) -> Iterator[tuple[str, str]]:
        if number := _NUMBER.match(operand):
            for step in (1, -1):
                yield "immediate", f"${int(number[1], 0) + step}"
            return
        if memory := _MEMORY.match(operand):
            rest = operand[memory.start(2) - 1 :]
            for step in self._steps:
                value = int(memory[1] or "0", 0) + step
                yield "displacement", f"{value or ''}{rest}"
            for scale in _OTHER_SCALE.get(memory[4] or "", ()):
                yield "scale", operand[: memory.start(4)] + scale + operand[memory.end(4) :]
        for match in _REGISTER.finditer(operand):
            for other in self._others(match[1]):
                yield "register", f"{operand[: match.start()]}%{other}{operand[match.end() :]}"

    def _others(self, name: str) -> Iterator[str]:
        """The register before and the one after, in the order in which the rewrite names them."""
        if name not in REGISTERS:
            return
        family = REGISTERS[name].family
        alike = [f for f in self._families if _sort(f) == _sort(family)]
        at = alike.index(family)
        for other in dict.fromkeys((alike[at - 1], alike[(at + 1) % len(alike)])):
            if other != family:
                yield _renamed(name, family, other)


def _sort(family: str) -> str:
    return family[:3] if family.startswith("xmm") else "k" if family[0] == "k" else "general"


def _renamed(name: str, family: str, other: str) -> str:
    """Spell register family `other` in the width that `name` spells `family` in."""
    if _sort(family) != "general":
        return name[: len(name.rstrip("0123456789"))] + other.lstrip("xmk")
    return spelled(other, REGISTERS[name].bits)
