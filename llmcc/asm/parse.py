"""Parse GNU assembly as gcc writes it, and render it back to the byte.

One statement a line is what gcc emits; a line that holds more (inline assembly, `;`) is kept as
LineKind.OTHER, which every later stage refuses to look into. Does not cover: `.intel_syntax`.
"""

from __future__ import annotations

import re

from llmcc.asm.model import Function, Line, LineKind, Unit

_LABEL = re.compile(r"\s*([A-Za-z0-9_.$@]+|\"[^\"]+\"):\s*(#.*)?$")
_DIRECTIVE = re.compile(r"\s*(\.[A-Za-z0-9_]+)(?:\s+(.*))?$")
_INSTRUCTION = re.compile(r"\s+([a-z][a-z0-9.]*)(?:\s+(.*))?$")
_PREFIXES = frozenset(("rep", "repz", "repe", "repnz", "repne", "lock", "notrack", "bnd", "data16"))


def parse(text: str) -> Unit:
    """Parse one assembler input.

    `text` holds bytes as latin-1, so that any input survives the way through.
    """
    ends_with_newline = text.endswith("\n")
    raw = text.split("\n")
    if ends_with_newline:
        raw.pop()
    lines = tuple(parse_line(line) for line in raw)
    return Unit(lines, _functions(lines), ends_with_newline)


def render(unit: Unit) -> str:
    """Give back exactly the text `unit` was parsed from."""
    return "\n".join(line.text for line in unit.lines) + ("\n" if unit.ends_with_newline else "")


def parse_line(text: str) -> Line:
    """Parse one line without its newline."""
    stripped = text.strip()
    if not stripped or stripped.startswith("#"):
        return Line(text, LineKind.BLANK)
    if match := _LABEL.match(text):
        return Line(text, LineKind.LABEL, match[1].strip('"'))
    if match := _DIRECTIVE.match(text):
        return Line(text, LineKind.DIRECTIVE, match[1], argument=(match[2] or "").strip())
    if ";" in text or "#" in text or '"' in text or "/*" in text:
        return Line(text, LineKind.OTHER)
    if match := _INSTRUCTION.match(text):
        return _instruction(text, match[1], (match[2] or "").strip())
    return Line(text, LineKind.OTHER)


def _instruction(text: str, name: str, rest: str) -> Line:
    while name.split(" ")[-1] in _PREFIXES and rest:
        word, _, rest = rest.partition(" ")
        word, tab, tail = word.partition("\t")
        name = f"{name} {word}"
        rest = (tail + " " + rest if tab else rest).strip()
    return Line(text, LineKind.INSTRUCTION, name, split_operands(rest))


def split_operands(text: str) -> tuple[str, ...]:
    """Split an operand list at the commas outside parentheses."""
    operands: list[str] = []
    depth = 0
    start = 0
    for at, character in enumerate(text):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "," and depth == 0:
            operands.append(text[start:at].strip())
            start = at + 1
    last = text[start:].strip()
    return tuple([*operands, last] if last else operands)


def _functions(lines: tuple[Line, ...]) -> tuple[Function, ...]:
    """Find functions by their frame: `.type f, @function`, `f:`, `.size f, .-f`."""
    declared: set[str] = set()
    starts: dict[str, int] = {}
    functions: list[Function] = []
    for number, line in enumerate(lines):
        if line.kind is LineKind.LABEL and line.name in declared:
            starts[line.name] = number
        elif line.kind is LineKind.DIRECTIVE and line.name == ".type":
            symbol, _, kind = line.argument.partition(",")
            if kind.strip() == "@function":
                declared.add(symbol.strip().strip('"'))
        elif line.kind is LineKind.DIRECTIVE and line.name == ".size":
            symbol = line.argument.partition(",")[0].strip().strip('"')
            if symbol in starts:
                functions.append(Function(symbol, starts.pop(symbol), number + 1))
    return tuple(sorted(functions, key=lambda function: function.first))
