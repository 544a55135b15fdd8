"""Specifications of bench kernels, from which the training teachers write rewrites."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from llmcc.regions.model import Region
from llmcc.training.experts import expert_rewrites
from llmcc.training.families.spec import LoopSpec
from llmcc.training.families.tree import (
    TYPES,
    Absolute,
    Binary,
    Compare,
    Constant,
    Either,
    Load,
    Parameter,
    Predicate,
    Range,
    Shift,
)

_A, _B, _K = Load(0), Load(1), Parameter(0)


def _is(value: int) -> Predicate:
    return Compare("eq", _A, Constant(value))


def _count(element: str, predicate: Predicate, bits: int = 64) -> LoopSpec:
    return LoopSpec("count", TYPES[element], None, predicate, "", bits)


def _reduce(element: str, operator: str, bits: int = 0) -> LoopSpec:
    return LoopSpec("reduce", TYPES[element], _A, None, operator, bits or TYPES[element].bits)


def _find(element: str, predicate: Predicate) -> LoopSpec:
    return LoopSpec("find", TYPES[element], None, predicate)


_SPECS: Mapping[str, LoopSpec] = MappingProxyType(
    {
        "sum_i32": _reduce("i32", "add"),
        "sum_u8": _reduce("u8", "add", 32),
        "sum_i64": _reduce("i64", "add"),
        "xor_u8": _reduce("u8", "xor"),
        "xor_u32": _reduce("u32", "xor"),
        "or_u64": _reduce("u64", "or"),
        "and_u32": _reduce("u32", "and"),
        "max_i32": _reduce("i32", "max"),
        "min_i16": _reduce("i16", "min"),
        "max_u8": _reduce("u8", "max"),
        "min_u64": _reduce("u64", "min"),
        "max_i64": _reduce("i64", "max"),
        "count_equal_i32": _count("i32", Compare("eq", _A, _K)),
        "count_above_f32": _count("f32", Compare("gt", _A, _K), 32),
        "count_range_u16": _count("u16", Range(_A, 1024, 49151), 32),
        "count_negative_i64": _count("i64", Compare("lt", _A, Constant(0))),
        "count_nonzero_u8": _count("u8", Compare("ne", _A, Constant(0))),
        "count_below_f64": _count("f64", Compare("le", _A, _K)),
        "count_even_u32": _count(
            "u32", Compare("eq", Binary("and", _A, Constant(1)), Constant(0)), 32
        ),
        "count_differ_u16": _count("u16", Compare("ne", _A, _B), 32),
        "count_newlines": _count("u8", _is(10)),
        "count_digits": _count("u8", Range(_A, 48, 57), 32),
        "count_blanks": _count("u8", Either(Either(_is(32), Range(_A, 9, 10)), _is(13))),
        "count_letters": _count("u8", Either(Range(_A, 97, 122), Range(_A, 65, 90))),
        "count_utf8_points": _count("i8", Compare("ge", _A, Constant(-64))),
        "find_i32": _find("i32", Compare("eq", _A, _K)),
        "find_byte": _find("u8", Compare("eq", _A, _K)),
        "find_above_f64": _find("f64", Compare("gt", _A, _K)),
        "find_u64": _find("u64", Compare("eq", _A, _K)),
        "find_negative_i16": _find("i16", Compare("lt", _A, Constant(0))),
        "is_ascii": _find("i8", Compare("lt", _A, Constant(0))),
        "length_u8": LoopSpec("scan", TYPES["u8"], None, Either(_is(0), _is(35))),
        "length_u16": LoopSpec("scan", TYPES["u16"], None, _is(0)),
        "mismatch_u8": LoopSpec("mismatch", TYPES["u8"], None, Compare("ne", _A, _B)),
        "mismatch_i32": LoopSpec("mismatch", TYPES["i32"], None, Compare("ne", _A, _B)),
        "equal_u64": LoopSpec("mismatch", TYPES["u64"], None, Compare("ne", _A, _B)),
        "add_i32": LoopSpec("map", TYPES["i32"], Binary("add", _A, _B)),
        "axpy_f32": LoopSpec("map", TYPES["f32"], Binary("add", Binary("mul", _A, _K), _B)),
        "field_u32": LoopSpec(
            "map", TYPES["u32"], Binary("and", Shift("shr", _A, 11), Constant(0x3F))
        ),
        "abs_i32": LoopSpec("map", TYPES["i32"], Absolute(_A)),
        "mask_stream_u8": LoopSpec("map_in_place", TYPES["u8"], Binary("xor", _A, _K)),
        "clamp_i16": LoopSpec("conditional_in_place", TYPES["i16"], _K, Compare("gt", _A, _K)),
        "relu_f32": LoopSpec(
            "conditional_in_place", TYPES["f32"], Constant(0), Compare("lt", _A, Constant(0))
        ),
        "replace_byte": LoopSpec("conditional_in_place", TYPES["u8"], Constant(32), _is(9)),
        "update_if_above_i32": LoopSpec("conditional", TYPES["i32"], _A, Compare("gt", _A, _K)),
        "popcount_u32": LoopSpec("popcount", TYPES["u32"], None, None, "", 32, 1),
        "popcount_u64": LoopSpec("popcount", TYPES["u64"], None, None, "", 64, 1),
        "popcount_by_clearing": LoopSpec("popcount", TYPES["u64"], None, None, "", 32, 0),
    }
)


def taught(kernel: str, region: Region, isa: str) -> tuple[str, ...]:
    """Candidate rewrites by the teachers; none for a kernel their families do not hold."""
    spec = _SPECS.get(kernel)
    return () if spec is None else expert_rewrites(region, spec, isa)
