"""Recipes: which register is pointer, index, bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from llmcc.outcome import Outcome, Refusal
from llmcc.regions.model import Access
from llmcc.states.model import Recipe
from llmcc.states.recipe import make_recipe
from llmcc.states.trips import starts
from tests.verify.regions import all_regions


def _recipe(name: str) -> Recipe:
    recipe = make_recipe(all_regions()[name])
    assert isinstance(recipe, Recipe), recipe
    return recipe


def _pointers(recipe: Recipe) -> list[str]:
    return [group.register for block in recipe.blocks for group in block.groups]


def test_a_base_that_stands_alone_is_the_pointer() -> None:
    assert _pointers(_recipe("sum")) == ["rdi"]


def test_the_register_that_advances_with_scale_one_is_the_index() -> None:
    recipe = _recipe("map")
    assert sorted(_pointers(recipe)) == ["rdi", "rsi"]
    assert recipe.indexes == ("rax",)


def test_the_difference_of_two_pointers_is_solved_for_after_the_pointer() -> None:
    region = all_regions()["sum"]
    base, difference = (
        Access(b, i, 1, 0, 4, True, False, 4, False) for b, i in (("rdi", None), ("rdx", "rdi"))
    )
    contract = replace(region.contract, accesses=(difference, base))
    recipe = make_recipe(replace(region, contract=contract))
    assert isinstance(recipe, Recipe)
    assert _pointers(recipe) == ["rdi", "rdx"]


def test_two_inductions_that_meet_are_found() -> None:
    assert _recipe("palindrome").crossing == ("rax", "rsi")


def test_a_loop_whose_only_way_out_is_its_latch_is_no_early_exit() -> None:
    assert not _recipe("count").is_early_exit
    assert _recipe("find").is_early_exit
    assert _recipe("end").is_early_exit


def test_the_register_that_carries_a_loaded_byte_is_found() -> None:
    (carried,) = _recipe("compare").carried
    assert (carried.register, carried.pointer, carried.is_signed) == ("rax", "rdi", True)
    assert not _recipe("mismatch").carried


def test_a_register_that_is_computed_from_a_load_carries_nothing() -> None:
    region = all_regions()["compare"]
    text = region.text.replace("\taddq\t$1, %rdi\n", "\taddq\t$1, %rdi\n\txorl\t$1, %eax\n")
    recipe = make_recipe(replace(region, text=text))
    assert isinstance(recipe, Recipe)
    assert not recipe.carried


def test_what_is_loaded_from_one_address_may_be_a_bound() -> None:
    (bound,) = _recipe("kept").loose_bounds.memory
    assert bound.pointer == "rsi"


def test_what_an_induction_minus_two_is_compared_with_may_be_a_bound() -> None:
    (bound,) = _recipe("threes").loose_bounds.registers
    assert bound.offset == -2


def test_an_address_without_a_base_is_refused() -> None:
    region = all_regions()["sum"]
    access = replace(region.contract.accesses[0], base=None, index="rdi")
    refusal = make_recipe(replace(region, contract=replace(region.contract, accesses=(access,))))
    assert isinstance(refusal, Refusal)
    assert refusal.outcome is Outcome.UNKNOWN_ROLE


@pytest.mark.parametrize("stride_bytes", [1_048_560, -1_048_560])
def test_a_stride_longer_than_any_window_is_refused(stride_bytes: int) -> None:
    # Lua's list of variables to be closed, one of 16 bytes, has such a loop at each end.
    region = all_regions()["find"]
    access = replace(region.contract.accesses[0], stride_bytes=stride_bytes)
    refusal = make_recipe(replace(region, contract=replace(region.contract, accesses=(access,))))
    assert isinstance(refusal, Refusal)
    assert refusal.outcome is Outcome.NOT_A_COUNTED_STATE
    assert refusal.detail == f"a stride of {stride_bytes} bytes"


@pytest.mark.parametrize(("name", "width"), [("count", 1), ("sum", 4), ("fsum", 4)])
def test_the_width_of_the_data_is_read_from_the_text(name: str, width: int) -> None:
    assert _recipe(name).facts.element_bytes == (width,)


def test_an_index_with_two_scales_starts_near() -> None:
    # xz's encoder fills an array of int and one of pointers in one loop; far from 0 the places
    # that one base reaches would lie gigabytes apart.
    region = all_regions()["map"]
    load, store = region.contract.accesses
    twice = replace(store, base=load.base, scale=2, stride_bytes=2 * store.stride_bytes)
    contract = replace(region.contract, accesses=(load, twice))
    recipe = make_recipe(replace(region, contract=contract))
    assert isinstance(recipe, Recipe)
    assert recipe.near_indexes == {"rax"}
    trips = np.full(4096, 10, np.int64)
    found = starts(np.random.default_rng(1), recipe, trips, pointers={"rsi"})["rax"]
    assert 0 <= found.min() <= found.max() < 100
