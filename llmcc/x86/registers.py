"""The registers of x86-64: families, widths and conventions.

A *family* is named by its widest general form: the 64-bit name for general registers ("rax"),
"xmmN" for vector registers of any width, "kN" for masks.
Source: Intel SDM vol. 1, section 3.4; System V AMD64 psABI, section 3.2.1.
"""

from __future__ import annotations

from dataclasses import dataclass

_LEGACY = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")

# Encoding order; index = register number.
GPR = tuple("r" + name for name in _LEGACY) + tuple(f"r{n}" for n in range(8, 16))
XMM = tuple(f"xmm{n}" for n in range(16))
WIDE_ONLY = tuple(f"xmm{n}" for n in range(16, 32))
MASK = tuple(f"k{n}" for n in range(8))

CALL_CLOBBERED_GPR = frozenset(("rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"))


@dataclass(frozen=True, slots=True)
class RegisterName:
    """One spelling of a register: its family and its width in bits."""

    family: str
    bits: int
    is_high_byte: bool = False  # ah, bh, ch, dh


def _names() -> dict[str, RegisterName]:
    names: dict[str, RegisterName] = {}
    for legacy, family in zip(_LEGACY, GPR, strict=False):
        names[family] = RegisterName(family, 64)
        names["e" + legacy] = RegisterName(family, 32)
        names[legacy] = RegisterName(family, 16)
        low = legacy[0] + "l" if legacy[1] == "x" else legacy + "l"
        names[low] = RegisterName(family, 8)
        if legacy[1] == "x":
            names[legacy[0] + "h"] = RegisterName(family, 8, is_high_byte=True)
    for family in GPR[8:]:
        names[family] = RegisterName(family, 64)
        names[family + "d"] = RegisterName(family, 32)
        names[family + "w"] = RegisterName(family, 16)
        names[family + "b"] = RegisterName(family, 8)
    for number in range(32):
        for prefix, bits in (("xmm", 128), ("ymm", 256), ("zmm", 512)):
            names[f"{prefix}{number}"] = RegisterName(f"xmm{number}", bits)
    for family in MASK:
        names[family] = RegisterName(family, 64)
    return names


# spelling without the percent sign -> what it names
REGISTERS = _names()


def spelled(family: str, bits: int) -> str:
    """Spell a register of `family` at a width, for example ("rax", 32) -> "eax"."""
    return _SPELLINGS[family, bits]


_SPELLINGS = {
    (name.family, name.bits): spelling
    for spelling, name in REGISTERS.items()
    if not name.is_high_byte
}
