"""The table of switches: a record for each fast path in a section of its own that no program loads.

`splice` writes the section `.debug.llmcc_paths`; the linker fills in where each guard is. The name
begins with `.debug` because linkers then let a record's code be dropped (COMDAT, `--gc-sections`),
as they do for DWARF; under another name gold fails and ld drops the table. `strip` removes it.
A record: version (1 byte), the guard's feature bit (1), the guard's address (8), region key (64
ASCII characters), then function, label of the loop's head and source file, each ended by a zero.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from llmcc.errors import LlmccError

SECTION = ".debug.llmcc_paths"
# Records of other versions are not read: what they say about the guard may no longer hold.
_VERSION = 1
_HEAD = struct.Struct("<BBQ64s")
_GUARD_AT = 2


class UnreadableTable(LlmccError):
    """A file's table of switches is damaged, or of another version of llmcc."""


@dataclass(frozen=True, slots=True)
class Name:
    """Which fast path a record is about."""

    key: str  # of the region, see store.keys.region_key
    function: str
    head_label: str  # gcc's label of the loop in the unit's text
    source: str  # as gcc named it in `.file`


@dataclass(frozen=True, slots=True)
class Record:
    """One fast path as its object file or program describes it."""

    name: Name
    feature_bit: int  # what the guard tests when it is on
    guard: int  # address; 0 in an object file, where a relocation says it
    guard_field: int  # offset of `guard` in the section


def record_text(name: Name, *, guard_label: str, feature_bit: int) -> str:
    """Return the assembly of one record."""
    return "\n".join(
        [
            f"\t.byte\t{_VERSION}, {feature_bit}",
            f"\t.quad\t{guard_label}",
            f'\t.ascii\t"{name.key}"',
            *(f'\t.string\t"{_escaped(text)}"' for text in (name.function, name.head_label)),
            f'\t.string\t"{_escaped(name.source)}"',
        ]
    )


def read_records(section: bytes) -> Iterator[Record]:
    """Read a section, whatever units it was put together from.

    Raises:
        UnreadableTable: it is not a sequence of whole records of this version.
    """
    at = 0
    while at < len(section):
        if at + _HEAD.size > len(section) or section[at] != _VERSION:
            raise UnreadableTable(f"record at {at} of {SECTION}")
        _, feature_bit, guard, key = _HEAD.unpack_from(section, at)
        texts = section[at + _HEAD.size :].split(b"\0", 3)
        if len(texts) != 4:
            raise UnreadableTable(f"record at {at} of {SECTION} has no end")
        function, head_label, source = (text.decode("latin-1") for text in texts[:3])
        name = Name(key.decode("latin-1"), function, head_label, source)
        yield Record(name, feature_bit, guard, at + _GUARD_AT)
        at = len(section) - len(texts[3])


def _escaped(text: str) -> str:
    return "".join(
        char if " " <= char <= "~" and char not in '"\\' else f"\\{ord(char):03o}" for char in text
    )


def unescaped(text: str) -> str:
    """Read a string of `record_text`."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
