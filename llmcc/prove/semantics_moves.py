"""What the vector instructions that move, choose and rearrange bytes do.

Source: Intel SDM vol. 2. Rearranging by a register (pshufb, vpermd) chooses among all bytes.
"""

from __future__ import annotations

from collections.abc import Callable

from llmcc.prove.compare import all_of, eq, ite
from llmcc.prove.decode import Instruction, Memory, NotModelled, Operand, Register
from llmcc.prove.flags import Flags, Lazy
from llmcc.prove.lanes import (
    Refs,
    bitwise_map,
    from_lanes,
    join,
    lanes,
    piece_map,
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
from llmcc.prove.simplify import concat, extract, sext, zext
from llmcc.prove.state import YMM_BYTES, Fault, State
from llmcc.prove.terms import Term, boolean, const


def _is_vector(operand: Operand) -> bool:
    return isinstance(operand, Register) and operand.is_vector


# ---------------------------------------------------------------- moves


def _move(*, is_aligned: bool) -> Semantics:
    """Moves of whole registers."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands
        if isinstance(target, Memory):
            assert isinstance(source, Register)
            size = source.bits // 8
            _store(state, target, state.vec(source, size), alignment=size if is_aligned else 1)
            return
        size = size_of(one)
        refs = state.vec(source, size, alignment=size if is_aligned else 1)
        state.put_vec(target, refs, is_vex=is_vex(one))

    return compute


def _store(state: State, target: Memory, refs: Refs, *, alignment: int = 1) -> None:
    address = state.address(target)
    if address % alignment:
        raise Fault(f"{address:#x} is not aligned to {alignment}")
    state.store(address, refs)


def _move_low(size: int) -> Semantics:
    """movd, movq: between vector, general registers and memory, the rest is cleared."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands
        if _is_vector(target):
            refs = (
                state.vec(source, size)
                if _is_vector(source) or isinstance(source, Memory)
                else refs_of(state.read(source, 8 * size))
            )
            state.put_vec(target, refs + zeros(16 - size), is_vex=is_vex(one))
        elif isinstance(target, Memory):
            state.store(state.address(target), state.vec(source, size))
        else:
            state.write(target, join(state.vec(source, size)))

    return compute


def _move_scalar(size: int) -> Semantics:
    """movss, movsd: registers keep the rest, a load clears it."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands[0], one.operands[-1]
        if isinstance(target, Memory):
            if isinstance(source, Memory):
                raise NotModelled("a string instruction")
            state.store(state.address(target), state.vec(source, size))
            return
        if isinstance(source, Memory):
            refs = state.vec(source, size) + zeros(16 - size)
        else:
            rest = one.operands[1] if is_vex(one) else target
            refs = state.vec(source, size) + state.vec(rest, 16)[size:]
        state.put_vec(target, refs, is_vex=is_vex(one))

    return compute


def _move_half(*, is_high: bool) -> Semantics:
    """movlps, movhps and their pd forms: 8 bytes of memory to or from one half."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands[0], one.operands[-1]
        if isinstance(target, Memory):
            refs = state.vec(source, 16)
            state.store(state.address(target), refs[8:] if is_high else refs[:8])
            return
        old = state.vec(one.operands[1] if is_vex(one) else target, 16)
        half = state.vec(source, 8)
        refs = old[:8] + half if is_high else half + old[8:]
        state.put_vec(target, refs, is_vex=is_vex(one))

    return compute


def _vzeroupper(state: State, one: Instruction) -> None:
    state.vector = [refs[:16] + zeros(YMM_BYTES - 16) for refs in state.vector]


def _move_mask(size: int) -> Semantics:
    """pmovmskb, movmskps, movmskpd: the lanes' top bits as a number."""

    def compute(state: State, one: Instruction) -> None:
        target, source = one.operands
        assert isinstance(source, Register)
        values = lanes(state.vec(source, source.bits // 8), size)
        bits = concat([extract(value, value.width - 1, 1) for value in values])
        assert isinstance(target, Register)
        state.write(Register(target.number, 32, is_vector=False), zext(bits, 32))

    return compute


def _test(state: State, one: Instruction) -> None:
    """ptest: ZF when left & right is 0, CF when ~left & right is."""
    left_operand, right_operand = one.operands
    assert isinstance(left_operand, Register)
    size = left_operand.bits // 8
    left = state.vec(left_operand, size)
    right = state.vec(right_operand, size, alignment=1 if is_vex(one) else 16)

    def is_empty(refs: Refs) -> Term:
        pieces: list[Term] = []
        for at in range(0, size, 8):
            term = join(refs[at : at + 8])
            pieces.append(eq(term, const(0, term.width)))
        return all_of(pieces)

    inverted = bitwise_map("xor", left, ((const(-1, 8), 0),) * size)
    cleared: dict[str, Term | Lazy] = dict.fromkeys(("of", "sf", "af", "pf"), boolean(False))
    state.flags = Flags(
        {
            **cleared,
            "zf": lambda: is_empty(bitwise_map("and", left, right)),
            "cf": lambda: is_empty(bitwise_map("and", inverted, right)),
        },
        None,
    )


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
    return by_blocks(
        lambda a, b: _four(a, control)[:8] + _four(b, control >> 4)[:8], left, right
    )


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
    """pblendvb and kin: the mask's top bits choose; legacy SSE masks with xmm0."""

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
            found += piece_map(lambda a, b, t=test: ite(t, a, b), high[part], low[part])
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


_EXTENSIONS = {"bw": (1, 2), "bd": (1, 4), "bq": (1, 8), "wd": (2, 4), "wq": (2, 8), "dq": (4, 8)}

SSE_MOVES: dict[str, Semantics] = {
    **{name: _move(is_aligned=True) for name in ("movdqa", "movaps", "movapd")},
    **{name: _move(is_aligned=False) for name in ("movdqu", "movups", "movupd", "lddqu")},
    "movd": _move_low(4), "movq": _move_low(8),
    "movss": _move_scalar(4), "movsd": _move_scalar(8),
    "movlps": _move_half(is_high=False), "movlpd": _move_half(is_high=False),
    "movhps": _move_half(is_high=True), "movhpd": _move_half(is_high=True),
    "movhlps": two_sources(lambda left, right: right[8:16] + left[8:]),
    "movlhps": two_sources(lambda left, right: left[:8] + right[:8]),
    "pmovmskb": _move_mask(1), "movmskps": _move_mask(4), "movmskpd": _move_mask(8),
    "ptest": _test,
    **{f"punpckl{n}": _unpack(s, is_high=False) for n, s in (("bw", 1), ("wd", 2), ("dq", 4), ("qdq", 8))},
    **{f"punpckh{n}": _unpack(s, is_high=True) for n, s in (("bw", 1), ("wd", 2), ("dq", 4), ("qdq", 8))},
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

AVX_MOVES: dict[str, Semantics] = {
    "vzeroupper": _vzeroupper,
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

