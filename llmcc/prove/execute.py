"""Run code symbolically from one state to all its ends.

A branch that the path does not decide forks it; paths that meet again in the same iteration with
the same known registers are joined into one, so that a loop of conditional stores has one path.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from llmcc.prove.decode import Instruction, NotModelled, Register, decode
from llmcc.prove.facts import Facts, joined
from llmcc.prove.flags import condition
from llmcc.prove.semantics import SEMANTICS
from llmcc.prove.simplify import complement, extract
from llmcc.prove.state import Fault, State, merged
from llmcc.prove.terms import Term, const

FAULT = -1
# Tells whether a path's condition, with one more, can be met at all; True when it does not know.
Feasible = Callable[[Facts], bool]


class TooLong(NotModelled):
    """More steps or paths than allowed."""


@dataclass(frozen=True, slots=True)
class End:
    """One path's end: the exit, or FAULT, and the state there."""

    exit_id: int
    state: State
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one run may go, and whether its paths are joined where they meet."""

    steps: int
    paths: int
    is_late: Callable[[], bool]  # asked at every branch
    is_joining: bool = True


class Program:
    """Code with its exits, and what is known of its flow."""

    def __init__(self, code: bytes, entry: int, exits: Mapping[int, int]) -> None:
        """Decode all code that can be reached; `exits`: offset -> exit number.

        Raises:
            NotModelled: it holds an instruction without semantics.
        """
        self.code = code
        self.entry = entry
        self.exits = dict(exits)
        self.instructions: dict[int, Instruction] = {}
        """By offset, all that can be reached."""
        self._order: dict[int, int] = {}
        self._meetings: set[int] = set()
        self._walk()

    def order(self, offset: int) -> int:
        """Place of an offset in an order in which only back edges go backwards."""
        return self._order[offset]

    def is_meeting(self, offset: int) -> bool:
        """Whether several ways lead here."""
        return offset in self._meetings

    def successors(self, offset: int) -> tuple[int, ...]:
        """Where an instruction may go on."""
        one = self.instructions[offset]
        if one.mnemonic == "jmp":
            return (one.target,)
        return (one.end, one.target) if one.is_jump else (one.end,)

    def _walk(self) -> None:
        """Decode depth first; number in reverse postorder."""
        finished: list[int] = []
        waiting: list[tuple[int, bool]] = [(self.entry, False)]
        seen: set[int] = set()
        while waiting:
            offset, is_done = waiting.pop()
            if is_done:
                finished.append(offset)
                continue
            if offset in seen:
                self._meetings.add(offset)
                continue
            seen.add(offset)
            waiting.append((offset, True))
            if offset in self.exits:
                continue
            one = self.instructions[offset] = decode(self.code, offset)
            if not one.is_jump and one.mnemonic not in SEMANTICS:
                raise NotModelled(f"no semantics of {one.mnemonic}")
            waiting.extend((target, False) for target in self.successors(offset))
        self._order = {offset: n for n, offset in enumerate(reversed(finished))}


@dataclass(slots=True)
class _Run:
    """The paths of one run that still have to go on, the furthest behind first."""

    program: Program
    limits: Limits
    feasible: Feasible | None
    ends: list[End] = field(default_factory=list)
    reached: set[int] = field(default_factory=set)
    steps: int = 0
    heap: list[tuple[int, int, int]] = field(default_factory=list)  # laps, order, offset
    waiting: dict[tuple[int, int, int], list[State]] = field(default_factory=dict)

    def push(self, state: State, offset: int, laps: int) -> None:
        key = (laps, self.program.order(offset), offset)
        if key not in self.waiting:
            heapq.heappush(self.heap, key)
        self.waiting.setdefault(key, []).append(state)

    def go(self) -> None:
        while self.heap:
            key = heapq.heappop(self.heap)
            states = self.waiting.pop(key)
            if self.limits.is_joining:
                states = _joined_states(states)
            paths = len(self.ends) + len(self.waiting) + len(states)
            if paths > self.limits.paths:
                raise TooLong("too many paths")
            for state in states:
                self._follow(state, key[2], key[0])

    def _follow(self, state: State, offset: int, laps: int) -> None:
        """Run one path until it ends, forks, or comes to where others may join it."""
        program = self.program
        while True:
            if offset in program.exits:
                self.ends.append(End(program.exits[offset], state))
                return
            one = program.instructions[offset]
            self.reached.add(offset)
            self.steps += 1
            if self.steps > self.limits.steps:
                raise TooLong("too many steps")
            if one.is_jump:
                following = self._jump(state, one)
            else:
                try:
                    SEMANTICS[one.mnemonic](state, one)
                except Fault as fault:
                    self.ends.append(End(FAULT, state, str(fault)))
                    return
                following = [(other, one.end) for other in _split(state, one)]
            if len(following) != 1 or program.is_meeting(following[0][1]):
                for other, target in following:
                    self.push(other, target, laps + self._is_back(offset, target))
                return
            state, offset = following[0]

    def _is_back(self, offset: int, target: int) -> bool:
        return self.program.order(target) <= self.program.order(offset)

    def _jump(self, state: State, one: Instruction) -> list[tuple[State, int]]:
        if one.mnemonic == "jmp":
            return [(state, one.target)]
        if self.limits.is_late():
            raise TooLong("out of time")
        test = condition(state.flags, one.mnemonic[1:])
        decided = state.facts.decide(test)
        if decided is not None:
            return [(state, one.target if decided else one.end)]
        found = []
        for way, target in ((complement(test), one.end), (test, one.target)):
            facts = state.facts.assume(way)
            if facts is not None and (self.feasible is None or self.feasible(facts)):
                other = state.copy()
                other.facts = facts
                found.append((other, target))
        return found


def _split(state: State, one: Instruction) -> list[State]:
    """Make the position of the first set bit a number, by a path for each that is possible.

    Searches compute the address to go on from by it.
    """
    if one.mnemonic not in ("tzcnt", "bsf"):
        return [state]
    target = one.operands[0]
    assert isinstance(target, Register)
    scan = _scanned(state.gpr[target.number])
    if scan is None or target.bits < 32:
        return [state]
    found: list[State] = []
    facts: Facts | None = state.facts
    for position in range(scan.width):
        bit = extract(scan, position, 1)
        if facts is None or facts.decide(bit) is False:
            continue
        if (here := facts.assume(bit)) is not None:
            other = state.copy()
            other.facts = here
            other.gpr[target.number] = const(position, 64)
            found.append(other)
        facts = facts.assume(complement(bit))
    if facts is not None:
        state.facts = facts
        found.append(state)
    return found


def _scanned(result: Term) -> Term | None:
    """Find the word whose first set bit an instruction has just looked for."""
    if result.op == "ite":
        result = result.args[2]  # bsf: the other choice is undefined
    if result.op == "zext":
        result = result.args[0]
    if result.op != "ctz" or result.args[0].op == "var":
        return None
    return result.args[0]


def run(
    program: Program, start: State, *, limits: Limits, feasible: Feasible | None = None
) -> tuple[list[End], set[int]]:
    """Run from the program's entry; returns all ends and the offsets that were reached.

    feasible: asked at each fork when given; without it a path may be impossible.

    Raises:
        NotModelled: something the machine has no model of; TooLong: the limits.
    """
    one = _Run(program, limits, feasible)
    one.push(start.copy(), program.entry, 0)
    one.go()
    return one.ends, one.reached


def _joined_states(states: list[State]) -> list[State]:
    """Join the states of one place whose known registers are the same."""
    if len(states) == 1:
        return states
    groups: dict[tuple[Term | None, ...], State] = {}
    for state in states:
        key = tuple(term if term.is_const else None for term in state.gpr)
        other = groups.get(key)
        if other is None:
            groups[key] = state
            continue
        guard, facts = joined(other.facts, state.facts)
        groups[key] = merged(guard, other, state, facts)
    return list(groups.values())
