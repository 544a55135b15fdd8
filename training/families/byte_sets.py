"""Bytes of a set that gcc tests with `bt`: skipping them, looking for one, counting them.

The set is a register's 64 bits, whatever they are. A vector looks each byte up in it: the byte's
upper bits choose one of the register's eight bytes, the lower three a bit of that.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from llmcc.regions.model import Access, Contract, Region
from llmcc.training.families.frame import counted_text, vectors_of, zero
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.tree import TYPES
from llmcc.training.families.trip import address, advance_by, counted_latch, iterations_but_one
from llmcc.training.families.vector import NotExpressible, VectorText
from llmcc.x86.registers import REGISTERS, spelled

_TEST = re.compile(r"\tbtq\t%(\w+), %(\w+)\n")
_LIMIT = re.compile(r"\tcmpb\t\$(\d+), %\w+\n\tj(?:a|be)\t")
_BEYOND_ENDS = re.compile(r"\tcmpb\t.*\n(\tja\t\.LX|\tjbe\t.*\n\tjmp\t\.LX)")
_BIT_ENDS = re.compile(r"\tbtq\t.*\n(\tjc\t\.LX|\tjnc\t.*\n\tjmp\t\.LX)")
_BIAS = re.compile(r"\t(?:leal\t-(\d+)\(%\w+\), %\w+|subl\t\$(\d+), %\w+)\n")
_BITS = 0x8040201008040201


@dataclass(frozen=True, slots=True)
class _Set:
    """The set as gcc tests it: bit (byte - bias) of `register`, up to `limit`."""

    register: str
    is_complement: bool  # the set is of the bits that are 0
    bias: int
    limit: int


def _set_of(region: Region, *, is_complement: bool) -> _Set:
    tests, limits = _TEST.findall(region.text), _LIMIT.findall(region.text)
    biases = _BIAS.findall(region.text)
    if len(tests) != 1 or len(limits) != 1 or len(biases) > 1:
        raise NotExpressible("not one test of a bit")
    register = REGISTERS[tests[0][1]].family
    if register not in region.contract.invariants or int(limits[0]) > 63:
        raise NotExpressible("the bits change")
    bias = int("".join(biases[0])) if biases else 0
    return _Set(register, is_complement, bias, int(limits[0]))


def _tables(vector: VectorText, found: _Set, temporary: str) -> tuple[int, ...]:
    """Emit what a look-up needs: the set's bytes, a bit for each low part, 15, 0, and the bias."""
    own = f"%{temporary}"
    rows = vector.new()
    low, whole = vector.name(rows, 128), vector.name(rows)
    source = f"%{found.register}"
    if found.is_complement:
        vector.emit("movq", source, own)
        vector.emit("notq", own)
        source = own
    if found.limit < 63:  # what is beyond the limit is not in the set, whatever the register says
        places = 64 - found.limit - 1
        if not found.is_complement:
            vector.emit("movq", source, own)
        vector.emit("shlq", f"${places}", own)
        vector.emit("shrq", f"${places}", own)
        source = own
    vector.emit("vmovq", source, low)
    if vector.is_512:
        vector.emit("vshufi64x2", "$0", whole, whole, whole)
    else:
        vector.emit("vinserti128", "$1", low, whole, whole)
    bits = vector.new()
    vector.emit("movabsq", f"${_BITS - (1 << 64)}", own)
    if vector.is_512:
        vector.emit("vpbroadcastq", own, vector.name(bits))
    else:
        vector.emit("vmovq", own, vector.name(bits, 128))
        vector.emit("vpbroadcastq", vector.name(bits, 128), vector.name(bits))
    constants = [rows, bits, vector.spread(15, 8), zero(vector)]
    return tuple([*constants, vector.spread(found.bias, 8)] if found.bias else constants)


def _members(vector: VectorText, value: int, tables: tuple[int, ...]) -> tuple[int, int]:
    """Emit the look-up; a byte is in the set where the two registers share a bit."""
    if len(tables) > 4:
        own = vector.name(value)
        vector.emit("vpsubb", vector.name(tables[4]), own, own)
    # Of a byte over 127 no bit is chosen.
    bit = vector.apply("vpshufb", value, tables[1])
    own = vector.name(value)
    vector.emit("vpsrlw", "$3", own, own)
    vector.emit("vpandd" if vector.is_512 else "vpand", vector.name(tables[2]), own, own)
    vector.emit("vpshufb", own, vector.name(tables[0]), own)
    return value, bit


