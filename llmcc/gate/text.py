"""The first gate: a rewrite's text may hold labels, plain instructions and the loop's own symbols.

What passes cannot be a directive, a macro, a comment, several statements, a prefix without its
instruction, or name anything that is not a register llmcc has facts about (no segment, x87, MMX or
control register), a number or a label of the region. Other texts never reach the assembler.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmcc.asm.parse import split_operands
from llmcc.outcome import Outcome, Refusal
from llmcc.regions.model import Region
from llmcc.x86.registers import REGISTERS

MAX_LINES = 400
_MAX_LINE = 120

_LABEL = re.compile(r"(\.LR\d{1,3}):$")
_INSTRUCTION = re.compile(r"([a-z][a-z0-9]*)(?:[ \t]+(\S.*))?$")
_JUMP = re.compile(r"j[a-z]{1,4}$")
_CONDITION = "n?(?:a|ae|b|be|c|e|g|ge|l|le|o|p|s|z)|p[eo]"
_ALLOWED_JUMP = re.compile(f"j(?:mp|{_CONDITION})$")
# On a line of its own a prefix joins the next line's instruction, which is then another one.
_PREFIX = re.compile(
    "(?:lock|rep|rep(?:n?[ez])|data16|data32|addr16|addr32|[c-g]s|ss|rex.*|wait|notrack|bnd"
    "|xacquire|xrelease)$"
)
_TARGET = re.compile(r"\.L(?:R\d{1,3}|H|X\d{1,2})$")
_NUMBER = r"-?(?:0x[0-9a-f]{1,16}|0|[1-9]\d{0,19})"
_DECORATION = r"(?:\{(?:%k[0-7]|z|1to\d{1,2}|sae|r[nduz]-sae)\})*"
_NAME = re.compile(r"%([a-z0-9]+)")
_REGISTER = rf"%[a-z][a-z0-9]{{1,4}}{_DECORATION}"
_IMMEDIATE = rf"\${_NUMBER}"
_MEMORY = rf"(?:{_NUMBER})?\(%[a-z0-9]+(?:,%[a-z0-9]+(?:,[1248])?)?\){_DECORATION}"
_CONSTANT = rf"(?P<constant>\.LK\d{{1,2}})(?:[+-]\d{{1,4}})?\(%rip\){_DECORATION}"
_EXTRA = r"\{(?:sae|r[nduz]-sae)\}"
_OPERAND = re.compile(f"(?:{_REGISTER}|{_IMMEDIATE}|{_MEMORY}|{_CONSTANT}|{_EXTRA})$")


@dataclass(frozen=True, slots=True)
class PlainText:
    """A rewrite's text in its one normal form: a tab, a mnemonic, a tab, operands with ", "."""

    text: str
    instructions: tuple[str, ...]


def check_text(region: Region, text: str) -> PlainText | Refusal:
    """Let through only lines of the allowed forms."""
    if not text.isascii():
        return Refusal(Outcome.GATE_BAD_TEXT, "characters that are not ASCII")
    lines = [line.strip() for line in text.split("\n")]
    lines = [line for line in lines if line]
    if len(lines) > MAX_LINES:
        return Refusal(Outcome.GATE_TOO_LARGE, f"{len(lines)} lines")
    defined = [match[1] for line in lines if (match := _LABEL.match(line))]
    if len(set(defined)) != len(defined):
        return Refusal(Outcome.GATE_BAD_TEXT, "a label is defined twice")
    known = {*defined, ".LH", *(f".LX{n}" for n in range(region.exit_count))}
    known |= {line[:-1] for line in region.constants.split("\n") if line.endswith(":")}
    out: list[str] = []
    instructions: list[str] = []
    for line in lines:
        if _LABEL.match(line):
            out.append(line)
            continue
        instruction = _instruction(line, known)
        if isinstance(instruction, Refusal):
            return instruction
        instructions.append(instruction)
        out.append("\t" + instruction)
    if not instructions:
        return Refusal(Outcome.GATE_BAD_TEXT, "no instruction")
    return PlainText("\n".join(out) + "\n", tuple(instructions))


def _instruction(line: str, known: set[str]) -> str | Refusal:
    match = _INSTRUCTION.match(line)
    if match is None or len(line) > _MAX_LINE:
        return Refusal(Outcome.GATE_BAD_TEXT, line[:_MAX_LINE])
    name, rest = match[1], match[2] or ""
    if _PREFIX.match(name):
        return Refusal(Outcome.GATE_BAD_TEXT, f"a prefix: {line}")
    if _JUMP.match(name):
        if not _ALLOWED_JUMP.match(name) or not _TARGET.match(rest) or rest not in known:
            return Refusal(Outcome.GATE_BAD_BRANCH, line)
        return f"{name}\t{rest}"
    operands = split_operands(rest)
    for operand in operands:
        found = _OPERAND.match(operand.replace(" ", ""))
        if found is None or not _names_known_registers(found):
            return Refusal(Outcome.GATE_BAD_TEXT, line)
        if found["constant"] and found["constant"] not in known:
            return Refusal(Outcome.GATE_SYMBOL, line)
    joined = ", ".join(operand.replace(" ", "") for operand in operands)
    return f"{name}\t{joined}" if joined else name


def _names_known_registers(operand: re.Match[str]) -> bool:
    names = set(_NAME.findall(operand[0]))
    return names - ({"rip"} if operand["constant"] else set()) <= REGISTERS.keys()


def is_identical(region: Region, plain: PlainText) -> bool:
    """Tell whether a rewrite is nothing but a jump to gcc's loop, or that loop again."""
    work = _work(plain.text)
    return not work or work == _work(region.text)


def _work(text: str) -> list[str]:
    """The instructions that are not unconditional jumps, labels blotted out."""
    lines = [line.strip() for line in text.split("\n")]
    kept = [
        line for line in lines if line and not line.endswith(":") and not line.startswith("jmp")
    ]
    return [re.sub(r"\s+", " ", re.sub(r"\.L[A-Z]\d*(?!\d*[+(-])", "L", line)) for line in kept]
