"""Strings of bytes as references into terms: what vector registers and memory hold.

A reference is (term, k): byte k of a term, 0 the lowest. A value that is stored and loaded whole is
the same term again; nothing is cut before somebody asks for a part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmcc.prove.simplify import bitwise, concat, extract
from llmcc.prove.terms import Term, const

Ref = tuple[Term, int]
Refs = tuple[Ref, ...]
_MOST_BYTES = 8  # no term is wider


def refs_of(term: Term) -> Refs:
    """Refer to all bytes of a term."""
    return tuple((term, k) for k in range(term.width // 8))


def zeros(count: int) -> Refs:
    """Refer to so many zero bytes."""
    return ((const(0, 8), 0),) * count


def join(refs: Sequence[Ref]) -> Term:
    """Make one term of at most 8 bytes."""
    parts: list[Term] = []
    position = 0
    while position < len(refs):
        term, k = refs[position]
        length = 1
        while (
            position + length < len(refs)
            and refs[position + length][0] is term
            and refs[position + length][1] == k + length
        ):
            length += 1
        parts.append(extract(term, 8 * k, 8 * length))
        position += length
    return parts[0] if len(parts) == 1 else concat(parts)


def lanes(refs: Refs, size: int) -> list[Term]:
    """Cut into terms of `size` bytes."""
    return [join(refs[at : at + size]) for at in range(0, len(refs), size)]


def from_lanes(terms: Sequence[Term]) -> Refs:
    """Put terms side by side, the lowest first."""
    return tuple(ref for term in terms for ref in refs_of(term))


def lane_map(size: int, function: Callable[..., Term], *operands: Refs) -> Refs:
    """Apply a function to the lanes of operands of one length."""
    cut = [lanes(operand, size) for operand in operands]
    return from_lanes([function(*pieces) for pieces in zip(*cut, strict=True)])


def bitwise_map(op: str, left: Refs, right: Refs) -> Refs:
    """Do a bitwise operation on pieces that are as long as both operands' terms allow."""
    return piece_map(lambda a, b: bitwise(op, (a, b), a.width), left, right)


def piece_map(function: Callable[[Term, Term], Term], left: Refs, right: Refs) -> Refs:
    """Apply what works on bits alone to the longest pieces of at most 8 bytes."""
    found: list[Ref] = []
    start = 0
    for end in range(1, len(left) + 1):
        is_short = end < len(left) and end - start < _MOST_BYTES
        if is_short and _goes_on(left, end) and _goes_on(right, end):
            continue
        found.extend(refs_of(function(join(left[start:end]), join(right[start:end]))))
        start = end
    return tuple(found)


def _goes_on(refs: Refs, position: int) -> bool:
    """Whether a byte follows the one before in the same term; constants go with anything."""
    (before, k), (term, own) = refs[position - 1], refs[position]
    if term.op == "const":
        return True
    return before is term and own == k + 1
