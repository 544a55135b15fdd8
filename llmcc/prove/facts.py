"""What is known on a path: 1-bit terms that were decided by the branches taken so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from llmcc.prove.choices import all_of
from llmcc.prove.simplify import complement
from llmcc.prove.terms import Term, boolean, const


def literal(term: Term) -> tuple[Term, bool]:
    """Strip a negation: the term that is decided, and which way makes `term` true."""
    if term.op == "xor" and term.args[0].op == "const":
        return complement(term), False
    return term, True


class Facts:
    """Decided terms, ranges of values, conjunctions known to be false.

    Never changed: `assume` makes new ones.
    """

    __slots__ = ("_clauses", "_known", "_ranges", "path")

    def __init__(
        self,
        known: Mapping[Term, bool] | None = None,
        clauses: tuple[Term, ...] = (),
        path: tuple[Term, ...] = (),
        ranges: Mapping[Term, tuple[int, int]] | None = None,
    ) -> None:
        self._known = dict(known or {})
        self._ranges = dict(ranges or {})  # least and greatest value of what is compared
        self._clauses = clauses
        self.path = path
        """The conditions assumed, in order; together they are the path's condition."""

    def decide(self, test: Term) -> bool | None:
        """Tell whether a 1-bit term follows, or its opposite; None when structure cannot tell."""
        if test.is_const:
            return bool(test.data)
        term, polarity = literal(test)
        known = self._known.get(term)
        if known is None and term.op == "and":
            known = self._decide_all(term.args)
        elif known is None and term.op in ("eq", "ult") and term.args[1].is_const:
            known = self._decide_range(term)
        return known if known is None or polarity else not known

    def _decide_all(self, terms: Iterable[Term]) -> bool | None:
        is_open = False
        for term in terms:
            value = self.decide(term)
            if value is False:
                return False
            is_open = is_open or value is None
        return None if is_open else True

    def _decide_range(self, term: Term) -> bool | None:
        value, limit = term.args[0], term.args[1].data
        low, high = self._ranges.get(value, (0, value.top))
        if term.op == "ult":
            return True if high < limit else False if low >= limit else None
        if not low <= limit <= high:
            return False
        return True if low == high else None

    def _narrow(self, term: Term, polarity: bool) -> None:
        """Take note of a decided comparison with a constant."""
        value, limit = term.args[0], term.args[1].data
        low, high = self._ranges.get(value, (0, value.top))
        match term.op, polarity:
            case "ult", True:
                high = min(high, limit - 1)
            case "ult", False:
                low = max(low, limit)
            case "eq", True:
                low = high = limit
            case "eq", False:
                low, high = low + (low == limit), high - (high == limit)
        self._ranges[value] = (low, high)

    def values(self) -> dict[Term, Term]:
        """Return what is known to have one value, with that value."""
        found = {term: boolean(value) for term, value in self._known.items()}
        for term, (low, high) in self._ranges.items():
            if low == high:
                found[term] = const(low, term.width)
        return found

    def assume(self, test: Term) -> Facts | None:
        """Add a fact; None when it contradicts what is known."""
        decided = self.decide(test)
        if decided is not None:
            return self if decided else None
        found = Facts(self._known, self._clauses, (*self.path, test), self._ranges)
        return found if found._add(test) else None

    def _add(self, test: Term) -> bool:
        waiting = [test]
        while waiting:
            one = waiting.pop()
            decided = self.decide(one)
            if decided is False:
                return False
            term, polarity = literal(one)
            if decided is None or term not in self._known:
                self._known[term] = polarity
                if term.op in ("eq", "ult") and term.args[1].is_const:
                    self._narrow(term, polarity)
                if term.op == "and":
                    if polarity:
                        waiting.extend(term.args)
                    else:
                        self._clauses = (*self._clauses, term)
            for clause in self._clauses:
                opened = self._last_open(clause)
                if opened is not None:
                    waiting.append(opened)
                elif all(self.decide(arg) for arg in clause.args):
                    return False
        return True

    def _last_open(self, clause: Term) -> Term | None:
        """Find what must be false when all else of a false conjunction is true."""
        opened: Term | None = None
        for arg in clause.args:
            value = self.decide(arg)
            if value is False or (value is None and opened is not None):
                return None
            if value is None:
                opened = arg
        return complement(opened) if opened is not None else None


def joined(left: Facts, right: Facts) -> tuple[Term, Facts]:
    """Join two paths that exclude one another.

    Returns the condition that holds on `left` and not on `right`, and what is known on both.
    """
    common = 0
    for a, b in zip(left.path, right.path, strict=False):
        if a is not b:
            break
        common += 1
    guard = all_of(left.path[common:])
    other = all_of(right.path[common:])
    either = complement(all_of((complement(guard), complement(other))))
    facts = Facts()
    for test in (*left.path[:common], either):
        facts = facts.assume(test) or facts
    return guard, facts


def path_condition(facts: Facts) -> Term:
    """Make one term of a path."""
    return all_of(facts.path) if facts.path else boolean(True)
