"""A loop's canonical text: gcc's instructions in gcc's order, with labels that mean something."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmcc.asm.model import LineKind, Unit
from llmcc.outcome import Outcome, Refusal
from llmcc.regions.cfg import Graph, Loop

_CONSTANT = re.compile(r"(\.LC\d+)(?=[+(-])")
_DATA = frozenset((".long", ".quad", ".value", ".byte", ".zero", ".octa", ".string", ".ascii"))


@dataclass(frozen=True, slots=True)
class Canonical:
    """Canonical text, its constants, and the block each exit leads to in the order of .LX0."""

    text: str
    constants: str
    constant_labels: tuple[str, ...]
    exits: tuple[int, ...]


def canonical_text(unit: Unit, graph: Graph, loop: Loop) -> Canonical | Refusal:
    """Write out the blocks of `loop` in text order; every way out becomes an explicit jump."""
    order = sorted(loop.blocks)
    names = {loop.head: ".LH"}
    exits: list[int] = []
    for position, number in enumerate(order):
        following = order[position + 1] if position + 1 < len(order) else None
        for successor in graph.blocks[number].successors:
            if successor not in loop.blocks:
                exits += [successor] if successor not in exits else []
            elif successor != graph.blocks[number].falls_to or successor != following:
                names.setdefault(successor, f".LB{len(names)}")
    names |= {number: f".LX{position}" for position, number in enumerate(exits)}
    by_label = {label: n for n, block in enumerate(graph.blocks) for label in block.labels}

    out: list[str] = []
    for position, number in enumerate(order):
        block = graph.blocks[number]
        if number in names:
            out.append(f"{names[number]}:")
        for instruction in block.instructions:
            target = instruction.effects.target
            if instruction.effects.jump and by_label.get(target) not in names:
                return Refusal(Outcome.NO_ENTRY_PLACE, f"jumps out of the function to {target}")
            out.append(_line(instruction.text.name, instruction.text.operands, names, by_label))
        following = order[position + 1] if position + 1 < len(order) else None
        if block.falls_to is not None and block.falls_to != following:
            out.append(f"\tjmp\t{names[block.falls_to]}")
    text = "\n".join(out) + "\n"
    return _with_constants(unit, text, tuple(exits))


def _line(
    name: str, operands: tuple[str, ...], names: dict[int, str], by_label: dict[str, int]
) -> str:
    renamed = [
        names[by_label[o]] if o in by_label and by_label[o] in names else o for o in operands
    ]
    return f"\t{name}\t{', '.join(renamed)}" if renamed else f"\t{name}"


def _with_constants(unit: Unit, text: str, exits: tuple[int, ...]) -> Canonical | Refusal:
    constants: list[str] = []
    labels = tuple(dict.fromkeys(_CONSTANT.findall(text)))
    for position, label in enumerate(labels):
        data = _definition(unit, label)
        if not data:
            return Refusal(Outcome.SYMBOLIC_MEMORY, label)
        constants.append(
            f"\t.balign\t64\n.LK{position}:\n" + "".join(f"\t{line}\n" for line in data)
        )
        text = re.sub(re.escape(label) + r"(?=[+(-])", f".LK{position}", text)
    return Canonical(text, "".join(constants), labels, exits)


def _definition(unit: Unit, label: str) -> list[str]:
    """The data directives behind `label:`; a constant may be the first half of a wider one."""
    data: list[str] = []
    is_inside = False
    for line in unit.lines:
        if line.kind is LineKind.LABEL and line.name == label:
            is_inside = True
        elif is_inside and line.kind is LineKind.DIRECTIVE and line.name in _DATA:
            data.append(f"{line.name}\t{line.argument}")
        elif is_inside and line.kind is not LineKind.BLANK:
            break
        is_set = line.kind is LineKind.DIRECTIVE and line.name == ".set"
        if is_set and line.argument.partition(",")[0] == label:
            alias, _, offset = line.argument.partition(",")[2].partition("+")
            return [] if offset.strip("0") else _definition(unit, alias)
    return data
