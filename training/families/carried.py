"""Loops that compare each element with the one before, which gcc carries in a register.

The first comparison is done with that register; from then on the element before is in memory, and
the loop is one over two arrays, an element apart. At the end the register is loaded again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from llmcc.regions.model import Access, Region
from llmcc.training.families.counted import counted_rewrites
from llmcc.training.families.frame import vectors_of
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.spec import LoopSpec
from llmcc.training.families.tree import TYPES, Compare, ElementType, Load
from llmcc.training.families.trip import (
    address,
    advance,
    advance_by,
    counted_latch,
    iterations_but_one,
)
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import spelled

_C = {"ne": "!=", "eq": "==", "lt": "<", "gt": ">", "le": "<=", "ge": ">="}
_SIGNED = {"ne": "ne", "eq": "e", "lt": "l", "gt": "g", "le": "le", "ge": "ge"}
_UNSIGNED = {**_SIGNED, "lt": "b", "gt": "a", "le": "be", "ge": "ae"}


def _rewrites(
    spec: LoopSpec,
    inner: Callable[[Region, LoopSpec, str], Iterator[str]],
    region: Region,
    isa: str,
) -> Iterator[str]:
    """Yield `inner`'s rewrites, between the first comparison and the last load."""
    contract = region.contract
    loads = list(contract.accesses)
    others = len(contract.accumulators) - 1
    if len(loads) != 1 or loads[0].is_store or len(contract.scratch) < 2:
        raise NotExpressible("not one input")
    if others != (spec.family == "count"):
        raise NotExpressible("not the element before, and maybe a count")
    for carried in contract.accumulators:
        kept = tuple(family for family in contract.accumulators if family != carried)
        before = replace(loads[0], disp=loads[0].disp - loads[0].stride_bytes)
        pair = replace(
            region, contract=replace(contract, accesses=(loads[0], before), accumulators=kept)
        )
        for text in inner(pair, spec, isa):
            yield _framed(region, spec, loads[0], carried, kept, text)


def _framed(
    region: Region, spec: LoopSpec, load: Access, carried: str, kept: tuple[str, ...], text: str
) -> str:
    contract, element = region.contract, spec.element
    count, temporary = contract.scratch[:2]
    assert isinstance(spec.predicate, Compare)
    condition = (_SIGNED if element.is_signed else _UNSIGNED)[spec.predicate.operator]
    suffix = {8: "b", 16: "w", 32: "l", 64: "q"}[element.bits]
    own = spelled(carried, element.bits)
    out = iterations_but_one(contract, counted_latch(contract), count, temporary)
    move = {8: "movzbl", 16: "movzwl", 32: "movl", 64: "movq"}[element.bits]
    wide = 64 if element.bits == 64 else 32
    # gcc compares element i with the carried one: flags of a[i] - carried
    out += [
        f"\t{move}\t{address(load)}, %{spelled(temporary, wide)}",
        f"\tcmp{suffix}\t%{own}, %{spelled(temporary, element.bits)}",
    ]
    if kept:
        bits = spec.accumulator_bits
        add = "addq" if bits == 64 else "addl"
        out += [
            f"\tset{condition}\t%{spelled(count, 8)}",
            f"\tmovzbl\t%{spelled(count, 8)}, %{spelled(count, 32)}",
            f"\t{add}\t%{spelled(count, bits)}, %{spelled(kept[0], bits)}",
        ]
    else:
        out.append(f"\tj{condition}\t.LH")
    out += [*advance(contract, 1), text.replace("\t.LH\n", "\t.LR9\n").removesuffix("\n"), ".LR9:"]
    last = address(load, offset_bytes=-load.stride_bytes)
    out += [f"\t{move}\t{last}, %{spelled(carried, wide)}", "\tjmp\t.LH"]
    return "\n".join(out) + "\n"


