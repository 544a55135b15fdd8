"""What the vector instructions that choose and rearrange bytes do.

Source: Intel SDM vol. 2. Rearranging by a register (pshufb, vpermd) chooses among all bytes.
"""

from __future__ import annotations

from collections.abc import Callable

from llmcc.prove.choices import ite
from llmcc.prove.compare import eq
from llmcc.prove.decode import Instruction, Memory, Register
from llmcc.prove.lanes import (
    Refs,
    from_lanes,
    join,
    lanes,
    refs_of,
    zeros,
)
from llmcc.prove.semantics_lanes import (
    Semantics,
    by_blocks,
    immediate,
    is_vex,
    size_of,
    sources,
    two_sources,
)
from llmcc.prove.simplify import extract, sext, zext
from llmcc.prove.state import State, choose
from llmcc.prove.terms import Term, const

# ---------------------------------------------------------------- rearranging


def _unpack(size: int, *, is_high: bool) -> Semantics:
    def block(left: Refs, right: Refs) -> Refs:
        found: Refs = ()
        start = 8 if is_high else 0
        for at in range(start, start + 8, size):
            found += left[at : at + size] + right[at : at + size]
        return found

    return two_sources(lambda left, right: by_blocks(block, left, right))


def _ordered(pick: Callable[[Refs, int], Refs]) -> Semantics:
    """One source, reordered in each block as an immediate says."""

    def compute(state: State, one: Instruction) -> None:
        control = immediate(one)
        source = one.operands[1]
        refs = state.vec(source, size_of(one), alignment=1 if is_vex(one) else 16)
        made = by_blocks(lambda block, _: pick(block, control), refs, refs)
        state.put_vec(one.operands[0], made, is_vex=is_vex(one))

    return compute


def _four(block: Refs, control: int, *, size: int = 4, start: int = 0) -> Refs:
    found: Refs = ()
    for slot in range(4):
        at = start + size * (control >> 2 * slot & 3)
        found += block[at : at + size]
    return found


def _with_immediate(function: Callable[[Refs, Refs, int], Refs]) -> Semantics:
    """Two sources and an immediate, whole registers."""

    def compute(state: State, one: Instruction) -> None:
        left, right = sources(state, one)
        made = function(left, right, immediate(one))
        state.put_vec(one.operands[0], made, is_vex=is_vex(one))

    return compute


def _shufps(left: Refs, right: Refs, control: int) -> Refs:
    return by_blocks(lambda a, b: _four(a, control)[:8] + _four(b, control >> 4)[:8], left, right)


def _shufpd(left: Refs, right: Refs, control: int) -> Refs:
    found: Refs = ()
    for number, at in enumerate(range(0, len(left), 16)):
        low, high = control >> 2 * number & 1, control >> 2 * number + 1 & 1
        found += left[at + 8 * low : at + 8 * low + 8] + right[at + 8 * high : at + 8 * high + 8]
    return found


def _align(left: Refs, right: Refs, control: int) -> Refs:
    def block(high: Refs, low: Refs) -> Refs:
        joined = low + high + zeros(32)
        start = min(control, 32)
        return joined[start : start + 16]

    return by_blocks(block, left, right)


def _blend(size: int) -> Callable[[Refs, Refs, int], Refs]:
    """Take lane n from the right where bit n is set; word blends repeat in each block."""

    def blend(left: Refs, right: Refs, control: int) -> Refs:
        found: Refs = ()
        for number, at in enumerate(range(0, len(left), size)):
            bit = number % 8 if size == 2 else number
            found += (right if control >> bit & 1 else left)[at : at + size]
        return found

    return blend