def _hits(vector: VectorText, load: str, tables: tuple[int, ...], is_in: bool, target: str) -> None:
    """Emit one bit for each byte at `load` that is in the set, or is not."""
    mark = vector.mark()
    value = vector.new()
    vector.emit("vmovdqu8" if vector.is_512 else "vmovdqu", load, vector.name(value))
    row, bit = _members(vector, value, tables)
    own, nothing = vector.name(row), vector.name(tables[3])
    if vector.is_512:
        vector.emit("vpandd", vector.name(bit), own, own)
        vector.emit(f"vpcmp{'n' if is_in else ''}eqb", nothing, own, "%k1")
        vector.emit("kmovq", "%k1", f"%{spelled(target, 64)}")
    else:
        low = f"%{spelled(target, 32)}"
        vector.emit("vpand", vector.name(bit), own, own)
        vector.emit("vpcmpeqb", nothing, own, own)
        vector.emit("vpmovmskb", own, low)
        if is_in:
            vector.emit("notl", low)
    vector.release(mark)


def _only_bytes(contract: Contract) -> Access:
    loads = list(contract.accesses)
    if len(loads) != 1 or loads[0].is_store or loads[0].stride_bytes != 1:
        raise NotExpressible("not one string walked forwards")
    return loads[0]


# -- looking for the first byte in the set, or outside it


def _search(region: Region, isa: str) -> Iterator[str]:
    contract = region.contract
    load = _only_bytes(contract)
    bit_ends = _BIT_ENDS.search(region.text) is not None
    ends_in = _BEYOND_ENDS.search(region.text) is None
    found = _set_of(region, is_complement=bit_ends != ends_in)
    if len(contract.scratch) < 4:
        raise NotExpressible("needs four scratch registers")
    element, position, limit, hits = contract.scratch[:4]
    is_counted = bool(contract.latches)
    carried = contract.accumulators[0] if contract.accumulators else ""
    if carried and (is_counted or len(contract.accumulators) > 1 or load.disp != 1):
        raise NotExpressible("more is carried than the byte before")
    vector = vectors_of(region, isa, TYPES["u8"], loads=(load,))
    vector.set_temporary(hits)
    suffix, bits, block = ("q", 64, 64) if vector.is_512 else ("l", 32, 32)
    low, mask = f"%{spelled(position, 32)}", f"%{spelled(hits, bits)}"
    shift = f"%{spelled(position, bits)}"

    out: list[str] = []
    if carried:  # gcc's loop looks at the byte it has loaded before it loads another
        out += [f"\tbtq\t%{carried}, %{found.register}", f"\t{'jc' if bit_ends else 'jnc'}\t.LH"]
    out += [f"\tleaq\t{address(load)}, %{element}"]
    if is_counted:
        out += iterations_but_one(contract, counted_latch(contract), limit, hits)
    out += [f"\tmovl\t%{spelled(element, 32)}, {low}", f"\tandl\t${block - 1}, {low}"]
    out += [f"\tandq\t$-{block}, %{element}"]
    tables = _tables(vector, found, hits)
    _hits(vector, f"(%{element})", tables, ends_in, hits)
    out += vector.lines
    vector.lines = []
    _hits(vector, f"(%{element})", tables, ends_in, hits)
    again = vector.lines
    # Only bytes from the current one on count in the first block.
    out += [f"\tshrx{suffix}\t{shift}, {mask}, {mask}", f"\tshlx{suffix}\t{shift}, {mask}, {mask}"]
    out += [f"\tnegq\t%{position}", f"\ttest{suffix}\t{mask}, {mask}", "\tjne\t.LR1", ".LR0:"]
    out += [f"\taddq\t${block}, %{position}"]
    if is_counted:
        out += [f"\tcmpq\t%{limit}, %{position}", "\tjg\t.LR2"]
    out += [f"\taddq\t${block}, %{element}", *again]
    out += [f"\ttest{suffix}\t{mask}, {mask}", "\tje\t.LR0"]
    out += [".LR1:", f"\ttzcnt{suffix}\t{mask}, {mask}", f"\taddq\t%{hits}, %{position}"]
    if is_counted:
        out += [".LR2:", f"\tcmpq\t%{limit}, %{position}", f"\tcmovg\t%{limit}, %{position}"]
    out += advance_by(contract, position, element)
    out += [] if vector.is_512 else ["\tvzeroupper"]
    if carried:
        out += [f"\ttestq\t%{position}, %{position}", "\tje\t.LH"]
        out += [f"\tmovzbl\t{address(load, offset_bytes=-1)}, %{spelled(carried, 32)}"]
    yield "\n".join([*out, "\tjmp\t.LH"]) + "\n"


