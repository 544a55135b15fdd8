"""Inner loops of dynamic programmes and of sorting: maxima under a condition, relaxation, shifting.

gcc keeps a branch where a load or a store happens only under a condition; masks do without.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from llmcc.regions.model import Access, Contract, Region
from llmcc.training.families.loop import Family, Loop
from llmcc.training.families.trip import address, advance, counted_latch, iterations_but_one
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import XMM, spelled

_C_OPERATORS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_COMPARE_512 = {"lt": "lt", "le": "le", "gt": "nle", "ge": "nlt", "eq": "eq", "ne": "neq"}


@dataclass(frozen=True, slots=True)
class Lanes:
    """Names for 32-bit lanes in one instruction set."""

    isa: str
    registers: tuple[str, ...]  # at full width

    @property
    def count(self) -> int:
        """Elements in one vector."""
        return 16 if self.isa == "avx512" else 8

    def broadcast(self, source: str, number: int) -> list[str]:
        """Fill register `number` with a 32-bit register."""
        target = self.registers[number]
        if self.isa == "avx512":
            return [f"\tvpbroadcastd\t{source}, {target}"]
        low = _narrow(target)
        return [f"\tvmovd\t{source}, {low}", f"\tvpbroadcastd\t{low}, {target}"]

    def clear(self, number: int) -> str:
        """Fill register `number` with zeros."""
        name = self.registers[number]
        return f"\t{'vpxord' if self.isa == 'avx512' else 'vpxor'}\t{name}, {name}, {name}"


def _narrow(name: str) -> str:
    return "%xmm" + name[4:]


def lanes_of(contract: Contract, isa: str, needed: int) -> Lanes:
    """Take the first `needed` vector registers that are free."""
    if isa == "avx512":
        return Lanes(isa, tuple(f"%zmm{n}" for n in range(16, 16 + needed)))
    free = contract.vector_scratch[:needed]
    if len(free) < needed:
        raise NotExpressible("out of vector registers")
    return Lanes(isa, tuple(f"%ymm{XMM.index(name)}" for name in free))


def parameters(contract: Contract) -> tuple[str, ...]:
    """Invariant general registers that are neither in an address nor the bound of the loop."""
    used = {access.base for access in contract.accesses}
    used |= {access.index for access in contract.accesses}
    used |= {latch.bound for latch in contract.latches}
    return tuple(f for f in contract.invariants if f not in used and f not in XMM)


def _ended(out: list[str], isa: str) -> str:
    end = [] if isa == "avx512" else ["\tvzeroupper"]
    return "\n".join([*out, *end, "\tjmp\t.LH"]) + "\n"


def _compare_avx2(operator: str, left: str, right: str, target: str, ones: str) -> list[str]:
    """All-ones lanes in `target` where left <operator> right; `ones` is written when it inverts."""
    if operator in ("eq", "ne"):
        lines = [f"\tvpcmpeqd\t{right}, {left}, {target}"]
    elif operator in ("gt", "le"):
        lines = [f"\tvpcmpgtd\t{right}, {left}, {target}"]
    else:
        lines = [f"\tvpcmpgtd\t{left}, {right}, {target}"]
    if operator in ("ne", "le", "ge"):
        lines += [f"\tvpcmpeqd\t{ones}, {ones}, {ones}", f"\tvpxor\t{ones}, {target}, {target}"]
    return lines


# -- if (c[i] <operator> x) m = max(m, a[i])

_COMBINE = {"max": "vpmaxsd", "min": "vpminsd", "add": "vpaddd"}


def _masked_reduction(
    operator: str, combine: str, constant: int | None, region: Region, isa: str
) -> Iterator[str]:
    contract = region.contract
    tested = [a for a in contract.accesses if a.is_load and not a.is_conditional]
    taken = [a for a in contract.accesses if a.is_load and a.is_conditional]
    if len(tested) != 1 or len(taken) != 1 or len(contract.accumulators) != 1:
        raise NotExpressible("one array is tested and another taken from")
    if tested[0].stride_bytes != 4 or taken[0].stride_bytes != 4 or len(contract.scratch) < 2:
        raise NotExpressible("not arrays of 32 bits walked forwards")
    sources = [f"${constant}"] if constant is not None else []
    if constant is None:
        sources = [f"%{spelled(family, 32)}" for family in parameters(contract)]
    for source in sources:
        yield _masked_text(contract, operator, combine, source, (tested[0], taken[0]), isa)


def _masked_text(
    contract: Contract,
    operator: str,
    combine: str,
    source: str,
    accesses: tuple[Access, Access],
    isa: str,
) -> str:
    count, temporary = contract.scratch[:2]
    low = f"%{spelled(temporary, 32)}"
    sum_ = f"%{spelled(contract.accumulators[0], 32)}"
    lanes = lanes_of(contract, isa, 5)
    limit, total, flags, value, ones = lanes.registers
    verb = _COMBINE[combine]
    out = iterations_but_one(contract, counted_latch(contract), count, temporary)
    out += [f"\tsubq\t${lanes.count}, %{count}", "\tjb\t.LH"]
    out += [f"\tmovl\t{source}, {low}", *lanes.broadcast(low, 0)]
    out += [lanes.clear(1)] if combine == "add" else lanes.broadcast(sum_, 1)
    out += [".LR0:"]
    test, take = (address(access) for access in accesses)
    if isa == "avx512":
        out += [
            f"\tvmovdqu32\t{test}, {flags}",
            f"\tvpcmp{_COMPARE_512[operator]}d\t{limit}, {flags}, %k1",
            f"\tvmovdqu32\t{take}, {value}{{%k1}}{{z}}",
            f"\t{verb}\t{value}, {total}, {total}{{%k1}}",
        ]
    else:
        out += [f"\tvmovdqu\t{test}, {value}"]
        out += _compare_avx2(operator, value, limit, flags, ones)
        out += [f"\tvpmaskmovd\t{take}, {flags}, {value}"]
        if combine != "add":
            out += [f"\tvpblendvb\t{flags}, {value}, {total}, {value}"]
        out += [f"\t{verb}\t{value}, {total}, {total}"]
    out += advance(contract, lanes.count)
    out += [f"\tsubq\t${lanes.count}, %{count}", "\tjae\t.LR0"]
    out += _folded(verb, total, value, isa)
    if combine == "add":
        out += [f"\tvmovd\t{_narrow(total)}, {low}", f"\taddl\t{low}, {sum_}"]
    else:
        out += [f"\tvmovd\t{_narrow(total)}, {sum_}"]
    return _ended(out, isa)


def _folded(verb: str, total: str, spare: str, isa: str) -> list[str]:
    """Join all lanes of `total` in its lowest."""
    total_256, spare_256 = total.replace("zmm", "ymm"), spare.replace("zmm", "ymm")
    total_128, spare_128 = _narrow(total), _narrow(spare)
    out: list[str] = []
    if isa == "avx512":
        out += [f"\tvextracti64x4\t$1, {total}, {spare_256}"]
        out += [f"\t{verb}\t{spare_256}, {total_256}, {total_256}"]
    extract = "vextracti32x4" if isa == "avx512" else "vextracti128"
    out += [f"\t{extract}\t$1, {total_256}, {spare_128}"]
    out += [f"\t{verb}\t{spare_128}, {total_128}, {total_128}"]
    for order in (238, 85):
        out += [f"\tvpshufd\t${order}, {total_128}, {spare_128}"]
        out += [f"\t{verb}\t{spare_128}, {total_128}, {total_128}"]
    return out


def _draw_masked(family: str, combines: tuple[str, ...], rng: random.Random) -> Loop:
    operator, combine = rng.choice(tuple(_C_OPERATORS)), rng.choice(combines)
    constant = rng.choice((None, None, 0, rng.randint(1, 99)))
    test = f"c[i] {_C_OPERATORS[operator]} {'x' if constant is None else constant}"
    better = {
        "max": f"if ({test} && a[i] > m) m = a[i];",
        "min": f"if ({test} && a[i] < m) m = a[i];",
        "add": f"if ({test}) m += a[i];",
    }[combine]
    start = "m0" if combine == "min" else rng.choice(("0", "m0"))
    c = (
        f"int32_t @NAME@(const int32_t *c, const int32_t *a, size_t n, int32_t x, int32_t m0) "
        f"{{ int32_t m = {start}; for (size_t i = 0; i < n; i++) {better} return m; }}\n"
    )
    return Loop(family, "i32", c, partial(_masked_reduction, operator, combine, constant))


# -- if (s[j] + v > d[j]) d[j] = s[j] + v, forwards or backwards


def _relaxation(operator: str, region: Region, isa: str) -> Iterator[str]:
    contract = region.contract
    stores = [access for access in contract.accesses if access.is_store]
    if len(stores) != 1 or stores[0].stride_bytes not in (4, -4) or len(contract.scratch) < 3:
        raise NotExpressible("one array of 32 bits is written")
    target = stores[0]
    place = (target.base, target.index, target.disp)
    loads = [a for a in contract.accesses if (a.base, a.index, a.disp) != place]
    if len(loads) != 1 or loads[0].stride_bytes != target.stride_bytes:
        raise NotExpressible("one other array is read")
    for family in parameters(contract):
        yield _relaxed(contract, operator, family, loads[0], target, isa)


def _relaxed(
    contract: Contract, operator: str, family: str, load: Access, store: Access, isa: str
) -> str:
    count, one, two = contract.scratch[:3]
    lanes = lanes_of(contract, isa, 4)
    added, value, old, mask = lanes.registers
    back = 0 if store.stride_bytes > 0 else 4 - 4 * lanes.count
    source, target = address(load, offset_bytes=back), address(store, offset_bytes=back)
    # A wide step must not load what an iteration of the same step stores before.
    ahead = (store, load) if store.stride_bytes > 0 else (load, store)
    out = iterations_but_one(contract, counted_latch(contract), count, one)
    out += [f"\tleaq\t{address(ahead[0])}, %{one}", f"\tleaq\t{address(ahead[1])}, %{two}"]
    out += [f"\tsubq\t%{two}, %{one}", f"\tsubq\t$1, %{one}"]
    out += [f"\tcmpq\t${4 * lanes.count - 2}, %{one}", "\tjbe\t.LH"]
    out += [f"\tsubq\t${lanes.count}, %{count}", "\tjb\t.LH"]
    out += [*lanes.broadcast(f"%{spelled(family, 32)}", 0), ".LR0:"]
    if isa == "avx512":
        out += [
            f"\tvpaddd\t{source}, {added}, {value}",
            f"\tvmovdqu32\t{target}, {old}",
            f"\tvpcmp{_COMPARE_512[operator]}d\t{old}, {value}, %k1",
            f"\tvmovdqu32\t{value}, {target}{{%k1}}",
        ]
    else:
        first, second = (old, value) if operator == "gt" else (value, old)
        out += [
            f"\tvpaddd\t{source}, {added}, {value}",
            f"\tvmovdqu\t{target}, {old}",
            f"\tvpcmpgtd\t{first}, {second}, {mask}",
            f"\tvpmaskmovd\t{value}, {mask}, {target}",
        ]
    out += advance(contract, lanes.count)
    out += [f"\tsubq\t${lanes.count}, %{count}", "\tjae\t.LR0"]
    return _ended(out, isa)


def _draw_relaxation(family: str, rng: random.Random) -> Loop:
    operator = rng.choice(("gt", "lt"))
    sign = _C_OPERATORS[operator]
    if family == "knapsack":
        head = "(int32_t *d, long n, long w, int32_t v)"
        turns, source = "for (long j = n; j >= w; j--)", "d[j - w]"
    else:
        head = "(int32_t *d, const int32_t *s, size_t n, int32_t v)"
        turns, source = "for (size_t j = 0; j < n; j++)", "s[j]"
    body = rng.choice(
        (
            f"int32_t c = {source} + v; if (c {sign} d[j]) d[j] = c;",
            f"if ({source} + v {sign} d[j]) d[j] = {source} + v;",
        )
    )
    c = f"void @NAME@{head} {{ {turns} {{ {body} }} }}\n"
    return Loop(family, "i32", c, partial(_relaxation, operator))


# -- if (a[i] < low) a[i] = low; else if (a[i] > high) a[i] = high


def _clamp(region: Region, isa: str) -> Iterator[str]:
    contract = region.contract
    bounds = parameters(contract)
    if len(bounds) != 2 or {a.stride_bytes for a in contract.accesses} != {4}:
        raise NotExpressible("two bounds and one array of 32 bits")
    if len({(a.base, a.index, a.disp) for a in contract.accesses}) != 1:
        raise NotExpressible("one array")
    for low, high in (bounds, bounds[::-1]):
        yield _clamped(contract, low, high, isa)


def _clamped(contract: Contract, low: str, high: str, isa: str) -> str:
    if len(contract.scratch) < 2:
        raise NotExpressible("needs two scratch registers")
    count, temporary = contract.scratch[:2]
    lanes = lanes_of(contract, isa, 5)
    bottom, top, value, under, over = lanes.registers
    place = address(contract.accesses[0])
    out = iterations_but_one(contract, counted_latch(contract), count, temporary)
    out += [f"\tsubq\t${lanes.count}, %{count}", "\tjb\t.LH"]
    out += lanes.broadcast(f"%{spelled(low, 32)}", 0) + lanes.broadcast(f"%{spelled(high, 32)}", 1)
    out += [".LR0:"]
    if isa == "avx512":
        out += [
            f"\tvmovdqu32\t{place}, {value}",
            f"\tvpcmpltd\t{bottom}, {value}, %k1",
            f"\tvpcmpnled\t{top}, {value}, %k2",
            "\tkandnw\t%k2, %k1, %k2",
            f"\tvmovdqu32\t{bottom}, {place}{{%k1}}",
            f"\tvmovdqu32\t{top}, {place}{{%k2}}",
        ]
    else:
        out += [
            f"\tvmovdqu\t{place}, {value}",
            f"\tvpcmpgtd\t{value}, {bottom}, {under}",
            f"\tvpcmpgtd\t{top}, {value}, {over}",
            f"\tvpandn\t{over}, {under}, {over}",
            f"\tvpmaskmovd\t{bottom}, {under}, {place}",
            f"\tvpmaskmovd\t{top}, {over}, {place}",
        ]
    out += advance(contract, lanes.count)
    out += [f"\tsubq\t${lanes.count}, %{count}", "\tjae\t.LR0"]
    return _ended(out, isa)


def _draw_clamp(rng: random.Random) -> Loop:
    tests = ("a[i] < lo", "a[i] = lo"), ("a[i] > hi", "a[i] = hi")
    text = f"if ({tests[0][0]}) {tests[0][1]}; else if ({tests[1][0]}) {tests[1][1]};"
    head = rng.choice(
        (
            "int32_t *a, size_t n, int32_t lo, int32_t hi",
            "int32_t lo, int32_t hi, int32_t *a, long n",
        )
    )
    counter = "long" if "long" in head else "size_t"
    c = f"void @NAME@({head}) {{ for ({counter} i = 0; i < n; i++) {text} }}\n"
    return Loop("clamp_in_place", "i32", c, _clamp)


FAMILIES = (
    Family("masked_sum", "test", 0.8, partial(_draw_masked, "masked_sum", ("add",))),
    Family("masked_extreme", "test", 0.8, partial(_draw_masked, "masked_extreme", ("max", "min"))),
    Family("relaxed_row", "train", 0.2, partial(_draw_relaxation, "relaxed_row")),
    Family("knapsack", "validation", 0.8, partial(_draw_relaxation, "knapsack")),
    Family("clamp_in_place", "train", 0.2, _draw_clamp),
)
