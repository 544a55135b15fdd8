"""Normal forms of choices (ite), minima and maxima, and of what combines with choices."""

from __future__ import annotations

from collections.abc import Sequence

from llmcc.prove.simplify import (
    CUTS,
    add,
    bitwise,
    complement,
    concat,
    extract,
    linear,
    register_choice,
    sext,
    sub,
    zext,
)
from llmcc.prove.terms import Term, boolean, const, intern


def all_of(terms: Sequence[Term]) -> Term:
    """Make the conjunction of 1-bit terms."""
    return bitwise("and", terms, 1)


def any_of(terms: Sequence[Term]) -> Term:
    """Make the disjunction of 1-bit terms."""
    return bitwise("or", terms, 1)


def ite(test: Term, high: Term, low: Term) -> Term:
    """Make `high` where the 1-bit `test` is set, else `low`."""
    if test.is_const:
        return high if test.data else low
    if high is low:
        return high
    if _is_complement(test):
        return ite(complement(test), low, high)
    if high.op == "ite" and high.args[0] is test:
        high = high.args[1]
    if low.op == "ite" and low.args[0] is test:
        low = low.args[2]
    for simpler in (_constant_choice, _absolute, _extreme, _common_sum):
        if (found := simpler(test, high, low)) is not None:
            return found
    return intern("ite", high.width, (test, high, low), top=max(high.top, low.top))


def _is_complement(test: Term) -> bool:
    return test.op == "xor" and test.args[0].is_const


def _bit_choice(test: Term, high: Term, low: Term) -> Term | None:
    if high.is_const:
        return any_of((test, low)) if high.data else all_of((complement(test), low))
    if low.is_const:
        return any_of((complement(test), high)) if low.data else all_of((test, high))
    return None


def _constant_choice(test: Term, high: Term, low: Term) -> Term | None:
    """Make what is no choice: of bits, and of constants that are an extended bit."""
    width = high.width
    if width == 1:
        return _bit_choice(test, high, low)
    if not high.is_const or not low.is_const:
        return None
    ones = (1 << width) - 1
    if low.data == 0 and high.data in (1, ones):
        return (zext if high.data == 1 else sext)(test, width)
    if high.data == 0 and low.data in (1, ones):
        return (zext if low.data == 1 else sext)(complement(test), width)
    return None


def _absolute(test: Term, high: Term, low: Term) -> Term | None:
    """Recognise the absolute value: the greater of a value and its negative."""
    if test.op != "extract" or test.args[0] is not low or test.data != low.width - 1:
        return None
    return smax(high, low) if high is linear(low.width, [(-1, low)]) else None


def _extreme(test: Term, high: Term, low: Term) -> Term | None:
    """Recognise minimum and maximum, also of both values moved by one constant (signed ones)."""
    if high.width == 1:
        return None
    sides = _sides(test)
    if sides is None:
        return None
    left, right = sides
    if left.width != high.width:
        return None
    for one, other, op in ((high, low, "umin"), (low, high, "umax")):
        shift = sub(left, one)
        if not shift.is_const:
            continue
        moved = add(other, shift)
        is_next = right.is_const and moved.is_const and moved.data == right.data - 1
        if moved is right or is_next:
            return sub(minmax(op, (left, moved)), shift)
    return None


def _sides(test: Term) -> tuple[Term, Term] | None:
    """See a test as left < right."""
    if test.op == "ult":
        return test.args[0], test.args[1]
    if test.op == "extract" and test.data == test.args[0].width - 1:
        whole = test.args[0]
        half = const(1 << test.data, whole.width)
        return add(whole, half), half
    return None


def umin(left: Term, right: Term) -> Term:
    """Make the lesser, unsigned."""
    return minmax("umin", (left, right))


def umax(left: Term, right: Term) -> Term:
    """Make the greater, unsigned."""
    return minmax("umax", (left, right))


def smin(left: Term, right: Term) -> Term:
    """Make the lesser, signed."""
    flip = const(1 << (left.width - 1), left.width)
    return add(umin(add(left, flip), add(right, flip)), flip)


def smax(left: Term, right: Term) -> Term:
    """Make the greater, signed."""
    flip = const(1 << (left.width - 1), left.width)
    return add(umax(add(left, flip), add(right, flip)), flip)


def minmax(op: str, args: Sequence[Term]) -> Term:
    """Make `umin` or `umax` of any number of terms."""
    width = args[0].width
    pick = min if op == "umin" else max
    neutral = (1 << width) - 1 if op == "umin" else 0
    constant = neutral
    found: dict[Term, None] = {}
    for arg in args:
        for part in arg.args if arg.op == op else (arg,):
            if part.is_const:
                constant = pick(constant, part.data)
            else:
                found[part] = None
    terms = sorted(found, key=lambda term: term.serial)
    if not terms or constant == (1 << width) - 1 - neutral:
        return const(constant, width)
    if constant != neutral:
        terms.insert(0, const(constant, width))
    if len(terms) == 1:
        return terms[0]
    inner = {term.args[0].width for term in terms if term.op == "zext"}
    if all(term.op == "zext" for term in terms) and len(inner) == 1:
        return zext(minmax(op, [term.args[0] for term in terms]), width)
    return intern(op, width, tuple(terms), top=pick(term.top for term in terms))


