"""String loops that a byte ends: lengths, spans, the next separator, the first difference.

A fast path reads whole aligned blocks, which cannot fault where gcc's loop reads one of their
bytes, stops in front of the byte that ends the loop and leaves that one to gcc's loop.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import partial

from llmcc.regions.model import Access, Contract, Region
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.trip import address, advance_by
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import XMM, spelled

_PARAMETER = "c"


def _scan(ends: tuple[int | str, ...], is_span: bool, region: Region, isa: str) -> Iterator[str]:
    """Yield the scan for one of `ends` (numbers, or "c" for an invariant); a span: for none."""
    contract = region.contract
    loads = [access for access in contract.accesses if access.is_load]
    if len(contract.accesses) != 1 or len(loads) != 1 or len(contract.scratch) < 3:
        raise NotExpressible("one string, with three scratch registers")
    load = loads[0]
    if load.stride_bytes != 1 or load.size_bytes != 1 or contract.latches:
        raise NotExpressible("not bytes walked forwards to an end of their own")
    used = (load.base, load.index)
    parameters = [f for f in contract.invariants if f not in used and f not in XMM]
    for parameter in parameters if _PARAMETER in ends else [""]:
        sources = [f"%{spelled(parameter, 32)}" if e == _PARAMETER else f"${e}" for e in ends]
        yield _scanned(region, load, sources, is_span, isa)


def _scanned(region: Region, load: Access, sources: list[str], is_span: bool, isa: str) -> str:
    contract = region.contract
    element, position, hits = contract.scratch[:3]
    block = 64 if isa == "avx512" else 32
    bits, suffix = (64, "q") if isa == "avx512" else (32, "l")
    low, found = f"%{spelled(position, bits)}", f"%{spelled(hits, bits)}"
    names = _names(contract, isa, len(sources) + 2)
    carried, carried_test = _carried(region)

    out: list[str] = []
    if carried:  # gcc's loop may end before it loads anything
        out += [carried_test, "\tjne\t.LH" if is_span else "\tje\t.LH"]
    out += [f"\tleaq\t{address(load)}, %{element}"]
    out += [f"\tmovl\t%{spelled(element, 32)}, %{spelled(position, 32)}"]
    out += [f"\tandl\t${block - 1}, %{spelled(position, 32)}", f"\tandq\t$-{block}, %{element}"]
    for number, source in enumerate(sources):
        out += _broadcast(source, f"%{spelled(hits, 32)}", names[number], isa)
    test = _tested(f"(%{element})", names, len(sources), is_span, found, isa)
    # Only bytes from the current one on count in the first block.
    out += [*test, f"\tshrx{suffix}\t{low}, {found}, {found}"]
    out += [f"\tshlx{suffix}\t{low}, {found}, {found}", f"\tnegq\t%{position}"]
    out += [f"\ttest{suffix}\t{found}, {found}", "\tjne\t.LR1", ".LR0:"]
    out += [f"\taddq\t${block}, %{position}", f"\taddq\t${block}, %{element}", *test]
    out += [f"\ttest{suffix}\t{found}, {found}", "\tje\t.LR0"]
    out += [".LR1:", f"\ttzcnt{suffix}\t{found}, {found}", f"\taddq\t%{hits}, %{position}"]
    out += advance_by(contract, position, element)
    out += [] if isa == "avx512" else ["\tvzeroupper"]
    if carried:  # the byte in front of the one found is already loaded when the loop is entered
        out += [f"\ttestq\t%{position}, %{position}", "\tje\t.LH"]
        out += [f"\tmovzbl\t{address(load, offset_bytes=-1)}, %{spelled(carried, 32)}"]
    return "\n".join([*out, "\tjmp\t.LH"]) + "\n"


def _carried(region: Region) -> tuple[str, str]:
    """The register with the byte loaded an iteration ago and its test; ("", "") without one."""
    accumulators = region.contract.accumulators
    if not accumulators:
        return "", ""
    low = f"%{spelled(accumulators[0], 8)}"
    found = re.search(rf"^\.LH:\n(\t(?:testb|cmpb)\t\S+, {low})\n\tj", region.text, re.MULTILINE)
    if len(accumulators) != 1 or found is None:
        raise NotExpressible("another use of the byte before")
    return accumulators[0], found[1]


def _names(contract: Contract, isa: str, needed: int) -> list[str]:
    if isa == "avx512":
        return [f"%zmm{n}" for n in range(16, 16 + needed)]
    if len(contract.vector_scratch) < needed:
        raise NotExpressible("out of vector registers")
    return [f"%ymm{XMM.index(name)}" for name in contract.vector_scratch[:needed]]


def _broadcast(source: str, temporary: str, target: str, isa: str) -> list[str]:
    low = "%xmm" + target[4:]
    if source == "$0":
        clear = "vpxord" if isa == "avx512" else "vpxor"
        return [f"\t{clear}\t{target}, {target}, {target}"]
    out = [f"\tmovl\t{source}, {temporary}"] if source.startswith("$") else []
    register = temporary if source.startswith("$") else source
    if isa == "avx512":
        return [*out, f"\tvpbroadcastb\t{register}, {target}"]
    return [*out, f"\tvmovd\t{register}, {low}", f"\tvpbroadcastb\t{low}, {target}"]


def _tested(
    place: str, names: list[str], count: int, is_span: bool, found: str, isa: str
) -> list[str]:
    """One bit in `found` for each byte at `place` that ends the loop."""
    text, other = names[count : count + 2]
    out: list[str] = []
    if isa == "avx512":
        out += [f"\tvmovdqu64\t{place}, {text}"]
        for number in range(count):
            out += [f"\tvpcmpeqb\t{names[number]}, {text}, %k{number + 1}"]
        out += [f"\tkorq\t%k{number + 1}, %k1, %k1" for number in range(1, count)]
        return [*out, f"\tkmovq\t%k1, {found}", *([f"\tnotq\t{found}"] if is_span else [])]
    out += [f"\tvmovdqa\t{place}, {text}"]
    result = other
    for number in range(count):
        target = other if number == 0 else text
        out += [f"\tvpcmpeqb\t{names[number]}, {text}, {target}"] if count <= 2 else []
        out += [f"\tvpor\t{text}, {other}, {other}"] if number else []
    if count > 2:
        raise NotExpressible("more than two bytes")
    return [*out, f"\tvpmovmskb\t{result}, {found}", *([f"\tnotl\t{found}"] if is_span else [])]


def _loop(family: str, test: str, ends: tuple[int | str, ...], rng: random.Random) -> Loop:
    """A string walked while `test` holds, X being its current byte."""
    is_span = family == "string_span"
    shape = rng.choice(
        (
            ("const char *", "const char *p = s; while (@) p++; return p;", "*p"),
            ("size_t", "size_t n = 0; while (@) n++; return n;", "s[n]"),
            ("size_t", "const char *p = s; while (@) ++p; return p - s;", "*p"),
            ("const char *", "for (; @; s++) ; return s;", "*s"),
        )
    )
    body = shape[1].replace("@", test.replace("X", shape[2]))
    c = f"{shape[0]} @NAME@(const char *s, char c) {{ {body} }}\n"
    return Loop(family, "u8", c, partial(_scan, ends, is_span))


def _draw_length(rng: random.Random) -> Loop:
    end = rng.choice((0, 0, 0, 10, 44, 58))
    return _loop("string_length", f"X != {end}" if end else "X", (end,), rng)


def _draw_span(rng: random.Random) -> Loop:
    first = rng.choice((32, 48, 45, 9, 46))
    if rng.random() < 0.5:
        return _loop("string_span", "X == c", (_PARAMETER,), rng)
    return _loop("string_span", f"X == {first}", (first,), rng)


def _draw_separator(rng: random.Random) -> Loop:
    end = rng.choice((_PARAMETER, _PARAMETER, 58, 44, 10, 47))
    return _loop("string_until", f"X && X != {end}", (0, end), rng)


FAMILIES = (
    Family("string_length", "train", 0.3, _draw_length),
    Family("string_span", "validation", 0.8, _draw_span),
    Family("string_until", "test", 0.8, _draw_separator),
)
