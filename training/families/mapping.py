"""Which register and address of a region plays which part of the specification gcc made it of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

from llmcc.regions.model import Access, Region
from llmcc.training.families.spec import LoopSpec
from llmcc.training.families.tree import (
    Absolute,
    Binary,
    Compare,
    Constant,
    Either,
    Expression,
    Load,
    Parameter,
    Predicate,
    Range,
    Shift,
    leaves,
)
from llmcc.training.families.vector import NotExpressible


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which register and address of the region plays which part in the specification."""

    parameters: tuple[str, ...]  # register families, by Parameter.position
    loads: tuple[Access, ...]  # by array
    store: Access | None
    accumulator: str | None


def mappings(region: Region, spec: LoopSpec) -> Iterator[Mapping]:
    """Every way the region's registers can play the specification's parts; testing tells which."""
    contract = region.contract
    loads = distinct([access for access in contract.accesses if access.is_load])
    stores = distinct([access for access in contract.accesses if access.is_store])
    size = spec.element.size_bytes
    if any(a.stride_bytes != size or a.size_bytes != size for a in (*loads, *stores)):
        raise NotExpressible("not one element an iteration")
    if len(stores) > 1 or len(loads) > 2 or not loads:
        raise NotExpressible("other arrays than the specification's")
    if any(load.is_conditional for load in loads):
        raise NotExpressible("a load that is not always done")
    addresses = {a.base for a in contract.accesses} | {a.index for a in contract.accesses}
    bounds = {latch.bound for latch in contract.latches}
    kind = "xmm" if spec.element.is_float else "r"
    scalars = [r for r in contract.invariants if r not in addresses | bounds and r.startswith(kind)]
    wanted = _parameter_count(spec)
    accumulator = contract.accumulators[0] if len(contract.accumulators) == 1 else None
    if accumulator is None and spec.family in ("reduce", "count", "byteclass"):
        raise NotExpressible("not one accumulator")
    for chosen in permutations(scalars, wanted):
        for order in permutations(loads):
            yield Mapping(chosen, order, stores[0] if stores else None, accumulator)


def distinct(accesses: list[Access]) -> list[Access]:
    """Leave out accesses to an address already in the list."""
    found: dict[tuple[str | None, str | None, int, int], Access] = {}
    for access in accesses:
        found.setdefault((access.base, access.index, access.scale, access.disp), access)
    return list(found.values())


def scalar_leaves(spec: LoopSpec) -> list[Load | Constant | Parameter]:
    """Constants and parameters of the specification in the order the vector side needs them."""
    found: list[Load | Constant | Parameter] = []
    if spec.predicate is not None:
        found += _predicate_leaves(spec.predicate)
    if spec.expression is not None:
        found += leaves(spec.expression)
    return [_as_parameter(leaf, spec) for leaf in found]


def _predicate_leaves(node: Predicate) -> list[Load | Constant | Parameter]:
    match node:
        case Range(operand, low, high):
            return [*leaves(operand), Constant(low), Constant(high - low)]
        case Either(left, right):
            return _predicate_leaves(left) + _predicate_leaves(right)
        case _:
            return leaves(node)


def _as_parameter(leaf: Load | Constant | Parameter, spec: LoopSpec) -> Load | Constant | Parameter:
    """Gcc keeps float constants in registers: to the loop they are parameters 10 + value."""
    if spec.element.is_float and isinstance(leaf, Constant):
        return Parameter(float_positions(spec).index(leaf))
    if spec.element.is_float and isinstance(leaf, Parameter):
        return Parameter(float_positions(spec).index(leaf))
    return leaf


def float_positions(spec: LoopSpec) -> list[Constant | Parameter]:
    """Distinct float scalars in order of first use."""
    found: list[Constant | Parameter] = []
    nodes = [*(leaves(spec.predicate) if spec.predicate is not None else [])]
    nodes += leaves(spec.expression) if spec.expression is not None else []
    for leaf in nodes:
        if not isinstance(leaf, Load) and leaf not in found:
            found.append(leaf)
    return found


def _parameter_count(spec: LoopSpec) -> int:
    if spec.element.is_float:
        return len(float_positions(spec))
    return len({leaf for leaf in scalar_leaves(spec) if isinstance(leaf, Parameter)})


def lowered(node: Expression, spec: LoopSpec) -> Expression:
    """Replace float constants by the parameters they are to the loop."""
    match node:
        case Constant() | Parameter():
            result = _as_parameter(node, spec)
            assert not isinstance(result, Load)
            return result
        case Binary(operator, left, right):
            return Binary(operator, lowered(left, spec), lowered(right, spec))
        case Shift(operator, operand, count):
            return Shift(operator, lowered(operand, spec), count)
        case Absolute(operand):
            return Absolute(lowered(operand, spec))
        case Load():
            return node


def lowered_predicate(node: Predicate, spec: LoopSpec) -> Predicate:
    """The same for predicates."""
    match node:
        case Compare(operator, left, right):
            return Compare(operator, lowered(left, spec), lowered(right, spec))
        case Range(operand, low, high):
            return Range(lowered(operand, spec), low, high)
        case Either(left, right):
            return Either(lowered_predicate(left, spec), lowered_predicate(right, spec))