def _common_sum(test: Term, high: Term, low: Term) -> Term | None:
    """Turn a choice between a sum and the same with more into the sum plus a choice."""
    terms = [len(side.args) if side.op == "sum" else 1 for side in (high, low)]
    if max(terms) == 1 and "sum" not in (high.op, low.op):
        return None
    difference = sub(high, low)
    count = len(difference.args) if difference.op == "sum" else int(not difference.is_const)
    if count >= max(terms):
        return None
    width = high.width
    if difference.is_const:
        return linear(width, [(1, low), (difference.data, zext(test, width))])
    return linear(width, [(1, low), (1, ite(test, difference, const(0, width)))])


def _choice_of(term: Term) -> tuple[Term, Term, Term] | None:
    if term.op == "ite":
        return term.args[0], term.args[1], term.args[2]
    if term.op == "sext" and term.args[0].width == 1:
        test, width = term.args[0], term.width
        if _is_complement(test):
            return complement(test), const(0, width), const(-1, width)
        return test, const(-1, width), const(0, width)
    return None


def _combine(op: str, terms: list[Term], width: int) -> Term | None:
    """Do a bitwise operation inside choices of one test; a mask of all ones or zeros selects."""
    if width == 1:
        return None
    if op == "and" and len(terms) == 2:
        # x & (x - 1): counting the bits of a word takes these one by one.
        step = sub(terms[0], terms[1])
        if step.is_const and step.data in (1, (1 << width) - 1):
            return blsr(terms[0] if step.data == 1 else terms[1])
    by_test: dict[Term, list[Term]] = {}
    for term in terms:
        choice = _choice_of(term)
        if choice is not None:
            by_test.setdefault(choice[0], []).append(term)
    for test, group in by_test.items():
        selects = op == "and" and group[0].op == "sext" and len(by_test) == 1
        if len(group) < 2 and not selects:
            continue
        chosen = [choice for term in group if (choice := _choice_of(term)) is not None]
        rest = [term for term in terms if term not in group]
        if selects:
            return ite(
                test,
                bitwise(op, [*(high for _, high, _ in chosen), *rest], width),
                bitwise(op, [*(low for _, _, low in chosen), *rest], width),
            )
        joined = ite(
            test,
            bitwise(op, [high for _, high, _ in chosen], width),
            bitwise(op, [low for _, _, low in chosen], width),
        )
        return bitwise(op, [joined, *rest], width)
    return None


def _join(parts: Sequence[Term]) -> Term | None:
    """Join pieces that are chosen by one test."""
    test: Term | None = None
    highs: list[Term] = []
    lows: list[Term] = []
    for part in parts:
        choice = _bit_of(part) if part.width == 1 else _choice_of(part)
        if choice is None or (test is not None and choice[0] is not test):
            return None
        test = choice[0]
        highs.append(choice[1])
        lows.append(choice[2])
    return ite(test, concat(highs), concat(lows)) if test is not None else None


def _bit_of(part: Term) -> tuple[Term, Term, Term] | None:
    if part.is_const:
        return None
    if _is_complement(part):
        return complement(part), boolean(False), boolean(True)
    return part, boolean(True), boolean(False)


def _cut_choice(term: Term, low: int, width: int) -> Term | None:
    test, yes, no = term.args
    if width > term.width:
        return ite(test, zext(yes, width), zext(no, width))
    return ite(test, extract(yes, low, width), extract(no, low, width))


def _cut_extreme(term: Term, low: int, width: int) -> Term | None:
    """Extend under a minimum; cut only bits that are always zero."""
    if width > term.width:
        wide = [zext(arg, width) for arg in term.args]
        wide.sort(key=lambda arg: (not arg.is_const, arg.serial))
        return intern(term.op, width, tuple(wide), top=term.top)
    if low == 0 and all(arg.top < 1 << width for arg in term.args):
        return minmax(term.op, [extract(arg, 0, width) for arg in term.args])
    return None


CUTS["umin"] = CUTS["umax"] = _cut_extreme


CUTS["ite"] = _cut_choice


CUTS["ite-sext"] = lambda term, low, width: ite(
    term.args[0], sext(term.args[1], width), sext(term.args[2], width)
)
register_choice(_combine, _join)


def blsr(term: Term) -> Term:
    """Clear the lowest set bit."""
    if term.is_const:
        return const(term.data & (term.data - 1), term.width)
    steps = term.data if term.op == "blsr" else 0
    base = term.args[0] if term.op == "blsr" else term
    return intern("blsr", term.width, (base,), steps + 1, top=term.top)
