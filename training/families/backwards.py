"""Loops that walk down: the last place of a byte, what is trimmed off the end, reversed copies."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import partial

from llmcc.regions.model import Access, Contract, Region
from llmcc.training.families.frame import broadcast_16_bytes, vectors_of
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.mapping import distinct
from llmcc.training.families.plain_c import c_array_function
from llmcc.training.families.tree import (
    TYPES,
    Compare,
    Constant,
    ElementType,
    Load,
    Parameter,
    Predicate,
)
from llmcc.training.families.trip import (
    address,
    advance,
    advance_by,
    counted_latch,
    iterations_but_one,
)
from llmcc.training.families.vector import NotExpressible, VectorText
from llmcc.x86.registers import spelled

_TO_ZERO = re.compile(r"\tsubq\t\$1, %(\w+)\n\tje\t\.LX")

# -- searches from the end


def _search(predicate: Predicate, element: ElementType, region: Region, isa: str) -> Iterator[str]:
    """Yield a look at aligned blocks, downwards, up to an element where `predicate` holds."""
    contract = region.contract
    loads = distinct(list(contract.accesses))
    if len(loads) != 1 or loads[0].is_store or loads[0].stride_bytes != -element.size_bytes:
        raise NotExpressible("not one array walked down")
    if len(contract.scratch) < 4:
        raise NotExpressible("needs four scratch registers")
    used = {loads[0].base, loads[0].index} | {latch.bound for latch in contract.latches}
    has_parameter = isinstance(predicate, Compare) and predicate.right == Parameter(0)
    scalars = [x for x in contract.invariants if x not in used and not x.startswith("xmm")]
    bounds = [x for x in contract.invariants if x in used and not x.startswith("xmm")]
    for parameter in [*scalars, *bounds] if has_parameter else [""]:
        vector = vectors_of(
            region,
            isa,
            element,
            loads=(Access(contract.scratch[0], None, 1, 0, 1, True, False, 1, False),),
            parameters=(parameter,),
        )
        yield _searched(region, loads[0], vector, predicate)


def _searched(region: Region, load: Access, vector: VectorText, predicate: Predicate) -> str:
    contract = region.contract
    element, position, limit, hits = contract.scratch[:4]
    size = vector.element.size_bytes
    shift = size.bit_length() - 1
    block, bits, suffix = (64, 64, "q") if vector.is_512 else (32, 32, "l")
    # One bit an element (AVX-512) or a byte (AVX2).
    bits_used = vector.lanes if vector.is_512 else bits
    to_top = [f"\tshlq\t${bits - bits_used}, %{hits}"] if bits_used < bits else []
    vector.set_temporary(hits)
    found, low = f"%{spelled(hits, bits)}", f"%{spelled(position, 32)}"
    out = [f"\tleaq\t{address(load)}, %{element}"]
    if size > 1:
        out += [f"\ttestb\t${size - 1}, %{spelled(element, 8)}", "\tjne\t.LH"]
    out += _iterations_left(region, limit, hits)
    assert isinstance(predicate, Compare)
    right = predicate.right
    assert isinstance(right, Constant | Parameter)
    vector.broadcast_scalars([right])
    out += vector.lines
    # Only elements up to the current one count in the first block.
    out += [f"\tmovl\t%{spelled(element, 32)}, {low}", f"\tandq\t$-{block}, %{element}"]
    out += [f"\tnotl\t{low}", f"\tandl\t${block - size}, {low}"]
    to_elements = [f"\tshrl\t${shift}, {low}"] if shift else []
    skipped = f"%{spelled(position, bits)}"
    again = [*_hits(vector, predicate, found), *to_top]
    out += to_elements if vector.is_512 else []
    out += [*again, f"\tshlx{suffix}\t{skipped}, {found}, {found}"]
    out += [f"\tshrx{suffix}\t{skipped}, {found}, {found}"]
    out += to_elements if not vector.is_512 else []
    out += [f"\tnegq\t%{position}", f"\ttest{suffix}\t{found}, {found}", "\tjne\t.LR1", ".LR0:"]
    out += [f"\taddq\t${vector.lanes}, %{position}", f"\tcmpq\t%{limit}, %{position}", "\tjg\t.LR2"]
    out += [f"\tsubq\t${block}, %{element}", *again, f"\ttest{suffix}\t{found}, {found}"]
    out += ["\tje\t.LR0", ".LR1:", f"\tlzcnt{suffix}\t{found}, {found}"]
    if not vector.is_512 and shift:
        out.append(f"\tshrl\t${shift}, {found}")
    out += [f"\taddq\t%{hits}, %{position}"]
    out += [".LR2:", f"\tcmpq\t%{limit}, %{position}", f"\tcmovg\t%{limit}, %{position}"]
    out += advance_by(contract, position, element)
    out += [] if vector.is_512 else ["\tvzeroupper"]
    return "\n".join([*out, "\tjmp\t.LH"]) + "\n"


def _iterations_left(region: Region, limit: str, temporary: str) -> list[str]:
    """Put into `limit` how many whole iterations may be left out."""
    contract = region.contract
    counted = _TO_ZERO.findall(region.text)
    if not contract.latches and len(counted) == 1:  # an index that counts down to 0
        return [f"\tmovq\t%{counted[0]}, %{limit}", f"\tsubq\t$1, %{limit}", "\tjle\t.LH"]
    latch = counted_latch(contract)
    out = iterations_but_one(contract, latch, limit, temporary)
    if not latch.is_advanced:  # the last look is at the count alone: one whole iteration is left
        out.append(f"\tsubq\t$1, %{limit}")
    return out


def _hits(vector: VectorText, predicate: Predicate, found: str) -> list[str]:
    vector.lines = []
    mark = vector.mark()
    loaded = {0: vector.load(0)}
    if vector.is_512:
        vector.predicate_mask(predicate, "k1", loaded=loaded)
        vector.emit("kmovq", "%k1", found)
    else:
        lanes, is_inverted = vector.predicate_vector(predicate, loaded=loaded)
        vector.emit("vpmovmskb", vector.name(lanes), found)
        if is_inverted:
            vector.emit("notl", found)
    vector.release(mark)
    lines, vector.lines = vector.lines, []
    return lines


def _draw_last(rng: random.Random) -> Loop:
    """The last element equal to k, from the end."""
    element = TYPES[rng.choice(("u8", "i8", "u8", "i32", "u16"))]
    t = element.c_name
    right: Constant | Parameter = Parameter(0)
    if rng.random() < 0.4:
        right = Constant(rng.choice((47, 46, 10, 92, 58, 0)))
    value = "k" if isinstance(right, Parameter) else str(right.value)
    predicate = Compare("eq", Load(0), right)
    body = rng.choice(
        (
            f"while (n--) if (a[n] == {value}) return a + n;\n\treturn 0;",
            f"const {t} *e = a + n;\n\twhile (e > a) if (*--e == {value}) return e;\n\treturn 0;",
            f"for (size_t i = n; i > 0; i--) if (a[i - 1] == {value}) return a + i;\n\treturn a;",
        )
    )
    c = f"const {t} *@NAME@(const {t} *a, {t} k, size_t n)\n{{\n\t{body}\n}}\n"
    return Loop("find_last", element.name, c, partial(_search, predicate, element))


def _draw_trim(rng: random.Random) -> Loop:
    """What is left in front of equal elements at the end."""
    element = TYPES[rng.choice(("u8", "i8", "u8", "u16", "i32"))]
    t = element.c_name
    right: Constant | Parameter = Constant(rng.choice((32, 0, 0, 48, 10, 61)))
    if rng.random() < 0.3:
        right = Parameter(0)
    value = "k" if isinstance(right, Parameter) else str(right.value)
    body = rng.choice(
        (
            f"while (n > 0 && a[n - 1] == {value}) n--;\n\treturn n;",
            f"const {t} *e = a + n;\n\twhile (e > a && e[-1] == {value}) e--;\n\treturn e - a;",
            f"while (n && a[n - 1] == {value}) --n;\n\treturn n;",
        )
    )
    c = f"size_t @NAME@(const {t} *a, {t} k, size_t n)\n{{\n\t{body}\n}}\n"
    predicate = Compare("ne", Load(0), right)
    return Loop("trim_end", element.name, c, partial(_search, predicate, element))


# -- reversed copies


def _reversal(vector: VectorText, temporary: str) -> int:
    """Emit the table that reverses elements within 16 bytes."""
    size = vector.element.size_bytes
    places = [start + n for start in range(16 - size, -1, -size) for n in range(size)]
    low, high = (int.from_bytes(places[n : n + 8], "little") for n in (0, 8))
    return broadcast_16_bytes(vector, low, high, temporary)


def reversed_vector(vector: VectorText, value: int, table: int) -> None:
    """Emit the reversal of all elements of a vector: within 16 bytes, then of the 16s."""
    own = vector.name(value)
    vector.emit("vpshufb", vector.name(table), own, own)
    if vector.is_512:
        vector.emit("vshufi64x2", "$27", own, own, own)
    else:
        vector.emit("vpermq", "$78", own, own)


def _copy(element: ElementType, region: Region, isa: str) -> Iterator[str]:
    contract = region.contract
    loads = [access for access in contract.accesses if access.is_load]
    stores = [access for access in contract.accesses if access.is_store]
    if len(loads) != 1 or len(stores) != 1 or len(contract.scratch) < 3:
        raise NotExpressible("not one input and one output")
    size = element.size_bytes
    load, store = loads[0], stores[0]
    if {load.stride_bytes, store.stride_bytes} != {size, -size}:
        raise NotExpressible("not walked in two directions")
    count, first, second = contract.scratch[:3]
    block = 64 if isa == "avx512" else 32
    lanes = block // size
    down, up = (load, store) if load.stride_bytes < 0 else (store, load)
    out = iterations_but_one(contract, counted_latch(contract), count, first)
    out += [f"\tcmpq\t${lanes}, %{count}", "\tjb\t.LH"]
    # The two arrays must be apart: the one walked down ends where its walk starts.
    out += [f"\tleaq\t{address(up)}, %{first}", f"\tleaq\t{address(down)}, %{second}"]
    out += [f"\tcmpq\t%{first}, %{second}", "\tjb\t.LR4"]
    scale = f",{size}" if size > 1 else ""
    out += [f"\tleaq\t(%{first},%{count}{scale}), %{first}", f"\tnegq\t%{count}"]
    out += [f"\tleaq\t(%{second},%{count}{scale}), %{second}", f"\tnegq\t%{count}"]
    out += [f"\tcmpq\t%{first}, %{second}", "\tjbe\t.LH", ".LR4:"]
    back = size - block
    source = address(load, offset_bytes=back if load is down else 0)
    target = address(store, offset_bytes=back if store is down else 0)
    vector = vectors_of(region, isa, element, loads=())
    table = _reversal(vector, second)
    value = vector.new()
    out += [*vector.lines, f"\tsubq\t${lanes}, %{count}", ".LR0:"]
    vector.lines = []
    move = "vmovdqu64" if vector.is_512 else "vmovdqu"
    vector.emit(move, source, vector.name(value))
    reversed_vector(vector, value, table)
    vector.emit(move, vector.name(value), target)
    out += [*vector.lines, *advance(contract, lanes)]
    out += [f"\tsubq\t${lanes}, %{count}", "\tjae\t.LR0"]
    out += [] if vector.is_512 else ["\tvzeroupper"]
    yield "\n".join([*out, "\tjmp\t.LH"]) + "\n"


def _draw_copy(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("i32", "u8", "u16", "i64", "u8", "i32"))]
    t = element.c_name
    body = rng.choice(("o[i] = a[n - 1 - i];", "o[n - 1 - i] = a[i];", "o[i] = a[n - i];"))
    c = c_array_function(rng, "void", [f"const {t} *a", f"{t} *o"], "", body)
    return Loop("reverse_copy", element.name, c, partial(_copy, element))


# -- two ends that meet


def _ends(contract: Contract) -> tuple[Access, Access, str, str, int]:
    """The access that walks up and the one down, their inductions, and the step."""
    loads = [access for access in contract.accesses if access.is_load]
    ups = [access for access in loads if access.stride_bytes > 0]
    downs = [access for access in loads if access.stride_bytes < 0]
    risen = [x for x in contract.inductions if x.step > 0]
    fallen = [x for x in contract.inductions if x.step < 0]
    if [len(x) for x in (loads, ups, downs, risen, fallen)] != [2, 1, 1, 1, 1]:
        raise NotExpressible("not two ends")
    if risen[0].step != -fallen[0].step or {risen[0].bits, fallen[0].bits} != {64}:
        raise NotExpressible("the ends move at different speeds")
    if contract.latches or len(contract.scratch) < 3:
        raise NotExpressible("another way out, or too few scratch registers")
    return ups[0], downs[0], risen[0].register, fallen[0].register, risen[0].step


def _met(region: Region, isa: str, element: ElementType, is_swap: bool) -> Iterator[str]:
    contract = region.contract
    up, down, rising, falling, step = _ends(contract)
    size = element.size_bytes
    is_one_array = (up.base, up.scale) == (down.base, down.scale) or up.base == rising
    if up.stride_bytes != size or not is_one_array:
        raise NotExpressible("ends of two arrays")
    vector = vectors_of(region, isa, element, loads=())
    block, bits = (64, 64) if vector.is_512 else (32, 32)
    lanes = block // size
    left, hits = contract.scratch[:2]
    found = f"%{spelled(hits, bits)}"
    # What is left between the ends must hold a block of each, and one iteration more.
    out = [f"\tmovq\t%{falling}, %{left}", f"\tsubq\t%{rising}, %{left}"]
    slack = (2 * lanes + 2) * step
    out += [f"\tsubq\t${slack}, %{left}", "\tjle\t.LH"]
    table = _reversal(vector, hits)
    first, second = vector.new(), vector.new()
    out += [*vector.lines, ".LR0:"]
    vector.lines = []
    move = "vmovdqu64" if vector.is_512 else "vmovdqu"
    front, back = address(up), address(down, offset_bytes=size - block)
    vector.emit(move, front, vector.name(first))
    vector.emit(move, back, vector.name(second))
    reversed_vector(vector, second, table)
    if is_swap:
        reversed_vector(vector, first, table)
        vector.emit(move, vector.name(second), front)
        vector.emit(move, vector.name(first), back)
    elif vector.is_512:
        vector.emit("vpcmpneqb", vector.name(second), vector.name(first), "%k1")
        vector.emit("kortestq", "%k1", "%k1")
        vector.emit("jne", ".LR1")
    else:
        own = vector.name(first)
        vector.emit("vpcmpeqb", vector.name(second), own, own)
        vector.emit("vpmovmskb", own, found)
        vector.emit("cmpl", "$-1", found)
        vector.emit("jne", ".LR1")
    out += [*vector.lines, *advance(contract, lanes)]
    out += [f"\tsubq\t${2 * lanes * step}, %{left}", "\tjg\t.LR0"]
    if not is_swap:
        out.append(".LR1:")
    out += [] if vector.is_512 else ["\tvzeroupper"]
    yield "\n".join([*out, "\tjmp\t.LH"]) + "\n"


def _swapped(element: ElementType, region: Region, isa: str) -> Iterator[str]:
    return _met(region, isa, element, is_swap=True)


def _compared(element: ElementType, region: Region, isa: str) -> Iterator[str]:
    return _met(region, isa, element, is_swap=False)


def _draw_reverse(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u8", "i32", "u16", "i64", "u8"))]
    t = element.c_name
    body = rng.choice(
        (
            "for (size_t i = 0, j = n - 1; i < j; i++, j--) { t = a[i]; a[i] = a[j]; a[j] = t; }",
            f"{t} *e = a + n - 1;\n\twhile (a < e) {{ t = *a; *a++ = *e; *e-- = t; }}",
            "long i = 0, j = (long)n - 1;\n\t"
            "while (i < j) { t = a[i]; a[i++] = a[j]; a[j--] = t; }",
        )
    )
    c = f"void @NAME@({t} *a, size_t n)\n{{\n\t{t} t;\n\t{body}\n}}\n"
    return Loop("reverse_in_place", element.name, c, partial(_swapped, element))


def _draw_palindrome(rng: random.Random) -> Loop:
    element = TYPES[rng.choice(("u8", "i8", "u8", "u16", "i32"))]
    t = element.c_name
    body = rng.choice(
        (
            "size_t i = 0, j = n;\n\twhile (i < j) if (a[i++] != a[--j]) return 0;\n\treturn 1;",
            "for (size_t i = 0, j = n - 1; i < j; i++, j--) if (a[i] != a[j]) return 0;\n"
            "\treturn 1;",
            f"const {t} *e = a + n - 1;\n\twhile (a < e) if (*a++ != *e--) return 0;\n\treturn 1;",
        )
    )
    c = f"int @NAME@(const {t} *a, size_t n)\n{{\n\t{body}\n}}\n"
    return Loop("palindrome", element.name, c, partial(_compared, element))


FAMILIES = (
    Family("find_last", "train", 0.8, _draw_last),
    Family("trim_end", "test", 0.8, _draw_trim),
    Family("reverse_copy", "train", 0.8, _draw_copy),
    Family("reverse_in_place", "train", 0.8, _draw_reverse),
    Family("palindrome", "validation", 0.8, _draw_palindrome),
)