def _blend_by(size: int) -> Semantics:
    """Pblendvb and kin: the mask's top bits choose; legacy SSE masks with xmm0."""

    def compute(state: State, one: Instruction) -> None:
        count = size_of(one)
        if is_vex(one):
            target, left, right, mask = one.operands
            controls = state.vec(mask, count)
            low, high = state.vec(left, count), state.vec(right, count)
        else:
            target = one.operands[0]
            controls = state.vector[0][:count]
            low = state.vec(target, count)
            high = state.vec(one.operands[1], count, alignment=16)
        found: Refs = ()
        for at in range(0, count, size):
            lane = join(controls[at : at + size])
            test = extract(lane, lane.width - 1, 1)
            part = slice(at, at + size)
            found += choose(test, high[part], low[part])
        state.put_vec(target, found, is_vex=is_vex(one))

    return compute


def _select(index: Term, choices: list[Term]) -> Term:
    found = choices[0]
    for number, choice in enumerate(choices[1:], 1):
        found = ite(eq(index, const(number, index.width)), choice, found)
    return found


def _shuffle_bytes(left: Refs, right: Refs) -> Refs:
    """pshufb: each byte of the right chooses one of its block on the left, or 0."""

    def block(data: Refs, control: Refs) -> Refs:
        choices = lanes(data, 1)
        found = []
        for byte in lanes(control, 1):
            chosen = _select(extract(byte, 0, 4), choices)
            found.append(ite(extract(byte, 7, 1), const(0, 8), chosen))
        return from_lanes(found)

    return by_blocks(block, left, right)


def _permute_lanes(state: State, one: Instruction) -> None:
    """vpermd, vpermps: the first source holds the indexes."""
    target, indexes, data = one.operands
    choices = lanes(state.vec(data, 32), 4)
    numbers = [extract(lane, 0, 3) for lane in lanes(state.vec(indexes, 32), 4)]
    state.put_vec(target, from_lanes([_select(n, choices) for n in numbers]), is_vex=True)


def _permute_quads(state: State, one: Instruction) -> None:
    """vpermq, vpermpd by an immediate."""
    target, source = one.operands[:2]
    control = immediate(one)
    refs = state.vec(source, 32)
    state.put_vec(target, _four(refs, control, size=8), is_vex=True)


def _permute_halves(left: Refs, right: Refs, control: int) -> Refs:
    halves = (left[:16], left[16:], right[:16], right[16:])
    found: Refs = ()
    for shift in (0, 4):
        part = control >> shift
        found += zeros(16) if part & 8 else halves[part & 3]
    return found


def _insert_half(state: State, one: Instruction) -> None:
    target, base, source = one.operands[:3]
    old, new = state.vec(base, 32), state.vec(source, 16)
    refs = old[:16] + new if immediate(one) & 1 else new + old[16:]
    state.put_vec(target, refs, is_vex=True)


def _extract_half(state: State, one: Instruction) -> None:
    target, source = one.operands[:2]
    refs = state.vec(source, 32)
    half = refs[16:] if immediate(one) & 1 else refs[:16]
    if isinstance(target, Memory):
        state.store(state.address(target), half)
    else:
        state.put_vec(target, half, is_vex=True)


