"""A counted integer loop of a region as LLVM IR.

Covers: one exit, general registers, memory without symbols. Does not cover: vectors, `mul`, `div`,
shifts by a register, high bytes, flags that live across a label; these are refused.
"""

from __future__ import annotations

import re

from llmcc.asm.model import LineKind
from llmcc.asm.operand import Immediate, Memory, Operand, Register, parse_operand
from llmcc.asm.parse import parse
from llmcc.regions.model import Region
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import REGISTERS, XMM

_BITS = {"b": 8, "w": 16, "l": 32, "q": 64}
_BINARY = {"add": "add", "sub": "sub", "and": "and", "or": "or", "xor": "xor", "imul": "mul"}
_SHIFTS = {"shl": "shl", "sal": "shl", "shr": "lshr", "sar": "ashr"}
_COMPARE = {
    **{"e": "eq", "z": "eq", "ne": "ne", "nz": "ne", "b": "ult", "c": "ult", "ae": "uge"},
    **{"nc": "uge", "be": "ule", "a": "ugt", "l": "slt", "ge": "sge", "le": "sle", "g": "sgt"},
}


def passed_registers(region: Region) -> tuple[str, ...]:
    """Families the loop reads at its head, in the order of the function's arguments."""
    contract = region.contract
    inductions = tuple(dict.fromkeys(i.register for i in contract.inductions))
    return tuple(dict.fromkeys((*inductions, *contract.accumulators, *contract.invariants)))


def loop_ir(region: Region, attributes: str) -> str:
    """A function that runs `count` iterations (count >= 1) and tail-calls @head.

    Calling convention ghccc: the values of `passed_registers`, then the count, all i64.
    """
    if region.exit_count != 1:
        raise NotExpressible("more than one exit")
    return _Lift(region).module(attributes)


