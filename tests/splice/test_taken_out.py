"""Gcc's text comes back out of a text with fast paths."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from llmcc.asm.parse import parse
from llmcc.regions.model import Region
from llmcc.splice import FastPath, splice, taken_out, without
from llmcc.training.widen import widen
from tests.splice.test_splice import KEY, compiled, regions_of


def _rewrites(regions: list[Region], isa: str) -> Mapping[str, str]:
    return {region.placement.head_label: widen(region, isa) for region in regions}


def _spliced(text: str, regions: list[Region], isa: str) -> str:
    paths = [FastPath(region, KEY, widen(region, isa), isa) for region in regions]
    return splice(parse(text), paths)


@pytest.mark.parametrize("isa", ["avx2", "avx512"])
@pytest.mark.parametrize("flags", [(), ("-fPIC",), ("-O2",), ("-g",)], ids=str)
def test_gives_gccs_text_back(tmp_path: Path, isa: str, flags: tuple[str, ...]) -> None:
    text = compiled(tmp_path, *flags)
    regions = regions_of(text)
    spliced = _spliced(text, regions, isa)
    assert spliced != text or not regions
    assert taken_out(spliced, _rewrites(regions, isa)) == text


def test_fast_paths_that_are_switched_off_come_out_too(tmp_path: Path) -> None:
    text = compiled(tmp_path)
    regions = regions_of(text)
    spliced = without(_spliced(text, regions, "avx2"), {KEY})
    assert taken_out(spliced, _rewrites(regions, "avx2")) == text


def test_says_that_it_cannot_tell_when_a_rewrite_is_another(tmp_path: Path) -> None:
    text = compiled(tmp_path)
    regions = regions_of(text)
    spliced = _spliced(text, regions, "avx2")
    assert taken_out(spliced, _rewrites(regions, "avx512")) is None
    assert taken_out(spliced, {}) is None


def test_leaves_gccs_text_alone(tmp_path: Path) -> None:
    text = compiled(tmp_path)
    assert taken_out(text, {}) == text
