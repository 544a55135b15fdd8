"""Normal forms of comparisons, choices (ite), minima and shifts of terms."""

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
    never_wraps,
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


# ---------------------------------------------------------------- comparisons


def eq(left: Term, right: Term) -> Term:
    """Make left == right, 1 bit."""
    if left is right:
        return boolean(True)
    if left.is_const:
        left, right = right, left
    if left.is_const:
        return boolean(left.data == right.data)
    if left.width == 1:
        return complement(bitwise("xor", (left, right), 1))
    if right.is_const:
        return _eq_const(left, right.data)
    if (found := _eq_pair(left, right) or _eq_pair(right, left)) is not None:
        return found
    difference = sub(left, right)
    if difference.op == "const":
        return boolean(difference.data == 0)
    if difference.op == "sum":
        return _zero_sum(difference)
    return _eq_const(difference, 0)


def _eq_pair(left: Term, right: Term) -> Term | None:
    if left.op in ("umin", "umax") and right in left.args:
        rest = [arg for arg in left.args if arg is not right]
        other = _minmax(left.op, rest)
        pair = (other, right) if left.op == "umin" else (right, other)
        return complement(ult(*pair))
    if left.op == right.op and left.op in ("zext", "sext"):
        a, b = left.args[0], right.args[0]
        if a.width == b.width:
            return eq(a, b)
    if left.op == right.op == "concat":
        widths = [arg.width for arg in left.args]
        if widths == [arg.width for arg in right.args]:
            return all_of([eq(a, b) for a, b in zip(left.args, right.args, strict=True)])
    return None


def _zero_sum(term: Term) -> Term:
    """Make `term == 0` of a sum with one sign for both spellings of it."""
    factors, constant = term.data
    width = term.width
    if len(term.args) == 2 and constant == 0 and sum(factors) == 1 << width and 1 in factors:
        return intern("eq", 1, term.args)
    if len(term.args) == 1:
        return _eq_const(term, 0)
    if factors[0] >> (width - 1):
        negative = linear(width, [(-1, term)])
        factors, constant = negative.data
        term = negative
    return intern("eq", 1, (term, const(0, width)))


def _eq_const(term: Term, value: int) -> Term:
    width = term.width
    if value > term.top:
        return boolean(False)
    match term.op:
        case "zext" | "sext":
            inner = term.args[0]
            cut = const(value, inner.width)
            grown = (zext if term.op == "zext" else sext)(cut, width)
            return eq(inner, cut) if grown.data == value else boolean(False)
        case "concat":
            return _eq_joined(term, value)
        case "ite":
            test, high, low = term.args
            if high.is_const or low.is_const:
                target = const(value, width)
                is_high, is_low = eq(high, target), eq(low, target)
                return ite(test, is_high, is_low)
        case "or" if value == 0:
            return all_of([eq(arg, const(0, width)) for arg in term.args])
        case "xor" if value == 0 and len(term.args) == 2:
            return eq(*term.args)
        case "xor" if term.args[0].is_const:
            rest = bitwise("xor", term.args[1:], width)
            return eq(rest, const(value ^ term.args[0].data, width))
        case "sum":
            return _eq_sum(term, value)
        case "popcount" | "blsr" if value == 0:
            steps = term.data if term.op == "blsr" else 0
            if steps == 0:
                return eq(term.args[0], const(0, width))
            return ult(intern("popcount", width, term.args, top=width), const(steps + 1, width))
    return intern("eq", 1, (term, const(value, width)))


def _eq_joined(term: Term, value: int) -> Term:
    tests: list[Term] = []
    for part in term.args:
        tests.append(eq(part, const(value, part.width)))
        value >>= part.width
    return all_of(tests)


def _eq_sum(term: Term, value: int) -> Term:
    factors, constant = term.data
    width = term.width
    if value == 0 == constant and never_wraps(term):
        return all_of([eq(arg, const(0, width)) for arg in term.args])
    wanted = (value - constant) % (1 << width)
    if len(term.args) == 1:
        # An even factor says nothing of the argument's top bits.
        by = (factors[0] & -factors[0]).bit_length() - 1
        if wanted & ((1 << by) - 1):
            return boolean(False)
        inverse = pow(factors[0] >> by, -1, 1 << width)
        rest = extract(term.args[0], 0, width - by)
        return eq(rest, const((wanted >> by) * inverse, width - by))
    return _zero_sum(linear(width, [(1, term)], -constant - wanted))


def ult(left: Term, right: Term) -> Term:
    """Make left < right, unsigned."""
    width = left.width
    if left is right:
        return boolean(False)
    if left.is_const:
        if left.data == (1 << width) - 1:
            return boolean(False)
        if right.is_const:
            return boolean(left.data < right.data)
        return complement(ult(right, const(left.data + 1, width)))
    if width == 1:
        return bitwise("and", (complement(left), right), 1)
    if right.is_const:
        return _ult_const(left, right.data)
    if left.op == "zext" == right.op and left.args[0].width == right.args[0].width:
        return ult(left.args[0], right.args[0])
    return intern("ult", 1, (left, right))


def _ult_const(term: Term, limit: int) -> Term:
    width = term.width
    if limit == 0:
        return boolean(False)
    if term.top < limit:
        return boolean(True)
    if limit == 1:
        return eq(term, const(0, width))
    if limit == (1 << width) - 1:
        return complement(eq(term, const(limit, width)))
    if limit == 1 << (width - 1):
        return complement(extract(term, width - 1, 1))
    if term.op == "zext":
        return ult(term.args[0], const(limit, term.args[0].width))
    return intern("ult", 1, (term, const(limit, width)))


