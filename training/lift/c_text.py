"""A counted integer loop of a region as C, for compilers to compile anew.

Covers: one exit, general registers, memory without symbols. Does not cover: vectors, `mul`, `div`,
shifts of double width, writes to high bytes, flags that live across a label; these are refused.
"""

from __future__ import annotations

from llmcc.asm.model import LineKind
from llmcc.asm.operand import Immediate, Memory, Operand, Register, parse_operand
from llmcc.asm.parse import parse
from llmcc.regions.model import Region
from llmcc.training.families.vector import NotExpressible
from llmcc.training.lift.c_values import CARRY, CONDITIONS, EVERY, Flags, Values
from llmcc.x86.registers import REGISTERS, XMM

_BITS = {"b": 8, "w": 16, "l": 32, "q": 64}
_BINARY = {"add": "+", "sub": "-", "and": "&", "or": "|", "xor": "^", "imul": "*"}
_SHIFTS = {"shl": "<<", "sal": "<<", "shr": ">>", "sar": ">>"}
_UNARY = {"neg": "0 - {old}", "not": "~{old}", "bswap": "__builtin_bswap{bits}({old})"}
_OTHERS = frozenset("mov movabs bt cmp test adc sbb".split())
_ROTATIONS = {"rol": ("<<", ">>"), "ror": (">>", "<<")}
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


