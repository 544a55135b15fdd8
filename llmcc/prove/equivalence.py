"""Compare all ends of two symbolic runs: the same exit, registers, memory and accesses.

What must be equal is what `verify.compare` demands: registers live at the exit or not writable,
all memory; in addition the rewrite stores to no byte that gcc's loop does not store to on the same
path, and touches no page that gcc's loop does not touch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from llmcc.prove.choices import any_of
from llmcc.prove.compare import eq
from llmcc.prove.execute import FAULT, End
from llmcc.prove.facts import Facts
from llmcc.prove.lanes import join
from llmcc.prove.rebuild import rebuild
from llmcc.prove.samples import draw
from llmcc.prove.simplify import bitwise, complement
from llmcc.prove.solver import Answer, ask
from llmcc.prove.state import State
from llmcc.prove.terms import Term, boolean
from llmcc.regions.model import Contract
from llmcc.x86.registers import GPR, XMM


@dataclass(frozen=True, slots=True)
class Counterexample:
    """Values of the variables for which the two ends differ, and what differs."""

    values: Mapping[Term, int]
    what: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Equality was neither shown nor disproved."""

    what: str


@dataclass(frozen=True, slots=True)
class _Difference:
    what: str
    term: Term  # set where the ends differ
    is_visible: bool = True  # False: seldom seen in the end, like a store of the same byte


class EndTree:
    """gcc's ends by the conditions of their paths, to find those a path is compatible with."""

    def __init__(self, ends: Sequence[End]) -> None:
        self._ends: list[End] = []
        self._ways: dict[Term, EndTree] = {}
        for end in ends:
            tree = self
            for test in end.state.facts.path:
                tree = tree._ways.setdefault(test, EndTree(()))
            tree._ends.append(end)

    def compatible(self, facts: Facts) -> Iterator[tuple[End, Facts]]:
        """Yield the ends whose paths do not contradict `facts` by structure, with joint facts."""
        for end in self._ends:
            yield end, facts
        for test, tree in self._ways.items():
            more = facts.assume(test)
            if more is not None:
                yield from tree.compatible(more)


def compare_ends(
    contract: Contract,
    expected: Sequence[End],
    actual: Sequence[End],
    *,
    left_s: Callable[[], float],
) -> Counterexample | Unknown | None:
    """Compare; None when equal for all values of the variables.

    expected: of gcc's loop; those that fault come from states that are not valid and are left out.
    left_s: seconds left for the solver.
    """
    tree = EndTree([end for end in expected if end.exit_id != FAULT])
    for end in actual:
        for other, facts in tree.compatible(end.state.facts):
            found = _compare(contract, other, end, facts, left_s)
            if found is not None:
                return found
    return None


def _compare(
    contract: Contract, left: End, right: End, facts: Facts, left_s: Callable[[], float]
) -> Counterexample | Unknown | None:
    differences = [one for one in _differences(contract, left, right) if _may_hold(one, facts)]
    if differences:
        known = facts.values()
        here = (replace(one, term=rebuild(one.term, known)) for one in differences)
        differences = [one for one in here if _may_hold(one, facts)]
    paths = (*left.state.facts.path, *right.state.facts.path)
    # What a run can show comes first: a counter-example is to be replayed.
    for is_visible in (True, False):
        group = [one for one in differences if one.is_visible is is_visible]
        if group and (found := _decide(paths, group, left_s)) is not None:
            return found
    return None


def _decide(
    paths: Sequence[Term], differences: Sequence[_Difference], left_s: Callable[[], float]
) -> Counterexample | Unknown | None:
    conditions = (*paths, any_of([one.term for one in differences]))
    drawn = draw(conditions)
    if drawn is not None:
        return Counterexample(drawn, differences[0].what)
    reply = ask(conditions, timeout_s=left_s())
    if reply.answer is Answer.NEVER:
        return None
    if reply.answer is Answer.POSSIBLE:
        return Counterexample(reply.values, differences[0].what)
    for one in differences:
        reply = ask((*paths, one.term), timeout_s=left_s())
        if reply.answer is Answer.POSSIBLE:
            return Counterexample(reply.values, one.what)
        if reply.answer is Answer.UNKNOWN:
            return Unknown(one.what)
    return None


def _may_hold(one: _Difference, facts: Facts) -> bool:
    return facts.decide(one.term) is not False


def _differences(contract: Contract, left: End, right: End) -> Iterator[_Difference]:
    if right.exit_id == FAULT:
        yield _Difference(right.detail, boolean(True))
        return
    if left.exit_id != right.exit_id:
        what = f"exit {right.exit_id} in place of {left.exit_id}"
        yield _Difference(what, boolean(True))
        return
    live = set(contract.live_out[left.exit_id]) if contract.live_out else set()
    writable = set(contract.may_write)
    yield from _registers(left.state, right.state, live, writable)
    yield from _memory(left.state, right.state)
    yield from _accesses("stores to byte", left.state.written, right.state.written)
    yield from _accesses("touches page", left.state.touched, right.state.touched)
    yield from _float_flags(left.state.floats, right.state.floats)


def _registers(
    left: State, right: State, live: set[str], writable: set[str]
) -> Iterator[_Difference]:
    for number, name in enumerate(GPR):
        if name in live or name not in writable:
            a, b = left.gpr[number], right.gpr[number]
            if a is not b:
                yield _Difference(name, complement(eq(a, b)))
    for number, name in enumerate(XMM):
        if name in live or name not in writable:
            a_refs, b_refs = left.vector[number][:16], right.vector[number][:16]
            if a_refs == b_refs:
                continue
            for at in range(0, 16, 8):
                a, b = join(a_refs[at : at + 8]), join(b_refs[at : at + 8])
                if a is not b:
                    yield _Difference(name, complement(eq(a, b)))


def _memory(left: State, right: State) -> Iterator[_Difference]:
    for address in sorted(left.memory.keys() | right.memory.keys()):
        refs = [
            state.memory[address] if address in state.memory else state.ground.byte(address)
            for state in (left, right)
        ]
        if refs[0] == refs[1]:
            continue
        a, b = (join((ref,)) for ref in refs)
        if a is not b:
            yield _Difference(f"byte {address:#x}", complement(eq(a, b)))


def _float_flags(left: Mapping[Term, Term], right: Mapping[Term, Term]) -> Iterator[_Difference]:
    """Find operations that one side does and the other does not: they may raise other flags."""
    never = boolean(False)
    for operation in left.keys() | right.keys():
        pair = left.get(operation, never), right.get(operation, never)
        if pair[0] is not pair[1]:
            yield _Difference("floating-point flags", bitwise("xor", pair, 1), is_visible=False)


def _accesses(
    what: str, expected: Mapping[int, Term], actual: Mapping[int, Term]
) -> Iterator[_Difference]:
    """Find accesses of the rewrite that gcc's loop does not make under the same condition."""
    never = boolean(False)
    for place, when in actual.items():
        allowed = expected.get(place, never)
        if allowed is not when:
            beyond = bitwise("and", (when, complement(allowed)), 1)
            if not (beyond.is_const and not beyond.data):
                yield _Difference(f"{what} {place:#x}", beyond, is_visible=False)
