"""Inner loops of sorting: the shift of an insertion, whole vectors of larger elements at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

from llmcc.regions.model import Access, Contract, Region
from llmcc.training.families.dynamic import lanes_of, parameters
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.trip import address, advance
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import spelled


def _insertion(is_rising: bool, region: Region, isa: str) -> Iterator[str]:
    """Yield `while (a[j] > k) a[j + 1] = a[j--]`, or with <, for each register k may be in."""
    contract = region.contract
    loads = [access for access in contract.accesses if access.is_load]
    stores = [access for access in contract.accesses if access.is_store]
    if len(loads) != 1 or len(stores) != 1 or len(contract.scratch) < 2:
        raise NotExpressible("one element is loaded and one stored")
    load, store = loads[0], stores[0]
    is_next = (load.base, load.index, load.disp + 4) == (store.base, store.index, store.disp)
    if not is_next or load.stride_bytes != -4:
        raise NotExpressible("elements of 32 bits do not move up by one")
    for family in parameters(contract):
        yield _shifted(contract, load, store, family, is_rising, isa)


def _shifted(
    contract: Contract, load: Access, store: Access, key: str, is_rising: bool, isa: str
) -> str:
    counters = [induction for induction in contract.inductions if induction.step == -1]
    if len(counters) != 1:
        raise NotExpressible("no count of the elements left")
    bits = 32 if any(latch.bits == 32 for latch in contract.latches) else 64
    count, element = contract.scratch[:2]
    lanes = lanes_of(contract, isa, 3)
    limit, value, mask = lanes.registers
    back = 4 - 4 * lanes.count
    low = f"%{spelled(element, 32)}"
    move = "movl" if bits == 32 else "movq"
    # The counter is at most one ahead of the iterations left.
    out = [f"\t{move}\t%{spelled(counters[0].register, bits)}, %{spelled(count, bits)}"]
    out += [f"\tsubq\t${lanes.count + 1}, %{count}", "\tjb\t.LH"]
    out += lanes.broadcast(f"%{spelled(key, 32)}", 0)
    # A block in the page of its highest element, which gcc's loop reads, cannot fault.
    out += [".LR0:", f"\tleaq\t{address(load)}, %{element}", f"\tandl\t$4095, {low}"]
    out += [f"\tcmpl\t${-back}, {low}", "\tjb\t.LR1"]
    source, target = address(load, offset_bytes=back), address(store, offset_bytes=back)
    if isa == "avx512":
        compare = "vpcmpnled" if is_rising else "vpcmpltd"
        out += [f"\tvmovdqu32\t{source}, {value}", f"\t{compare}\t{limit}, {value}, %k1"]
        out += ["\tkortestw\t%k1, %k1", "\tjae\t.LR1", f"\tvmovdqu32\t{value}, {target}"]
    else:
        first, second = (limit, value) if is_rising else (value, limit)
        out += [f"\tvmovdqu\t{source}, {value}", f"\tvpcmpgtd\t{first}, {second}, {mask}"]
        out += [f"\tvpmovmskb\t{mask}, {low}", f"\tcmpl\t$-1, {low}", "\tjne\t.LR1"]
        out += [f"\tvmovdqu\t{value}, {target}"]
    out += advance(contract, lanes.count)
    out += [f"\tsubq\t${lanes.count}, %{count}", "\tjae\t.LR0", ".LR1:"]
    out += [] if isa == "avx512" else ["\tvzeroupper"]
    return "\n".join([*out, "\tjmp\t.LH"]) + "\n"


_FORMS = (
    (
        "int32_t *a, long j, int32_t k",
        "while (j >= 0 && a[j] @S@ k) { a[j + 1] = a[j]; j--; } a[j + 1] = k;",
    ),
    (
        "int32_t *a, long j, int32_t k",
        "while (j > 0 && a[j - 1] @S@ k) { a[j] = a[j - 1]; j--; } a[j] = k;",
    ),
    (
        "int32_t *a, size_t i",
        "int32_t k = a[i]; size_t j = i; "
        "while (j > 0 && a[j - 1] @S@ k) { a[j] = a[j - 1]; j--; } a[j] = k;",
    ),
    (
        "int32_t *a, int n",
        "for (int i = 1; i < n; i++) { int32_t k = a[i]; int j = i - 1; "
        "while (j >= 0 && a[j] @S@ k) { a[j + 1] = a[j]; j--; } a[j + 1] = k; }",
    ),
)


def _draw_insertion(rng: random.Random) -> Loop:
    is_rising = rng.random() < 0.6
    head, body = rng.choice(_FORMS)
    c = f"void @NAME@({head}) {{ {body} }}\n".replace("@S@", ">" if is_rising else "<")
    return Loop("insertion_shift", "i32", c, partial(_insertion, is_rising))


FAMILIES = (Family("insertion_shift", "train", 0.8, _draw_insertion),)
