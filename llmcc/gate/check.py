"""The static gate: what is refused before anything runs.

Text, then one batch through the assembler, then the decoded bytes. A rewrite that passes is still
untrusted: it has only been shown to be code that the sandbox can be asked to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmcc.gate.clobbers import (
    check_registers,
    check_stack,
    check_stores,
    check_upper_halves,
)
from llmcc.gate.decode import decode
from llmcc.gate.text import PlainText, check_text, is_identical
from llmcc.gate.unset import check_unset
from llmcc.outcome import Outcome, Refusal
from llmcc.propose import Proposal
from llmcc.regions.model import Region
from llmcc.sandbox.model import Blob
from llmcc.states.blob import Built, build_many
from llmcc.toolchain import MARCH


@dataclass(frozen=True, slots=True)
class Gated:
    """A proposal that passed the static gate."""

    proposal: Proposal
    text: str  # the rewrite in normal form
    code: bytes  # of the rewrite alone
    blob: Blob  # rewrite, gcc's loop, exit stubs and constants, for the sandbox
    instruction_count: int

    @property
    def isa(self) -> str:
        """A key of `toolchain.MARCH`."""
        return self.proposal.isa


def check(region: Region, proposals: Sequence[Proposal]) -> tuple[Gated | Refusal, ...]:
    """Check proposals, in their order; one call of the assembler (5 ms) for each ISA among them."""
    texts = [_check_text(region, proposal) for proposal in proposals]
    answers: dict[int, Gated | Refusal] = {
        number: text for number, text in enumerate(texts) if isinstance(text, Refusal)
    }
    for isa in dict.fromkeys(proposal.isa for proposal in proposals):
        numbers = [n for n, p in enumerate(proposals) if p.isa == isa and n not in answers]
        plain = [text for n in numbers if not isinstance(text := texts[n], Refusal)]
        if not plain:
            continue
        built = build_many(region, [text.text for text in plain], isa=isa)
        for number, text, one in zip(numbers, plain, built, strict=True):
            answers[number] = (
                one
                if isinstance(one, Refusal)
                else _check_bytes(region, proposals[number], text, one)
            )
    return tuple(answers[number] for number in range(len(proposals)))


def check_again(region: Region, text: str, *, isa: str) -> Refusal | None:
    """Check a text that was accepted elsewhere; it must also be in the form the gate gives it."""
    (gated,) = check(region, [Proposal(text, isa, 0.0, "")])
    if isinstance(gated, Refusal):
        return gated
    if gated.text != text:
        return Refusal(Outcome.GATE_BAD_TEXT, "the text is not in the form the gate gives it")
    return None


def _check_text(region: Region, proposal: Proposal) -> PlainText | Refusal:
    if proposal.isa not in MARCH:
        return Refusal(Outcome.GATE_BAD_TEXT, f"no such ISA: {proposal.isa}")
    plain = check_text(region, proposal.text)
    if isinstance(plain, Refusal):
        return plain
    is_only_jumps = all(line.startswith("jmp\t") for line in plain.instructions)
    # Only jumps, but not all of them to gcc's loop: that is another program, and is tested as one.
    if _leaves_it(plain) or (is_identical(region, plain) and not is_only_jumps):
        return Refusal(Outcome.IDENTICAL)
    return plain


def _leaves_it(plain: PlainText) -> bool:
    """Whether a rewrite does nothing but go on in gcc's loop."""
    return set(plain.instructions) == {"jmp\t.LH"}


def _check_bytes(
    region: Region, proposal: Proposal, plain: PlainText, built: Built
) -> Gated | Refusal:
    decoded = decode(built, region.constants)
    if isinstance(decoded, Refusal):
        return decoded
    if len(decoded) != len(plain.instructions):
        # A line that is no instruction by itself has become part of another.
        return Refusal(Outcome.GATE_UNDECODABLE, f"{len(decoded)} instructions of fewer lines")
    refusal = (
        check_registers(decoded, region.contract)
        or check_stack(decoded, region.contract)
        or check_stores(decoded, region.contract)
        or check_upper_halves(decoded)
        or check_unset(decoded, region.contract)
    )
    if refusal is not None:
        return refusal
    return Gated(
        proposal=proposal,
        text=plain.text,
        code=built.blob.code[: built.rewrite_bytes],
        blob=built.blob,
        instruction_count=len(decoded),
    )