# -- counting


def _count(bits: int, region: Region, isa: str) -> Iterator[str]:
    contract = region.contract
    load = _only_bytes(contract)
    if len(contract.accumulators) != 1 or len(contract.scratch) < 2:
        raise NotExpressible("not one count")
    for is_in in (True, False):
        for is_complement in (False, True):
            found = _set_of(region, is_complement=is_complement)
            vector = vectors_of(region, isa, TYPES["u8"], loads=(load,))
            yield _counted(contract, vector, found, is_in, bits)


def _counted(contract: Contract, vector: VectorText, found: _Set, is_in: bool, bits: int) -> str:
    tables: list[int] = []
    temporary, total = contract.scratch[1], contract.accumulators[0]
    suffix, width = ("q", 64) if vector.is_512 else ("l", 32)

    def body(mask: str) -> None:
        del mask
        _hits(vector, vector.memory[0], tuple(tables), is_in, temporary)
        own = f"%{spelled(temporary, width)}"
        vector.emit(f"popcnt{suffix}", own, own)
        letter = "q" if bits == 64 else "l"
        vector.emit(f"add{letter}", f"%{spelled(temporary, bits)}", f"%{spelled(total, bits)}")

    return counted_text(
        contract,
        vector,
        lanes=vector.lanes,
        overlap_bytes=0,
        setup=lambda: tables.extend(_tables(vector, found, temporary)),
        body=body,
        finish=lambda: None,
        is_maskable=False,
    )


# -- what is drawn

_SETS = (
    (9, 10, 13, 32),
    (9, 10, 32),
    (32, 44, 59, 9),
    (40, 41, 44, 59),
    (33, 46, 63, 44),
    (47, 58, 63, 35),
    (48, 50, 52, 57),
    (34, 39, 60, 62),
)


def _test(rng: random.Random, value: str) -> str:
    return "(" + " || ".join(f"{value} == {byte}" for byte in rng.choice(_SETS)) + ")"


def _draw_skip(rng: random.Random, family: str) -> Loop:
    ends_in = family == "until_set"
    sign = "!" if ends_in else ""
    t = rng.choice(("const char", "const unsigned char"))
    pointer, index = _test(rng, "*s"), _test(rng, "s[i]")
    c = rng.choice(
        (
            f"{t} *@NAME@({t} *s)\n{{\n\twhile ({sign}{pointer}) s++;\n\treturn s;\n}}\n",
            f"size_t @NAME@({t} *s, size_t n)\n{{\n\tsize_t i = 0;\n"
            f"\twhile (i < n && {sign}{index}) i++;\n\treturn i;\n}}\n",
            f"{t} *@NAME@({t} *s, {t} *e)\n{{\n\twhile (s < e && {sign}{pointer}) s++;\n"
            "\treturn s;\n}\n",
        )
    )
    return Loop(family, "u8", c, _search)


def _draw_count(rng: random.Random) -> Loop:
    bits = rng.choice((32, 64))
    result = "size_t" if bits == 64 else "int"
    sign = rng.choice(("", "", "!"))
    c = (
        f"{result} @NAME@(const unsigned char *s, size_t n)\n{{\n\t{result} c = 0;\n"
        f"\tfor (size_t i = 0; i < n; i++) if ({sign}{_test(rng, 's[i]')}) c++;\n\treturn c;\n}}\n"
    )
    return Loop("count_set", "u8", c, partial(_count, bits))


FAMILIES = (
    Family("skip_set", "train", 0.8, partial(_draw_skip, family="skip_set")),
    Family("until_set", "test", 0.8, partial(_draw_skip, family="until_set")),
    Family("count_set", "train", 0.8, _draw_count),
)
