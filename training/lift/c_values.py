"""Registers, memory and flags of a machine as variables of a C function in the making."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmcc.asm.operand import Immediate, Memory, Operand, Register
from llmcc.regions.model import Region
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import GPR, REGISTERS, XMM

# condition -> signed, operator
CONDITIONS = {
    **{"e": ("u", "=="), "z": ("u", "=="), "ne": ("u", "!="), "nz": ("u", "!=")},
    **{"b": ("u", "<"), "c": ("u", "<"), "ae": ("u", ">="), "nc": ("u", ">=")},
    **{"be": ("u", "<="), "a": ("u", ">"), "l": ("s", "<"), "ge": ("s", ">=")},
    **{"le": ("s", "<="), "g": ("s", ">"), "s": ("s", "<"), "ns": ("s", ">=")},
    **{"nb": ("u", ">="), "nae": ("u", "<"), "na": ("u", "<="), "nbe": ("u", ">")},
    **{"nl": ("s", ">="), "nge": ("s", "<"), "ng": ("s", "<="), "nle": ("s", ">")},
}


@dataclass(frozen=True, slots=True)
class Flags:
    """What the last instruction that sets flags compared."""

    left: str
    right: str
    bits: int
    value: str  # the result, for sign and zero; "" when they are not its
    conditions: frozenset[str]  # other conditions that are a comparison of left and right


_OF_RESULT = frozenset(("e", "z", "ne", "nz", "s", "ns"))
EVERY = frozenset(CONDITIONS) - _OF_RESULT
CARRY = frozenset(("b", "c", "nae", "ae", "nc", "nb"))


class Values:
    """What stands for what; every register is a C variable, every result a new constant."""

    def __init__(self, region: Region) -> None:
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
        self.variables: set[str] = set()
        self.number = 0
        self.flags: Flags | None = None

    def type(self, family: str) -> str:
        """The C type of a register's variable."""
        if family in self.halves:
            return "u32 "
        return "char *" if family in self.pointers else "u64 "

    def new(self, bits: int, text: str) -> str:
        """Give a value of so many bits a name."""
        self.number += 1
        self.lines.append(f"  const u{bits} v{self.number} = (u{bits})({text});")
        return f"v{self.number}"

    def register(self, family: str, bits: int) -> str:
        """The low bits of a register."""
        self.variables.add(family)
        value = f"(u64)r_{family}" if family in self.pointers else f"r_{family}"
        return self.new(bits, value)

    def address(self, memory: Memory) -> str:
        """The address as a char pointer."""
        if memory.symbol or "rsp" in (memory.base, memory.index):
            raise NotExpressible("an address with a symbol or on the stack")
        offset = f"(s64){memory.disp}"
        if memory.index:
            index = self.register(REGISTERS[memory.index].family, 64)
            offset = f"(s64)({index} * {memory.scale} + (u64){memory.disp}l)"
        if memory.base in self.pointers:
            self.variables.add(memory.base or "")
            return f"(r_{memory.base} + {offset})"
        if memory.base:
            base = self.register(REGISTERS[memory.base].family, 64)
            return f"((char *){base} + {offset})"
        return f"((char *){offset})"

    def sum(self, memory: Memory) -> str:
        """An address in 32 bits, which is arithmetic and no address."""
        if memory.symbol or "rsp" in (memory.base, memory.index):
            raise NotExpressible("an address with a symbol or on the stack")
        parts = [f"(u32){memory.disp}"]
        if memory.base:
            parts.append(self.register(REGISTERS[memory.base].family, 32))
        if memory.index:
            index = self.register(REGISTERS[memory.index].family, 32)
            parts.append(f"{index} * {memory.scale}u")
        return self.new(32, " + ".join(parts))

    def read(self, operand: Operand, bits: int) -> str:
        """The value of an operand."""
        if isinstance(operand, Immediate):
            return f"(u{bits}){operand.value}ll"
        if isinstance(operand, Register):
            name = REGISTERS[operand.name]
            if name.family in XMM:
                raise NotExpressible("a vector")
            if name.is_high_byte:
                return self.new(8, f"{self.register(name.family, 16)} >> 8")
            return self.register(name.family, bits)
        if not isinstance(operand, Memory):
            raise NotExpressible("an operand of another kind")
        return self.new(bits, f"*(m{bits} *){self.address(operand)}")

    def write(self, operand: Operand, bits: int, value: str) -> None:
        """Put a value into a register or memory."""
        if isinstance(operand, Memory):
            self.lines.append(f"  *(m{bits} *){self.address(operand)} = {value};")
            return
        if not isinstance(operand, Register) or REGISTERS[operand.name].is_high_byte:
            raise NotExpressible("a destination of another kind")
        family = REGISTERS[operand.name].family
        self.variables.add(family)
        if bits < 32:  # partial writes keep the rest
            kept = self.register(family, 64)
            value = f"({kept} & ~(u64)(u{bits})-1) | {value}"
        cut = "(u32)" if bits == 32 else ""
        self.lines.append(f"  r_{family} = ({self.type(family)}){cut}({value});")

    def condition(self, suffix: str) -> str:
        """An expression that is 0 or 1."""
        flags = self.flags
        if flags is None or suffix not in CONDITIONS:
            raise NotExpressible(f"condition {suffix}, or flags from elsewhere")
        sign, operator = CONDITIONS[suffix]
        left, right = flags.left, flags.right
        if suffix in _OF_RESULT and flags.value:
            left, right = flags.value, "0"
        elif suffix not in flags.conditions:
            raise NotExpressible(f"condition {suffix} of a result")
        kind = f"({sign}{flags.bits})"
        return self.new(8, f"{kind}{left} {operator} {kind}{right}")
