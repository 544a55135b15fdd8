"""Tell a copy of the prompt's assembly from a rewrite, and say what the paper's check says."""

from __future__ import annotations

import re

from llmcc.training.program.rows import without_fence

_STRING = r'"(?:[^"\\]|\\.)*"'
# A string is matched first, so that a mark of comment within one stays.
_COMMENT = re.compile(rf"({_STRING})|/\*.*?\*/|#[^\n]*", re.DOTALL)
_LABEL = re.compile(r"^\s*([\w.$]+)\s*:")
_WORD = re.compile(rf"({_STRING})|[\w.$@]+")
# What these directives write is the program's data; every other directive is left out.
_DATA = frozenset(
    ".byte .value .word .short .hword .2byte .long .int .4byte .quad .8byte .octa .float .single "
    ".double .string .ascii .asciz .zero .skip .space .fill .comm .lcomm".split()
)


def is_copy(response: str, assembly: str) -> bool:
    """Whether two files are the same instructions and data but for how they are written."""
    return canonical(response) == canonical(assembly)


def paper_calls_identical(response: str, assembly: str) -> bool:
    """The paper's check: the same text but for white space at both ends.

    Source: `is_same_assembly` of src/utils.py. A copy with its tabs stripped is not "identical".
    """
    return without_fence(response).strip() == without_fence(assembly).strip()


def canonical(text: str) -> str:
    """Write a file with what the machine does not see taken out.

    Comments, white space and directives that place or describe code go (alignment, sections,
    .cfi_…, .type); directives that write data stay. Labels that nothing refers to go, the others
    are numbered in the order in which they are first mentioned; `main` keeps its name.
    """
    lines = [line for line in _lines(text) if _is_seen(line)]
    labels = {match[1] for line in lines if (match := _LABEL.match(line))} - {"main"}
    used = {
        word.partition("@")[0] for line in lines if not _LABEL.match(line) for word in _words(line)
    }
    numbers: dict[str, int] = {}

    def renamed(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1]
        name, at, tail = match[0].partition("@")
        if name not in labels:
            return match[0]
        return f"L{numbers.setdefault(name, len(numbers))}{at}{tail}"

    kept = [
        line
        for line in lines
        if not (match := _LABEL.match(line)) or match[1] in used or match[1] == "main"
    ]
    return "\n".join(_WORD.sub(renamed, line) for line in kept)


def _lines(text: str) -> list[str]:
    bare = _COMMENT.sub(lambda match: match[1] or " ", text.replace("\r\n", "\n"))
    result = []
    for statement in (part for line in bare.split("\n") for part in _statements(line)):
        rest = statement
        while match := _LABEL.match(rest):
            result.append(f"{match[1]}:")
            rest = rest[match.end() :]
        result.append(_spaced(rest))
    return [line for line in result if line]


def _statements(line: str) -> list[str]:
    # A semicolon ends a statement, but not within a string.
    return re.findall(rf"(?:{_STRING}|[^;\"]|\")+", line) if ";" in line else [line]


def _spaced(statement: str) -> str:
    parts = re.split(rf"({_STRING})", statement.strip())
    for index in range(0, len(parts), 2):
        parts[index] = re.sub(r"\s*([,()])\s*", r"\1", re.sub(r"\s+", " ", parts[index]))
    return "".join(parts)


def _is_seen(line: str) -> bool:
    first = line.partition(" ")[0]
    return not first.startswith(".") or first.endswith(":") or first in _DATA


def _words(line: str) -> list[str]:
    return [match[0] for match in _WORD.finditer(line) if match[1] is None]
