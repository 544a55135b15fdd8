"""`llmcc-ctl bench`, run for real on few kernels."""

from __future__ import annotations

import ctypes
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from llmcc.ctl.bench import bench
from llmcc.ctl.bench_build import A_A, BASELINE, link_masked, roster
from llmcc.ctl.bench_driver import Driver
from llmcc.ctl.bench_kernels import read_table
from llmcc.ctl.bench_time import make_pool, time_kernels

FOLDER = Path(__file__).parents[2] / "examples" / "kernels"


def test_times_checks_and_writes_json(tmp_path: Path) -> None:
    target = tmp_path / "bench.json"
    done = CliRunner().invoke(
        bench,
        [
            *("--kernels", str(FOLDER), "--only", "sum_u", "--compilers", "gcc,gcc-native"),
            *("--rounds", "3", "--placements", "2", "--cases", "1", "--json", str(target)),
        ],
    )
    assert done.exit_code == 0, done.output
    record = json.loads(target.read_text())
    assert [variant["name"] for variant in record["variants"]] == [BASELINE, A_A, "gcc-native"]
    assert {kernel["name"] for kernel in record["kernels"]} == {"sum_u8", "sum_u16"}
    assert record["check"]["wrong"] == []
    assert record["check"]["case_count"] > 600
    assert record["machine"]["cpu"]


def test_all_kernels_agree_between_gcc_o3_and_gcc_o0() -> None:
    done = CliRunner().invoke(
        bench, ["--kernels", str(FOLDER), "--check", "--cases", "1", "--compilers", "gcc"]
    )
    assert done.exit_code == 0, done.output
    assert "0 wrong results" in done.output


def test_a_compiler_that_is_not_there_leaves_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmcc.ctl.bench_build._which", lambda _name: None)
    found = roster(["gcc", "clang", "clang-native"])
    assert [variant.name for variant in found.variants] == [BASELINE, A_A]
    assert found.notes[0] == "clang: clang is not installed, column left out"


def test_refuses_an_unknown_column() -> None:
    done = CliRunner().invoke(bench, ["--kernels", str(FOLDER), "--compilers", "icc"])
    assert done.exit_code == 2
    assert "unknown compilers: icc" in done.output


def test_every_option_has_a_help_text() -> None:
    assert all(getattr(option, "help", None) for option in bench.params)


def test_in_place_kernels_see_fresh_data_each_pass(driver: Driver, tmp_path: Path) -> None:
    # Were the array not restored, later passes would find no tab to replace.
    kernel = next(k for k in read_table(FOLDER) if k.name == "replace_byte")
    library = tmp_path / "k.so"
    subprocess.run(
        ["gcc", "-O3", "-shared", "-fPIC", FOLDER / "mapping.c", "-o", library], check=True
    )
    pool = make_pool(kernel, 500, np.random.default_rng(1))
    driver.time(driver.functions([library], kernel.name), pool, passes=3, seed=1)
    assert (pool.pristine == ord("\t")).any()
    assert not (pool.written == ord("\t")).any()


def test_masked_library_sees_a_cpu_without_features(tmp_path: Path) -> None:
    unit = tmp_path / "unit.s"
    # What a unit with fast paths holds: a byte in a section of its own, set by a constructor.
    unit.write_text(
        """
        .section llmcc_cpu,"aw"
.Lcpu:  .byte 0
        .text
set:    movb $3, .Lcpu(%rip)
        ret
        .globl features
features: movzbl .Lcpu(%rip), %eax
        ret
        .section .init_array,"aw"
        .quad set
        .section .note.GNU-stack,"",@progbits
        """
    )
    subprocess.run(["as", unit, "-o", unit.with_suffix(".o")], check=True)
    plain = tmp_path / "plain.so"
    subprocess.run(["gcc", "-shared", unit.with_suffix(".o"), "-o", plain], check=True)
    masked = ctypes.CDLL(str(link_masked([unit.with_suffix(".o")], tmp_path)))
    assert ctypes.CDLL(str(plain)).features() == 3
    assert masked.features() == 0
    assert masked.masked_units() == 1


def test_masking_objects_without_fast_paths_does_nothing(tmp_path: Path) -> None:
    source = tmp_path / "plain.c"
    source.write_text("int seven(void) { return 7; }\n")
    subprocess.run(
        ["gcc", "-fPIC", "-c", source, "-o", source.with_suffix(".o")], check=True, cwd=tmp_path
    )
    library = ctypes.CDLL(str(link_masked([source.with_suffix(".o")], tmp_path)))
    assert library.seven() == 7
    assert library.masked_units() == 0


def test_timing_has_a_value_for_each_placement_round_and_variant(
    driver: Driver, tmp_path: Path
) -> None:
    kernel = next(k for k in read_table(FOLDER) if k.name == "sum_u8")
    library = tmp_path / "k.so"
    subprocess.run(
        ["gcc", "-O3", "-shared", "-fPIC", FOLDER / "reductions.c", "-o", library], check=True
    )
    times = time_kernels([kernel], driver, [[library, library]] * 3, n=100, rounds=2, seed=1)
    assert times[0].ns.shape == (3, 2, 2)
    assert (times[0].ns > 0).all()
