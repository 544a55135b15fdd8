"""The contract of a loop: what is live, what a rewrite may write, what each register is for.

A rewrite may write a register that the loop itself writes. Any other register must be dead at the
head and at every exit and call-clobbered. Because -fipa-ra lets callers in the same unit keep
values in call-clobbered registers which the callee does not touch, that is not enough where
anything in the unit refers to the function: then it must also be written somewhere in the function
or be mentioned nowhere in the unit (docs/adr/0007-ipa-ra.md).
"""

from __future__ import annotations

from llmcc.outcome import Refusal
from llmcc.regions.cfg import Graph, Loop
from llmcc.regions.extension import zero_extended_at
from llmcc.regions.model import Contract
from llmcc.regions.roles import find_roles
from llmcc.x86.effects import FLAGS
from llmcc.x86.registers import CALL_CLOBBERED_GPR, GPR, REGISTERS, XMM

# Written by instructions that do not name them (string operations, mul, div, sign extension).
_ALWAYS_MENTIONED = frozenset(("rax", "rcx", "rdx", "rsi", "rdi"))


def make_contract(
    graph: Graph,
    loop: Loop,
    *,
    live_in: frozenset[str],
    live_out: tuple[frozenset[str], ...],
    mentioned: frozenset[str],
    is_called_here: bool,
    is_wide_free: bool,
) -> Contract | Refusal:
    """Compute the contract.

    mentioned: every register spelling of the unit. is_called_here: whether anything in the unit
    refers to the function.
    """
    roles = find_roles(graph, loop)
    if isinstance(roles, Refusal):
        return roles
    written = _written(graph, loop.blocks)
    in_function = _written(graph, range(len(graph.blocks)))
    families = {REGISTERS[name].family for name in mentioned if name in REGISTERS}
    kept = live_in.union(*live_out)
    untouched = (families | _ALWAYS_MENTIONED) - in_function if is_called_here else frozenset()
    free = {
        family
        for family in (*CALL_CLOBBERED_GPR, *XMM)
        if family not in kept and family not in untouched
    }
    may_write = (written | free) - {"rsp"}
    steps = {induction.register for induction in roles.inductions}
    # The head needs only what the loop itself reads; the rest of live_in merely lives through.
    read = _read(graph, loop)
    return Contract(
        live_in=tuple(sorted(live_in)),
        live_out=tuple(tuple(sorted(live)) for live in live_out),
        may_write=_ordered(may_write),
        scratch=tuple(f for f in GPR if f in may_write and f not in live_in),
        vector_scratch=tuple(f for f in XMM if f in may_write and f not in live_in),
        is_wide_free=is_wide_free,
        inductions=roles.inductions,
        accesses=roles.accesses,
        latches=roles.latches,
        accumulators=_ordered((live_in & written) - steps),
        invariants=_ordered((live_in & read) - written),
        zero_extended=_ordered(zero_extended_at(graph, loop.head) & live_in),
    )


def _written(graph: Graph, blocks: range | frozenset[int]) -> frozenset[str]:
    return frozenset(
        family
        for number in blocks
        for instruction in graph.blocks[number].instructions
        for family in instruction.effects.writes
        if family != FLAGS
    )


def _read(graph: Graph, loop: Loop) -> frozenset[str]:
    return frozenset(
        family
        for number in loop.blocks
        for instruction in graph.blocks[number].instructions
        for family in instruction.effects.reads
        if family != FLAGS
    )


def _ordered(families: frozenset[str] | set[str]) -> tuple[str, ...]:
    return tuple(family for family in (*GPR, *XMM) if family in families)
