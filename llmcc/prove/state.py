"""The symbolic machine: 16 general registers, 16 ymm registers, flags, memory.

Addresses must be known numbers. Memory is mapped in spans; what is loaded is a variable until it
is stored to. Not modelled: x87, MXCSR, mask registers, zmm, segments, unaligned-access checks (AC).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from llmcc.prove.choices import any_of, ite
from llmcc.prove.decode import Immediate, Memory, NotModelled, Operand, Register
from llmcc.prove.facts import Facts
from llmcc.prove.flags import Flags, chosen
from llmcc.prove.lanes import Ref, Refs, join, piece_map, refs_of, zeros
from llmcc.prove.simplify import concat, extract, linear, zext
from llmcc.prove.terms import Term, boolean, const, var

_Key = TypeVar("_Key")
PAGE_BYTES = 4096
YMM_BYTES = 32


class Fault(NotModelled):
    """An access to memory that is not mapped, or not aligned as the instruction demands."""


@dataclass(frozen=True, slots=True)
class Span:
    """Mapped memory whose content is unknown."""

    start: int
    end: int
    element_bytes: int  # bytes that one variable stands for, where no more is asked for
    phase: int  # address modulo element_bytes at which variables begin


@dataclass(frozen=True, slots=True)
class Ground:
    """What memory holds before anything runs: spans, and the blob's own bytes at address 0."""

    spans: tuple[Span, ...]
    code: bytes

    def byte(self, address: int) -> Ref:
        """Refer to a byte.

        Raises:
            Fault: it is not mapped.
        """
        for span in self.spans:
            if span.start <= address < span.end:
                lead = (address - span.phase) % span.element_bytes
                first = address - lead
                if first < span.start or first + span.element_bytes > span.end:
                    return var(memory_name(address), 8), 0
                return var(memory_name(first), 8 * span.element_bytes), lead
        raise Fault(f"touches {address:#x}")


def memory_name(address: int) -> str:
    """Name of the variable that starts at an address."""
    return f"m{address:x}"