def slt(left: Term, right: Term) -> Term:
    """Make left < right, signed: an unsigned comparison with both sign bits flipped."""
    width = left.width
    sign = 1 << (width - 1)
    if left.top < sign and right.top < sign:
        return ult(left, right)
    if left.op == "sext" and right.op in ("sext", "const"):
        inner = left.args[0].width
        cut = extract(right, 0, inner)
        if sext(cut, width) is right and inner > 1:
            return slt(left.args[0], cut)
    flip = const(sign, width)
    return ult(add(left, flip), add(right, flip))


# ---------------------------------------------------------------- choices


def ite(test: Term, high: Term, low: Term) -> Term:
    """Make `high` where the 1-bit `test` is set, else `low`."""
    if test.is_const:
        return high if test.data else low
    if high is low:
        return high
    if _is_complement(test):
        return ite(complement(test), low, high)
    width = high.width
    if high.op == "ite" and high.args[0] is test:
        high = high.args[1]
    if low.op == "ite" and low.args[0] is test:
        low = low.args[2]
    if width == 1:
        if (bit := _bit_choice(test, high, low)) is not None:
            return bit
    elif high.is_const and low.is_const:
        if (found := _const_choice(test, high.data, low.data, width)) is not None:
            return found
    if (extreme := _absolute(test, high, low) or _extreme(test, high, low)) is not None:
        return extreme
    if (common := _common_sum(test, high, low)) is not None:
        return common
    return intern("ite", width, (test, high, low), top=max(high.top, low.top))


def _is_complement(test: Term) -> bool:
    return test.op == "xor" and test.args[0].is_const


def _bit_choice(test: Term, high: Term, low: Term) -> Term | None:
    if high.is_const:
        return any_of((test, low)) if high.data else all_of((complement(test), low))
    if low.is_const:
        return any_of((complement(test), high)) if low.data else all_of((test, high))
    return None


def _const_choice(test: Term, high: int, low: int, width: int) -> Term | None:
    ones = (1 << width) - 1
    if low == 0 and high in (1, ones):
        return (zext if high == 1 else sext)(test, width)
    if high == 0 and low in (1, ones):
        return (zext if low == 1 else sext)(complement(test), width)
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
            return sub(_minmax(op, (left, moved)), shift)
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
    return _minmax("umin", (left, right))


def umax(left: Term, right: Term) -> Term:
    """Make the greater, unsigned."""
    return _minmax("umax", (left, right))


def smin(left: Term, right: Term) -> Term:
    """Make the lesser, signed."""
    flip = const(1 << (left.width - 1), left.width)
    return add(umin(add(left, flip), add(right, flip)), flip)


def smax(left: Term, right: Term) -> Term:
    """Make the greater, signed."""
    flip = const(1 << (left.width - 1), left.width)
    return add(umax(add(left, flip), add(right, flip)), flip)


def _minmax(op: str, args: Sequence[Term]) -> Term:
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
        return zext(_minmax(op, [term.args[0] for term in terms]), width)
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
        return _minmax(term.op, [extract(arg, 0, width) for arg in term.args])
    return None


CUTS["umin"] = CUTS["umax"] = _cut_extreme
CUTS["ite"] = _cut_choice
CUTS["ite-sext"] = lambda term, low, width: ite(
    term.args[0], sext(term.args[1], width), sext(term.args[2], width)
)
register_choice(_combine, _join)


# ---------------------------------------------------------------- shifts and counts


def shl(term: Term, count: Term) -> Term:
    """Shift left; 0 from the width on."""
    if count.is_const:
        by = count.data
        return linear(term.width, [(1 << by, term)]) if by < term.width else const(0, term.width)
    return intern("shl", term.width, (term, count))


def lshr(term: Term, count: Term) -> Term:
    """Shift right; 0 from the width on."""
    width = term.width
    if count.is_const:
        by = count.data
        return zext(extract(term, by, width - by), width) if by < width else const(0, width)
    return intern("lshr", width, (term, count), top=term.top)


def ashr(term: Term, count: Term) -> Term:
    """Shift right with the sign; all sign bits from the width on."""
    width = term.width
    if count.is_const:
        by = min(count.data, width - 1)
        return sext(extract(term, by, width - by), width)
    return intern("ashr", width, (term, count))


def popcount(term: Term) -> Term:
    """Count set bits, at the term's width."""
    width = term.width
    match term.op:
        case "const":
            return const(term.data.bit_count(), width)
        case "zext":
            return zext(popcount(term.args[0]), width)
        case "concat" if width > 7:
            return linear(width, [(1, zext(popcount(part), width)) for part in term.args])
    if width == 1:
        return term
    return intern("popcount", width, (term,), top=width)


def blsr(term: Term) -> Term:
    """Clear the lowest set bit."""
    if term.is_const:
        return const(term.data & (term.data - 1), term.width)
    steps = term.data if term.op == "blsr" else 0
    base = term.args[0] if term.op == "blsr" else term
    return intern("blsr", term.width, (base,), steps + 1, top=term.top)


def count_zeros(op: str, term: Term) -> Term:
    """Make clz or ctz, at the term's width; of 0 the width."""
    width = term.width
    if term.is_const:
        value = term.data
        if value == 0:
            return const(width, width)
        zeros = width - value.bit_length() if op == "clz" else (value & -value).bit_length() - 1
        return const(zeros, width)
    return intern(op, width, (term,), top=width)
