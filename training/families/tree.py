"""Expression trees: what one iteration of a synthetic loop computes, and how C writes it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ElementType:
    """A C scalar type as loops use it."""

    name: str  # "u8", "i32", "f64", …
    c_name: str
    bits: int
    is_signed: bool
    is_float: bool = False

    @property
    def size_bytes(self) -> int:
        """Bytes of one element."""
        return self.bits // 8


TYPES = {
    t.name: t
    for t in (
        ElementType("u8", "uint8_t", 8, is_signed=False),
        ElementType("i8", "int8_t", 8, is_signed=True),
        ElementType("u16", "uint16_t", 16, is_signed=False),
        ElementType("i16", "int16_t", 16, is_signed=True),
        ElementType("u32", "uint32_t", 32, is_signed=False),
        ElementType("i32", "int32_t", 32, is_signed=True),
        ElementType("u64", "uint64_t", 64, is_signed=False),
        ElementType("i64", "int64_t", 64, is_signed=True),
        ElementType("f32", "float", 32, is_signed=True, is_float=True),
        ElementType("f64", "double", 64, is_signed=True, is_float=True),
    )
}


@dataclass(frozen=True, slots=True)
class Load:
    """Element i of input array `array` (0 = a, 1 = b)."""

    array: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal; for float types an exact small value."""

    value: int


@dataclass(frozen=True, slots=True)
class Parameter:
    """A loop-invariant scalar argument, by position (0 = k, 1 = m)."""

    position: int


@dataclass(frozen=True, slots=True)
class Binary:
    """add sub mul and or xor min max."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Shift:
    """shl or shr by a constant count; shr is arithmetic on signed types."""

    operator: str
    operand: Expression
    count: int


@dataclass(frozen=True, slots=True)
class Absolute:
    """Absolute value of a signed integer, wrapping at the minimum."""

    operand: Expression


Expression = Load | Constant | Parameter | Binary | Shift | Absolute


@dataclass(frozen=True, slots=True)
class Compare:
    """eq ne lt le gt ge between two expressions."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Range:
    """low <= operand <= high: gcc writes it as one unsigned comparison, and so do we."""

    operand: Expression
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Either:
    """Logical or of two predicates."""

    left: Predicate
    right: Predicate


Predicate = Compare | Range | Either

_C_BINARY = {"add": "+", "sub": "-", "mul": "*", "and": "&", "or": "|", "xor": "^"}
_C_COMPARE = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def c_expression(node: Expression, element: ElementType, loads: tuple[str, ...]) -> str:
    """Write `node` in C; every operation is cut back to the element type, as the vector side does.

    loads: the C text of element i of each input array.
    """
    match node:
        case Load(array):
            return loads[array]
        case Constant(value):
            return f"({element.c_name}){value}" if element.is_float else str(value)
        case Parameter(position):
            return "km"[position]
        case Shift(operator, operand, count):
            inner = c_expression(operand, element, loads)
            return f"({element.c_name})({inner} {'<<' if operator == 'shl' else '>>'} {count})"
        case Absolute(operand):
            inner = c_expression(operand, element, loads)
            return f"({element.c_name})({inner} < 0 ? -{inner} : {inner})"
        case Binary(("min" | "max") as operator, left, right):
            a = c_expression(left, element, loads)
            b = c_expression(right, element, loads)
            return f"({a} {'<' if operator == 'min' else '>'} {b} ? {a} : {b})"
        case Binary(operator, left, right):
            a = c_expression(left, element, loads)
            b = c_expression(right, element, loads)
            if operator == "mul" and element.bits == 16:  # uint16 products overflow int
                a = f"(unsigned){a}"
            return f"({element.c_name})({a} {_C_BINARY[operator]} {b})"


def c_predicate(node: Predicate, element: ElementType, loads: tuple[str, ...]) -> str:
    """Write a predicate in C."""
    match node:
        case Compare(operator, left, right):
            a = c_expression(left, element, loads)
            b = c_expression(right, element, loads)
            return f"{a} {_C_COMPARE[operator]} {b}"
        case Range(operand, low, high):
            a = c_expression(operand, element, loads)
            return f"({a} >= {low} && {a} <= {high})"
        case Either(left, right):
            return f"({c_predicate(left, element, loads)} || {c_predicate(right, element, loads)})"


def leaves(node: Expression | Predicate) -> list[Load | Constant | Parameter]:
    """All leaves, left to right."""
    match node:
        case Load() | Constant() | Parameter():
            return [node]
        case Shift(_, operand, _) | Absolute(operand) | Range(operand, _, _):
            return leaves(operand)
        case Binary(_, left, right) | Compare(_, left, right):
            return leaves(left) + leaves(right)
        case Either(left, right):
            return leaves(left) + leaves(right)