@dataclass(slots=True)
class State:
    """One state on one path; semantics change it in place."""

    gpr: list[Term]
    vector: list[Refs]  # 32 bytes each
    flags: Flags
    ground: Ground
    facts: Facts
    memory: dict[int, Ref] = field(default_factory=dict)  # bytes stored to
    written: dict[int, Term] = field(default_factory=dict)  # address -> under what condition
    touched: dict[int, Term] = field(default_factory=dict)  # page number -> under what condition
    floats: dict[Term, Term] = field(default_factory=dict)  # operations that may raise FP flags

    def copy(self) -> State:
        """Return a state that can change by itself."""
        return State(
            list(self.gpr), list(self.vector), self.flags, self.ground, self.facts,
            dict(self.memory), dict(self.written), dict(self.touched), dict(self.floats),
        )  # fmt: skip

    # ------------------------------------------------------------ operands

    def read(self, operand: Operand, bits: int) -> Term:
        """Read a general register, memory or an immediate as `bits` bits."""
        match operand:
            case Immediate(value):
                return const(value, bits)
            case Register(number, _, False, is_high):
                return extract(self.gpr[number], 8 if is_high else 0, bits)
            case Memory():
                return join(self.load(self.address(operand), bits // 8))
        raise NotModelled(f"operand {operand}")

    def write(self, operand: Operand, value: Term) -> None:
        """Write a general register (32 bits clear the upper half) or memory."""
        match operand:
            case Register(number, _, False, is_high):
                old = self.gpr[number]
                match value.width:
                    case 64:
                        self.gpr[number] = value
                    case 32:
                        self.gpr[number] = zext(value, 64)
                    case 16:
                        self.gpr[number] = concat((value, extract(old, 16, 48)))
                    case _ if is_high:
                        low, high = extract(old, 0, 8), extract(old, 16, 48)
                        self.gpr[number] = concat((low, value, high))
                    case _:
                        self.gpr[number] = concat((value, extract(old, 8, 56)))
            case Memory():
                self.store(self.address(operand), refs_of(value))
            case _:
                raise NotModelled(f"writes {operand}")

    def effective(self, operand: Memory) -> Term:
        """Compute an address as `lea` does."""
        parts = [(1, self.gpr[operand.base])] if operand.base is not None else []
        if operand.index is not None:
            parts.append((operand.scale, self.gpr[operand.index]))
        return linear(64, parts, operand.disp)

    def address(self, operand: Memory) -> int:
        """Compute the address of an access.

        Raises:
            NotModelled: it depends on data.
        """
        if operand.is_rip:
            return operand.disp
        term = self.effective(operand)
        if not term.is_const:
            raise NotModelled("an address that depends on data")
        return int(term.data)

    # ------------------------------------------------------------ vectors

    def vec(self, operand: Operand, count: int, *, alignment: int = 1) -> Refs:
        """Read the low `count` bytes of a vector register, or memory."""
        if isinstance(operand, Register) and operand.is_vector:
            return self.vector[operand.number][:count]
        if isinstance(operand, Memory):
            address = self.address(operand)
            if address % alignment:
                raise Fault(f"{address:#x} is not aligned to {alignment}")
            return self.load(address, count)
        raise NotModelled(f"vector operand {operand}")

    def put_vec(self, operand: Operand, refs: Refs, *, is_vex: bool) -> None:
        """Write a vector register: VEX clears what lies above, legacy SSE keeps it."""
        if not isinstance(operand, Register) or not operand.is_vector:
            raise NotModelled(f"writes {operand}")
        missing = YMM_BYTES - len(refs)
        above = zeros(missing) if is_vex else self.vector[operand.number][len(refs) :]
        self.vector[operand.number] = refs + above

    # ------------------------------------------------------------ memory

    def load(self, address: int, count: int, *, when: Term | None = None) -> Refs:
        """Load bytes; `when`: the access happens under a condition only."""
        code = self.ground.code
        if address >= 0 and address + count <= len(code):
            return tuple((const(byte, 8), 0) for byte in code[address : address + count])
        self._touch(address, count, when)
        memory, ground = self.memory, self.ground
        return tuple(
            memory[at] if at in memory else ground.byte(at)
            for at in range(address, address + count)
        )

    def store(self, address: int, refs: Refs, *, when: Term | None = None) -> None:
        """Store bytes; `when`: under a condition only."""
        self._touch(address, len(refs), when)
        memory, ground = self.memory, self.ground
        # What is stored to must be mapped, whatever is stored.
        before = tuple(
            memory[at] if at in memory else ground.byte(at)
            for at in range(address, address + len(refs))
        )
        if when is not None:
            refs = choose(when, refs, before)
        for at, ref in enumerate(refs, address):
            memory[at] = ref
            if when is None:
                self.written[at] = boolean(True)
                continue
            known = self.written.get(at)
            self.written[at] = when if known is None else any_of((known, when))

    def _touch(self, address: int, count: int, when: Term | None) -> None:
        for page in {address // PAGE_BYTES, (address + count - 1) // PAGE_BYTES}:
            if when is None:
                self.touched[page] = boolean(True)
                continue
            known = self.touched.get(page)
            self.touched[page] = when if known is None else any_of((known, when))

    def float_operation(self, term: Term) -> None:
        """Remember an operation that may raise floating-point flags."""
        self.floats[term] = boolean(True)


def merged(guard: Term, left: State, right: State, facts: Facts) -> State:
    """Join two states of one place: `left` holds where `guard` is set, else `right`."""
    gpr = [ite(guard, a, b) for a, b in zip(left.gpr, right.gpr, strict=True)]
    vector = [choose(guard, a, b) for a, b in zip(left.vector, right.vector, strict=True)]
    memory = _chosen_memory(guard, left, right)
    return State(
        gpr, vector, chosen(guard, left.flags, right.flags), left.ground, facts, memory,
        _chosen_logs(guard, left.written, right.written),
        _chosen_logs(guard, left.touched, right.touched),
        _chosen_logs(guard, left.floats, right.floats),
    )  # fmt: skip


def choose(guard: Term, left: Refs, right: Refs) -> Refs:
    """Choose between two strings of bytes."""
    if left == right:
        return left
    return piece_map(lambda a, b: ite(guard, a, b), left, right)


def _chosen_memory(guard: Term, left: State, right: State) -> dict[int, Ref]:
    found = dict(left.memory)
    run: list[int] = []
    differing = [
        address
        for address in sorted(left.memory.keys() | right.memory.keys())
        if left.memory.get(address) != right.memory.get(address)
    ]
    for address, following in itertools.zip_longest(differing, differing[1:]):
        run.append(address)
        if following == address + 1:
            continue
        pair = [
            tuple(state.memory[at] if at in state.memory else state.ground.byte(at) for at in run)
            for state in (left, right)
        ]
        found.update(zip(run, choose(guard, *pair), strict=True))
        run = []
    return found


def _chosen_logs(
    guard: Term, left: Mapping[_Key, Term], right: Mapping[_Key, Term]
) -> dict[_Key, Term]:
    if left == right:
        return dict(left)
    never = boolean(False)
    keys = left.keys() | right.keys()
    return {key: ite(guard, left.get(key, never), right.get(key, never)) for key in keys}
