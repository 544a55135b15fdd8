"""What an instruction reads: registers by the width it reads, and status flags.

Source: capstone, where it was compared with the SDM; the exceptions are the tables here.
"""

from __future__ import annotations

from dataclasses import dataclass

import capstone
from capstone import x86_const as x86

from llmcc.gate.allowed import VECTOR
from llmcc.x86.registers import REGISTERS, RegisterName

FLAGS = frozenset("CF PF AF ZF SF OF".split())

# With one register as both sources these give the same whatever it holds (SDM vol. 1, 3.4.1).
_SAME_WHATEVER = frozenset(
    """xor sub pxor xorps xorpd psubb psubw psubd psubq pcmpeqb pcmpeqw pcmpeqd pcmpeqq pcmpgtb
    pcmpgtw pcmpgtd pcmpgtq vpxor vpxord vpxorq vxorps vxorpd vpsubb vpsubw vpsubd vpsubq vpcmpeqb
    vpcmpeqw vpcmpeqd vpcmpeqq vpcmpgtb vpcmpgtw vpcmpgtd vpcmpgtq kxorb kxorw kxord kxorq kxnorb
    kxnorw kxnord kxnorq""".split()
)
_TERNARY = ("vpternlogd", "vpternlogq")
_TERNARY_CONSTANTS = (0x00, 0xFF)
# A count of 0 in cl leaves the flags as they were.
_SHIFTS = frozenset("shl sal shr sar rol ror shld shrd".split())
_SIGN_IS_UNDEFINED = frozenset(("mul", "imul"))
# Vector and mask instructions that set all six flags; no other touches one, whatever capstone says.
_SET_ALL_FLAGS = frozenset(
    """ptest vptest vtestps vtestpd comiss comisd ucomiss ucomisd vcomiss vcomisd vucomiss vucomisd
    kortestb kortestw kortestd kortestq ktestb ktestw ktestd ktestq""".split()
)
# Upper lanes of the first operand stay, which capstone does not say.
_KEEPS_LANES = frozenset("cvtsi2ss cvtsi2sd cvtss2sd cvtsd2ss sqrtss sqrtsd".split())


@dataclass(frozen=True, slots=True)
class FlagEffects:
    """Status flags that an instruction looks at, gives a meaning, and leaves without one."""

    tested: frozenset[str]
    defined: frozenset[str]
    undefined: frozenset[str]


def registers_read(instruction: capstone.CsInsn) -> tuple[RegisterName, ...]:
    """Registers whose value matters, those of addresses and old lanes that stay among them."""
    if _is_same_whatever(instruction):
        return ()
    names = {instruction.reg_name(number) for number in instruction.regs_access()[0]}
    operands = instruction.operands
    if instruction.mnemonic in VECTOR:
        if _gives_a_mask(instruction):
            names.discard(instruction.reg_name(operands[0].reg))
        names |= _sources(instruction)
    if _reads_lowest_lanes(instruction):
        names = {f"xmm{name[3:]}" if name[:3] in ("ymm", "zmm") else name for name in names}
    if instruction.mnemonic.startswith("cmov") or instruction.mnemonic in _KEEPS_LANES:
        names.add(instruction.reg_name(operands[0].reg))  # stays, wholly or in part
    return tuple(REGISTERS[name] for name in sorted(names) if name in REGISTERS)


def _sources(instruction: capstone.CsInsn) -> set[str]:
    """Registers among all operands but the first: capstone leaves some of EVEX instructions out."""
    return {
        instruction.reg_name(operand.reg)
        for operand in instruction.operands[1:]
        if operand.type == x86.X86_OP_REG
    }


def _gives_a_mask(instruction: capstone.CsInsn) -> bool:
    """Whether a mask register is written whole: capstone says of some that it is read, too."""
    first = instruction.op_str.partition(",")[0]
    return first.startswith("k") and "{" not in first


def flag_effects(instruction: capstone.CsInsn) -> FlagEffects:
    """Tell what an instruction does with the status flags."""
    if instruction.mnemonic in VECTOR:
        nothing: frozenset[str] = frozenset()
        is_test = instruction.mnemonic in _SET_ALL_FLAGS
        return FlagEffects(nothing, FLAGS if is_test else nothing, nothing)
    tested = _flags(instruction, "TEST")
    undefined = _flags(instruction, "UNDEFINED")
    defined = _flags(instruction, "MODIFY") | _flags(instruction, "SET", "RESET")
    if instruction.mnemonic in _SIGN_IS_UNDEFINED:
        undefined |= {"SF"}
    if instruction.mnemonic in _SHIFTS and instruction.op_str.endswith("cl"):
        defined = frozenset()
    return FlagEffects(tested, defined - undefined, undefined)


def _flags(instruction: capstone.CsInsn, *kinds: str) -> frozenset[str]:
    return frozenset(
        flag
        for flag in FLAGS
        for kind in kinds
        if instruction.eflags & getattr(x86, f"X86_EFLAGS_{kind}_{flag}", 0)
    )


def _reads_lowest_lanes(instruction: capstone.CsInsn) -> bool:
    """Whether a wide instruction takes no more than the lowest 128 bits of its registers."""
    if "{k" in instruction.op_str:
        return False
    name = instruction.mnemonic
    if name in ("vinserti128", "vinsertf128"):  # over the upper half
        return bool(instruction.operands[-1].imm & 1)
    is_shuffle = name.startswith(("vshufi", "vshuff"))
    return is_shuffle and not int(instruction.operands[-1].imm) & 0xFF


def _is_same_whatever(instruction: capstone.CsInsn) -> bool:
    operands = instruction.operands
    if any(operand.type == x86.X86_OP_MEM for operand in operands):
        return False
    if instruction.mnemonic in _TERNARY:
        return "{k" not in instruction.op_str and operands[-1].imm & 0xFF in _TERNARY_CONSTANTS
    sources = {operand.reg for operand in operands[-2:] if operand.type == x86.X86_OP_REG}
    return (
        instruction.mnemonic in _SAME_WHATEVER
        and len(operands) >= 2
        and len(sources) == 1
        and "{k" not in instruction.op_str
        and all(operand.type == x86.X86_OP_REG for operand in operands[-2:])
    )
