"""Every operand form of every modelled mnemonic that the assembler knows, as one blob of code."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from llmcc.outcome import Refusal
from llmcc.prove.decode import decode
from llmcc.prove.semantics import SEMANTICS
from llmcc.sandbox.model import Blob, exit_stub
from llmcc.toolchain import MARCH, assemble

_ERROR_LINE = re.compile(r":(\d+): Error")
# rsi and rdi hold addresses; the others hold operands.
_GENERAL = {8: ("cl", "dl", "al", "ah", "bh"), 16: ("cx", "dx", "ax"), 32: ("ecx", "edx", "eax"),
            64: ("rcx", "rdx", "rax")}  # fmt: skip
_SIZED = {8: "byte", 16: "word", 32: "dword", 64: "qword", 128: "xmmword", 256: "ymmword"}
_IMMEDIATES = ("1", "0x2b", "-0x64")
_LARGE = ("0x12345678", "0x123456789abcdef0")
_ADDRESSES = ("rcx+rdx*4+0x11", "rax-3", "rcx+rcx*2", "rdx*8+5", "rcx+rdx")


@dataclass(frozen=True, slots=True)
class Form:
    """One instruction with its operands, Intel syntax."""

    mnemonic: str
    text: str
    blob: Blob


@functools.cache
def all_forms() -> tuple[Form, ...]:
    """Assemble all forms that exist on a CPU with AVX2."""
    lines = [line for mnemonic in SEMANTICS for line in _candidates(mnemonic)]
    while True:
        made = assemble(_text(lines), march=MARCH["avx2"])
        if not isinstance(made, Refusal):
            break
        wrong = {int(number) for number in _ERROR_LINE.findall(made.detail)}
        assert wrong, made.detail[:500]
        lines = [line for number, line in enumerate(lines) if 3 + 2 * number not in wrong]
    forms = []
    for number, line in enumerate(lines):
        entry = made.symbols[f".LF{number}"]
        # As capstone spells it: that is what the tables are asked with.
        forms.append(Form(decode(made.code, entry).mnemonic, line, Blob(made.code, entry)))
    return tuple(form for form in forms if form.mnemonic in SEMANTICS)


def _text(lines: list[str]) -> str:
    """Two lines for each form, the first form on lines 3 and 4."""
    body = "".join(f".LF{n}: {line}\njmp .LX0\n" for n, line in enumerate(lines))
    return f".text\n.intel_syntax noprefix\n{body}.att_syntax\n{exit_stub('.LX0', 0)}"


def _candidates(mnemonic: str) -> Iterator[str]:
    """Guess operand forms; the assembler throws out those that do not exist."""
    if mnemonic == "lea":
        yield from (
            f"lea {target}, [{address}]"
            for target in ("rax", "eax", "ax")
            for address in _ADDRESSES
        )
        return
    if mnemonic == "vzeroupper":
        yield mnemonic
        return
    if mnemonic == "movabs":
        yield "movabs rax, 0x123456789abcdef0"
        return
    seen: dict[str, None] = {}
    for operands in itertools.chain(_general_operands(mnemonic), _vector_operands(mnemonic)):
        seen[f"{mnemonic} {', '.join(operands)}".strip()] = None
    yield from seen


def _general_operands(mnemonic: str) -> Iterator[tuple[str, ...]]:
    if mnemonic.startswith("v") or "mm" in mnemonic:
        return
    yield ()
    for bits, (c, d, a, *high) in _GENERAL.items():
        memory = f"{_SIZED[bits]} ptr [rsi+0x20]"
        yield (c,)
        yield (memory,)
        yield from ((c, d), (d, c), (a, a), (c, memory), (memory, c), (d, "cl"), (memory, "cl"))
        yield from ((c, i) for i in (*_IMMEDIATES, str(bits - 1), "0", _LARGE[0]))
        yield from ((a, d, i) for i in _IMMEDIATES)
        yield from ((a, memory, _IMMEDIATES[1]), (memory, _IMMEDIATES[0]))
        yield from ((a, d, c), (a, memory, c), (a, d, memory), (c, d, d))
        for name in high:
            yield from ((name,), (name, d), (d, name), (name, _IMMEDIATES[0]), (memory, name))
        for small, (e, _, f, *narrow) in _GENERAL.items():
            if small < bits:
                yield from ((d, e), (f"{a}", f), (c, f"{_SIZED[small]} ptr [rdi+0x31]"))
                if bits < 64:
                    yield from ((d, name) for name in narrow)


def _vector_operands(mnemonic: str) -> Iterator[tuple[str, ...]]:
    numbers = ("1", "0x4e", "0xb1", "0xc7", "4", "0x38")
    for kind, bits in (("xmm", 128), ("ymm", 256)):
        x, y, z, w = (f"{kind}{n}" for n in (1, 2, 3, 14))
        memory = f"{_SIZED[bits]} ptr [rsi+0x40]"
        yield from ((x, y), (x, memory), (memory, x), (x, x), (x, y, z), (x, y, memory), (x, x, y))
        yield from ((x, y, z, w), (x, y, memory, w), (memory, x, y), (x, w, y))
        for number in numbers:
            yield from ((x, number), (x, y, number), (x, memory, number), (x, y, z, number))
            yield from ((x, y, memory, number), (x, "xmm2", number), (x, y, "xmm3", number))
            yield from ((memory, x, number), ("xmm1", y, number))
            yield from (("xmmword ptr [rsi+0x40]", y, number), (x, y, "xmmword ptr [rsi]", number))
        yield from ((x, "xmm2"), (x, y, "xmm3"), (x, y, "xmmword ptr [rsi+0x10]"))
        yield from (("eax", x), ("rax", x))
        for small in (8, 16, 32, 64, 128):
            other = f"{_SIZED[small]} ptr [rdi+0x23]"
            yield from ((x, other), (other, x), (x, y, other))
            yield from ((x, other, "3"), (other, x, "3"), (x, y, other, "1"))
    for register in ("eax", "rax", "ecx", "rdx"):
        yield from (("xmm1", register), (register, "xmm1"), ("xmm1", register, "5"))
        yield from ((register, "xmm2", "6"), ("xmm1", "xmm2", register, "3"))
