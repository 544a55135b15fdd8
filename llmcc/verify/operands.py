"""The memory operands of a blob's instructions: where, how many bytes, read or written.

Decoded by capstone; whether the first operand is read or written is a table here, since capstone's
own word on that is wrong for some instructions. What the table does not know counts as both.
Source: Intel SDM vol. 2, operand encoding of each instruction.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import capstone
from capstone import x86_const as x86

from llmcc.x86.registers import GPR, REGISTERS

_GS_PREFIX = 0x65
# A first operand in memory that is only read …
_READ_ONLY = frozenset(
    """cmp test bt mul imul div idiv ptest vptest comiss comisd ucomiss ucomisd vcomiss vcomisd
    vucomiss vucomisd push""".split()
)
# … and these only write theirs.
_WRITE_ONLY = (
    "mov", "vmov", "kmov", "set", "vpmaskmov", "vmaskmov", "pextr", "vpextr", "extract", "vextract",
    "vpmov", "vpcompress", "vcompress", "pop", "stos",
)  # fmt: skip
_NO_ACCESS = ("lea", "nop")
# Longest first: "vmovdqu8" ends in 8, "vmovups" in ps.
_LANE_BYTES = (
    ("16", 2), ("32", 4), ("64", 8), ("ps", 4), ("pd", 8), ("ss", 4), ("sd", 8),
    ("b", 1), ("w", 2), ("d", 4), ("q", 8), ("8", 1),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MemoryOperand:
    """base + index*scale + disp, and what is done there."""

    base: int | None  # number of a general register
    index: int | None
    scale: int
    disp: int
    size_bytes: int
    is_load: bool
    is_store: bool
    mask: int | None = None  # register whose lanes select what is touched; None: all of it
    is_opmask: bool = False  # `mask` is k1…k7, else ymm0…ymm15
    lane_bytes: int = 0  # of a masked operand


@functools.lru_cache(maxsize=64)
def memory_operands(code: bytes) -> dict[int, tuple[MemoryOperand, ...]]:
    """List what each instruction of a blob touches, by its offset; not its own constants."""
    return {
        instruction.address: tuple(
            _operand(instruction, operand, is_first=not position)
            for position, operand in enumerate(instruction.operands)
            if _is_outside(instruction, operand)
        )
        for instruction in instructions_of(code)
    }


def instructions_of(code: bytes) -> Iterator[capstone.CsInsn]:
    """Decode a blob; the constants behind its code are left out where they do not decode."""
    return (instruction for instruction in _disassembler().disasm(code, 0) if instruction.id)


@functools.cache
def _disassembler() -> capstone.Cs:
    tool = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    tool.detail = True
    tool.skipdata = True
    return tool


def _is_outside(instruction: capstone.CsInsn, operand: capstone.x86.X86Op) -> bool:
    """Whether an operand is memory that is neither the blob's own nor the control page's."""
    return (
        operand.type == x86.X86_OP_MEM
        and operand.mem.base != x86.X86_REG_RIP
        and instruction.mnemonic not in _NO_ACCESS
        and instruction.prefix[1] != _GS_PREFIX
    )


def _operand(
    instruction: capstone.CsInsn, operand: capstone.x86.X86Op, *, is_first: bool
) -> MemoryOperand:
    name, memory = instruction.mnemonic, operand.mem
    is_store = is_first and name not in _READ_ONLY
    mask, is_opmask, lane_bytes = _mask(instruction)
    is_broadcast = "{1to" in instruction.op_str
    return MemoryOperand(
        base=_number(instruction, memory.base),
        index=_number(instruction, memory.index),
        scale=memory.scale,
        disp=memory.disp,
        size_bytes=_lane_bytes(name) if is_broadcast else operand.size,
        is_load=not (is_store and name.startswith(_WRITE_ONLY)),
        is_store=is_store,
        mask=None if is_broadcast else mask,
        is_opmask=is_opmask,
        lane_bytes=lane_bytes,
    )


def _mask(instruction: capstone.CsInsn) -> tuple[int | None, bool, int]:
    """The register that selects lanes, whether it is a k register, and the lanes' width."""
    name = instruction.mnemonic
    if "maskmov" in name:
        # vpmaskmovd memory, mask, source or vpmaskmovd target, mask, memory
        register = instruction.reg_name(instruction.operands[1].reg)
        return int(register.lstrip("xym")), False, _lane_bytes(name)
    if "{k" in instruction.op_str and not name.startswith(("vcvt", "vpcompress", "vcompress")):
        return int(instruction.op_str.partition("{k")[2][0]), True, _lane_bytes(name)
    return None, False, 0


def _lane_bytes(name: str) -> int:
    if name.startswith(("vpmovzx", "vpmovsx")):
        name = name[:-1]  # vpmovzxbd reads bytes
    return next((size for suffix, size in _LANE_BYTES if name.endswith(suffix)), 1)


def _number(instruction: capstone.CsInsn, register: int) -> int | None:
    return GPR.index(REGISTERS[instruction.reg_name(register)].family) if register else None
