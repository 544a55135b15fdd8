"""The second gate, on the bytes: every one decodes, and every instruction is on the allow-list."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import capstone
from capstone import x86_const as x86

from llmcc.gate.allowed import ALLOWED, JUMPS, READ_ONLY
from llmcc.gate.constants import constant_ranges
from llmcc.gate.reads import FlagEffects, flag_effects, registers_read
from llmcc.outcome import Outcome, Refusal
from llmcc.states.blob import Built
from llmcc.x86.registers import GPR, REGISTERS, RegisterName

MAX_BYTES = 2048
_LOCK = 0xF0
_SEGMENTS = frozenset((0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65))
_NO_REGISTER = 0


@dataclass(frozen=True, slots=True)
class Decoded:
    """One instruction with what the later gates ask about it."""

    offset: int
    text: str
    mnemonic: str
    written: tuple[RegisterName, ...]
    read: tuple[RegisterName, ...]
    flags: FlagEffects
    values: frozenset[str]  # families that are operands, so read or written as values
    addresses: frozenset[str]  # families that only make up an address
    is_store: bool
    store_bytes: int
    is_masked: bool  # a k register or vector selects the lanes
    target: int | None  # of a direct jump, offset in the blob

    @property
    def is_jump(self) -> bool:
        """Whether it is a jump, conditional or not."""
        return self.mnemonic == "jmp" or self.mnemonic in JUMPS


@functools.cache
def _disassembler() -> capstone.Cs:
    tool = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    tool.detail = True
    return tool


def decode(built: Built, constants: str = "") -> tuple[Decoded, ...] | Refusal:
    """Decode the rewrite's own bytes from first to last; `constants` are the region's."""
    size = built.rewrite_bytes
    readable = constant_ranges(built, constants)
    if size > MAX_BYTES:
        return Refusal(Outcome.GATE_TOO_LARGE, f"{size} bytes")
    found: list[Decoded] = []
    end = 0
    for instruction in _disassembler().disasm(built.blob.code[:size], 0):
        if refusal := _refuse(instruction, readable):
            return refusal
        found.append(_decoded(instruction))
        end = instruction.address + instruction.size
    if end != size:
        return Refusal(Outcome.GATE_UNDECODABLE, f"at byte {end}")
    return _check_flow(tuple(found), built) or tuple(found)


def _refuse(instruction: capstone.CsInsn, readable: tuple[range, ...]) -> Refusal | None:
    text = f"{instruction.mnemonic} {instruction.op_str}".strip()
    if instruction.mnemonic not in ALLOWED:
        return Refusal(Outcome.GATE_FORBIDDEN_INSTRUCTION, text)
    if (
        instruction.prefix[0] == _LOCK
        or instruction.prefix[1] in _SEGMENTS
        or instruction.prefix[3] == 0x67
    ):
        return Refusal(Outcome.GATE_FORBIDDEN_INSTRUCTION, f"prefix of {text}")
    if any(_unknown_register(instruction, operand) for operand in instruction.operands):
        return Refusal(Outcome.GATE_FORBIDDEN_INSTRUCTION, f"no such register: {text}")
    memory = [operand for operand in instruction.operands if operand.type == x86.X86_OP_MEM]
    if len(memory) > 1:
        # movsd and cmpsd are string instructions too, and SSE's are on the list.
        return Refusal(Outcome.GATE_FORBIDDEN_INSTRUCTION, f"a string instruction: {text}")
    for operand in memory:
        if refusal := _refuse_address(instruction, operand, readable):
            return refusal
    return None


def _unknown_register(instruction: capstone.CsInsn, operand: capstone.x86.X86Op) -> bool:
    """Whether an operand is a segment, control, x87 or MMX register."""
    return operand.type == x86.X86_OP_REG and instruction.reg_name(operand.reg) not in REGISTERS


def _refuse_address(
    instruction: capstone.CsInsn, operand: capstone.x86.X86Op, readable: tuple[range, ...]
) -> Refusal | None:
    text = f"{instruction.mnemonic} {instruction.op_str}".strip()
    base = operand.mem.base
    if instruction.mnemonic in ("bt", "nop"):
        return Refusal(Outcome.GATE_FORBIDDEN_INSTRUCTION, text)
    if base == x86.X86_REG_RIP:
        if instruction.mnemonic == "lea":
            # With its own address code can read itself, and tell the sandbox from a program.
            return Refusal(Outcome.GATE_FORBIDDEN_INSTRUCTION, f"takes an address: {text}")
        first = instruction.address + instruction.size + operand.mem.disp
        past = first + operand.size
        # In a unit, other constants lie elsewhere and other bytes follow each.
        if not any(c.start <= first and past <= c.stop for c in readable):
            return Refusal(Outcome.GATE_SYMBOL, text)
        if operand is instruction.operands[0] and instruction.mnemonic not in READ_ONLY:
            return Refusal(Outcome.GATE_FORBIDDEN_INSTRUCTION, f"stores to a constant: {text}")
    elif instruction.mnemonic != "lea" and (
        base == _NO_REGISTER or instruction.reg_name(base) not in GPR
    ):
        return Refusal(Outcome.GATE_FORBIDDEN_INSTRUCTION, f"address without a base: {text}")
    return None


def _decoded(instruction: capstone.CsInsn) -> Decoded:
    mnemonic = instruction.mnemonic
    operands = instruction.operands
    is_jump = mnemonic == "jmp" or mnemonic in JUMPS
    first = operands[0] if operands else None
    is_memory = first is not None and first.type == x86.X86_OP_MEM
    is_store = is_memory and mnemonic not in READ_ONLY
    return Decoded(
        offset=instruction.address,
        text=f"{mnemonic} {instruction.op_str}".strip(),
        mnemonic=mnemonic,
        written=written_registers(instruction),
        read=registers_read(instruction),
        flags=flag_effects(instruction),
        values=_families(instruction, is_address=False),
        addresses=_families(instruction, is_address=True),
        is_store=is_store,
        store_bytes=int(first.size) if is_store and first is not None else 0,
        is_masked="{k" in instruction.op_str or "maskmov" in mnemonic,
        target=int(first.imm)
        if is_jump and first is not None and first.type == x86.X86_OP_IMM
        else None,
    )


def _families(instruction: capstone.CsInsn, *, is_address: bool) -> frozenset[str]:
    numbers: list[int] = []
    for operand in instruction.operands:
        if operand.type == x86.X86_OP_MEM and is_address:
            numbers += [operand.mem.base, operand.mem.index]
        elif operand.type == x86.X86_OP_REG and not is_address:
            numbers.append(operand.reg)
    names = (instruction.reg_name(number) for number in numbers if number != _NO_REGISTER)
    return frozenset(REGISTERS[name].family for name in names if name in REGISTERS)


def written_registers(instruction: capstone.CsInsn) -> tuple[RegisterName, ...]:
    """Registers written: what capstone says, and the first operand whatever capstone says."""
    if instruction.mnemonic == "vzeroupper":
        return ()  # clears upper halves only
    names = {instruction.reg_name(number) for number in instruction.regs_access()[1]}
    operands = instruction.operands
    if operands and operands[0].type == x86.X86_OP_REG and instruction.mnemonic not in READ_ONLY:
        names.add(instruction.reg_name(operands[0].reg))
    return tuple(REGISTERS[name] for name in sorted(names) if name in REGISTERS)


def _check_flow(decoded: tuple[Decoded, ...], built: Built) -> Refusal | None:
    if not decoded or decoded[-1].mnemonic != "jmp":
        return Refusal(Outcome.GATE_BAD_BRANCH, "runs off its end")
    places = {one.offset for one in decoded} | {built.head, *built.exits}
    for one in decoded:
        if one.is_jump and one.target not in places:
            return Refusal(Outcome.GATE_BAD_BRANCH, one.text)
    return None


def successors(decoded: tuple[Decoded, ...]) -> Mapping[int, tuple[int, ...]]:
    """Where each instruction may go on: index to indexes; -1 stands for leaving the rewrite."""
    index = {one.offset: number for number, one in enumerate(decoded)}
    found: dict[int, tuple[int, ...]] = {}
    for number, one in enumerate(decoded):
        taken = (index.get(one.target, -1),) if one.target is not None else ()
        found[number] = taken if one.mnemonic == "jmp" else (*taken, number + 1)
    return found
