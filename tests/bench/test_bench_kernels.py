"""The table of kernels, and the data made from it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from llmcc.ctl.bench_kernels import Kernel, everyday_inputs, fill, read_table

FOLDER = Path(__file__).parents[2] / "examples" / "kernels"
TABLE = read_table(FOLDER)


def test_table_names_every_kernel_of_the_sources_once() -> None:
    written = [
        name
        for source in FOLDER.glob("*.c")
        for name in re.findall(r"^KERNEL\((\w+)\)", source.read_text(), re.MULTILINE)
    ]
    assert Counter(kernel.name for kernel in TABLE) == Counter(written)
    assert set(Counter(written).values()) == {1}


def test_suite_has_at_least_44_kernels_of_which_a_tenth_is_hopeless() -> None:
    serial = sum(kernel.family == "serial" for kernel in TABLE)
    assert len(TABLE) >= 44
    assert 0.08 <= serial / len(TABLE) <= 0.15


def test_suite_covers_all_element_sizes_and_both_float_types() -> None:
    assert {kernel.element for kernel in TABLE} >= {
        "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64",
    }  # fmt: skip


@pytest.mark.parametrize("kernel", TABLE, ids=lambda kernel: kernel.name)
def test_everyday_values_never_end_a_search_early(kernel: Kernel) -> None:
    if kernel.hit in ("", "differ"):
        return
    values = fill(kernel, 2000, np.random.default_rng(1))
    assert float(kernel.hit) not in values.astype(float)


def test_everyday_search_ends_at_its_last_element() -> None:
    find = next(kernel for kernel in TABLE if kernel.name == "find_i32")
    values = everyday_inputs(find, 50, np.random.default_rng(1)).a.view(np.int32)
    assert list(np.flatnonzero(values == 7)) == [49]


def test_everyday_compare_differs_at_its_last_element() -> None:
    equal = next(kernel for kernel in TABLE if kernel.name == "equal_u64")
    inputs = everyday_inputs(equal, 50, np.random.default_rng(1))
    different = inputs.a.view(np.uint64) != inputs.b.view(np.uint64)
    assert list(np.flatnonzero(different)) == [49]


def test_refuses_a_row_with_an_unknown_type(tmp_path: Path) -> None:
    header = (FOLDER / "kernels.csv").read_text().splitlines()[0]
    (tmp_path / "kernels.csv").write_text(f"{header}\nodd,count,u7,a,0..1,0,,yes\n")
    with pytest.raises(ValueError, match="'odd'"):
        read_table(tmp_path)
