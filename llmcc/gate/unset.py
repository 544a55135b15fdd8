"""The last gate: a rewrite reads no register, half of a register or flag that holds nothing.

The tests fill what is dead with random bits, but a program's dead registers hold zeros, pointers
and whatever the code in front left: a rewrite that looks at them may be right in all tests. What
the loop itself reads or changes is set at the head, of vectors the lower 128 bits; flags are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmcc.gate.decode import Decoded, successors
from llmcc.gate.reads import FLAGS
from llmcc.outcome import Outcome, Refusal
from llmcc.regions.model import Contract
from llmcc.x86.registers import GPR, MASK, WIDE_ONLY, XMM

_VECTOR_BITS = 512
_GPR_BITS = 64


@dataclass(frozen=True, slots=True)
class _Set:
    """How many low bits of each family hold something, and which flags do."""

    bits: Mapping[str, int]
    flags: frozenset[str]

    def meet(self, other: _Set) -> _Set:
        """What holds on both ways."""
        bits = {family: min(count, other.bits[family]) for family, count in self.bits.items()}
        return _Set(bits, self.flags & other.flags)


def check_unset(decoded: tuple[Decoded, ...], contract: Contract) -> Refusal | None:
    """Refuse reads of what was not set on every way from the head."""
    before = _before(decoded, contract)
    for number, one in enumerate(decoded):
        state = before.get(number)
        if state is None:
            continue  # not reached, which is for coverage to say
        for name in one.read:
            wanted = 16 if name.is_high_byte else name.bits
            # Masks are read at the width of the instruction, which their names do not say.
            wanted = 1 if name.family in MASK else wanted
            if state.bits[name.family] < wanted:
                return _refusal(f"{name.family}, of which {state.bits[name.family]} bits hold", one)
        if missing := one.flags.tested - state.flags:
            return _refusal(sorted(missing)[0], one)
    return None


def _refusal(what: str, one: Decoded) -> Refusal:
    return Refusal(Outcome.GATE_READS_UNSET, f"{what} something, at `{one.text}`")


def _before(decoded: tuple[Decoded, ...], contract: Contract) -> dict[int, _Set]:
    """What is set in front of each instruction that can be reached."""
    next_ones = successors(decoded)
    before = {0: _at_head(contract)}
    waiting = [0]
    while waiting:
        number = waiting.pop()
        after = _after(before[number], decoded[number])
        for target in next_ones[number]:
            if target == -1:
                continue
            known = before.get(target)
            met = after if known is None else known.meet(after)
            if met != known:
                before[target] = met
                waiting.append(target)
    return before


def _at_head(contract: Contract) -> _Set:
    steps = {induction.register for induction in contract.inductions}
    held = steps.union(contract.accumulators, contract.invariants, ("rsp",))
    bits = {family: _GPR_BITS * (family in held) for family in GPR}
    bits |= {family: 128 * (family in held) for family in XMM}
    bits |= dict.fromkeys((*WIDE_ONLY, *MASK), 0)
    return _Set(bits, frozenset())


def _after(state: _Set, one: Decoded) -> _Set:
    bits = dict(state.bits)
    for name in one.written:
        held = bits[name.family]
        if name.family not in GPR:
            # Legacy SSE leaves the upper half as it was.
            bits[name.family] = _VECTOR_BITS if one.mnemonic[0] in "vk" else max(held, 128)
        elif name.bits >= 32:
            bits[name.family] = _GPR_BITS
        elif not name.is_high_byte:
            bits[name.family] = max(held, name.bits)
    if one.mnemonic == "vzeroupper":
        bits |= {family: _VECTOR_BITS for family in XMM if bits[family] >= 128}
    flags = (state.flags | one.flags.defined) - one.flags.undefined
    return _Set(bits, flags & FLAGS)