class _Lift:
    """The text of one function in the making; every register is a stack slot until `mem2reg`."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.passed = passed_registers(region)
        if len(self.passed) > 9 or any(family in XMM for family in self.passed):
            raise NotExpressible("values that the calling convention does not pass")
        contract = region.contract
        steady = {i.register for i in contract.inductions if i.bits == 64}
        steady |= set(contract.invariants)
        self.pointers = {a.base for a in contract.accesses if a.base in steady}
        # A value in 32 bits must be 32 bits wide in IR, else it is no reduction to the vectoriser.
        # Its upper half is zero afterwards, which is wrong only where every write is conditional.
        widths: dict[str, set[int]] = {}
        for spelling in re.findall(r"%([a-z0-9]+)", region.text):
            if spelling not in REGISTERS:
                raise NotExpressible(f"the register {spelling}")
            widths.setdefault(REGISTERS[spelling].family, set()).add(REGISTERS[spelling].bits)
        self.halves = {
            f for f, seen in widths.items() if seen == {32} and f not in contract.invariants
        }
        self.lines: list[str] = []
        self.slots: set[str] = set(self.passed)
        self.number = 0
        self.flags: tuple[str, str, int, bool] | None = None  # left, right, bits, is a comparison

    def module(self, attributes: str) -> str:
        for line in parse(self.region.text).lines:
            if line.kind is LineKind.LABEL:
                self._label(line.name)
            elif line.kind is LineKind.INSTRUCTION:
                self._instruction(line.name, line.operands)
        self.lines.append("  br label %next")
        types = ", ".join(["i64"] * len(self.passed))
        arguments = ", ".join(f"i64 %a{n}" for n in range(len(self.passed)))
        head = ["declare void @llvm.assume(i1)", f"declare ghccc void @head({types})"]
        head.append(f"define ghccc void @lifted({arguments}, i64 %count) #0 {{\nentry:")
        head += [f"  %s.{family} = alloca {self._type(family)}" for family in sorted(self.slots)]
        for n, family in enumerate(self.passed):
            value = f"%a{n}"
            if family in self.pointers:
                head.append(f"  %p{n} = inttoptr i64 %a{n} to i8*")
                value = f"%p{n}"
            if family in self.halves:
                head.append(f"  %h{n} = trunc i64 %a{n} to i32")
                value = f"%h{n}"
            head.append(f"  store {self._type(family)} {value}, {self._type(family)}* %s.{family}")
        head.append("  %some = icmp ne i64 %count, 0\n  call void @llvm.assume(i1 %some)")
        head.append("  br label %loop\nloop:\n  %k = phi i64 [ 0, %entry ], [ %k1, %next ]")
        body, self.lines = self.lines, []
        finals = ", ".join(f"i64 {self._register(family, 64)}" for family in self.passed)
        tail = ["next:", "  %k1 = add i64 %k, 1", "  %more = icmp ne i64 %k1, %count"]
        tail += ["  br i1 %more, label %loop, label %done", "done:", *self.lines]
        tail += [f"  tail call ghccc void @head({finals})", "  ret void", "}"]
        return "\n".join([*head, *body, *tail, f"attributes #0 = {{ nounwind {attributes} }}\n"])

    def _type(self, family: str) -> str:
        if family in self.halves:
            return "i32"
        return "i8*" if family in self.pointers else "i64"

    def _new(self, text: str) -> str:
        self.number += 1
        self.lines.append(f"  %v{self.number} = {text}")
        return f"%v{self.number}"

    def _label(self, name: str) -> None:
        self.flags = None
        if name != ".LH":
            self.lines += [f"  br label %{_block(name)}", f"{_block(name)}:"]

    def _register(self, family: str, bits: int) -> str:
        self.slots.add(family)
        kind = self._type(family)
        value = self._new(f"load {kind}, {kind}* %s.{family}")
        if family in self.pointers:
            value = self._new(f"ptrtoint i8* {value} to i64")
        if family in self.halves:
            return value if bits == 32 else self._new(f"zext i32 {value} to i64")
        return value if bits == 64 else self._new(f"trunc i64 {value} to i{bits}")

    def _address(self, memory: Memory) -> str:
        if memory.symbol or "rsp" in (memory.base, memory.index):
            raise NotExpressible("an address with a symbol or on the stack")
        offset = str(memory.disp)
        if memory.index:
            index = self._register(REGISTERS[memory.index].family, 64)
            scaled = self._new(f"mul i64 {index}, {memory.scale}")
            offset = self._new(f"add i64 {scaled}, {memory.disp}")
        if memory.base in self.pointers:
            self.slots.add(memory.base or "")
            base = self._new(f"load i8*, i8** %s.{memory.base}")
            return self._new(f"getelementptr i8, i8* {base}, i64 {offset}")
        if memory.base:
            base = self._register(REGISTERS[memory.base].family, 64)
            offset = self._new(f"add i64 {base}, {offset}")
        return self._new(f"inttoptr i64 {offset} to i8*")

    def _read(self, operand: Operand, bits: int) -> str:
        if isinstance(operand, Immediate):
            return str(operand.value)
        if isinstance(operand, Register):
            name = REGISTERS[operand.name]
            if name.is_high_byte or name.family in XMM:
                raise NotExpressible("a vector or a high byte")
            return self._register(name.family, bits)
        if not isinstance(operand, Memory):
            raise NotExpressible("an operand of another kind")
        place = self._new(f"bitcast i8* {self._address(operand)} to i{bits}*")
        return self._new(f"load i{bits}, i{bits}* {place}, align 1")

    def _write(self, operand: Operand, bits: int, value: str) -> None:
        if isinstance(operand, Memory):
            place = self._new(f"bitcast i8* {self._address(operand)} to i{bits}*")
            self.lines.append(f"  store i{bits} {value}, i{bits}* {place}, align 1")
            return
        if not isinstance(operand, Register) or REGISTERS[operand.name].is_high_byte:
            raise NotExpressible("a destination of another kind")
        family = REGISTERS[operand.name].family
        self.slots.add(family)
        if bits < 64 and family not in self.halves:
            value = self._new(f"zext i{bits} {value} to i64")
        if bits < 32:  # partial writes keep the rest
            kept = self._new(f"and i64 {self._register(family, 64)}, {-(1 << bits)}")
            value = self._new(f"or i64 {kept}, {value}")
        if family in self.pointers:
            value = self._new(f"inttoptr i64 {value} to i8*")
        kind = self._type(family)
        self.lines.append(f"  store {kind} {value}, {kind}* %s.{family}")

    def _instruction(self, name: str, texts: tuple[str, ...]) -> None:
        parsed = [parse_operand(text) for text in texts]
        operands = [operand for operand in parsed if operand is not None]
        if len(operands) != len(parsed) or (not operands and name != "nop"):
            raise NotExpressible(f"operands of {name}")
        if name.startswith("j"):
            self._jump(name[1:], texts[0])
        elif name.startswith("set"):
            condition = self._condition(name[3:])
            self._write(operands[0], 8, self._new(f"zext i1 {condition} to i8"))
        elif name.startswith("cmov"):
            self._conditional_move(name[4:], operands)
        elif name[:4] in ("movz", "movs") and len(name) == 6:
            source, target = _BITS[name[4]], _BITS[name[5]]
            verb = "zext" if name[3] == "z" else "sext"
            value = self._new(f"{verb} i{source} {self._read(operands[0], source)} to i{target}")
            self._write(operands[1], target, value)
        elif name[-1] in _BITS:
            self._plain(name[:-1], _BITS[name[-1]], operands)
        else:
            raise NotExpressible(name)

    def _plain(self, verb: str, bits: int, operands: list[Operand]) -> None:
        target = operands[-1]
        if verb == "mov":
            self._write(target, bits, self._new(f"add i{bits} {self._read(operands[0], bits)}, 0"))
        elif verb == "lea" and isinstance(operands[0], Memory) and bits >= 32:
            value = self._new(f"ptrtoint i8* {self._address(operands[0])} to i{bits}")
            self._write(target, bits, value)
        elif verb in ("cmp", "test"):
            left, right = self._read(target, bits), self._read(operands[0], bits)
            if verb == "test":
                left, right = self._new(f"and i{bits} {left}, {right}"), "0"
            self.flags = (left, right, bits, verb == "cmp")
        elif verb in _BINARY and len(operands) >= 2:
            self._binary(_BINARY[verb], bits, operands)
        elif verb in _SHIFTS and isinstance(operands[0], Immediate) and len(operands) == 2:
            amount = operands[0].value % (64 if bits == 64 else 32)
            if amount >= bits:
                raise NotExpressible("a shift by more than the width")
            value = self._new(f"{_SHIFTS[verb]} i{bits} {self._read(target, bits)}, {amount}")
            self._write(target, bits, value)
            self.flags = None
        elif verb == "neg":
            self._write(target, bits, self._new(f"sub i{bits} 0, {self._read(target, bits)}"))
            self.flags = None
        elif verb == "not":
            self._write(target, bits, self._new(f"xor i{bits} {self._read(target, bits)}, -1"))
        else:
            raise NotExpressible(verb)

    def _binary(self, verb: str, bits: int, operands: list[Operand]) -> None:
        target = operands[-1]
        is_pointer = isinstance(target, Register) and target.name in self.pointers
        if is_pointer and verb in ("add", "sub") and isinstance(operands[0], Immediate):
            step = operands[0].value if verb == "add" else -operands[0].value
            assert isinstance(target, Register)
            old = self._new(f"load i8*, i8** %s.{target.name}")
            new = self._new(f"getelementptr i8, i8* {old}, i64 {step}")
            self.lines.append(f"  store i8* {new}, i8** %s.{target.name}")
            self.flags = None
            return
        left, right = self._read(operands[-2] if len(operands) == 3 else target, bits), ""
        right = self._read(operands[0], bits)
        value = self._new(f"{verb} i{bits} {left}, {right}")
        self._write(target, bits, value)
        is_sub, is_logic = verb == "sub", verb in ("and", "or", "xor")
        self.flags = (left, right, bits, True) if is_sub else None
        if is_logic:
            self.flags = (value, "0", bits, False)

    def _condition(self, suffix: str) -> str:
        if self.flags is None:
            raise NotExpressible("flags from elsewhere")
        left, right, bits, _ = self.flags
        if suffix in ("s", "ns"):
            difference = self._new(f"sub i{bits} {left}, {right}")
            return self._new(f"icmp {'slt' if suffix == 's' else 'sge'} i{bits} {difference}, 0")
        if suffix not in _COMPARE:
            raise NotExpressible(f"condition {suffix}")
        return self._new(f"icmp {_COMPARE[suffix]} i{bits} {left}, {right}")

    def _conditional_move(self, suffix: str, operands: list[Operand]) -> None:
        target = operands[1]
        if not isinstance(target, Register):
            raise NotExpressible("cmov")
        bits = REGISTERS[target.name].bits
        if suffix not in _COMPARE and suffix[:-1] in _COMPARE and suffix[-1] in "lq":
            suffix = suffix[:-1]
        condition = self._condition(suffix)
        new, old = self._read(operands[0], bits), self._read(target, bits)
        value = self._new(f"select i1 {condition}, i{bits} {new}, i{bits} {old}")
        self._write(target, bits, value)

    def _jump(self, suffix: str, target: str) -> None:
        self.number += 1
        after = f"after{self.number}"
        if suffix == "mp":
            self.lines.append(f"  br label %{_block(target)}")
        else:
            condition = self._condition(suffix)
            self.lines.append(f"  br i1 {condition}, label %{_block(target)}, label %{after}")
        self.lines.append(f"{after}:")


def _block(label: str) -> str:
    """The IR block of a label; the head and the exit both end the iteration."""
    return "next" if label in (".LH", ".LX0") else label.removeprefix(".L")
