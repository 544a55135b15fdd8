"""Position-independent machine code for the sandbox: a rewrite, gcc's loop, exit stubs, constants.

Everything runs to the loop's exits, so that a rewrite is compared where the contract speaks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from llmcc.outcome import Outcome, Refusal
from llmcc.regions.model import Region
from llmcc.sandbox.model import Blob, exit_stub
from llmcc.toolchain import MARCH, Assembled, assemble

_LABEL = re.compile(r"\.L([RHBXKT]\d*)\b")
_ERROR_LINE = re.compile(r":(\d+): (?:Error|Fatal error)")
_ALIGN = "\t.balign\t64\n"
# A function may ask for SSE4 by an attribute; every CPU that a rewrite is tried on has AVX2.
_BASELINE_MARCH = MARCH["avx2"]


@dataclass(frozen=True, slots=True)
class Built:
    """A blob with the offsets of its labels in it."""

    blob: Blob
    head: int  # of .LH, one past the rewrite's last byte or its padding
    rewrite_bytes: int  # length of the rewrite's own code
    exits: tuple[int, ...]
    constants: tuple[int, ...]  # of .LK0…


def baseline_blob(region: Region) -> Blob:
    """Assemble gcc's loop alone; entered at its head.

    Raises:
        ValueError: it does not assemble, or refers to something outside itself.
    """
    built = _build(region, [""], march=_BASELINE_MARCH)
    if isinstance(built, Refusal):
        raise ValueError(f"{region.function}: gcc's own loop is not self-contained: {built.detail}")
    return Blob(built[0].blob.code, built[0].head)


def loop_range(region: Region) -> range:
    """Tell which bytes of `baseline_blob` are the loop's instructions."""
    built = _build(region, [""], march=_BASELINE_MARCH)
    assert not isinstance(built, Refusal)
    return range(built[0].exits[0])


def rewrite_blob(region: Region, text: str, isa: str) -> Blob | Refusal:
    """Assemble one rewrite in front of gcc's loop; entered at the rewrite."""
    built = build_many(region, [text], isa=isa)[0]
    return built if isinstance(built, Refusal) else built.blob


def guarded_blob(region: Region, text: str, isa: str) -> Blob | Refusal:
    """Assemble a rewrite as it will stand in a unit, behind its CPU check: for timing."""
    body = text if text.endswith("\n") else text + "\n"
    # The byte stands behind the rewrite's last jump, where nothing runs into it.
    guard = "\ttestb\t$1, .LT9(%rip)\n\tje\t.LH\n"
    return rewrite_blob(region, f"{guard}{body}.LT9:\n\t.byte\t1\n", isa)


def build_many(region: Region, texts: Sequence[str], *, isa: str) -> list[Built | Refusal]:
    """Assemble many rewrites in one call of as (5 ms); those it rejects are refused one by one."""
    answers: list[Built | Refusal | None] = [None] * len(texts)
    waiting = list(range(len(texts)))
    while waiting:
        built = _build(region, [texts[n] for n in waiting], march=MARCH[isa])
        if not isinstance(built, Refusal):
            for number, one in zip(waiting, built, strict=True):
                answers[number] = one
            break
        blamed = _blamed(region, [texts[n] for n in waiting], built)
        for number in blamed or range(len(waiting)):
            alone = built if len(waiting) == 1 else _alone(region, texts[waiting[number]], isa)
            answers[waiting[number]] = alone
        waiting = [n for n in waiting if answers[n] is None]
    return [answer for answer in answers if answer is not None]


def _alone(region: Region, text: str, isa: str) -> Built | Refusal:
    built = _build(region, [text], march=MARCH[isa])
    return built if isinstance(built, Refusal) else built[0]


def _part(region: Region, text: str, suffix: str) -> str:
    """One candidate's assembly text with labels of its own."""
    stubs = "".join(exit_stub(f".LX{n}", n) for n in range(region.exit_count))
    body = text if text.endswith("\n") or not text else text + "\n"
    raw = f"{_ALIGN}.LT0:\n{body}.LT1:\n{region.text}.LT2:\n{stubs}{region.constants}"
    return _LABEL.sub(lambda match: f".L{match[1]}_{suffix}", raw)


def _build(region: Region, texts: Sequence[str], *, march: str) -> list[Built] | Refusal:
    parts = [_part(region, text, str(n)) for n, text in enumerate(texts)]
    made = assemble("\t.text\n" + "".join(parts), march=march)
    if isinstance(made, Refusal):
        return made
    if made.relocations or made.other_sections:
        return Refusal(Outcome.GATE_SYMBOL, f"{made.relocations[:1]} {made.other_sections[:1]}")
    starts = [made.symbols[f".LT0_{n}"] for n in range(len(texts))]
    ends = [*starts[1:], len(made.code)]
    return [
        _cut(region, made, n, start, end)
        for n, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


def _cut(region: Region, made: Assembled, number: int, start: int, end: int) -> Built:
    def offset(label: str) -> int:
        return made.symbols[f"{label}_{number}"] - start

    constants: list[int] = []
    while f".LK{len(constants)}_{number}" in made.symbols:
        constants.append(offset(f".LK{len(constants)}"))
    return Built(
        blob=Blob(made.code[start:end], 0),
        head=offset(".LH"),
        rewrite_bytes=offset(".LT1"),
        exits=tuple(offset(f".LX{n}") for n in range(region.exit_count)),
        constants=tuple(constants),
    )


def _blamed(region: Region, texts: Sequence[str], refusal: Refusal) -> list[int]:
    """Find the candidates whose lines the assembler's errors name."""
    lines = {int(number) for number in _ERROR_LINE.findall(refusal.detail)}
    blamed: list[int] = []
    first = 2
    for number, text in enumerate(texts):
        last = first + _part(region, text, "0").count("\n")
        if any(first <= line < last for line in lines):
            blamed.append(number)
        first = last
    return blamed
