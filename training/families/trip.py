"""What every expert rewrite shares: how many iterations are left, and how registers advance."""

from __future__ import annotations

from llmcc.regions.model import Access, Contract, Latch
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import spelled


def counted_latch(contract: Contract) -> Latch:
    """The one counted exit a template can work with."""
    latches = set(contract.latches)
    if len(latches) != 1:
        raise NotExpressible("not one counted exit")
    latch = latches.pop()
    if not latch.is_advanced and latch.condition != "ne":
        raise NotExpressible("the exit is not at the end")
    return latch


def iterations_but_one(contract: Contract, latch: Latch, target: str, temporary: str) -> list[str]:
    """Text that puts T-1 into `target`, or goes to the head when it is 0 or not certain."""
    step = next(i.step for i in contract.inductions if i.register == latch.induction)
    if latch.condition == "ne":
        return _from_difference(latch, step, target)
    if latch.bound is None or step <= 0 or step & (step - 1) or latch.condition not in ("b", "l"):
        raise NotExpressible("no simple trip count")
    if latch.bits == 64:
        jump = "jbe" if latch.condition == "b" else "jle"
        shift = [f"\tshrq\t${step.bit_length() - 1}, %{target}"] if step > 1 else []
        return [
            f"\tmovq\t%{latch.bound}, %{target}",
            f"\tsubq\t%{latch.induction}, %{target}",
            f"\t{jump}\t.LH",
            f"\tsubq\t$1, %{target}",
            *shift,
            "\tje\t.LH",
        ]
    if step != 1:
        raise NotExpressible("no simple trip count")
    if target == temporary:
        raise NotExpressible("a trip count that needs two registers")
    move = "movslq" if latch.condition == "l" else "movl"
    bits = 64 if latch.condition == "l" else 32
    return [
        f"\t{move}\t%{spelled(latch.bound, 32)}, %{spelled(target, bits)}",
        f"\t{move}\t%{spelled(latch.induction, 32)}, %{spelled(temporary, bits)}",
        f"\tsubq\t%{temporary}, %{target}",
        f"\tsubq\t$1, %{target}",
        "\tjle\t.LH",
    ]


def _from_difference(latch: Latch, step: int, target: str) -> list[str]:
    bits = latch.bits
    suffix = "q" if bits == 64 else "l"
    size = abs(step)
    if size & (size - 1):
        raise NotExpressible("step is not a power of two")
    wide = f"%{spelled(target, bits)}"
    induction = f"%{spelled(latch.induction, bits)}"
    bound = f"%{spelled(latch.bound, bits)}" if latch.bound else f"${latch.bound_value}"
    if step < 0 and latch.bound is None and latch.bound_value == 0:
        lines = [f"\tmov{suffix}\t{induction}, {wide}"]  # counts down to 0
    elif step > 0:
        lines = [f"\tmov{suffix}\t{bound}, {wide}", f"\tsub{suffix}\t{induction}, {wide}"]
    else:
        lines = [f"\tmov{suffix}\t{induction}, {wide}", f"\tsub{suffix}\t{bound}, {wide}"]
    if size > 1:
        lines.append(f"\tshr{suffix}\t${size.bit_length() - 1}, {wide}")
    if latch.is_advanced:
        lines.append(f"\tsub{suffix}\t$1, {wide}")
    elif len(lines) == 1:  # a move sets no flags
        lines.append(f"\ttest{suffix}\t{wide}, {wide}")
    return [*lines, "\tje\t.LH"]


def address(access: Access, *, offset_bytes: int = 0) -> str:
    """The address of an access at the current iteration, as AT&T text."""
    disp = access.disp + offset_bytes
    inner = f"%{access.base}" if access.base else ""
    if access.index:
        inner += f",%{access.index}" + (f",{access.scale}" if access.scale > 1 else "")
    return f"{disp or ''}({inner})"


def advance(contract: Contract, iterations: int) -> list[str]:
    """Advance every induction by a fixed number of iterations."""
    lines: list[str] = []
    for induction in contract.inductions:
        amount = induction.step * iterations
        suffix = "q" if induction.bits == 64 else "l"
        verb = "add" if amount > 0 else "sub"
        lines.append(
            f"\t{verb}{suffix}\t${abs(amount)}, %{spelled(induction.register, induction.bits)}"
        )
    return lines


