"""Normal forms of sums, products, bitwise operations, cuts and joins of terms.

Scalar code and its vector form compute the same values in another order and grouping; here both
become the same term: sums are flat with coefficients, bitwise operations flat and sorted, cuts are
pushed to the leaves, joins of neighbouring cuts are undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from llmcc.prove.terms import Term, const, intern

# op -> how `extract(term, low, width)` passes into its arguments; compare.py adds its own.
CUTS: dict[str, Callable[[Term, int, int], Term | None]] = {}
# op -> how a 1-bit or wider bitwise operation combines arguments; set by compare.py.
_CHOICE: list[Callable[[str, list[Term], int], Term | None]] = []
_JOINS: list[Callable[[Sequence[Term]], Term | None]] = []


def register_choice(
    combine: Callable[[str, list[Term], int], Term | None],
    join: Callable[[Sequence[Term]], Term | None],
) -> None:
    """Let `compare` say how bitwise operations and joins treat choices (ite)."""
    _CHOICE.append(combine)
    _JOINS.append(join)


# ---------------------------------------------------------------- sums and products


def linear(width: int, parts: Iterable[tuple[int, Term]], constant: int = 0) -> Term:
    """Make constant + sum of coefficient * term."""
    mask = (1 << width) - 1
    found: dict[Term, int] = {}
    for factor, part in parts:
        if part.op == "const":
            constant += factor * part.data
        elif part.op == "sum":
            coefficients, own = part.data
            constant += factor * own
            for coefficient, term in zip(coefficients, part.args, strict=True):
                found[term] = found.get(term, 0) + factor * coefficient
        elif part.op == "sext" and part.args[0].width == 1:
            bit = zext(part.args[0], width)
            found[bit] = found.get(bit, 0) - factor
        elif part.op == "ite" and part.args[1].is_const and part.args[2].is_const:
            high, low = part.args[1].data, part.args[2].data
            constant += factor * low
            bit = zext(part.args[0], width)
            found[bit] = found.get(bit, 0) + factor * (high - low)
        elif part.op == "xor" and part.args[0].is_const and part.args[0].data == mask:
            rest = bitwise("xor", part.args[1:], width)
            constant -= factor
            found[rest] = found.get(rest, 0) - factor
        else:
            found[part] = found.get(part, 0) + factor
    constant &= mask
    kept = sorted(
        ((term, factor & mask) for term, factor in found.items() if factor & mask),
        key=lambda pair: pair[0].serial,
    )
    if not kept:
        return const(constant, width)
    if len(kept) == 1 and kept[0][1] == 1 and constant == 0:
        return kept[0][0]
    total = constant + sum(factor * term.top for term, factor in kept)
    args = tuple(term for term, _ in kept)
    data = (tuple(factor for _, factor in kept), constant)
    return intern("sum", width, args, data, top=total if total <= mask else mask)


def add(*terms: Term) -> Term:
    """Add terms of one width."""
    if len(terms) == 2 and terms[0].op == "const" == terms[1].op:
        return const(terms[0].data + terms[1].data, terms[0].width)
    return linear(terms[0].width, [(1, term) for term in terms])


def sub(left: Term, right: Term) -> Term:
    """Subtract."""
    if left.op == "const" == right.op:
        return const(left.data - right.data, left.width)
    return linear(left.width, ((1, left), (-1, right)))


def mul(left: Term, right: Term) -> Term:
    """Multiply, modulo 2^width."""
    width = left.width
    if left.is_const:
        left, right = right, left
    if right.is_const:
        return linear(width, [(right.data, left)])
    factors: list[Term] = []
    constant = 1
    for part in (left, right):
        if part.op == "mul":
            factors += part.args
        elif part.op == "sum" and len(part.args) == 1 and part.data[1] == 0:
            constant *= part.data[0][0]
            factors += part.args[0].args if part.args[0].op == "mul" else part.args
        else:
            factors.append(part)
    factors.sort(key=lambda term: term.serial)
    top = 1
    for factor in factors:
        top *= factor.top
    product = intern("mul", width, tuple(factors), top=top)
    return linear(width, [(constant, product)]) if constant != 1 else product


def never_wraps(term: Term) -> bool:
    """Whether a sum or product stays below 2^width whatever its arguments are."""
    if term.op == "sum":
        coefficients, constant = term.data
        pairs = zip(coefficients, term.args, strict=True)
        return bool(constant + sum(k * arg.top for k, arg in pairs) < 1 << term.width)
    if term.op == "mul":
        top = 1
        for arg in term.args:
            top *= arg.top
        return top < 1 << term.width
    return False


# ---------------------------------------------------------------- cuts, joins, extensions


def zext(term: Term, width: int) -> Term:
    """Extend with zeros (to the same width: the term itself)."""
    if term.width == width:
        return term
    match term.op:
        case "const":
            return const(term.data, width)
        case "zext":
            return zext(term.args[0], width)
        case "sum" if never_wraps(term):
            pairs = zip(term.data[0], term.args, strict=True)
            return linear(width, [(k, zext(arg, width)) for k, arg in pairs], term.data[1])
    if term.op in CUTS and (found := CUTS[term.op](term, 0, width)) is not None:
        return found
    return intern("zext", width, (term,), top=term.top)


def sext(term: Term, width: int) -> Term:
    """Extend with the sign."""
    if term.width == width:
        return term
    if term.op == "const":
        sign = term.data >> (term.width - 1) << term.width
        return const(term.data - sign, width)
    if term.top < 1 << (term.width - 1):
        return zext(term, width)
    if term.op == "sext":
        return sext(term.args[0], width)
    if term.op == "ite":
        chosen = CUTS["ite-sext"](term, 0, width)
        assert chosen is not None
        return chosen
    return intern("sext", width, (term,))


def extract(term: Term, low: int, width: int) -> Term:
    """Cut out `width` bits from bit `low` on."""
    if low == 0 and width == term.width:
        return term
    if term.op == "const":
        return const(term.data >> low, width)
    if term.top >> low == 0:
        return const(0, width)
    if low + width < term.width and term.op not in ("extract", "concat", "zext", "sext"):
        shorter = _truncate(term, low + width)
        if shorter is not None:
            return extract(shorter, low, width)
    if (found := _cut(term, low, width)) is not None:
        return found
    used = max((term.top >> low).bit_length(), 1)
    if used < width:
        return zext(extract(term, low, used), width)
    if width == 1 and term.op == "sum" and (moved := _shifted(term)) is not None:
        source, by = moved
        return extract(source, low - by, 1) if low >= by else const(0, 1)
    if width == 1 and low == term.width - 1 and term.op == "sum" and term.data[1] >> low:
        flipped = linear(term.width, [(1, term)], 1 << low)
        return complement(extract(flipped, low, 1))
    return intern("extract", width, (term,), low)


def _shifted(term: Term) -> tuple[Term, int] | None:
    """See a sum as one term shifted left; None when it is more."""
    (factor, *others), constant = term.data
    if others or constant or factor & (factor - 1):
        return None
    return term.args[0], factor.bit_length() - 1


def _truncate(term: Term, width: int) -> Term | None:
    """Cut the low bits of what can be computed at any width; None where it cannot."""
    match term.op:
        case "sum":
            pairs = zip(term.data[0], term.args, strict=True)
            return linear(width, [(k, extract(arg, 0, width)) for k, arg in pairs], term.data[1])
        case "mul":
            product = extract(term.args[0], 0, width)
            for arg in term.args[1:]:
                product = mul(product, extract(arg, 0, width))
            return product
    return None


def _cut(term: Term, low: int, width: int) -> Term | None:
    match term.op:
        case "extract":
            return extract(term.args[0], term.data + low, width)
        case "zext" | "sext":
            return _cut_extended(term, low, width)
        case "concat":
            return _cut_joined(term.args, low, width)
        case "and" | "or" | "xor":
            return bitwise(term.op, [extract(arg, low, width) for arg in term.args], width)
    if term.op in CUTS:
        return CUTS[term.op](term, low, width)
    return None


def _cut_extended(term: Term, low: int, width: int) -> Term | None:
    inner = term.args[0]
    grow = zext if term.op == "zext" else sext
    if low + width <= inner.width:
        return extract(inner, low, width)
    if low == 0:
        return grow(inner, width)
    if term.op == "sext" and low >= inner.width - 1:
        return sext(extract(inner, inner.width - 1, 1), width)
    if low < inner.width:
        return grow(extract(inner, low, inner.width - low), width)
    return None


def _cut_joined(parts: Sequence[Term], low: int, width: int) -> Term:
    found: list[Term] = []
    start = 0
    for part in parts:
        first, last = max(low, start), min(low + width, start + part.width)
        if first < last:
            found.append(extract(part, first - start, last - first))
        start += part.width
    return concat(found)


def concat(parts: Sequence[Term]) -> Term:
    """Join terms, the lowest first."""
    flat: list[Term] = []
    for part in parts:
        for piece in part.args if part.op == "concat" else (part,):
            _append(flat, piece)
    if len(flat) == 1:
        return flat[0]
    width = sum(part.width for part in flat)
    last = flat[-1]
    if last.op == "const" and last.data == 0:
        return zext(concat(flat[:-1]), width)
    if last.op == "zext":
        return zext(concat([*flat[:-1], last.args[0]]), width)
    for join in _JOINS:
        if (found := join(flat)) is not None:
            return found
    top = 0
    for part in reversed(flat):
        top = top << part.width | part.top
    return intern("concat", width, tuple(flat), top=top)


def _append(flat: list[Term], piece: Term) -> None:
    """Add a piece, joined with the last one where both are cuts of one term or constants."""
    if flat:
        last = flat[-1]
        if last.op == "const" == piece.op:
            flat[-1] = const(last.data | piece.data << last.width, last.width + piece.width)
            return
        whole, low = (last.args[0], last.data) if last.op == "extract" else (last, 0)
        if piece.op == "extract" and low + last.width == piece.data:
            source = piece.args[0]
            if whole is source or extract(source, low, last.width) is last:
                joined = extract(source, low, last.width + piece.width)
                if joined.op != "concat":
                    flat[-1] = joined
                    return
    flat.append(piece)


# ---------------------------------------------------------------- bitwise operations


def complement(term: Term) -> Term:
    """Invert every bit."""
    if term.width == 1 and term.op != "const":
        # Tests are negated all the time: the same as below, without its generality.
        if term.op != "xor":
            return intern("xor", 1, (const(1, 1), term))
        if len(term.args) == 2 and term.args[0].op == "const":
            return term.args[1]
    return bitwise("xor", (term, const(-1, term.width)), term.width)


def bitwise(op: str, args: Iterable[Term], width: int) -> Term:
    """Make and, or, xor of any number of terms of one width; no terms: all ones, zeros, zeros."""
    if op == "or" and width == 1:
        return complement(bitwise("and", [complement(arg) for arg in args], 1))
    mask = (1 << width) - 1
    constant, terms = _flat(op, args, mask)
    is_neutral = constant == (mask if op == "and" else 0)
    if op != "xor":
        absorbing = 0 if op == "and" else mask
        if constant == absorbing or _has_complements(terms, mask):
            return const(absorbing, width)
    if not terms:
        return const(constant, width)
    if len(terms) == 1 and is_neutral:
        return terms[0]
    if op == "xor" and width > 1 and constant == 1 << (width - 1):
        return linear(width, [(1, bitwise("xor", terms, width))], constant)
    every = terms if is_neutral else [const(constant, width), *terms]
    if (simpler := _narrower(op, terms, every, constant, width)) is not None:
        return simpler
    for combine in _CHOICE:
        if (chosen := combine(op, every, width)) is not None:
            return chosen
    top = min(term.top for term in every) if op == "and" else _union_top(every)
    return intern(op, width, tuple(every), top=top)


def _flat(op: str, args: Iterable[Term], mask: int) -> tuple[int, list[Term]]:
    """Flatten: all constants in one, the other terms sorted, each once (in xor: if odd)."""
    constant = mask if op == "and" else 0
    found: dict[Term, None] = {}
    waiting = list(args)
    while waiting:
        arg = waiting.pop()
        if arg.op == op:
            waiting.extend(arg.args)
        elif arg.op == "const":
            constant = _fold(op, constant, arg.data)
        elif op == "xor" and arg in found:
            del found[arg]
        else:
            found[arg] = None
    return constant, sorted(found, key=lambda term: term.serial)


def _fold(op: str, left: int, right: int) -> int:
    return left & right if op == "and" else left | right if op == "or" else left ^ right


def _union_top(terms: Sequence[Term]) -> int:
    return (1 << max(term.top.bit_length() for term in terms)) - 1


def _has_complements(terms: Sequence[Term], mask: int) -> bool:
    known = set(terms)
    for term in terms:
        if term.op == "xor" and term.args[0].is_const and term.args[0].data == mask:
            rest = term.args[1:]
            if (rest[0] if len(rest) == 1 else bitwise("xor", rest, term.width)) in known:
                return True
    return False


def _narrower(
    op: str, terms: list[Term], every: list[Term], constant: int, width: int
) -> Term | None:
    """Do the operation on fewer bits: under extensions, and masks of one run of ones."""
    if len(terms) == 1 and op == "and":
        low = (constant & -constant).bit_length() - 1
        run = constant >> low
        if run & (run + 1) == 0:
            middle = extract(terms[0], low, run.bit_length())
            above = const(0, width - low - middle.width) if width > low + middle.width else None
            below = [const(0, low)] if low else []
            return concat([*below, middle, *([above] if above else [])])
    kinds = {term.op for term in terms}
    inner = {term.args[0].width for term in terms if term.op in ("zext", "sext")}
    if len(kinds) == 1 and kinds <= {"zext", "sext"} and len(inner) == 1:
        size = inner.pop()
        grow = zext if kinds == {"zext"} else sext
        if grow(const(constant, size), width).data == constant or (
            op == "and" and kinds == {"zext"}
        ):
            narrow = [extract(term, 0, size) for term in every]
            return grow(bitwise(op, narrow, size), width)
    return None