def _broadcast(size: int) -> Semantics:
    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands
        refs = state.vec(source, size) * (size_of(one) // size)
        state.put_vec(target, refs, is_vex=True)

    return compute


def _duplicate(name: str) -> Semantics:
    """movddup, movsldup, movshdup."""
    size = 8 if name == "movddup" else 4
    odd = name == "movshdup"

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands
        count = size_of(one)
        # movddup of 16 bytes reads only 8.
        read = 8 if size == 8 and count == 16 else count
        alignment = 1 if is_vex(one) or size == 8 else 16
        refs = state.vec(source, read, alignment=alignment) + zeros(count - read)
        found: Refs = ()
        for at in range(0, count, 2 * size):
            start = at + size if odd else at
            found += refs[start : start + size] * 2
        state.put_vec(target, found, is_vex=is_vex(one))

    return compute


def _extend(grow: Callable[[Term, int], Term], small: int, large: int) -> Semantics:
    """pmovzx, pmovsx."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands
        count = size_of(one) // large
        refs = state.vec(source, count * small)
        values = [grow(value, 8 * large) for value in lanes(refs, small)]
        state.put_vec(target, from_lanes(values), is_vex=is_vex(one))

    return compute


def _take(size: int) -> Semantics:
    """pextr: one lane to a general register (cleared above) or memory."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands[:2]
        at = size * (immediate(one) % (16 // size))
        refs = state.vec(source, 16)[at : at + size]
        if isinstance(target, Memory):
            state.store(state.address(target), refs)
            return
        assert isinstance(target, Register)
        bits = 64 if size == 8 else 32
        state.write(Register(target.number, bits, is_vector=False), zext(join(refs), bits))

    return compute


def _put(size: int) -> Semantics:
    """pinsr: one lane from a general register or memory."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands[0], one.operands[-2]
        at = size * (immediate(one) % (16 // size))
        old = state.vec(one.operands[1] if is_vex(one) else target, 16)
        if isinstance(source, Memory):
            new = state.vec(source, size)
        else:
            new = refs_of(state.read(source, 8 * size))
        state.put_vec(target, old[:at] + new + old[at + size :], is_vex=is_vex(one))

    return compute


_UNPACKED = {"bw": 1, "wd": 2, "dq": 4, "qdq": 8}
_EXTENSIONS = {"bw": (1, 2), "bd": (1, 4), "bq": (1, 8), "wd": (2, 4), "wq": (2, 8), "dq": (4, 8)}

SSE_SHUFFLES: dict[str, Semantics] = {
    **{f"punpckl{n}": _unpack(size, is_high=False) for n, size in _UNPACKED.items()},
    **{f"punpckh{n}": _unpack(size, is_high=True) for n, size in _UNPACKED.items()},
    "unpcklps": _unpack(4, is_high=False), "unpckhps": _unpack(4, is_high=True),
    "unpcklpd": _unpack(8, is_high=False), "unpckhpd": _unpack(8, is_high=True),
    "pshufd": _ordered(_four),
    "pshuflw": _ordered(lambda block, c: _four(block, c, size=2) + block[8:]),
    "pshufhw": _ordered(lambda block, c: block[:8] + _four(block, c, size=2, start=8)),
    "shufps": _with_immediate(_shufps), "shufpd": _with_immediate(_shufpd),
    "palignr": _with_immediate(_align),
    "pblendw": _with_immediate(_blend(2)), "blendps": _with_immediate(_blend(4)),
    "blendpd": _with_immediate(_blend(8)),
    "pblendvb": _blend_by(1), "blendvps": _blend_by(4), "blendvpd": _blend_by(8),
    "pshufb": two_sources(_shuffle_bytes),
    **{name: _duplicate(name) for name in ("movddup", "movsldup", "movshdup")},
    **{f"pmovzx{n}": _extend(zext, *sizes) for n, sizes in _EXTENSIONS.items()},
    **{f"pmovsx{n}": _extend(sext, *sizes) for n, sizes in _EXTENSIONS.items()},
    "pextrb": _take(1), "pextrw": _take(2), "pextrd": _take(4), "pextrq": _take(8),
    "pinsrb": _put(1), "pinsrw": _put(2), "pinsrd": _put(4), "pinsrq": _put(8),
}  # fmt: skip

AVX_SHUFFLES: dict[str, Semantics] = {
    "vpbroadcastb": _broadcast(1), "vpbroadcastw": _broadcast(2),
    "vpbroadcastd": _broadcast(4), "vpbroadcastq": _broadcast(8),
    "vbroadcastss": _broadcast(4), "vbroadcastsd": _broadcast(8),
    "vbroadcasti128": _broadcast(16), "vbroadcastf128": _broadcast(16),
    "vinserti128": _insert_half, "vinsertf128": _insert_half,
    "vextracti128": _extract_half, "vextractf128": _extract_half,
    "vperm2i128": _with_immediate(_permute_halves), "vperm2f128": _with_immediate(_permute_halves),
    "vpermd": _permute_lanes, "vpermps": _permute_lanes,
    "vpermq": _permute_quads, "vpermpd": _permute_quads,
    "vpblendd": _with_immediate(_blend(4)),
    "vpermilps": _ordered(_four),
}  # fmt: skip
