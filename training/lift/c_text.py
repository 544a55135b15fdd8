"""A counted integer loop of a region as C, for compilers to compile anew.

Covers: one exit, general registers, memory without symbols. Does not cover: vectors, `mul`, `div`,
shifts of double width, writes to high bytes, flags that live across a label; these are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmcc.asm.model import LineKind
from llmcc.asm.operand import Immediate, Memory, Operand, Register, parse_operand
from llmcc.asm.parse import parse
from llmcc.regions.model import Region
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import GPR, REGISTERS, XMM

_BITS = {"b": 8, "w": 16, "l": 32, "q": 64}
_BINARY = {"add": "+", "sub": "-", "and": "&", "or": "|", "xor": "^", "imul": "*"}
_SHIFTS = {"shl": "<<", "sal": "<<", "shr": ">>", "sar": ">>"}
_ROTATIONS = {"rol": ("<<", ">>"), "ror": (">>", "<<")}
# condition -> signed, operator
_COMPARE = {
    **{"e": ("u", "=="), "z": ("u", "=="), "ne": ("u", "!="), "nz": ("u", "!=")},
    **{"b": ("u", "<"), "c": ("u", "<"), "ae": ("u", ">="), "nc": ("u", ">=")},
    **{"be": ("u", "<="), "a": ("u", ">"), "l": ("s", "<"), "ge": ("s", ">=")},
    **{"le": ("s", "<="), "g": ("s", ">"), "s": ("s", "<"), "ns": ("s", ">=")},
    **{"nb": ("u", ">="), "nae": ("u", "<"), "na": ("u", "<="), "nbe": ("u", ">")},
    **{"nl": ("s", ">="), "nge": ("s", "<"), "ng": ("s", "<="), "nle": ("s", ">")},
}
_EXTENDED = {"cltq": (32, 64), "cwtl": (16, 32), "cbtw": (8, 16)}
_HEAD = "\n".join(
    [
        *(f"typedef unsigned {t} u{b};" for t, b in zip(("char", "short", "int", "long"),
                                                        (8, 16, 32, 64), strict=True)),
        *(f"typedef signed {t} s{b};" for t, b in zip(("char", "short", "int", "long"),
                                                      (8, 16, 32, 64), strict=True)),
        *(f"typedef u{b} m{b} __attribute__((may_alias, aligned(1)));" for b in (8, 16, 32, 64)),
        # clang would put everything into memory that may be there
        '#ifdef __clang__\n#define PLACE(value) "=r"(value)\n#else',
        '#define PLACE(value) "=rm"(value)\n#endif',
        "void lifted(void)\n{\n",
    ]
)  # fmt: skip
_INDEPENDENT = """#ifdef __clang__
#pragma clang loop vectorize(assume_safety)
#else
#pragma GCC ivdep
#endif"""
# What stands in the assembly where the values come in and go out; see `loop_c`.
ENTRY, EXIT = "enter", "leave"


@dataclass(frozen=True, slots=True)
class _Flags:
    """What the last instruction that sets flags compared."""

    left: str
    right: str
    bits: int
    value: str  # the result, for sign and zero; "" when they are not its
    conditions: frozenset[str]  # other conditions that are a comparison of left and right


_OF_RESULT = frozenset(("e", "z", "ne", "nz", "s", "ns"))
_ALL = frozenset(_COMPARE) - _OF_RESULT
_CARRY = frozenset(("b", "c", "nae", "ae", "nc", "nb"))


def passed_registers(region: Region) -> tuple[str, ...]:
    """Families the loop reads at its head, in the order of the function's values."""
    contract = region.contract
    inductions = tuple(dict.fromkeys(i.register for i in contract.inductions))
    return tuple(dict.fromkeys((*inductions, *contract.accumulators, *contract.invariants)))


def changed_registers(region: Region) -> tuple[str, ...]:
    """Those of `passed_registers` that the loop changes."""
    return tuple(f for f in passed_registers(region) if f not in region.contract.invariants)


def loop_c(region: Region, multiple: int = 1, *, is_independent: bool = False) -> str:
    """A function that runs `count` iterations (count >= 1), rounded down to a multiple.

    multiple: a power of two; over 1 there may be nothing left to do, and the compiler need not
    write a loop for single iterations.
    is_independent: promise that no store of an iteration is read by a later one.

    Its assembly has a line `enter REGISTERS`, which says where the compiler wants the values of
    `passed_registers` and then the count, and a line `leave REGISTERS`, which says where it has put
    the new values of `changed_registers`. They are operands of asm statements, so the compiler is
    free to choose; nothing is passed by a calling convention.
    """
    if region.exit_count != 1:
        raise NotExpressible("more than one exit")
    return _Lift(region).function(multiple, is_independent=is_independent)


