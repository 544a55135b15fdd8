"""Expert rewrites of bit-counting loops: one `popcnt` for the whole trick."""

from __future__ import annotations

from collections.abc import Iterator

from llmcc.regions.model import Region
from llmcc.training.families.spec import LoopSpec
from llmcc.training.families.trip import address, advance, counted_latch, iterations_but_one
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import spelled

_UNROLLED = 4


def bits_rewrites(region: Region, spec: LoopSpec) -> Iterator[str]:
    """Yield candidate texts for a bit-counting loop; they need BMI and popcnt only."""
    if region.contract.accesses:
        yield _array(region, spec)
    else:
        yield from _single_word(region, spec)


def _array(region: Region, spec: LoopSpec) -> str:
    contract = region.contract
    if len(contract.scratch) < 2 or len(contract.accumulators) != 1 or len(contract.accesses) != 1:
        raise NotExpressible("one array and one sum")
    count, word = contract.scratch[:2]
    total = contract.accumulators[0]
    access = contract.accesses[0]
    bits = spec.element.bits
    suffix = "q" if bits == 64 else "l"
    add = "addq" if spec.accumulator_bits == 64 else "addl"
    out = iterations_but_one(contract, counted_latch(contract), count, word)
    out += [f"\tsubq\t${_UNROLLED}, %{count}", "\tjb\t.LH", ".LR0:"]
    for number in range(_UNROLLED):
        place = address(access, offset_bytes=number * access.stride_bytes)
        out.append(f"\tpopcnt{suffix}\t{place}, %{spelled(word, bits)}")
        wide = spec.accumulator_bits
        out.append(f"\t{add}\t%{spelled(word, wide)}, %{spelled(total, wide)}")
    out += advance(contract, _UNROLLED)
    out += [f"\tsubq\t${_UNROLLED}, %{count}", "\tjae\t.LR0", "\tjmp\t.LH"]
    return "\n".join(out) + "\n"


def _single_word(region: Region, spec: LoopSpec) -> Iterator[str]:
    """`while (x) { x &= x - 1; s++; }`: all bits but the highest at once."""
    contract = region.contract
    if len(contract.scratch) < 2 or len(contract.inductions) != 1:
        raise NotExpressible("one counter")
    counter = contract.inductions[0]
    bits = spec.element.bits
    suffix = "q" if bits == 64 else "l"
    count, place = contract.scratch[:2]
    counted, placed = spelled(count, bits), spelled(place, bits)
    verb = ("add" if counter.step > 0 else "sub") + ("q" if counter.bits == 64 else "l")
    amount, sum_ = spelled(count, counter.bits), spelled(counter.register, counter.bits)
    for family in contract.accumulators:
        word = spelled(family, bits)
        yield "\n".join(
            (
                f"\tpopcnt{suffix}\t%{word}, %{counted}",
                f"\tsub{suffix}\t$1, %{counted}",
                "\tjbe\t.LH",
                f"\tlzcnt{suffix}\t%{word}, %{placed}",
                f"\txorl\t${bits - 1}, %{spelled(place, 32)}",
                f"\tmovl\t$1, %{spelled(family, 32)}",
                f"\tshlx{suffix}\t%{placed}, %{word}, %{word}",
                f"\t{verb}\t%{amount}, %{sum_}",
                "\tjmp\t.LH\n",
            )
        )
