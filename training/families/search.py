"""Expert rewrites of loops that end on data: find, scan, mismatch.

A find loads whole aligned blocks: a block that holds an element gcc's loop does read cannot fault.
A mismatch has two pointers, which cannot both be aligned; it keeps off page ends instead. Both stop
in front of the element that ends the loop, and gcc's loop looks at that one itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmcc.regions.model import Contract, Region
from llmcc.training.families.mapping import (
    Mapping,
    lowered_predicate,
    mappings,
    scalar_leaves,
)
from llmcc.training.families.spec import LoopSpec
from llmcc.training.families.tree import Predicate
from llmcc.training.families.trip import (
    address,
    advance,
    advance_by,
    counted_latch,
    iterations_but_one,
)
from llmcc.training.families.vector import NotExpressible, VectorText
from llmcc.x86.registers import XMM, spelled


def search_rewrites(region: Region, spec: LoopSpec, isa: str) -> Iterator[str]:
    """Yield candidate texts for a find, scan or mismatch loop."""
    for mapping in mappings(region, spec):
        contract = region.contract
        match spec.family == "mismatch", isa:
            case True, "avx512":
                yield _mismatch(contract, spec, isa, mapping)
            case True, _:
                yield _mismatch_avx2(contract, spec, mapping)
            case False, "avx512":
                yield _find(contract, spec, isa, mapping)
            case _:
                yield _find_avx2(contract, spec, mapping)


def _vector(
    contract: Contract, spec: LoopSpec, isa: str, mapping: Mapping, memory: tuple[str, ...]
) -> VectorText:
    is_512 = isa == "avx512"
    registers = (
        tuple(range(16, 32)) if is_512 else tuple(XMM.index(x) for x in contract.vector_scratch)
    )
    return VectorText(
        spec.element,
        isa,
        registers=registers,
        parameters=mapping.parameters,
        memory=memory,
        temporary=contract.scratch[min(2, len(contract.scratch) - 1)],
    )


def _find(contract: Contract, spec: LoopSpec, isa: str, mapping: Mapping) -> str:
    if len(mapping.loads) != 1 or spec.predicate is None:
        raise NotExpressible("one array is searched")
    if len(contract.scratch) < 3:
        raise NotExpressible("needs three scratch registers")
    element, position, limit = contract.scratch[:3]
    size = spec.element.size_bytes
    shift = size.bit_length() - 1
    is_counted = bool(contract.latches)
    block = f"(%{element},%{position},{size})" if size > 1 else f"(%{element},%{position})"
    vector = _vector(contract, spec, isa, mapping, (block,))
    # A scan goes on while its predicate is false and a find ends when it is true: the same.
    node = lowered_predicate(spec.predicate, spec)

    out = [f"\tleaq\t{address(mapping.loads[0])}, %{element}"]
    if size > 1:
        out += [f"\ttestb\t${size - 1}, %{spelled(element, 8)}", "\tjne\t.LH"]
    low = f"%{spelled(position, 32)}"
    out += [f"\tmovl\t%{spelled(element, 32)}, {low}", f"\tandl\t$63, {low}"]
    if size > 1:
        out += [f"\tshrl\t${shift}, {low}"]
    # Only elements from the current one on count in the first block.
    out += [
        f"\tmovq\t$-1, %{limit}",
        f"\tshlxq\t%{position}, %{limit}, %{limit}",
        f"\tkmovq\t%{limit}, %k1",
        f"\tnegq\t%{position}",
    ]
    vector.broadcast_scalars(scalar_leaves(spec))
    out += vector.lines
    vector.lines = []
    if is_counted:
        out += iterations_but_one(contract, counted_latch(contract), limit, limit)
    out += [".LR0:"]
    loaded = {0: vector.load(0)}
    vector.predicate_mask(node, "k2", loaded=loaded, mask="k1")
    out += vector.lines
    out += ["\tkortestq\t%k2, %k2", "\tjne\t.LR1", "\tkxnorq\t%k1, %k1, %k1"]
    out += [f"\taddq\t${vector.lanes}, %{position}"]
    if is_counted:
        out += [f"\tcmpq\t%{limit}, %{position}", "\tjle\t.LR0"]
        out += [f"\tmovq\t%{limit}, %{position}", "\tjmp\t.LR2"]
    else:
        out += ["\tjmp\t.LR0"]
    out += [".LR1:", f"\tkmovq\t%k2, %{element}", f"\ttzcntq\t%{element}, %{element}"]
    out += [f"\taddq\t%{element}, %{position}"]
    if is_counted:
        out += [f"\tcmpq\t%{limit}, %{position}", f"\tcmovg\t%{limit}, %{position}", ".LR2:"]
    out += advance_by(contract, position, element)
    return "\n".join([*out, "\tjmp\t.LH"]) + "\n"


def _mismatch(contract: Contract, spec: LoopSpec, isa: str, mapping: Mapping) -> str:
    if len(mapping.loads) != 2 or spec.predicate is None:
        raise NotExpressible("two arrays are compared")
    if len(contract.scratch) < 3:
        raise NotExpressible("needs three scratch registers")
    count, first, second = contract.scratch[:3]
    size = spec.element.size_bytes
    shift = size.bit_length() - 1
    a, b = (address(load) for load in mapping.loads)
    vector = _vector(contract, spec, isa, mapping, (a, b))
    node = lowered_predicate(spec.predicate, spec)
    lanes = vector.lanes
    one, two = f"%{spelled(first, 32)}", f"%{spelled(second, 32)}"

    out = iterations_but_one(contract, counted_latch(contract), count, first)
    if size > 1:  # whole elements end at the end of a page
        out += [f"\tleaq\t{b}, %{first}", f"\tleaq\t{a}, %{second}", f"\torl\t{two}, {one}"]
        out += [f"\ttestb\t${size - 1}, %{spelled(first, 8)}", "\tjne\t.LH"]
    out += [".LR0:"]
    for text in (b, a):
        out += [
            f"\tleaq\t{text}, %{first}",
            f"\tandl\t$4095, {one}",
            f"\tcmpl\t$4032, {one}",
            "\tja\t.LR2",
        ]
    out += _compared(vector, node, "")
    out += ["\tkortestq\t%k2, %k2", "\tjne\t.LR1"]
    out += [f"\tcmpq\t${lanes}, %{count}", "\tjbe\t.LR3", *advance(contract, lanes)]
    out += [f"\tsubq\t${lanes}, %{count}", "\tjmp\t.LR0"]
    # Near the end of a page: only the elements in front of it.
    out += [".LR2:"]
    for text, register, low in ((b, first, one), (a, second, two)):
        out += [f"\tleaq\t{text}, %{register}", f"\torl\t$-4096, {low}", f"\tnegl\t{low}"]
    out += [f"\tcmpl\t{two}, {one}", f"\tcmova\t{two}, {one}"]
    out += [f"\tshrl\t${shift}, {one}"] if size > 1 else []
    out += [
        f"\tmovq\t$-1, %{second}",
        f"\tbzhiq\t%{first}, %{second}, %{second}",
        f"\tkmovq\t%{second}, %k1",
    ]
    out += _compared(vector, node, "k1")
    out += ["\tkortestq\t%k2, %k2", "\tjne\t.LR1", f"\tcmpq\t%{first}, %{count}", "\tjbe\t.LR3"]
    out += advance_by(contract, first, second)
    out += [f"\tsubq\t%{first}, %{count}", "\tjmp\t.LR0"]
    out += [".LR1:", f"\tkmovq\t%k2, %{first}", f"\ttzcntq\t%{first}, %{first}"]
    out += [f"\tcmpq\t%{first}, %{count}", f"\tcmova\t%{first}, %{count}"]
    out += [".LR3:", *advance_by(contract, count, first)]
    return "\n".join([*out, "\tjmp\t.LH"]) + "\n"


def _compared(vector: VectorText, node: Predicate, mask: str) -> list[str]:
    vector.release(0)
    vector.lines = []
    loaded = {array: vector.load(array, mask) for array in (0, 1)}
    vector.predicate_mask(node, "k2", loaded=loaded, mask=mask)
    lines, vector.lines = vector.lines, []
    return lines


def _byte_mask(vector: VectorText, node: Predicate, hits: str, arrays: int) -> list[str]:
    """AVX2: load, test, and put one bit per byte of a hit into `hits`; sets the flags from it."""
    vector.lines = []
    mark = vector.mark()
    loaded = {array: vector.load(array) for array in range(arrays)}
    found, is_inverted = vector.predicate_vector(node, loaded=loaded)
    vector.release(mark)
    vector.emit("vpmovmskb", vector.name(found), f"%{hits}")
    if is_inverted:
        vector.emit("notl", f"%{hits}")
    lines, vector.lines = vector.lines, []
    return lines


def _find_avx2(contract: Contract, spec: LoopSpec, mapping: Mapping) -> str:
    if len(mapping.loads) != 1 or spec.predicate is None or len(contract.scratch) < 4:
        raise NotExpressible("one array is searched, with four scratch registers")
    element, position, limit, hits = contract.scratch[:4]
    size = spec.element.size_bytes
    shift = size.bit_length() - 1
    is_counted = bool(contract.latches)
    bits = spelled(hits, 32)
    vector = _vector(contract, spec, "avx2", mapping, (f"(%{element})",))
    vector.set_temporary(hits)
    node = lowered_predicate(spec.predicate, spec)

    out = [f"\tleaq\t{address(mapping.loads[0])}, %{element}"]
    if size > 1:
        out += [f"\ttestb\t${size - 1}, %{spelled(element, 8)}", "\tjne\t.LH"]
    if is_counted:
        out += iterations_but_one(contract, counted_latch(contract), limit, hits)
        out += [f"\tshlq\t${shift}, %{limit}"] if size > 1 else []
    low = spelled(position, 32)
    out += [
        f"\tmovl\t%{spelled(element, 32)}, %{low}",
        f"\tandl\t$31, %{low}",
        f"\tandq\t$-32, %{element}",
    ]
    vector.broadcast_scalars(scalar_leaves(spec))
    out += vector.lines
    out += _byte_mask(vector, node, bits, 1)
    # Only elements from the current one on count in the first block.
    out += [f"\tshrxl\t%{low}, %{bits}, %{bits}", f"\tshlxl\t%{low}, %{bits}, %{bits}"]
    out += [
        f"\tnegq\t%{position}",
        f"\ttestl\t%{bits}, %{bits}",
        "\tjne\t.LR1",
        ".LR0:",
        f"\taddq\t$32, %{position}",
    ]
    if is_counted:
        out += [f"\tcmpq\t%{limit}, %{position}", "\tjg\t.LR2"]
    out += [f"\taddq\t$32, %{element}", *_byte_mask(vector, node, bits, 1)]
    out += [f"\ttestl\t%{bits}, %{bits}", "\tje\t.LR0"]
    out += [".LR1:", f"\ttzcntl\t%{bits}, %{bits}", f"\taddq\t%{hits}, %{position}"]
    if is_counted:
        out += [".LR2:", f"\tcmpq\t%{limit}, %{position}", f"\tcmovg\t%{limit}, %{position}"]
    out += [f"\tshrq\t${shift}, %{position}"] if size > 1 else []
    out += advance_by(contract, position, element)
    return "\n".join([*out, "\tvzeroupper", "\tjmp\t.LH"]) + "\n"


def _mismatch_avx2(contract: Contract, spec: LoopSpec, mapping: Mapping) -> str:
    if len(mapping.loads) != 2 or spec.predicate is None or len(contract.scratch) < 2:
        raise NotExpressible("two arrays are compared, with two scratch registers")
    count, hits = contract.scratch[:2]
    bits = spelled(hits, 32)
    size = spec.element.size_bytes
    a, b = (address(load) for load in mapping.loads)
    vector = _vector(contract, spec, "avx2", mapping, (a, b))
    node = lowered_predicate(spec.predicate, spec)
    lanes = vector.lanes

    out = iterations_but_one(contract, counted_latch(contract), count, hits)
    out += [".LR0:"]
    for text in (b, a):  # a block over the end of a page is left to gcc's loop, and so is the rest
        out += [
            f"\tleaq\t{text}, %{hits}",
            f"\tandl\t$4095, %{bits}",
            f"\tcmpl\t$4064, %{bits}",
            "\tja\t.LR3",
        ]
    out += _byte_mask(vector, node, bits, 2)
    out += [
        f"\ttestl\t%{bits}, %{bits}",
        "\tjne\t.LR1",
        f"\tcmpq\t${lanes}, %{count}",
        "\tjbe\t.LR2",
    ]
    out += [*advance(contract, lanes), f"\tsubq\t${lanes}, %{count}", "\tjmp\t.LR0"]
    out += [".LR1:", f"\ttzcntl\t%{bits}, %{bits}"]
    out += [f"\tshrl\t${size.bit_length() - 1}, %{bits}"] if size > 1 else []
    out += [f"\tcmpq\t%{hits}, %{count}", f"\tcmova\t%{hits}, %{count}"]
    out += [".LR2:", *advance_by(contract, count, hits), ".LR3:", "\tvzeroupper", "\tjmp\t.LH"]
    return "\n".join(out) + "\n"
