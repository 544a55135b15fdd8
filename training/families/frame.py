"""What surrounds every counted vector loop: trip count, tail, advance, and the fold of a sum.

All but the last iteration are done in vectors; gcc's loop does the last one, so that every register
which is not carried from iteration to iteration ends as gcc leaves it.
"""

from __future__ import annotations

from collections.abc import Callable

from llmcc.regions.model import Access, Contract, Region
from llmcc.training.families.tree import ElementType
from llmcc.training.families.trip import (
    address,
    advance,
    advance_by,
    counted_latch,
    iterations_but_one,
    overlap_guards,
    range_guards,
)
from llmcc.training.families.vector import NotExpressible, VectorText
from llmcc.x86.registers import XMM, spelled

_FOLDS = ((256, "vextracti64x4", 1), (128, "", 1), (64, "vpshufd", 0x4E), (32, "vpshufd", 0xB1))
_NARROW_FOLDS = ((16, "vpsrld", 16), (8, "vpsrlw", 8))


def free_vectors(contract: Contract, isa: str) -> tuple[int, ...]:
    """Vector registers a template may use, in its fixed order."""
    if isa == "avx512":
        return tuple(range(16, 32))
    return tuple(XMM.index(family) for family in contract.vector_scratch)


def scalar_scratch(contract: Contract, count: int) -> tuple[str, ...]:
    """The first `count` free general registers."""
    if len(contract.scratch) < count:
        raise NotExpressible(f"needs {count} scratch registers")
    return contract.scratch[:count]


def vectors_of(
    region: Region,
    isa: str,
    element: ElementType,
    *,
    loads: tuple[Access, ...],
    parameters: tuple[str, ...] = (),
) -> VectorText:
    """A writer of vector code over the loop's inputs; constants pass through `passing`."""
    return VectorText(
        element,
        isa,
        registers=free_vectors(region.contract, isa),
        parameters=parameters,
        memory=tuple(address(load) for load in loads),
        temporary=passing(region.contract),
    )


def passing(contract: Contract) -> str:
    """The general register constants and results pass through; the counter too, if it is alone."""
    return scalar_scratch(contract, 1)[0] if len(contract.scratch) == 1 else contract.scratch[1]


def counted_text(
    contract: Contract,
    vector: VectorText,
    *,
    lanes: int,
    overlap_bytes: int | None,
    setup: Callable[[], None],
    body: Callable[[str], None],
    finish: Callable[[], None],
    is_maskable: bool = True,
) -> str:
    """Write a whole rewrite; the callables emit into `vector`.

    lanes: iterations of one vector step. overlap_bytes: how far a step's loads reach; stores must
    not come before them; None for streams of different strides. body: takes the mask register of
    a partial step, "" for a full one; when not `is_maskable`, partial steps are left to gcc's loop.
    """
    scratch = scalar_scratch(contract, 1 if overlap_bytes is not None else 3)
    count, temporary = scratch[0], passing(contract)
    is_masked = vector.is_512 and is_maskable and count != temporary

    def lines(emit: Callable[[], None]) -> list[str]:
        emit()
        taken, vector.lines = vector.lines, []
        return taken

    trips = iterations_but_one(contract, counted_latch(contract), count, temporary)
    enough = [f"\tsubq\t${lanes}, %{count}", "\tjb\t.LH"]
    out = list(trips)
    if overlap_bytes is None:
        out += range_guards(contract, count, (scratch[1], scratch[2]))
    elif count != temporary:
        out += overlap_guards(contract, overlap_bytes, temporary)
    if not is_masked:
        out += enough
    if count == temporary:  # setting up takes the counter: it is counted once more
        out += overlap_guards(contract, overlap_bytes or 0, temporary)
        again = [line for line in trips if not line.startswith("\tj")]
        out += [*lines(setup), *again, enough[0]]
    else:
        out += lines(setup)
    if is_masked:
        out += [f"\tsubq\t${lanes}, %{count}", "\tjb\t.LR1"]
    mark = vector.mark()
    out += [".LR0:", *lines(lambda: body("")), *advance(contract, lanes)]
    out += [f"\tsubq\t${lanes}, %{count}", "\tjae\t.LR0"]
    vector.release(mark)
    if is_masked:
        out += [".LR1:", f"\taddq\t${lanes}, %{count}", "\tje\t.LR2"]
        out += [
            f"\tmovq\t$-1, %{temporary}",
            f"\tbzhiq\t%{count}, %{temporary}, %{temporary}",
            f"\tkmovq\t%{temporary}, %k1",
            *lines(lambda: body("k1")),
            *advance_by(contract, count, temporary),
            ".LR2:",
        ]
        vector.release(mark)
    out += lines(finish)
    if not vector.is_512:
        out.append("\tvzeroupper")
    return "\n".join([*out, "\tjmp\t.LH"]) + "\n"


def fold(vector: VectorText, total: int, mnemonic: str, *, bits: int) -> None:
    """Join all lanes of `bits` bits of `total` into its lowest one."""
    spare = vector.new()
    for width, extract, immediate in (*_FOLDS, *_NARROW_FOLDS):
        if (width == 256 and not vector.is_512) or width < bits:
            continue
        name = extract or ("vextracti32x4" if vector.is_512 else "vextracti128")
        size = max(width, 128)
        source = vector.name(total, size * 2 if "extract" in name else size)
        vector.emit(name, f"${immediate}", source, vector.name(spare, size))
        own = vector.name(total, size)
        vector.emit(mnemonic, vector.name(spare, size), own, own)


def zero(vector: VectorText) -> int:
    """Take a register and clear it."""
    number = vector.new()
    name = vector.name(number)
    vector.emit("vpxord" if vector.is_512 else "vpxor", name, name, name)
    return number


def lowest_to(vector: VectorText, source: int, family: str, *, bits: int) -> str:
    """Move the lowest lane to a general register; gives its name at that width."""
    width = 64 if bits == 64 else 32
    name = f"%{spelled(family, width)}"
    vector.emit("vmovq" if width == 64 else "vmovd", vector.name(source, 128), name)
    return name


def broadcast_16_bytes(vector: VectorText, low: int, high: int, family: str) -> int:
    """Put the same 16 bytes, given as two quadwords, into every 128-bit lane of a new register."""
    number = vector.new()
    part = vector.name(number, 128)
    for value, mnemonic, operands in (
        (low, "vmovq", (part,)),
        (high, "vpinsrq", (part, part)),
    ):
        vector.emit("movabsq", f"${value}", f"%{family}")
        immediate = ("$1",) if mnemonic == "vpinsrq" else ()
        vector.emit(mnemonic, *immediate, f"%{family}", *operands)
    name = vector.name(number)
    if vector.is_512:
        vector.emit("vshufi64x2", "$0", name, name, name)
    else:
        vector.emit("vinserti128", "$1", part, name, name)
    return number
