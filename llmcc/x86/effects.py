"""What each instruction that gcc writes for x86-64 reads, writes and kills.

A table on the text, not a disassembler: gcc's baseline text is a small, regular language, and the
table errs on one side only. A register counts as read whenever any part of it might be (partial
writes, conditional moves), and as killed only when the whole of it is certainly overwritten; an
instruction without a row has no effects at all (None) and its function is left alone.
Sources: Intel SDM vol. 2; GNU as manual, "i386-Mnemonics"; System V AMD64 psABI 3.2.

Does not cover: AVX, AVX-512 (units that hold them are refused), segments, privileged instructions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmcc.asm.model import Line
from llmcc.asm.operand import Immediate, Memory, Operand, Register, Target, parse_operand
from llmcc.x86.registers import REGISTERS
from llmcc.x86.sse import SSE_MEMORY_BYTES, SSE_MERGING, SSE_READ_ONLY, SSE_RMW, SSE_WRITING

FLAGS = "flags"  # a family of its own

CONDITIONS = frozenset(
    "a ae b be c e g ge l le na nae nb nbe nc ne ng nge nl nle no np ns nz o p pe po s z".split()
)
_ARGUMENTS = frozenset(
    ("rdi", "rsi", "rdx", "rcx", "r8", "r9", "rax", "r10", "rsp", *(f"xmm{n}" for n in range(8)))
)
# Read at `ret`: results and everything the caller expects back.
_RETURNED = frozenset(
    ("rax", "rdx", "xmm0", "xmm1", "rsp", "rbx", "rbp", "r12", "r13", "r14", "r15")
)

_INTEGER_RMW = frozenset("add sub and or xor adc sbb imul shl sal shr sar rol ror rcl rcr".split())
_INTEGER_UNARY = frozenset("inc dec neg not bswap".split())
_INTEGER_READ = frozenset("cmp test bt".split())
_INTEGER_WRITE = frozenset("mov lea movabs popcnt lzcnt tzcnt".split())
_READS_FLAGS = frozenset("adc sbb rcl rcr".split())
_KEEPS_FLAGS = frozenset("mov lea movabs not bswap push pop xchg".split())
_WIDENING = re.compile(r"mov[sz](b[wlq]|w[lq]|lq)$")
_SUFFIX_BYTES = {"b": 1, "w": 2, "l": 4, "q": 8}
# mnemonic -> (reads, writes); writes are full kills
_IMPLICIT: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "cltq": (("rax",), ("rax",)),
    "cwtl": (("rax",), ("rax",)),
    "cltd": (("rax",), ("rdx",)),
    "cqto": (("rax",), ("rdx",)),
    "cwtd": (("rax", "rdx"), ()),
    "leave": (("rbp", "rsp"), ("rbp", "rsp")),
    "nop": ((), ()),
    "nopw": ((), ()),
    "nopl": ((), ()),
    "endbr64": ((), ()),
    "pause": ((), ()),
    "emms": ((), ()),
}
_STRING = re.compile(r"(rep\w* )?(stos|movs|lods|scas|cmps)[bwlq]$")


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """The memory operand of an instruction."""

    operand: Memory
    size_bytes: int
    is_load: bool
    is_store: bool


@dataclass(frozen=True, slots=True)
class Effects:
    """Families read, possibly written and certainly overwritten; FLAGS is one of them."""

    reads: frozenset[str]
    writes: frozenset[str]
    kills: frozenset[str]
    memory: MemoryUse | None = None
    jump: str = ""  # "", "always", "if", "call", "return", "indirect", "trap"
    target: str = ""  # label of a direct jump


def effects(line: Line) -> Effects | None:
    """Look up what `line`, an instruction, does; None when the table does not know."""
    name = line.name
    if control := _control(line):
        return control
    operands = [parse_operand(text) for text in line.operands]
    if any(operand is None for operand in operands):
        return None
    known = [operand for operand in operands if operand is not None]
    if name in _IMPLICIT:
        reads, writes = _IMPLICIT[name]
        return Effects(frozenset(reads), frozenset(writes), frozenset(writes))
    if _STRING.match(name) and not known:
        touched = frozenset(("rdi", "rsi", "rcx", "rax"))
        return Effects(touched, touched | {FLAGS}, frozenset())
    return _integer(name, known) or _sse(name, known)


def _control(line: Line) -> Effects | None:
    name = line.name.removeprefix("notrack ").removeprefix("bnd ")
    nothing: frozenset[str] = frozenset()
    if name == "jmp" or (name.startswith("j") and name[1:] in CONDITIONS):
        text = line.operands[0] if line.operands else ""
        target = parse_operand(text)
        if not isinstance(target, Target):
            inner = parse_operand(text.removeprefix("*"))
            return Effects(_mentioned(inner), nothing, nothing, jump="indirect")
        flags = frozenset((FLAGS,)) if name != "jmp" else nothing
        return Effects(
            flags, nothing, nothing, jump="if" if flags else "always", target=target.name
        )
    if name in ("call", "callq"):
        reads = _ARGUMENTS
        if line.operands:
            reads = reads | _mentioned(parse_operand(line.operands[0].removeprefix("*")))
        # Kills nothing: under -fipa-ra values live in call-clobbered registers across calls.
        return Effects(reads, nothing, nothing, jump="call")
    if name in ("ret", "retq", "rep ret", "repz ret"):
        return Effects(_RETURNED, nothing, nothing, jump="return")
    if name in ("ud2", "hlt"):
        return Effects(nothing, nothing, nothing, jump="trap")
    return None


def _mentioned(operand: Operand | None) -> frozenset[str]:
    match operand:
        case Register(name) if name in REGISTERS:
            return frozenset((REGISTERS[name].family,))
        case Memory(base, index):
            parts = [part for part in (base, index) if part and part in REGISTERS]
            return frozenset(REGISTERS[part].family for part in parts)
        case _:
            return frozenset()


def _integer(name: str, operands: list[Operand]) -> Effects | None:
    if not operands or any(_is_vector(operand) for operand in operands):
        return None
    if _WIDENING.match(name) and len(operands) == 2:
        return _build(operands, {"w"}, size=_SUFFIX_BYTES[name[4]])
    if name.startswith("set") and name[3:] in CONDITIONS:
        return _build(operands, {"w"}, size=1, extra_reads={FLAGS})
    if name.startswith("cmov") and (name[4:] in CONDITIONS or name[4:-1] in CONDITIONS):
        return _build(operands, {"r", "w"}, size=_width(name, operands), extra_reads={FLAGS})
    base = name if name in _ALL_INTEGER else name[:-1]
    if base not in _ALL_INTEGER or (base != name and name[-1] not in _SUFFIX_BYTES):
        return None
    size = _width(name, operands)
    return _special(base, operands, size) or _arithmetic(base, operands, size)


def _special(base: str, operands: list[Operand], size: int) -> Effects | None:
    """Integer instructions that use registers they do not name, or write no operand."""
    if base in ("mul", "div", "idiv") or (base == "imul" and len(operands) == 1):
        reads = {"rax", "rdx"} if "div" in base else {"rax"}
        writes = {"rax", "rdx", FLAGS}
        return _build(operands, {"r"}, size=size, extra_reads=reads, extra_writes=writes)
    if base in ("push", "pop"):
        mode = {"r"} if base == "push" else {"w"}
        return _build(operands, mode, size=8, extra_reads={"rsp"}, extra_writes={"rsp"})
    if base in _INTEGER_READ:
        return _build(operands, {"r"}, size=size, extra_kills={FLAGS})
    if base == "xchg":
        return _build(operands, {"r", "w", "both"}, size=size)
    return None


def _arithmetic(base: str, operands: list[Operand], size: int) -> Effects:
    flags = set() if base in _KEEPS_FLAGS else {FLAGS}
    if base in _INTEGER_WRITE or (base == "imul" and len(operands) == 3):
        return _build(operands, {"w"}, size=size, extra_kills=flags, is_address=base == "lea")
    reads = {FLAGS} if base in _READS_FLAGS else set()
    is_idiom = base in ("xor", "sub", "sbb") and len(operands) == 2 and operands[0] == operands[1]
    if is_idiom and isinstance(operands[0], Register):
        return _build(operands[1:], {"w"}, size=size, extra_reads=reads, extra_kills=flags)
    # A shift by %cl may be by 0 and leave the flags; inc, dec and rotates leave some of them.
    is_by_register = base[:2] in ("sh", "sa") and isinstance(operands[0], Register)
    keeps_some = base[:2] in ("ro", "rc") or base in ("inc", "dec")
    kills = set() if keeps_some or (is_by_register and len(operands) > 1) else flags
    return _build(
        operands, {"r", "w"}, size=size, extra_reads=reads, extra_writes=flags, extra_kills=kills
    )


_ALL_INTEGER = (
    _INTEGER_RMW
    | _INTEGER_UNARY
    | _INTEGER_READ
    | _INTEGER_WRITE
    | frozenset("mul div idiv push pop xchg shld shrd bsf bsr bts btr btc".split())
)


def _width(name: str, operands: list[Operand]) -> int:
    for operand in reversed(operands):
        if isinstance(operand, Register) and operand.name in REGISTERS:
            return REGISTERS[operand.name].bits // 8
    return _SUFFIX_BYTES.get(name[-1], 8)


def _is_vector(operand: Operand) -> bool:
    return isinstance(operand, Register) and operand.name.startswith(
        ("xmm", "ymm", "zmm", "k", "st", "mm")
    )


def _sse(name: str, operands: list[Operand]) -> Effects | None:
    if any(isinstance(o, Register) and o.name not in REGISTERS for o in operands) or not operands:
        return None
    if any(isinstance(o, Register) and REGISTERS[o.name].bits > 128 for o in operands):
        return None
    size = SSE_MEMORY_BYTES.get(name, 16)
    if name in SSE_READ_ONLY:
        return _build(operands, {"r"}, size=size, extra_kills={FLAGS})
    if name in SSE_MERGING:  # a full write from memory, a merge from a register
        mode = (
            {"w"}
            if isinstance(operands[0], Memory) or isinstance(operands[-1], Memory)
            else {"r", "w"}
        )
        return _build(operands, mode, size=size)
    if name in SSE_WRITING:
        return _build(operands, {"w"}, size=size)
    if name in SSE_RMW:
        if len(operands) == 2 and operands[0] == operands[1] and name in _IDIOMS:
            return _build(operands[1:], {"w"}, size=size)
        return _build(operands, {"r", "w"}, size=size)
    return None


_IDIOMS = frozenset(
    """pxor xorps xorpd pcmpeqb pcmpeqw pcmpeqd psubb psubw psubd psubq pcmpgtb pcmpgtw
    pcmpgtd""".split()
)


def _build(
    operands: list[Operand],
    last: set[str],
    *,
    size: int,
    extra_reads: set[str] | None = None,
    extra_writes: set[str] | None = None,
    extra_kills: set[str] | None = None,
    is_address: bool = False,
) -> Effects:
    """Combine: all operands but the last are read; `last` says how the last one is used."""
    reads = set(extra_reads or ())
    kills = set(extra_kills or ())
    writes = set(extra_writes or ()) | kills
    memory: MemoryUse | None = None
    for position, operand in enumerate(operands):
        is_last = position == len(operands) - 1
        mode = last if is_last or "both" in last else {"r"}
        match operand:
            case Memory():
                reads |= _mentioned(operand)
                if not is_address:
                    memory = MemoryUse(operand, size, "r" in mode, is_last and "w" in mode)
            case Register(spelling) if spelling in REGISTERS:
                name = REGISTERS[spelling]
                is_partial = name.bits < 32
                if "r" in mode or is_partial:
                    reads.add(name.family)
                if "w" in mode:
                    writes.add(name.family)
                    if "r" not in mode and not is_partial:
                        kills.add(name.family)
            case Immediate() | Target() | Register():
                pass
    return Effects(frozenset(reads), frozenset(writes), frozenset(kills), memory)