def advance_by(contract: Contract, count: str, temporary: str) -> list[str]:
    """Advance every induction by as many iterations as register `count` holds."""
    lines: list[str] = []
    for induction in contract.inductions:
        step, bits = induction.step, induction.bits
        suffix = "q" if bits == 64 else "l"
        register = f"%{spelled(induction.register, bits)}"
        if step in (2, 4, 8):
            # A 32-bit lea takes 64-bit addresses and cuts the sum.
            lines.append(f"\tlea{suffix}\t(%{induction.register},%{count},{step}), {register}")
        elif abs(step) == 1:
            verb = "add" if step > 0 else "sub"
            lines.append(f"\t{verb}{suffix}\t%{spelled(count, bits)}, {register}")
        else:
            lines.append(
                f"\timul{suffix}\t${step}, %{spelled(count, bits)}, %{spelled(temporary, bits)}"
            )
            lines.append(f"\tadd{suffix}\t%{spelled(temporary, bits)}, {register}")
    return lines


def overlap_guards(contract: Contract, width_bytes: int, temporary: str) -> list[str]:
    """Go to the head when a store reaches into what the same wide step loads later.

    Iteration i stores before iteration j > i loads; a wide step loads first. They differ only if
    0 < store - load < width for the addresses of one iteration (elements before that are past).
    """
    guards: list[tuple[str, ...]] = []
    stores = [access for access in contract.accesses if access.is_store]
    for store in stores:
        arrays: dict[tuple[str | None, str | None, int], list[Access]] = {}
        for other in contract.accesses:
            if other is not store and (other.is_load or other.is_store):
                arrays.setdefault((other.base, other.index, other.scale), []).append(other)
        for accesses in arrays.values():
            if accesses[0].base == store.base:
                for access in accesses:
                    _check_own(store, access)
                continue
            lowest = min(accesses, key=lambda access: access.disp)
            reach_bytes = max(access.disp for access in accesses) - lowest.disp + width_bytes
            is_output = any(access.is_store for access in accesses)
            guards.append(tuple(_guard(store, lowest, reach_bytes, temporary, is_output)))
    return [line for guard in dict.fromkeys(guards) for line in guard]


def _check_shape(store: Access, load: Access) -> None:
    if (store.index, store.scale if store.index else 1) != (
        load.index,
        load.scale if load.index else 1,
    ):
        raise NotExpressible("addresses of two shapes")


def _check_own(store: Access, load: Access) -> None:
    """Refuse a store that a later iteration reads, or writes again."""
    _check_shape(store, load)
    delta = store.disp - load.disp
    if delta != 0 and (delta > 0 or load.is_store):
        raise NotExpressible("reads what it has just written")


def _guard(
    store: Access, load: Access, reach_bytes: int, temporary: str, is_output: bool
) -> list[str]:
    _check_shape(store, load)
    delta = store.disp - load.disp
    if is_output:  # two outputs must be apart on either side; both orders give one guard
        if str(store.base) > str(load.base):
            store, load, delta = load, store, -delta
        first, last = delta + reach_bytes - 1, 2 * reach_bytes - 2
    else:
        first, last = delta - 1, reach_bytes - 2
    return [
        f"\tleaq\t{first or ''}(%{store.base}), %{temporary}",
        f"\tsubq\t%{load.base}, %{temporary}",
        f"\tcmpq\t${last}, %{temporary}",
        "\tjbe\t.LH",
    ]


def range_guards(contract: Contract, count: str, temporaries: tuple[str, str]) -> list[str]:
    """Go to the head unless no load of the whole loop meets any of its stores.

    For streams of different strides, whose distance changes from step to step. `count` holds T-1.
    """
    stores = sorted((a for a in contract.accesses if a.is_store), key=lambda access: access.disp)
    if not stores or any(a.stride_bytes not in (1, 2, 4, 8) for a in contract.accesses):
        raise NotExpressible("not stores of small strides")
    # Neighbours of one array, less than its stride apart, are in the range of the lowest.
    lowest: dict[tuple[str | None, str | None, int, int], Access] = {}
    for access in contract.accesses:
        if not access.is_store:
            key = (access.base, access.index, access.scale, access.disp // access.stride_bytes)
            if key not in lowest or access.disp < lowest[key].disp:
                lowest[key] = access
    loads = list(lowest.values())
    first, second = temporaries
    store = stores[0]
    lines: list[str] = []
    for number, load in enumerate(loads, 4):
        lines += [
            f"\tleaq\t{address(store)}, %{first}",
            f"\tleaq\t{store.stride_bytes}(%{first},%{count},{store.stride_bytes}), %{first}",
            f"\tleaq\t{address(load)}, %{second}",
            f"\tcmpq\t%{first}, %{second}",
            f"\tjae\t.LR{number}",
            f"\tleaq\t{load.stride_bytes}(%{second},%{count},{load.stride_bytes}), %{second}",
            f"\tleaq\t{address(store)}, %{first}",
            f"\tcmpq\t%{second}, %{first}",
            "\tjb\t.LH",
            f".LR{number}:",
        ]
    return lines
