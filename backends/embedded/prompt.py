"""Write a request as the text the model was trained to continue.

The first line is the ISA and the contract, the rest the region's canonical text. Registers are
spelled like in assembly, so that a consistent renaming of the whole text renames the contract too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from llmcc.propose import Request
from llmcc.x86.registers import GPR, spelled

# How many free registers a rewrite may be taught to use; more would only lengthen the prompt.
_SCRATCH_SHOWN = 4
# AVX-512 rewrites work in zmm16-31, which are always free when the unit is "wide".
_VECTOR_SCRATCH_SHOWN = {"avx2": 10, "avx512": 2}


@dataclass(frozen=True, slots=True)
class PromptStyle:
    """What a model reads of a request, as it was trained; recorded with its weights."""

    has_contract: bool = True
    has_isa: bool = True


WHOLE = PromptStyle()


def prompt_text(request: Request) -> str:
    """Write the prompt, without the separator that ends it; the text ends with a newline."""
    contract = request.region.contract
    header = [f"<{request.isa}>"]
    if contract.is_wide_free:
        header.append("<wide>")
    for induction in contract.inductions:
        register = _spell(induction.register, induction.bits)
        header.append(f"<induction> {register}, {induction.step}")
    header += _listed("<accumulator>", contract.accumulators)
    header += _listed("<invariant>", contract.invariants)
    header += _listed("<scratch>", contract.scratch[:_SCRATCH_SHOWN])
    shown = _VECTOR_SCRATCH_SHOWN[request.isa]
    header += _listed("<vector>", contract.vector_scratch[:shown])
    return " ".join([*header, "<loop>"]) + "\n" + request.region.text


def in_style(prompt: str, style: PromptStyle) -> str:
    """Leave out of a whole prompt what a model is not to read."""
    header, _, loop = prompt.partition("\n")
    isa, _, contract = header.partition(" ")
    shown = [isa] if style.has_isa else []
    shown.append(contract if style.has_contract else "<loop>")
    return " ".join(shown) + "\n" + loop


def _listed(token: str, families: Iterable[str]) -> list[str]:
    names = ", ".join(_spell(family, 64) for family in families)
    return [f"{token} {names}"] if names else []


def _spell(family: str, bits: int) -> str:
    return "%" + (spelled(family, bits) if family in GPR else family)
