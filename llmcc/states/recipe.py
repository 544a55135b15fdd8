"""From the contract's roles to a recipe for machine states: who is pointer, index, bound, value.

An address `base + index*scale` needs one register that is solved for and leaves the other free.
A base that stands alone somewhere is a pointer; what is added to a pointer with scale 1 and is no
index elsewhere is the difference of two pointers and solved for as well.
Does not cover: addresses without a base, pointers compared with a constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llmcc.outcome import Outcome, Refusal
from llmcc.regions.model import Access, Contract, Latch, Region
from llmcc.states.carried import find_carried
from llmcc.states.loose_bounds import find_loose_bounds
from llmcc.states.model import Block, Group, LooseBounds, Recipe, Stream, TextFacts
from llmcc.states.text_facts import read_facts
from llmcc.states.trips import Length

MAX_BLOCKS = 6
_ZMM_BYTES = 64
# With a longer stride a long run of the battery would be none: its windows do not hold one pass.
_LONGEST_STRIDE_BYTES = Length.LARGE.window_bytes


def make_recipe(region: Region) -> Recipe | Refusal:
    """Work out the recipe; UNKNOWN_ROLE or NOT_A_COUNTED_STATE when there is none."""
    contract = region.contract
    facts = read_facts(region.text, region.constants)
    solved = _solved_registers(contract)
    if isinstance(solved, Refusal):
        return solved
    groups = _groups(contract, solved, facts)
    latches = _latches(contract.latches)
    if refusal := _refuse(groups, latches):
        return refusal
    crossing = _crossing(contract, latches)
    blocks = _blocks(groups, latches, crossing)
    if len(blocks) > MAX_BLOCKS:
        return Refusal(Outcome.NOT_A_COUNTED_STATE, f"{len(blocks)} separate memory streams")
    others = [stream.other for group in groups for stream in group.streams if stream.other]
    pointers = {group.register for group in groups}
    steps = {induction.register for induction in contract.inductions}
    bounds = {latch.bound for latch in latches}
    taken = pointers | set(others) | steps | bounds
    readable = (*contract.accumulators, *contract.invariants)
    widths = facts.element_bytes or _integer_widths(contract.accesses)
    is_early_exit = (
        region.exit_count > 1 or not latches or len(contract.latches) < _ways_out(region)
    )
    return Recipe(
        blocks=blocks,
        inductions=contract.inductions,
        indexes=tuple(dict.fromkeys(name for name in others if name not in pointers)),
        near_indexes=_near_indexes(groups),
        latches=latches,
        crossing=crossing,
        free=tuple(f for f in readable if not f.startswith("xmm") and f not in taken),
        vectors=tuple(f for f in readable if f.startswith("xmm")),
        accumulators=contract.accumulators,
        facts=TextFacts(
            facts.constants, widths, facts.is_float, facts.wide_families, facts.aligned_operands
        ),
        is_early_exit=is_early_exit,
        small_trip=_small_trip(contract.accesses),
        carried=find_carried(region.text, contract.accumulators, blocks),
        loose_bounds=_loose_bounds(region, blocks, taken) if is_early_exit else LooseBounds(),
        zero_extended=frozenset(contract.zero_extended),
    )


def _loose_bounds(region: Region, blocks: Sequence[Block], taken: set[str | None]) -> LooseBounds:
    contract = region.contract
    return find_loose_bounds(
        region.text,
        blocks,
        free=[name for name in contract.invariants if name not in taken],
        inductions=[induction.register for induction in contract.inductions],
    )


def _near_indexes(groups: Sequence[Group]) -> frozenset[str]:
    """Find the indexes that would tear a block apart if they were large: 4 and 8 times one, say."""
    near: set[str] = set()
    for group in groups:
        shifts = {(stream.other, stream.scale) for stream in group.streams}
        if len(shifts) > 1:
            near.update(name for name, _ in shifts if name)
    return frozenset(near)


def _ways_out(region: Region) -> int:
    """Count conditional jumps that leave; the explicit `jmp .LX` behind a latch is not one."""
    lines = region.text.split("\n")
    jumps = [line.split() for line in lines if line.startswith("\tj")]
    direct = sum(words[0] != "jmp" and words[1].startswith(".LX") for words in jumps)
    return direct + sum(words[0] == "jmp" and words[1].startswith(".LX") for words in jumps)


def _solved_registers(contract: Contract) -> dict[tuple[str, str | None, int], str] | Refusal:
    """For each address form (base, index, scale), the register that is solved for."""
    steps = {induction.register for induction in contract.inductions}
    forms = dict.fromkeys((a.base, a.index, a.scale) for a in contract.accesses)
    pointers = {base for base, index, _ in forms if base and index is None}
    indexes = {index for _, index, scale in forms if index and scale > 1}
    for base, index, scale in forms:
        if base is None:
            return Refusal(Outcome.UNKNOWN_ROLE, f"an address of {index} times {scale} alone")
        # With scale 1 base and index can be swapped: what advances is the index.
        if index and scale == 1 and not {base, index} & (pointers | indexes):
            is_swapped = base in steps and index not in steps
            indexes.add(base if is_swapped else index)
    answer: dict[tuple[str, str | None, int], str] = {}
    for base, index, scale in forms:
        assert base is not None
        if index is None or scale > 1 or (index in indexes and base not in indexes):
            answer[base, index, scale] = base
        elif base in indexes and index not in indexes:
            answer[base, index, scale] = index
        elif index in pointers and base not in pointers:
            answer[base, index, scale] = base
        elif base in pointers and index not in pointers:
            answer[base, index, scale] = index
        else:
            return Refusal(Outcome.UNKNOWN_ROLE, f"which of {base} and {index} is the pointer")
    return answer


def _groups(
    contract: Contract, solved: dict[tuple[str, str | None, int], str], facts: TextFacts
) -> list[Group]:
    streams: dict[str, dict[Stream, None]] = {}
    for access in contract.accesses:
        assert access.base is not None
        register = solved[access.base, access.index, access.scale]
        is_base = register == access.base
        is_aligned = access.size_bytes == 16 and _is_aligned(access, contract.accesses, facts)
        stream = Stream(
            other=access.index if is_base else access.base,
            scale=access.scale if is_base else 1,
            disp=access.disp,
            size_bytes=access.size_bytes,
            stride_bytes=access.stride_bytes,
            is_store=access.is_store,
            is_conditional=access.is_conditional,
            is_aligned=is_aligned,
        )
        streams.setdefault(register, {})[stream] = None
    groups = [Group(register, tuple(found)) for register, found in streams.items()]
    # A difference of pointers is solved after the pointer it is added to.
    return sorted(groups, key=lambda g: any(s.other in streams for s in g.streams))


def _is_aligned(access: Access, accesses: Sequence[Access], facts: TextFacts) -> bool:
    """Whether the text's instruction for an access demands alignment.

    Increments are folded into an access's displacement, so an operand that fits none exactly stands
    for all of its base and index.
    """
    if _spelled(access) in facts.aligned_operands:
        return True
    exact = {_spelled(other) for other in accesses}
    loose = {operand[operand.index("(") :] for operand in facts.aligned_operands - exact}
    return _spelled(replace(access, disp=0)) in loose


def _spelled(access: Access) -> str:
    index = f",%{access.index}" if access.index else ""
    scale = f",{access.scale}" if access.index and access.scale > 1 else ""
    return f"{access.disp or ''}(%{access.base}{index}{scale})"


def _latches(latches: Sequence[Latch]) -> tuple[Latch, ...]:
    """Keep the first latch of each bound; a second test of the same bound follows from it."""
    kept: dict[tuple[str, str | int | None], Latch] = {}
    for latch in latches:
        kept.setdefault((latch.induction, latch.bound or latch.bound_value), latch)
    return tuple(kept.values())


def _refuse(groups: list[Group], latches: tuple[Latch, ...]) -> Refusal | None:
    pointers = {group.register for group in groups}
    for group in groups:
        for stream in group.streams:
            if stream.other == group.register:
                return Refusal(
                    Outcome.UNKNOWN_ROLE, f"{group.register} is pointer and index at once"
                )
            if abs(stream.stride_bytes) > _LONGEST_STRIDE_BYTES:
                return Refusal(
                    Outcome.NOT_A_COUNTED_STATE, f"a stride of {stream.stride_bytes} bytes"
                )
    for latch in latches:
        if latch.bound is None and latch.induction in pointers:
            return Refusal(
                Outcome.NOT_A_COUNTED_STATE, f"pointer {latch.induction} against a constant"
            )
        if latch.bound in pointers and latch.induction not in pointers:
            return Refusal(
                Outcome.NOT_A_COUNTED_STATE, f"{latch.bound} is pointer and bound of an index"
            )
    return None


def _crossing(contract: Contract, latches: tuple[Latch, ...]) -> tuple[str, str] | None:
    if latches:
        return None
    rising = [i.register for i in contract.inductions if i.step > 0 and i.bits == 64]
    falling = [i.register for i in contract.inductions if i.step < 0 and i.bits == 64]
    return (rising[0], falling[0]) if rising and falling else None


def _blocks(
    groups: list[Group], latches: tuple[Latch, ...], crossing: tuple[str, str] | None
) -> tuple[Block, ...]:
    anchor_of: dict[str, str] = {}
    pointers = {group.register for group in groups}
    for latch in latches:
        if latch.bound in pointers and latch.bound is not None:
            anchor_of[latch.bound] = latch.induction
    if crossing and set(crossing) <= pointers:
        anchor_of[crossing[1]] = crossing[0]
    blocks: list[Block] = []
    for group in groups:
        if group.register in anchor_of:
            continue
        tied = [other for other in groups if anchor_of.get(other.register) == group.register]
        blocks.append(Block((group, *tied)))
    return tuple(blocks)


def _integer_widths(accesses: Sequence[Access]) -> tuple[int, ...]:
    sizes = {min(access.size_bytes, 8) for access in accesses}
    return tuple(sorted(sizes)) or (8, 4)


def _small_trip(accesses: Sequence[Access]) -> int:
    """4W + 8 for W elements in the widest vector, and never less than 24."""
    strides = [abs(access.stride_bytes) for access in accesses if access.stride_bytes]
    if not strides:
        return 72
    return max(24, 4 * (_ZMM_BYTES // min(strides)) + 8)