class _Lift(Values):
    """The text of one function in the making."""

    def __init__(self, region: Region) -> None:
        super().__init__(region)
        self.region = region
        self.passed = passed_registers(region)
        self.variables |= set(self.passed)
        if any(family in XMM for family in self.passed):
            raise NotExpressible("a vector at the head")

    def function(self, multiple: int, *, is_independent: bool) -> str:
        for line in parse(self.region.text).lines:
            if line.kind is LineKind.LABEL:
                self._label(line.name)
            elif line.kind is LineKind.INSTRUCTION:
                self._instruction(line.name, line.operands)
        body, self.lines = self.lines, []
        changed = changed_registers(self.region)
        finals = ", ".join(f'"r"({self.register(family, 64)})' for family in changed)
        values = [f"in{n}" for n in range(len(self.passed))]
        outputs = ", ".join(f"PLACE({name})" for name in (*values, "count"))
        places = [f"%{n}" for n in range(len(self.passed) + 1)]
        head = [f"  u64 {name};" for name in values]
        head += [
            "  u64 count, k = 0;",
            f'  asm volatile("{ENTRY} {" ".join(places)}" : {outputs});',
        ]
        head += [f"  {self.type(family)}r_{family};" for family in sorted(self.variables)]
        for n, family in enumerate(self.passed):
            head.append(f"  r_{family} = ({self.type(family)})in{n};")
        if multiple > 1:
            head.append(f"  count &= -{multiple}ul;\n  if (count == 0) goto done;")
        head.append("  if (count == 0) __builtin_unreachable();")
        start, end = self._end()
        # Not `do … while`: clang marks only what it sees behind the head of a loop.
        head += [
            *start,
            *[_INDEPENDENT] * is_independent,
            "  for (; k != count; ++k) {\n  goto head;",
        ]
        tail = ["next:;\n  }", *end, "done:;", *self.lines]
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
        start = f"  {self.type(latch.induction)}const end = {variable} + (s64)count * {step};"
        return [start], [f"  {variable} = end;"]

    def _label(self, name: str) -> None:
        self.flags = None
        if name == ".LH":
            self.lines.append("  goto next;\nhead:;")  # what runs into the head ends the iteration
        else:
            self.lines.append(f"{_block(name)}:;")

    def _instruction(self, name: str, texts: tuple[str, ...]) -> None:
        parsed = [parse_operand(text) for text in texts]
        operands = [operand for operand in parsed if operand is not None]
        if len(operands) != len(parsed):
            raise NotExpressible(f"operands of {name}")
        if not operands:
            self._bare(name)
        elif name.startswith("j"):
            self._jump(name[1:], texts[0])
        elif name.startswith("set"):
            self.write(operands[0], 8, self.new(8, self.condition(name[3:])))
        elif name.startswith("cmov"):
            self._conditional_move(name[4:], operands)
        elif name[:4] in ("movz", "movs") and len(name) == 6 and name[4] in _BITS:
            source, target = _BITS[name[4]], _BITS[name[5]]
            sign = "u" if name[3] == "z" else "s"
            read = self.read(operands[0], source)
            value = self.new(target, f"({sign}{target})({sign}{source}){read}")
            self.write(operands[1], target, value)
        elif name == "bswap" and isinstance(operands[0], Register):
            self._plain(name, REGISTERS[operands[0].name].bits, operands)
        elif name[-1] in _BITS:
            self._plain(name[:-1], _BITS[name[-1]], operands)
        else:
            raise NotExpressible(name)

    def _bare(self, name: str) -> None:
        if name == "nop":
            return
        if name not in _EXTENDED:
            raise NotExpressible(name)
        source, bits = _EXTENDED[name]
        value = self.new(bits, f"(s{bits})(s{source}){self.register('rax', source)}")
        self.write(Register("rax"), bits, value)

    def _plain(self, verb: str, bits: int, operands: list[Operand]) -> None:
        """An instruction whose name ends with its width."""
        if verb in _BINARY and len(operands) >= 2:
            self._binary(verb, bits, operands)
        elif verb in _SHIFTS or verb in _ROTATIONS:
            self._shift(verb, bits, operands)
        elif verb in _UNARY:
            self._unary(verb, bits, operands[0])
        elif verb == "lea":
            self._lea(bits, operands)
        elif verb in _OTHERS:
            self._other(verb, bits, operands[0], operands[-1])
        else:
            raise NotExpressible(verb)

    def _lea(self, bits: int, operands: list[Operand]) -> None:
        memory, target = operands
        if not isinstance(memory, Memory) or bits < 32:
            raise NotExpressible("lea")
        value = self.sum(memory) if bits == 32 else self.new(64, f"(u64){self.address(memory)}")
        self.write(target, bits, value)

    def _unary(self, verb: str, bits: int, target: Operand) -> None:
        old = self.read(target, bits)
        value = self.new(bits, _UNARY[verb].format(bits=bits, old=old))
        self.write(target, bits, value)
        if verb == "neg":
            self.flags = Flags("0", old, bits, value, EVERY)

    def _other(self, verb: str, bits: int, source: Operand, target: Operand) -> None:
        right = self.read(source, bits)
        if verb in ("mov", "movabs"):
            self.write(target, bits, self.new(bits, right))
            return
        left = self.read(target, bits)
        if verb == "bt":
            bit = self.new(bits, f"{left} >> ({right} & {bits - 1}) & 1")
            self.flags = Flags("0", bit, bits, "", CARRY)
        elif verb == "cmp":
            self.flags = Flags(left, right, bits, self.new(bits, f"{left} - {right}"), EVERY)
        elif verb == "test":
            both = self.new(bits, f"{left} & {right}")
            self.flags = Flags(both, "0", bits, both, EVERY)
        else:
            sign = "+" if verb == "adc" else "-"
            value = self.new(bits, f"{left} {sign} {right} {sign} {self.condition('b')}")
            self.write(target, bits, value)
            self.flags = None

    def _shift(self, verb: str, bits: int, operands: list[Operand]) -> None:
        target, modulus = operands[-1], 64 if bits == 64 else 32
        value = self.read(target, bits)
        if len(operands) == 1:
            amount = "1"
        elif isinstance(operands[0], Immediate):
            amount = str(operands[0].value % modulus)
            if int(amount) >= bits:
                raise NotExpressible("a shift by more than the width")
        else:
            amount = self.new(32, f"{self.read(operands[0], 8)} & {modulus - 1}")
        # Narrow values are promoted, so that a shift by 8 to 31 gives what the machine gives.
        if verb in _ROTATIONS:
            one, other = _ROTATIONS[verb]
            there, back = f"({amount} & {bits - 1})", f"(({bits} - {amount}) & {bits - 1})"
            result = self.new(bits, f"({value} {one} {there}) | ({value} {other} {back})")
        else:
            sign = "s" if verb == "sar" else "u"
            result = self.new(bits, f"(({sign}{bits}){value}) {_SHIFTS[verb]} {amount}")
        self.write(target, bits, result)
        is_result = verb in _SHIFTS and amount.isdigit() and amount != "0"
        self.flags = Flags("", "", bits, result, frozenset()) if is_result else None

    def _binary(self, verb: str, bits: int, operands: list[Operand]) -> None:
        target = operands[-1]
        is_pointer = isinstance(target, Register) and target.name in self.pointers
        if is_pointer and isinstance(target, Register) and verb in ("add", "sub"):
            # A pointer stays a pointer, for the compiler's analysis of aliases.
            step, variable = self.read(operands[0], bits), f"r_{target.name}"
            self.lines.append(f"  {variable} = {variable} {_BINARY[verb]} (s64){step};")
            self.flags = None
            return
        left = self.read(operands[-2] if len(operands) == 3 else target, bits)
        right = self.read(operands[0], bits)
        wide = "(u32)" if bits < 32 else ""  # else a product is computed in int, and may overflow
        value = self.new(bits, f"{wide}{left} {_BINARY[verb]} {right}")
        self.write(target, bits, value)
        self.flags = {
            "sub": Flags(left, right, bits, value, EVERY),
            "add": Flags(value, right, bits, value, CARRY),
            "imul": None,
        }.get(verb, Flags(value, "0", bits, value, EVERY))

    def _conditional_move(self, suffix: str, operands: list[Operand]) -> None:
        target = operands[1]
        if not isinstance(target, Register):
            raise NotExpressible("cmov")
        bits = REGISTERS[target.name].bits
        if suffix not in CONDITIONS and suffix[:-1] in CONDITIONS and suffix[-1] in "lq":
            suffix = suffix[:-1]
        condition = self.condition(suffix)
        new, old = self.read(operands[0], bits), self.read(target, bits)
        self.write(target, bits, self.new(bits, f"{condition} ? {new} : {old}"))

    def _jump(self, suffix: str, target: str) -> None:
        condition = "" if suffix == "mp" else f"if ({self.condition(suffix)}) "
        self.lines.append(f"  {condition}goto {_block(target)};")


def _block(label: str) -> str:
    """The C label of a label; the head and the exit both end the iteration."""
    return "next" if label in (".LH", ".LX0") else label.removeprefix(".L")