class _Lift:
    """The text of one function in the making; every register is a C variable."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.passed = passed_registers(region)
        if any(family in XMM for family in self.passed):
            raise NotExpressible("a vector at the head")
        contract = region.contract
        steady = {i.register for i in contract.inductions if i.bits == 64}
        steady |= set(contract.invariants)
        self.pointers = {a.base for a in contract.accesses if a.base in steady}
        # A value of 32 bits must be 32 bits wide in C, else it is no reduction to the vectoriser.
        # Its upper half is zero afterwards, which is wrong only where no write is sure to clear it.
        widths: dict[str, set[int]] = {}
        for spelling in re.findall(r"%([a-z0-9]+)", region.text):
            if spelling not in REGISTERS:
                raise NotExpressible(f"the register {spelling}")
            widths.setdefault(REGISTERS[spelling].family, set()).add(REGISTERS[spelling].bits)
        self.halves = {
            f
            for f, seen in widths.items()
            if max(seen) == 32 and f not in contract.invariants and f in GPR
        }
        self.lines: list[str] = []
        self.variables: set[str] = set(self.passed)
        self.number = 0
        self.flags: _Flags | None = None

    def function(self, multiple: int, *, is_independent: bool) -> str:
        for line in parse(self.region.text).lines:
            if line.kind is LineKind.LABEL:
                self._label(line.name)
            elif line.kind is LineKind.INSTRUCTION:
                self._instruction(line.name, line.operands)
        body, self.lines = self.lines, []
        changed = changed_registers(self.region)
        finals = ", ".join(f'"r"({self._register(family, 64)})' for family in changed)
        values = [f"in{n}" for n in range(len(self.passed))]
        outputs = ", ".join(f"PLACE({name})" for name in (*values, "count"))
        places = [f"%{n}" for n in range(len(self.passed) + 1)]
        head = [f"  u64 {name};" for name in values]
        head += [
            "  u64 count, k = 0;",
            f'  asm volatile("{ENTRY} {" ".join(places)}" : {outputs});',
        ]
        head += [f"  {self._type(family)}r_{family};" for family in sorted(self.variables)]
        for n, family in enumerate(self.passed):
            head.append(f"  r_{family} = ({self._type(family)})in{n};")
        if multiple > 1:
            head.append(f"  count &= -{multiple}ul;\n  if (count == 0) goto done;")
        head.append("  if (count == 0) __builtin_unreachable();")
        start, end = self._end()
        head += [*start, *[_INDEPENDENT] * is_independent, "  do {\n  goto head;"]
        tail = ["next:;\n  } while (++k != count);", *end, "done:;", *self.lines]
        tail.append(f'  asm volatile("{EXIT} {" ".join(places[: len(changed)])}" :: {finals});')
        tail.append("  __builtin_unreachable();\n}\n")
        return _HEAD + "\n".join([*head, *body, *tail])

    def _end(self) -> tuple[list[str], list[str]]:
        """Text before and behind the loop: where the latch's register will end.

        One value is kept over the loop then, and not both the start and the count.
        """
        contract = self.region.contract
        latch = contract.latches[0]
        (step, bits) = next(
            (i.step, i.bits) for i in contract.inductions if i.register == latch.induction
        )
        if bits != 64 or latch.induction in self.halves:
            return [], []
        variable = f"r_{latch.induction}"
        start = f"  {self._type(latch.induction)}const end = {variable} + (s64)count * {step};"
        return [start], [f"  {variable} = end;"]

    def _type(self, family: str) -> str:
        if family in self.halves:
            return "u32 "
        return "char *" if family in self.pointers else "u64 "

    def _new(self, bits: int, text: str) -> str:
        self.number += 1
        self.lines.append(f"  const u{bits} v{self.number} = (u{bits})({text});")
        return f"v{self.number}"

    def _label(self, name: str) -> None:
        self.flags = None
        if name == ".LH":
            self.lines.append("  goto next;\nhead:;")  # what runs into the head ends the iteration
        else:
            self.lines.append(f"{_block(name)}:;")

    def _register(self, family: str, bits: int) -> str:
        self.variables.add(family)
        value = f"(u64)r_{family}" if family in self.pointers else f"r_{family}"
        return self._new(bits, value)

    def _address(self, memory: Memory) -> str:
        """The address as a char pointer."""
        if memory.symbol or "rsp" in (memory.base, memory.index):
            raise NotExpressible("an address with a symbol or on the stack")
        offset = f"(s64){memory.disp}"
        if memory.index:
            index = self._register(REGISTERS[memory.index].family, 64)
            offset = f"(s64)({index} * {memory.scale} + (u64){memory.disp}l)"
        if memory.base in self.pointers:
            self.variables.add(memory.base or "")
            return f"(r_{memory.base} + {offset})"
        if memory.base:
            base = self._register(REGISTERS[memory.base].family, 64)
            return f"((char *){base} + {offset})"
        return f"((char *){offset})"

    def _read(self, operand: Operand, bits: int) -> str:
        if isinstance(operand, Immediate):
            return f"(u{bits}){operand.value}ll"
        if isinstance(operand, Register):
            name = REGISTERS[operand.name]
            if name.family in XMM:
                raise NotExpressible("a vector")
            if name.is_high_byte:
                return self._new(8, f"{self._register(name.family, 16)} >> 8")
            return self._register(name.family, bits)
        if not isinstance(operand, Memory):
            raise NotExpressible("an operand of another kind")
        return self._new(bits, f"*(m{bits} *){self._address(operand)}")

    def _write(self, operand: Operand, bits: int, value: str) -> None:
        if isinstance(operand, Memory):
            self.lines.append(f"  *(m{bits} *){self._address(operand)} = {value};")
            return
        if not isinstance(operand, Register) or REGISTERS[operand.name].is_high_byte:
            raise NotExpressible("a destination of another kind")
        family = REGISTERS[operand.name].family
        self.variables.add(family)
        if bits < 32:  # partial writes keep the rest
            kept = self._register(family, 64)
            value = f"({kept} & ~(u64)(u{bits})-1) | {value}"
        cut = "(u32)" if bits == 32 else ""
        self.lines.append(f"  r_{family} = ({self._type(family)}){cut}({value});")

    def _instruction(self, name: str, texts: tuple[str, ...]) -> None:
        parsed = [parse_operand(text) for text in texts]
        operands = [operand for operand in parsed if operand is not None]
        if len(operands) != len(parsed):
            raise NotExpressible(f"operands of {name}")
        if name == "nop":
            return
        if name in _EXTENDED and not operands:
            source, bits = _EXTENDED[name]
            value = self._new(bits, f"(s{bits})(s{source}){self._register('rax', source)}")
            self._write(Register("rax"), bits, value)
        elif not operands:
            raise NotExpressible(name)
        elif name.startswith("j"):
            self._jump(name[1:], texts[0])
        elif name.startswith("set"):
            self._write(operands[0], 8, self._new(8, self._condition(name[3:])))
        elif name.startswith("cmov"):
            self._conditional_move(name[4:], operands)
        elif name[:4] in ("movz", "movs") and len(name) == 6 and name[4] in _BITS:
            source, target = _BITS[name[4]], _BITS[name[5]]
            sign = "u" if name[3] == "z" else "s"
            read = self._read(operands[0], source)
            value = self._new(target, f"({sign}{target})({sign}{source}){read}")
            self._write(operands[1], target, value)
        elif name == "bswap" and isinstance(operands[0], Register):
            self._plain(name, REGISTERS[operands[0].name].bits, operands)
        elif name[-1] in _BITS:
            self._plain(name[:-1], _BITS[name[-1]], operands)
        else:
            raise NotExpressible(name)

    def _plain(self, verb: str, bits: int, operands: list[Operand]) -> None:
        target = operands[-1]
        if verb in ("mov", "movabs"):
            self._write(target, bits, self._new(bits, self._read(operands[0], bits)))
        elif verb == "lea" and isinstance(operands[0], Memory) and bits == 32:
            self._write(target, 32, self._sum(operands[0]))
        elif verb == "lea" and isinstance(operands[0], Memory) and bits == 64:
            self._write(target, bits, self._new(bits, f"(u64){self._address(operands[0])}"))
        elif verb in ("cmp", "test"):
            left, right = self._read(target, bits), self._read(operands[0], bits)
            if verb == "test":
                left, right = self._new(bits, f"{left} & {right}"), "0"
            difference = self._new(bits, f"{left} - {right}")
            self.flags = _Flags(left, right, bits, difference, _ALL)
        elif verb == "bt":
            value, place = self._read(target, bits), self._read(operands[0], bits)
            bit = self._new(bits, f"{value} >> ({place} & {bits - 1}) & 1")
            self.flags = _Flags("0", bit, bits, "", _CARRY)
        elif verb in _BINARY and len(operands) >= 2:
            self._binary(verb, bits, operands)
        elif verb in ("adc", "sbb"):
            sign = "+" if verb == "adc" else "-"
            carry = self._condition("b")
            left, right = self._read(target, bits), self._read(operands[0], bits)
            self._write(target, bits, self._new(bits, f"{left} {sign} {right} {sign} {carry}"))
            self.flags = None
        elif verb in _SHIFTS or verb in _ROTATIONS:
            self._shift(verb, bits, operands)
        elif verb == "neg":
            old = self._read(target, bits)
            value = self._new(bits, f"0 - {old}")
            self._write(target, bits, value)
            self.flags = _Flags("0", old, bits, value, _ALL)
        elif verb == "not":
            self._write(target, bits, self._new(bits, f"~{self._read(target, bits)}"))
        elif verb == "bswap":
            value = self._new(bits, f"__builtin_bswap{bits}({self._read(target, bits)})")
            self._write(target, bits, value)
        else:
            raise NotExpressible(verb)

    def _sum(self, memory: Memory) -> str:
        """An address in 32 bits, which is arithmetic and no address."""
        if memory.symbol or "rsp" in (memory.base, memory.index):
            raise NotExpressible("an address with a symbol or on the stack")
        parts = [f"(u32){memory.disp}"]
        if memory.base:
            parts.append(self._register(REGISTERS[memory.base].family, 32))
        if memory.index:
            index = self._register(REGISTERS[memory.index].family, 32)
            parts.append(f"{index} * {memory.scale}u")
        return self._new(32, " + ".join(parts))

    def _shift(self, verb: str, bits: int, operands: list[Operand]) -> None:
        target, modulus = operands[-1], 64 if bits == 64 else 32
        value = self._read(target, bits)
        if len(operands) == 1:
            amount = "1"
        elif isinstance(operands[0], Immediate):
            amount = str(operands[0].value % modulus)
            if int(amount) >= bits:
                raise NotExpressible("a shift by more than the width")
        else:
            amount = self._new(32, f"{self._read(operands[0], 8)} & {modulus - 1}")
        # Narrow values are promoted, so that a shift by 8 to 31 gives what the machine gives.
        if verb in _ROTATIONS:
            one, other = _ROTATIONS[verb]
            there, back = f"({amount} & {bits - 1})", f"(({bits} - {amount}) & {bits - 1})"
            result = self._new(bits, f"({value} {one} {there}) | ({value} {other} {back})")
        else:
            sign = "s" if verb == "sar" else "u"
            result = self._new(bits, f"(({sign}{bits}){value}) {_SHIFTS[verb]} {amount}")
        self._write(target, bits, result)
        is_result = verb in _SHIFTS and amount.isdigit() and amount != "0"
        self.flags = _Flags("", "", bits, result, frozenset()) if is_result else None

    def _binary(self, verb: str, bits: int, operands: list[Operand]) -> None:
        target = operands[-1]
        if isinstance(target, Register) and target.name in self.pointers and len(operands) == 2:
            if verb in ("add", "sub"):
                # A pointer stays a pointer, for the compiler's analysis of aliases.
                step = self._read(operands[0], bits)
                sign = _BINARY[verb]
                self.lines.append(f"  r_{target.name} = r_{target.name} {sign} (s64){step};")
                self.flags = None
                return
        left = self._read(operands[-2] if len(operands) == 3 else target, bits)
        right = self._read(operands[0], bits)
        wide = "(u32)" if bits < 32 else ""  # else a product is computed in int, and may overflow
        value = self._new(bits, f"{wide}{left} {_BINARY[verb]} {right}")
        self._write(target, bits, value)
        self.flags = {
            "sub": _Flags(left, right, bits, value, _ALL),
            "add": _Flags(value, right, bits, value, _CARRY),
            "imul": None,
        }.get(verb, _Flags(value, "0", bits, value, _ALL))

    def _condition(self, suffix: str) -> str:
        """An expression that is 0 or 1."""
        flags = self.flags
        if flags is None or suffix not in _COMPARE:
            raise NotExpressible(f"condition {suffix}, or flags from elsewhere")
        sign, operator = _COMPARE[suffix]
        left, right = flags.left, flags.right
        if suffix in _OF_RESULT and flags.value:
            left, right = flags.value, "0"
        elif suffix not in flags.conditions:
            raise NotExpressible(f"condition {suffix} of a result")
        kind = f"({sign}{flags.bits})"
        return self._new(8, f"{kind}{left} {operator} {kind}{right}")

    def _conditional_move(self, suffix: str, operands: list[Operand]) -> None:
        target = operands[1]
        if not isinstance(target, Register):
            raise NotExpressible("cmov")
        bits = REGISTERS[target.name].bits
        if suffix not in _COMPARE and suffix[:-1] in _COMPARE and suffix[-1] in "lq":
            suffix = suffix[:-1]
        condition = self._condition(suffix)
        new, old = self._read(operands[0], bits), self._read(target, bits)
        self._write(target, bits, self._new(bits, f"{condition} ? {new} : {old}"))

    def _jump(self, suffix: str, target: str) -> None:
        condition = "" if suffix == "mp" else f"if ({self._condition(suffix)}) "
        self.lines.append(f"  {condition}goto {_block(target)};")


def _block(label: str) -> str:
    """The C label of a label; the head and the exit both end the iteration."""
    return "next" if label in (".LH", ".LX0") else label.removeprefix(".L")
