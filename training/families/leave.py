"""Loops that are best left alone: their teacher knows no rewrite that is right and faster.

A model learns from them to propose nothing but gcc's own loop. Each is serial in a way that does
not compose (xor between multiplications, digits of a text, sums of floats in their order), bound by
memory, or refused by the contract (no store that gcc's loop leaves out, nothing about constants
held in registers).
"""

from __future__ import annotations

import random
from functools import partial

from llmcc.training.families.loop import Family, Loop, no_rewrites

# name: split, element type, forms. In a form, @K@ is one of the numbers behind it.
_FORMS: dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...]]] = {
    "xor_hash": (
        "train",
        "u8",
        (
            "uint32_t @NAME@(const uint8_t *s, size_t n) { uint32_t h = 2166136261u; "
            "for (size_t i = 0; i < n; i++) { h ^= s[i]; h *= @K@u; } return h; }\n",
            "uint32_t @NAME@(const uint8_t *s, size_t n) { uint32_t h = 5381; "
            "for (size_t i = 0; i < n; i++) h = (h * @K@u) ^ s[i]; return h; }\n",
        ),
        ("16777619", "33", "65599", "131", "37"),
    ),
    "crc_bits": (
        "train",
        "u32",
        (
            "uint32_t @NAME@(uint32_t c, int n) "
            "{ while (n--) { if (c & 1) c = (c >> 1) ^ @K@u; else c >>= 1; } return c; }\n",
            "uint32_t @NAME@(uint32_t c, int n) { for (int i = 0; i < n; i++) "
            "c = (c & 0x80000000u) ? (c << 1) ^ @K@u : c << 1; return c; }\n",
        ),
        ("3988292384", "79764919", "2197175160", "517762881"),
    ),
    "parse_decimal": (
        "test",
        "u8",
        (
            "uint32_t @NAME@(const char *s) { uint32_t v = @K@; "
            "while (*s >= '0' && *s <= '9') v = v * 10 + (*s++ - '0'); return v; }\n",
            "uint64_t @NAME@(const char *s, size_t n) { uint64_t v = @K@; "
            "for (size_t i = 0; i < n && (unsigned)(s[i] - '0') < 10; i++) "
            "v = v * 10 + (s[i] - '0'); return v; }\n",
        ),
        ("0", "1"),
    ),
    "xorshift": (
        "validation",
        "u32",
        (
            "uint32_t @NAME@(uint32_t x, uint32_t n) { for (uint32_t i = 0; i < n; i++) "
            "{ x ^= x << @K@; x ^= x >> 17; x ^= x << 5; } return x; }\n",
            "uint64_t @NAME@(uint64_t x, uint32_t n) { for (uint32_t i = 0; i < n; i++) "
            "{ x ^= x << @K@; x ^= x >> 7; x ^= x << 17; } return x; }\n",
        ),
        ("13", "11", "7", "9"),
    ),
    "edit_distance_row": (
        "train",
        "i32",
        (
            "void @NAME@(int32_t *row, const uint8_t *b, size_t n, uint8_t c, int32_t d) { "
            "int32_t left = row[0]; for (size_t j = 1; j <= n; j++) { int32_t up = row[j]; "
            "int32_t s = d + (b[j - 1] != c ? @K@ : 0); d = up; int32_t m = up < left ? up : left; "
            "m++; if (s < m) m = s; row[j] = left = m; } }\n",
        ),
        ("1", "2", "3"),
    ),
    "bubble_pass": (
        "train",
        "i32",
        (
            "void @NAME@(int32_t *a, size_t n) { for (size_t j = 0; j + @K@ < n; j++) "
            "if (a[j] > a[j + @K@]) { int32_t t = a[j]; a[j] = a[j + @K@]; a[j + @K@] = t; } }\n",
        ),
        ("1",),
    ),
    "euclid_steps": (
        "train",
        "u32",
        (
            "uint32_t @NAME@(uint32_t a, uint32_t b, int *s) { int n = @K@; "
            "while (b) { uint32_t t = a % b; a = b; b = t; n++; } *s = n; return a; }\n",
            "uint64_t @NAME@(uint64_t a, uint64_t b, int *s) { int n = @K@; "
            "while (b) { uint64_t t = a % b; a = b; b = t; n++; } *s = n; return a; }\n",
        ),
        ("0", "1"),
    ),
    "float_sum": (
        "train",
        "f32",
        (
            "float @NAME@(const float *a, size_t n) { float s = @K@; "
            "for (size_t i = 0; i < n; i++) s += a[i]; return s; }\n",
            "double @NAME@(const double *a, int n) { double s = @K@; "
            "for (int i = 0; i < n; i++) s += a[i]; return s; }\n",
            "float @NAME@(const float *a, const float *b, size_t n) { float s = @K@; "
            "for (size_t i = 0; i < n; i++) s += a[i] * b[i]; return s; }\n",
        ),
        ("0", "1"),
    ),
    "hash_to_terminator": (
        "train",
        "u8",
        (
            "uint32_t @NAME@(const char *s) { uint32_t h = 5381; "
            "while (*s) h = h * @K@ + (uint8_t)*s++; return h; }\n",
        ),
        ("33", "31", "131"),
    ),
}


def _draw(family: str, rng: random.Random) -> Loop:
    _, element_type, forms, numbers = _FORMS[family]
    c = rng.choice(forms).replace("@K@", rng.choice(numbers))
    return Loop(family, element_type, c, no_rewrites)


FAMILIES = tuple(Family(name, form[0], 0.15, partial(_draw, name)) for name, form in _FORMS.items())
