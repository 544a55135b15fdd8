"""One-instruction mutants of gcc's own loop, to see whether the tests would notice a wrong rewrite.

Made in place on the bytes: capstone reads, keystone writes (Intel syntax). keystone is old and
reads some numbers as hexadecimal; a mutant that is not quite what it says is still a mutant, and
nothing assembled here is ever accepted.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import capstone
import keystone
import numpy as np

from llmcc.sandbox.model import Blob

MAX_MUTANTS = 60
_NOP = 0x90
_XMM = re.compile(r"xmm\d+")
_NUMBER = re.compile(r"(?<![\w.])(0x[0-9a-f]+|\d+)(?![\w.])")
# mnemonics to put in place of another, Intel syntax
_SWAPS: dict[str, tuple[str, ...]] = {
    "add": ("sub", "or"), "sub": ("add",), "and": ("or",), "or": ("and", "xor"), "xor": ("or",),
    "inc": ("dec",), "dec": ("inc",), "shl": ("shr",), "shr": ("shl", "sar"), "sar": ("shr",),
    "imul": ("add",), "neg": ("not",), "not": ("neg",), "movzx": ("movsx",), "movsx": ("movzx",),
    "cmp": ("test",), "test": ("cmp",),
    "paddb": ("psubb", "paddw"), "paddw": ("psubw", "paddd"), "paddd": ("psubd", "paddw"),
    "paddq": ("psubq", "paddd"), "psubb": ("paddb",), "psubw": ("paddw",), "psubd": ("paddd",),
    "psubq": ("paddq",), "pand": ("por",), "por": ("pxor", "pand"),
    "pxor": ("por",), "pandn": ("pand",),
    "pcmpgtd": ("pcmpeqd",), "pcmpeqd": ("pcmpgtd",), "pcmpgtb": ("pcmpeqb",),
    "pcmpeqb": ("pcmpgtb",),
    "punpckldq": ("punpckhdq",), "punpckhdq": ("punpckldq",), "punpcklbw": ("punpckhbw",),
    "punpckhbw": ("punpcklbw",), "punpcklwd": ("punpckhwd",), "punpckhwd": ("punpcklwd",),
    "addps": ("subps",), "subps": ("addps",), "mulps": ("addps",), "addpd": ("subpd",),
    "subpd": ("addpd",), "mulpd": ("addpd",), "addss": ("subss",), "subss": ("addss",),
    "mulss": ("addss",), "divss": ("mulss",), "addsd": ("subsd",), "subsd": ("addsd",),
    "mulsd": ("addsd",), "divsd": ("mulsd",), "maxps": ("minps",), "minps": ("maxps",),
    "pmuludq": ("paddq",), "pmullw": ("paddw",), "pmaddwd": ("paddd",),
}  # fmt: skip
_SETTERS = ("set", "cmov")


@dataclass(frozen=True, slots=True)
class Mutant:
    """gcc's loop with one instruction changed."""

    blob: Blob
    what: str


@functools.cache
def _tools() -> tuple[capstone.Cs, keystone.Ks]:
    return (
        capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64),
        keystone.Ks(keystone.KS_ARCH_X86, keystone.KS_MODE_64),
    )


def make_mutants(baseline: Blob, loop: range, *, seed: int) -> list[Mutant]:
    """Make at most MAX_MUTANTS distinct mutants of the instructions in the byte range `loop`."""
    disassembler, assembler = _tools()
    found: dict[bytes, str] = {}
    code = baseline.code[loop.start : loop.stop]
    instructions = list(disassembler.disasm(code, loop.start))
    for number, instruction in enumerate(instructions):
        original = bytes(instruction.bytes)
        after = instructions[number + 1].mnemonic if number + 1 < len(instructions) else ""
        for text, changed in _changes(instruction, assembler):
            if (
                instruction.mnemonic in ("cmp", "test")
                and after.endswith("e")
                and text == _swapped(instruction)
            ):
                continue  # equality is symmetric: je, jne, sete, cmovne
            padded = changed + bytes([_NOP] * (len(original) - len(changed)))
            if len(padded) != len(original) or padded == original:
                continue
            at = instruction.address
            mutated = baseline.code[:at] + padded + baseline.code[at + len(original) :]
            found.setdefault(mutated, f"{instruction.mnemonic} {instruction.op_str} -> {text}")
    mutants = [Mutant(Blob(blob, baseline.entry), what) for blob, what in found.items()]
    if len(mutants) > MAX_MUTANTS:
        chosen = np.random.default_rng(seed).choice(len(mutants), MAX_MUTANTS, replace=False)
        mutants = [mutants[number] for number in sorted(chosen.tolist())]
    return mutants


def _swapped(instruction: capstone.CsInsn) -> str:
    return f"{instruction.mnemonic} " + ", ".join(reversed(instruction.op_str.split(", ")))


def _changes(instruction: capstone.CsInsn, assembler: keystone.Ks) -> Iterator[tuple[str, bytes]]:
    mnemonic, operands = instruction.mnemonic, instruction.op_str
    if mnemonic == "jmp":
        return
    raw = bytes(instruction.bytes)
    if mnemonic.startswith("j"):
        yield from _jump_changes(mnemonic, raw)
        return
    yield "removed", b""
    for text in _texts(mnemonic, operands):
        made = _assemble(assembler, text, instruction.address)
        if made is not None:
            yield text, made


def _jump_changes(mnemonic: str, raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Negate the condition, and weaken or strengthen it (b <-> be, l <-> le)."""
    at = 1 if raw[0] == 0x0F else 0
    condition = raw[at] & 0xF
    changes = [("negated", 1)]
    # Orderings stand in pairs: b be, ae a; l le, ge g (SDM vol. 2, B.1.4.7).
    if condition in (2, 3, 6, 7):
        changes.append(("other bound", 4))
    elif condition >= 0xC:
        changes.append(("other bound", 2))
    for what, bits in changes:
        yield f"{mnemonic} {what}", raw[:at] + bytes([raw[at] ^ bits]) + raw[at + 1 :]


def _texts(mnemonic: str, operands: str) -> Iterator[str]:
    for other in _SWAPS.get(mnemonic, ()):
        yield f"{other} {operands}"
    for prefix in _SETTERS:
        if mnemonic.startswith(prefix):
            yield f"{_negated(mnemonic, prefix)} {operands}"
    for match in _NUMBER.finditer(operands):
        if operands[match.start() - 1 : match.start()] == "*":
            continue
        for step in (1, -1):
            value = int(match[1], 0) + step
            yield f"{mnemonic} {operands[: match.start()]}{value:#x}{operands[match.end() :]}"
    parts = [part.strip() for part in operands.split(",")]
    if (
        len(parts) == 2
        and not any("[" in part or part[0].isdigit() for part in parts)
        and parts[0] != parts[1]
    ):
        yield f"{mnemonic} {parts[1]}, {parts[0]}"
    if mnemonic == "mov" or mnemonic.startswith("mova"):
        return
    if len(parts) == 2 and _XMM.fullmatch(parts[1]):
        yield f"{mnemonic} {parts[0]}, xmm{(int(parts[1][3:]) + 1) % 16}"


def _negated(mnemonic: str, prefix: str) -> str:
    condition = mnemonic[len(prefix) :]
    return prefix + (condition[1:] if condition.startswith("n") else "n" + condition)


def _assemble(assembler: keystone.Ks, text: str, address: int) -> bytes | None:
    try:
        made, _ = assembler.asm(text, addr=address, as_bytes=True)
    except keystone.KsError:
        return None
    return bytes(made) if made else None
