"""Status flags, computed only when somebody reads them, and the conditions made of them.

Source: Intel SDM vol. 1, section 3.4.3.1; vol. 1, appendix B. Flags that an instruction leaves
undefined become variables of their own, so nothing that depends on one can be proved.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from llmcc.prove.choices import all_of, any_of, ite
from llmcc.prove.compare import eq, slt, ult
from llmcc.prove.simplify import add, bitwise, complement, extract, sub
from llmcc.prove.terms import Term, boolean, const, var

NAMES = ("cf", "pf", "af", "zf", "sf", "of")
# Bit of each in RFLAGS.
BITS = {"cf": 0, "pf": 2, "af": 4, "zf": 6, "sf": 7, "of": 11}
Lazy = Callable[[], Term]
_NUMBERS = itertools.count()
UNDEFINED = "undefined"


def undefined(width: int = 1) -> Term:
    """Make a value nobody knows: a new variable at each call."""
    return var(f"{UNDEFINED}{next(_NUMBERS)}", width)


class Flags:
    """The six status flags at one moment; never changed, `with_` makes new ones."""

    __slots__ = ("_values", "compared")

    def __init__(self, values: dict[str, Term | Lazy], compared: tuple[Term, Term] | None) -> None:
        self._values = values
        self.compared = compared
        """Operands a, b when the flags are those of a - b."""

    def get(self, name: str) -> Term:
        """Return a flag's value, 1 bit."""
        value = self._values[name]
        if not isinstance(value, Term):
            value = self._values[name] = value()
        return value

    def with_(self, **changed: Term | Lazy) -> Flags:
        """Return flags with some of them changed."""
        return Flags({**self._values, **changed}, None)


def free_flags(prefix: str) -> Flags:
    """Flags that may hold anything."""
    return Flags({name: var(f"{prefix}.{name}", 1) for name in NAMES}, None)


def chosen(test: Term, high: Flags, low: Flags) -> Flags:
    """Flags of `high` where `test` is set, else of `low`."""
    if high is low:
        return high

    def lazy(name: str) -> Lazy:
        return lambda: ite(test, high.get(name), low.get(name))

    return Flags({name: lazy(name) for name in NAMES}, None)


def sign(term: Term) -> Term:
    """The top bit."""
    return extract(term, term.width - 1, 1)


def is_zero(term: Term) -> Term:
    """Whether a term is 0."""
    return eq(term, const(0, term.width))


def parity(term: Term) -> Term:
    """Set when the low byte has an even number of ones."""
    bits = [extract(term, bit, 1) for bit in range(8)]
    return complement(bitwise("xor", bits, 1))


def result_flags(result: Term) -> dict[str, Term | Lazy]:
    """Flags that say something of the result alone."""
    return {
        "zf": lambda: is_zero(result),
        "sf": lambda: sign(result),
        "pf": lambda: parity(result),
    }


def _adjust(left: Term, right: Term, result: Term) -> Term:
    return bitwise("xor", [extract(term, 4, 1) for term in (left, right, result)], 1)


def logic_flags(result: Term) -> Flags:
    """Flags after and, or, xor, test."""
    values: dict[str, Term | Lazy] = {
        **result_flags(result),
        "cf": boolean(False),
        "of": boolean(False),
        "af": undefined,
    }
    return Flags(values, (result, const(0, result.width)))


def sub_flags(left: Term, right: Term) -> Flags:
    """Flags after left - right."""
    result = sub(left, right)

    def overflow() -> Term:
        signs = [sign(left), sign(right), sign(result)]
        differ = bitwise("xor", signs[:2], 1)
        return all_of((differ, bitwise("xor", (signs[0], signs[2]), 1)))

    values: dict[str, Term | Lazy] = {
        **result_flags(result),
        "cf": lambda: ult(left, right),
        "of": overflow,
        "af": lambda: _adjust(left, right, result),
    }
    return Flags(values, (left, right))


def carry_flags(left: Term, right: Term, carry: Term, *, is_sub: bool) -> Flags:
    """Flags after left +/- right +/- carry; `carry` is 1 bit."""
    width = left.width
    wide_carry = _grown(carry, width)
    result = add(left, right, wide_carry)
    if is_sub:
        result = sub(sub(left, right), wide_carry)

    def carried() -> Term:
        a, b, r = sign(left), sign(right), sign(result)
        if is_sub:
            a = complement(a)
        # The majority of both signs and the missing result bit.
        return any_of((all_of((a, b)), all_of((any_of((a, b)), _carry_in(r, is_sub)))))

    def _carry_in(r: Term, is_sub: bool) -> Term:
        return r if is_sub else complement(r)

    def overflow() -> Term:
        a, b, r = sign(left), sign(right), sign(result)
        if is_sub:
            b = complement(b)
        same = complement(bitwise("xor", (a, b), 1))
        return all_of((same, bitwise("xor", (a, r), 1)))

    return Flags(
        {
            **result_flags(result),
            "cf": carried,
            "of": overflow,
            "af": lambda: _adjust(left, right, result),
        },
        None,
    )


def add_flags(left: Term, right: Term) -> Flags:
    """Flags after left + right."""
    result = add(left, right)
    flags = carry_flags(left, right, boolean(False), is_sub=False)
    return flags.with_(cf=lambda: ult(result, left))


def _grown(carry: Term, width: int) -> Term:
    return ite(carry, const(1, width), const(0, width))


_PLAIN = {"o": "of", "b": "cf", "c": "cf", "nae": "cf", "e": "zf", "z": "zf", "s": "sf", "p": "pf",
          "pe": "pf"}  # fmt: skip
_NEGATED = {
    "no": "o", "ae": "b", "nc": "b", "nb": "b", "ne": "e", "nz": "e", "ns": "s", "np": "p",
    "po": "p", "a": "be", "nbe": "be", "ge": "l", "nl": "l", "g": "le", "nle": "le",
}  # fmt: skip
_SAME = {"na": "be", "nge": "l", "ng": "le"}


def condition(flags: Flags, name: str) -> Term:
    """Make a condition by its suffix (e, ne, b, le, …), 1 bit."""
    name = _SAME.get(name, name)
    if name in _NEGATED:
        return complement(condition(flags, _NEGATED[name]))
    if name in _PLAIN:
        return flags.get(_PLAIN[name])
    compared = flags.compared
    match name:
        case "be":
            if compared:
                return complement(ult(compared[1], compared[0]))
            return any_of((flags.get("cf"), flags.get("zf")))
        case "l":
            if compared:
                return slt(*compared)
            return bitwise("xor", (flags.get("sf"), flags.get("of")), 1)
        case "le":
            if compared:
                return complement(slt(compared[1], compared[0]))
            return any_of((flags.get("zf"), condition(flags, "l")))
    raise ValueError(f"no such condition: {name}")
