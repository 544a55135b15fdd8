"""Bit-vector terms as data: hash-consed, so that equal structure is the same object.

Made only by the functions of `simplify` and `compare`, which bring them into a normal form. All
values are unsigned; `width` is in bits, at most 64 for what is computed on.

Operations (`op`), all arguments of the term's own width unless said:
const (data: value), var (data: name), sum (data: coefficients, constant), mul, and, or, xor,
shl lshr ashr (second argument counts, any width; 0 or sign fill from the width on),
extract (data: lowest bit), concat (arguments low to high), zext, sext,
eq ult (1 bit, arguments of any one width), ite (first argument 1 bit), umin, umax,
popcount, clz, ctz (of 0: the width), blsr (data: n, lowest set bit cleared n times),
umulh, smulh (upper half of the double-width product), fp (data: name; uninterpreted).
"""

from __future__ import annotations

from typing import Any


class Term:
    """One node; equal terms are identical objects until `forget` is called."""

    __slots__ = ("args", "data", "op", "serial", "top", "width")

    def __init__(
        self, op: str, width: int, args: tuple[Term, ...], data: Any, serial: int, top: int
    ) -> None:
        self.op = op
        self.width = width
        self.args = args
        self.data = data
        self.serial = serial  # order of making; the order of commutative arguments
        self.top = top  # no value of the term is greater

    @property
    def is_const(self) -> bool:
        """Whether the value is known."""
        return self.op == "const"

    def __repr__(self) -> str:
        if self.op in ("const", "var"):
            return f"{self.data}:{self.width}"
        data = f"<{self.data}>" if self.data is not None else ""
        return f"{self.op}{data}:{self.width}({', '.join(map(repr, self.args))})"


_TABLE: dict[tuple[Any, ...], Term] = {}
_MADE = [0]


def forget() -> None:
    """Empty the table after a proof.

    Terms that are kept beyond it stay right, they are only no longer identical to new equal ones.
    """
    _TABLE.clear()


def intern(
    op: str, width: int, args: tuple[Term, ...] = (), data: Any = None, *, top: int | None = None
) -> Term:
    """Return the one term of this structure; no simplification."""
    key = (op, width, args, data)
    found = _TABLE.get(key)
    if found is None:
        _MADE[0] += 1
        most = (1 << width) - 1
        found = Term(op, width, args, data, _MADE[0], most if top is None else min(top, most))
        _TABLE[key] = found
    return found


def const(value: int, width: int) -> Term:
    """Make a constant; the value is cut to the width."""
    value &= (1 << width) - 1
    return intern("const", width, (), value, top=value)


def var(name: str, width: int) -> Term:
    """Make a variable; the same name and width are the same variable."""
    return intern("var", width, (), name)


def boolean(value: bool) -> Term:
    """Make a 1-bit constant."""
    return const(int(value), 1)


def variables(term: Term) -> frozenset[Term]:
    """Collect the variables a term depends on."""
    found: set[Term] = set()
    seen: set[Term] = set()
    waiting = [term]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        if one.op == "var":
            found.add(one)
        waiting.extend(one.args)
    return frozenset(found)
