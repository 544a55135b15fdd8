"""Find the switches in the bytes of an ELF file, or of an archive of object files.

A fast path is switched off by making the byte of its guard, `testb $F, .Lllmcc_cpu(%rip)`, zero:
the jump to gcc's loop behind it is then always taken. Nothing else of the file changes, so no
relinking is needed. What is at the place must be exactly that guard: GNU as has one encoding for
it, F6 05 disp32 imm8, followed by a short (74) or near (0F 84) je. Does not cover: thin archives
(their members are files of their own), objects with over 65,000 sections.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from llmcc.switches.table import SECTION, Name, Record, UnreadableTable, read_records

_ELF = b"\x7fELF"
_ARCHIVE = b"!<arch>\n"
_MEMBER_HEADER_BYTES = 60
_TESTB = b"\xf6\x05"
_IMMEDIATE_AT = 6
_GUARD_BYTES = 9  # up to the condition of the jump
_R_X86_64_64 = 1
_PF_X = 1
_DF_1_PIE = 0x08000000


@dataclass(frozen=True, slots=True)
class Switch:
    """The switch of one fast path in a file."""

    name: Name
    at: int  # offset in the file of the guard's immediate byte
    feature_bit: int  # its value when the switch is on
    is_on: bool


def find_switches(image: bytes) -> tuple[Switch, ...]:
    """List the switches of a file in the order of its tables; none when it has no table.

    Left out are records whose code the linker dropped.

    Raises:
        UnreadableTable: there is a table, but it or the file is damaged.
    """
    if SECTION.encode() not in image:
        return ()
    found: list[Switch] = []
    for start, end in _objects(image):
        try:
            found += _of_object(image[start:end], start)
        except ELFError as error:
            raise UnreadableTable(str(error)) from error
    return tuple(found)


def switched(image: bytes, switches: tuple[Switch, ...], off: frozenset[str]) -> bytes:
    """Return the file's bytes with the fast paths of the keys `off` off and all others on.

    Two keys may have one place, when the linker folds functions that are the same.
    """
    changed = bytearray(image)
    for switch in switches:
        changed[switch.at] = switch.feature_bit
    for switch in switches:
        if switch.name.key in off:
            changed[switch.at] = 0
    return bytes(changed)


def is_program(image: bytes) -> bool:
    """Tell whether a file can be run; shared libraries and objects cannot."""
    elf = ELFFile(io.BytesIO(image))
    if elf["e_type"] == "ET_EXEC":
        return True
    dynamic = elf.get_section_by_name(".dynamic")
    tags = dynamic.iter_tags("DT_FLAGS_1") if isinstance(dynamic, DynamicSection) else ()
    flags = [int(tag["d_val"]) for tag in tags]
    has_interpreter = any(part["p_type"] == "PT_INTERP" for part in elf.iter_segments())
    return has_interpreter or any(flag & _DF_1_PIE for flag in flags)


def is_relocatable(image: bytes) -> bool:
    """Tell whether a file is an object that will be linked again."""
    return bool(ELFFile(io.BytesIO(image))["e_type"] == "ET_REL")


def _objects(image: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the ELF files in `image` begin and end."""
    if image.startswith(_ELF):
        yield 0, len(image)
    if not image.startswith(_ARCHIVE):
        return
    at = len(_ARCHIVE)
    while at + _MEMBER_HEADER_BYTES <= len(image):
        header = image[at : at + _MEMBER_HEADER_BYTES]
        size = header[48:58].strip()
        if header[58:] != b"`\n" or not size.isdigit():
            raise UnreadableTable(f"archive member at {at}")
        start = at + _MEMBER_HEADER_BYTES
        if image.startswith(_ELF, start):
            yield start, start + int(size)
        at = start + int(size) + int(size) % 2


def _of_object(image: bytes, start: int) -> Iterator[Switch]:
    elf = ELFFile(io.BytesIO(image))
    if elf["e_machine"] != "EM_X86_64":
        return
    is_object = elf["e_type"] == "ET_REL"
    # An object has one table for each of its COMDAT groups, and one for the rest.
    for index, section in enumerate(elf.iter_sections()):
        if section.name != SECTION:
            continue
        relocated = _relocated(elf, index) if is_object else {}
        for record in read_records(section.data()):
            guard = relocated.get(record.guard_field) if is_object else _offset(elf, record)
            if guard is not None and _is_guard(image, guard, record.feature_bit):
                at = guard + _IMMEDIATE_AT
                yield Switch(record.name, start + at, record.feature_bit, is_on=image[at] != 0)


def _relocated(elf: ELFFile, section_index: int) -> dict[int, int]:
    """Map places in a section of an object to the file offset of what they will point to."""
    found = {}
    for section in elf.iter_sections():
        if not isinstance(section, RelocationSection) or section["sh_info"] != section_index:
            continue
        symbols = elf.get_section(section["sh_link"])
        if not isinstance(symbols, SymbolTableSection):
            continue
        for entry in section.iter_relocations():
            symbol = symbols.get_symbol(entry["r_info_sym"])
            index = symbol["st_shndx"]
            if entry["r_info_type"] == _R_X86_64_64 and isinstance(index, int):
                target = elf.get_section(index)
                value = int(symbol["st_value"]) + int(entry["r_addend"])
                found[int(entry["r_offset"])] = int(target["sh_offset"]) + value
    return found


def _offset(elf: ELFFile, record: Record) -> int | None:
    """Return where in a linked file the guard is; None when it is in no code of it."""
    for segment in elf.iter_segments("PT_LOAD"):
        inside = record.guard - int(segment["p_vaddr"])
        if segment["p_flags"] & _PF_X and 0 <= inside < int(segment["p_filesz"]) - _GUARD_BYTES:
            return int(segment["p_offset"]) + inside
    return None


def _is_guard(image: bytes, at: int, feature_bit: int) -> bool:
    code = image[at : at + _GUARD_BYTES]
    return (
        len(code) == _GUARD_BYTES
        and code.startswith(_TESTB)
        and code[_IMMEDIATE_AT] in (0, feature_bit)
        and (code[7] == 0x74 or code[7:] == b"\x0f\x84")
    )
