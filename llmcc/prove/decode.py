"""Instructions as symbolic execution sees them, decoded by capstone, the gate's authority."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import capstone
from capstone import x86_const as x86

from llmcc.errors import LlmccError
from llmcc.x86.registers import GPR, REGISTERS, XMM

_LOCK = 0xF0
_SEGMENTS = frozenset((0x64, 0x65))


class NotModelled(LlmccError):
    """Code or a state that symbolic execution has no model of; nothing can be proved about it."""


@dataclass(frozen=True, slots=True)
class Register:
    """A register operand."""

    number: int  # in encoding order
    bits: int
    is_vector: bool
    is_high_byte: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """A memory operand; `base` and `index` are numbers of 64-bit registers."""

    base: int | None
    index: int | None
    scale: int
    disp: int  # absolute offset in the blob where is_rip
    size_bytes: int
    is_rip: bool


@dataclass(frozen=True, slots=True)
class Immediate:
    """An immediate operand, sign extended as capstone gives it."""

    value: int


Operand = Register | Memory | Immediate


@dataclass(frozen=True, slots=True)
class Instruction:
    """One decoded instruction."""

    offset: int
    end: int  # offset of the next one
    mnemonic: str
    operands: tuple[Operand, ...]

    @property
    def is_jump(self) -> bool:
        """Whether it is a jump, conditional or not."""
        return self.mnemonic.startswith("j")

    @property
    def target(self) -> int:
        """Where a jump goes.

        Raises:
            NotModelled: through a register or memory.
        """
        match self.operands:
            case (Immediate(value),):
                return value
        raise NotModelled(f"indirect {self.mnemonic}")


@functools.cache
def _disassembler() -> capstone.Cs:
    tool = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    tool.detail = True
    return tool


def decode(code: bytes, offset: int) -> Instruction:
    """Decode the instruction at an offset.

    Raises:
        NotModelled: it does not decode, or has a lock, segment or address-size prefix.
    """
    found = next(_disassembler().disasm(code[offset : offset + 15], offset, 1), None)
    if found is None:
        raise NotModelled(f"undecodable at byte {offset}")
    if found.prefix[0] == _LOCK or found.prefix[1] in _SEGMENTS or found.prefix[3] == 0x67:
        raise NotModelled(f"a prefix of {found.mnemonic}")
    end = found.address + found.size
    operands = tuple(_operand(found, operand, end) for operand in found.operands)
    return Instruction(found.address, end, found.mnemonic, operands)


def _operand(instruction: capstone.CsInsn, operand: capstone.x86.X86Op, end: int) -> Operand:
    if operand.type == x86.X86_OP_IMM:
        return Immediate(operand.imm)
    if operand.type == x86.X86_OP_REG:
        return _register(instruction.reg_name(operand.reg))
    memory = operand.mem
    base, index = (
        instruction.reg_name(number) if number else None for number in (memory.base, memory.index)
    )
    if base == "rip":
        return Memory(None, None, 1, end + memory.disp, operand.size, is_rip=True)
    for name in (base, index):
        if name is not None and name not in GPR:
            raise NotModelled(f"an address with {name}")
    return Memory(
        GPR.index(base) if base else None,
        GPR.index(index) if index else None,
        memory.scale,
        memory.disp,
        operand.size,
        is_rip=False,
    )


def _register(name: str) -> Register:
    found = REGISTERS.get(name)
    if found is None or found.bits > 256 or found.family.startswith("k"):
        raise NotModelled(f"register {name}")
    if found.family in GPR:
        number = GPR.index(found.family)
        return Register(number, found.bits, is_vector=False, is_high_byte=found.is_high_byte)
    if found.family not in XMM:
        raise NotModelled(f"register {name}")
    return Register(XMM.index(found.family), found.bits, is_vector=True)