def _search(region: Region, spec: LoopSpec, isa: str) -> Iterator[str]:
    """Yield a look at whole vectors of both arrays, up to the end of the page or a hit."""
    contract, element = region.contract, spec.element
    load = contract.accesses[0]
    assert spec.predicate is not None
    count, hits = contract.scratch[:2]
    vector = vectors_of(region, isa, element, loads=contract.accesses)
    suffix, bits, block = ("q", 64, 64) if vector.is_512 else ("l", 32, 32)
    found, low = f"%{spelled(hits, bits)}", f"%{spelled(hits, 32)}"
    out = iterations_but_one(contract, counted_latch(contract), count, hits)
    # The element before is read already, so only the end of the later block may be out of reach.
    out += [".LR0:", f"\tleaq\t{address(load)}, %{hits}", f"\tandl\t$4095, {low}"]
    out += [f"\tcmpl\t${4096 - block}, {low}", "\tja\t.LR3"]
    loaded = {array: vector.load(array) for array in (0, 1)}
    if vector.is_512:
        vector.predicate_mask(spec.predicate, "k1", loaded=loaded)
        vector.emit("kmovq", "%k1", found)
    else:
        lanes, is_inverted = vector.predicate_vector(spec.predicate, loaded=loaded)
        vector.emit("vpmovmskb", vector.name(lanes), found)
        if is_inverted:
            vector.emit("notl", found)
    out += [*vector.lines, f"\ttest{suffix}\t{found}, {found}", "\tjne\t.LR1"]
    out += [f"\tcmpq\t${vector.lanes}, %{count}", "\tjbe\t.LR2"]
    out += [*advance(contract, vector.lanes), f"\tsubq\t${vector.lanes}, %{count}", "\tjmp\t.LR0"]
    out += [".LR1:", f"\ttzcnt{suffix}\t{found}, {found}"]
    if not vector.is_512 and element.size_bytes > 1:
        out.append(f"\tshrl\t${element.size_bytes.bit_length() - 1}, {found}")
    out += [f"\tcmpq\t%{hits}, %{count}", f"\tcmova\t%{hits}, %{count}"]
    out += [".LR2:", *advance_by(contract, count, hits), ".LR3:"]
    out += [] if vector.is_512 else ["\tvzeroupper"]
    yield "\n".join([*out, "\tjmp\t.LH"]) + "\n"


def _element(rng: random.Random) -> ElementType:
    return TYPES[rng.choice(("u8", "i32", "i32", "u16", "i16", "u32", "i64"))]


def _draw_transitions(rng: random.Random) -> Loop:
    """How often neighbours differ, or rise."""
    element = _element(rng)
    operator = rng.choice(("ne", "ne", "eq", "lt", "gt"))
    bits = rng.choice((32, 64))
    spec = LoopSpec("count", element, None, Compare(operator, Load(0), Load(1)), "", bits)
    result = "long" if bits == 64 else "int"
    test = f"a[i] {_C[operator]} a[i - 1]"
    step = rng.choice((f"if ({test}) s++;", f"s += {test};"))
    c = (
        f"{result} @NAME@(const {element.c_name} *a, {{0}} n)\n{{{{\n"
        f"\t{result} s = {rng.choice('01')};\n"
        f"\tfor ({{0}} i = 1; i < n; i++) {step}\n\treturn s;\n}}}}\n"
    ).format(rng.choice(("size_t", "int", "long", "unsigned")))
    return Loop("transitions", element.name, c, partial(_rewrites, spec, counted_rewrites))


def _draw_sorted(rng: random.Random, family: str) -> Loop:
    """Whether elements are in order, or where two neighbours are equal."""
    element = _element(rng)
    operator = "eq" if family == "repeat_at" else rng.choice(("lt", "gt"))
    spec = LoopSpec("mismatch", element, None, Compare(operator, Load(0), Load(1)))
    found, last = ("i", "-1") if family == "repeat_at" else rng.choice((("0", "1"), ("i", "n")))
    c = (
        f"long @NAME@(const {element.c_name} *a, {{0}} n)\n{{{{\n"
        f"\tfor ({{0}} i = 1; i < n; i++) if (a[i] {_C[operator]} a[i - 1]) return {found};\n"
        f"\treturn {last};\n}}}}\n"
    ).format(rng.choice(("size_t", "int", "long")))
    return Loop(family, element.name, c, partial(_rewrites, spec, _search))


FAMILIES = (
    Family("transitions", "train", 0.9, _draw_transitions),
    Family("sorted_check", "train", 0.8, partial(_draw_sorted, family="sorted_check")),
    Family("repeat_at", "test", 0.8, partial(_draw_sorted, family="repeat_at")),
)
