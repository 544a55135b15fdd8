"""The third gate: what a rewrite writes, and how it leaves the vector registers.

gcc's -fipa-ra lets callers keep values in registers that a callee was seen not to touch; no test of
the loop alone would notice such a register clobbered, so the contract's list is enforced here.
"""

from __future__ import annotations

from llmcc.gate.decode import Decoded, successors
from llmcc.outcome import Outcome, Refusal
from llmcc.regions.model import Contract
from llmcc.x86.registers import MASK, WIDE_ONLY, XMM


def check_registers(decoded: tuple[Decoded, ...], contract: Contract) -> Refusal | None:
    """Refuse writes to registers that the contract does not give away."""
    may_write = set(contract.may_write)
    if contract.is_wide_free:
        may_write.update(WIDE_ONLY, MASK)
    may_write.discard("rsp")
    for one in decoded:
        for name in one.written:
            if name.family not in may_write:
                return Refusal(Outcome.GATE_CLOBBERS, f"{name.family} by `{one.text}`")
        if not contract.is_wide_free and one.mnemonic.startswith(("v", "k")):
            # Any VEX write clears the upper half, which the unit's own code may be using.
            return Refusal(Outcome.GATE_CLOBBERS, f"upper halves by `{one.text}`")
    return None


def check_stores(decoded: tuple[Decoded, ...], contract: Contract) -> Refusal | None:
    """Refuse stores to bytes that gcc's loop may leave alone, if only with their old value."""
    stores = [access for access in contract.accesses if access.is_store]
    is_conditional = bool(stores) and all(access.is_conditional for access in stores)
    widest = max((access.size_bytes for access in stores), default=0)
    for one in decoded:
        if not one.is_store:
            continue
        if not stores:
            return Refusal(
                Outcome.GATE_FORBIDDEN_INSTRUCTION, f"gcc's loop stores nothing: {one.text}"
            )
        if is_conditional and one.store_bytes > widest and not one.is_masked:
            return Refusal(
                Outcome.GATE_FORBIDDEN_INSTRUCTION, f"stores what gcc's loop may not: {one.text}"
            )
    return None


def check_stack(decoded: tuple[Decoded, ...], contract: Contract) -> Refusal | None:
    """Refuse the stack pointer as a number, and as a base where gcc's loop has no array there.

    Where it points is no part of the contract: another thread's stack lies elsewhere, and what is
    around it belongs to the function.
    """
    is_base = any(access.base == "rsp" for access in contract.accesses)
    for one in decoded:
        if "rsp" in one.values or ("rsp" in one.addresses and not is_base):
            return Refusal(Outcome.GATE_FORBIDDEN_INSTRUCTION, f"the stack: {one.text}")
    return None


def check_upper_halves(decoded: tuple[Decoded, ...]) -> Refusal | None:
    """Refuse paths that leave with dirty upper halves of ymm0-15: they slow down gcc's SSE code."""
    next_ones = successors(decoded)
    is_dirty = [False] * len(decoded)  # before each instruction
    waiting = list(range(len(decoded)))
    while waiting:
        number = waiting.pop()
        after = _dirty_after(decoded[number], is_dirty[number])
        for target in next_ones[number]:
            if target == -1:
                if after:
                    return Refusal(Outcome.GATE_LEAVES_UPPER_DIRTY, f"at `{decoded[number].text}`")
            elif after and not is_dirty[target]:
                is_dirty[target] = True
                waiting.append(target)
    return None


def _dirty_after(one: Decoded, is_dirty: bool) -> bool:
    if one.mnemonic == "vzeroupper":
        return False
    return is_dirty or any(name.bits > 128 and name.family in XMM for name in one.written)
