"""What a compiler has made of `c_text.loop_c`, as lines and data.

What the compiler keeps on the stack is given a register that it does not use: registers are only
names here. Does not cover: other uses of the stack; these are refused.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmcc.training.families.vector import NotExpressible
from llmcc.training.lift.c_text import ENTRY
from llmcc.x86.registers import GPR, REGISTERS, XMM, spelled

_TIMEOUT_S = 20
_LABEL = re.compile(r"([.\w]+):")
_LOCAL = re.compile(r"\.L\w+")
_CONSTANT = re.compile(r"(\.LC\w+)(?:\+(\d+))?\(%rip\)")
_REGISTER = re.compile(r"%([a-z0-9]+)")
_FRAME = re.compile(r"(sub|add)q\s+\$-?\d+, %rsp$")
_SLOT = re.compile(r"(-?\d*)\(%rsp\)")
_SPILL = re.compile(r"\tv?mov\w+\t%(?P<register>\w+), (?P<slot>-?\d*)\(%rsp\)$")
_SPREAD = re.compile(
    r"\tvpbroadcast(?P<width>[dq])\t(?P<source>%(?:r|e)\w+), %[xyz]mm(?P<target>\d+)$"
)
_ELEMENT_BYTES = {
    **{".byte": 1, ".value": 2, ".short": 2, ".2byte": 2},
    **{".long": 4, ".4byte": 4, ".quad": 8, ".8byte": 8},
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """One function as its compiler wrote it.

    lines: labels `.LR0:` and instructions "\\tname\\toperands", also those of asm statements.
    data: constants by label.
    """

    lines: tuple[str, ...]
    data: Mapping[str, bytes]


def compiled(source: str, command: Sequence[str]) -> Compiled:
    """Compile C from the standard input of `command`.

    Raises:
        NotExpressible: it fails, takes over 20 s, or uses the stack for more than single values.
    """
    try:
        done = subprocess.run(
            [*command, "-S", "-o", "-", "-x", "c", "-"],
            input=source,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotExpressible("the compiler takes too long") from error
    if done.returncode != 0:
        raise NotExpressible(done.stderr[:300])
    return read_assembly(done.stdout)


def read_assembly(text: str) -> Compiled:
    """Take the function `lifted` and all constants out of a compiler's output.

    Raises:
        NotExpressible: it uses the stack for more than single values.
    """
    lines: list[str] = []
    data: dict[str, bytearray] = {}
    is_inside = False
    label = ""
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        if match := _LABEL.fullmatch(line):
            label = match[1]
            is_inside = (is_inside or label == "lifted") and not label.startswith(".Lfunc_end")
            if is_inside and label.startswith(".L"):
                lines.append(line)
        elif line.startswith("."):
            is_inside &= not line.startswith(".size")
            _add_data(data, label, line)
        elif line and is_inside:
            lines += _instruction(line)
    parts = {name: bytes(part) for name, part in data.items()}
    return Compiled(tuple(_numbered(_without_stack(lines))), parts)


def _instruction(line: str) -> list[str]:
    """Give an instruction in llmcc's spelling; registers need not be saved, they get new names."""
    name, *rest = line.split(None, 1)
    if name in ("pushq", "popq", "nop"):
        return []
    if _FRAME.match(line):
        return []
    return [f"\t{name}\t{rest[0]}" if rest else f"\t{name}"]


def _without_stack(lines: Sequence[str]) -> list[str]:
    named = {
        REGISTERS[n].family for line in lines for n in _REGISTER.findall(line) if n in REGISTERS
    }
    free = {True: [f for f in GPR if f not in named and f != "rsp"],
            False: [f for f in XMM if f not in named]}  # fmt: skip
    homes: dict[str, str] = {}
    for line in lines:
        # A value is stored before it is read, by a move or at the entry.
        match = _SPILL.match(line)
        is_general = match is None or REGISTERS[match["register"]].family in GPR
        is_entry = line.startswith(f"\t{ENTRY}\t")
        for slot in [match["slot"]] if match else _SLOT.findall(line) * is_entry:
            if slot in homes:
                continue
            if not free[is_general]:
                raise NotExpressible("the stack, and no register left")
            homes[slot] = free[is_general].pop()
    return [part for line in lines for part in _unspilled(line, homes)]


def _unspilled(line: str, homes: Mapping[str, str]) -> list[str]:
    """Put a register in the place of a slot, at the width of the instruction."""
    others = [REGISTERS[n] for n in _REGISTER.findall(line) if n != "rsp" and n in REGISTERS]
    for slot in _SLOT.findall(line):
        if (home := homes.get(slot)) is not None:
            bits = others[0].bits if others else 64
            if home in GPR:
                bits = 32 if line[1:].partition("\t")[0][-1] == "l" or bits == 32 else 64
            elif bits < 128:
                raise NotExpressible(f"part of a vector on the stack: {line}")
            line = line.replace(f"{slot}(%rsp)", f"%{spelled(home, bits)}")
    if re.search(r"%[re]?spl?\b", line):
        raise NotExpressible(f"the stack: {line}")
    if match := _SPREAD.match(line):
        # AVX2 spreads what is in memory, or in a vector register.
        width, source, number = match["width"], match["source"], match["target"]
        return [f"\tvmov{width}\t{source}, %xmm{number}",
                f"\tvpbroadcast{width}\t%xmm{number}, {line.rpartition(' ')[2]}"]  # fmt: skip
    return [line]


def _numbered(lines: Sequence[str]) -> list[str]:
    labels = {line[:-1]: f".LR{n}" for n, line in
              enumerate(line for line in lines if line.endswith(":"))}  # fmt: skip
    return [_LOCAL.sub(lambda match: labels.get(match[0], match[0]), line) for line in lines]


def _add_data(data: dict[str, bytearray], label: str, line: str) -> None:
    name, _, rest = line.partition("\t") if "\t" in line else line.partition(" ")
    values = [value.strip() for value in rest.split(",")]
    if name in _ELEMENT_BYTES and label.startswith(".LC"):
        size = _ELEMENT_BYTES[name]
        for value in values:
            if not re.fullmatch(r"-?(0x[0-9a-f]+|\d+)", value):
                return
            data.setdefault(label, bytearray()).extend(
                (int(value, 0) % (1 << 8 * size)).to_bytes(size, "little")
            )
    elif name in (".zero", ".space") and label.startswith(".LC"):
        fill = int(values[1], 0) % 256 if len(values) > 1 else 0
        data.setdefault(label, bytearray()).extend(bytes([fill]) * int(values[0]))
    elif name == ".set" and (match := re.fullmatch(r"(\.LC\w+)(?:\+(\d+))?", values[-1])):
        data[values[0]] = data.get(match[1], bytearray())[int(match[2] or 0) :]


def constant_in(line: str) -> tuple[str, int, str] | None:
    """The label, offset and whole text of the constant a line reads; None when it reads none."""
    match = _CONSTANT.search(line)
    return (match[1], int(match[2] or 0), match[0]) if match else None
