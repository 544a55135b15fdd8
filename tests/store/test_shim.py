"""The `as` shim with damaged entries, with old ones, and with ten thousand others."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from llmcc.eligibility import describe_source
from llmcc.native.build import build
from llmcc.outcome import Outcome
from llmcc.store.files import USED_WITHIN_S
from llmcc.store.records import DecisionStore, RegionDecision
from llmcc.store.units import UnitEntry
from tests.interception.conftest import SEARCH, Compiler, make_compiler

COMMAND = ["-O3", "-c", "a.c"]
HALF = 5_000


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("native"), entries=())


@pytest.fixture
def compiler(native: Path, own_cache: Path, tmp_path: Path) -> Compiler:
    made = make_compiler(native, own_cache, tmp_path)
    (tmp_path / "a.c").write_text(SEARCH)
    return made


@pytest.fixture
def entry(compiler: Compiler) -> Path:
    """The unit in the store, with one instruction more than gcc's."""
    text = compiler.unit(COMMAND)
    key = compiler.key(text, COMMAND)
    rewritten = text.replace("\tret\n", "\tnop\n\tret\n")
    source = describe_source(compiler.folder / "a.c")
    compiler.store.put(key, UnitEntry(rewritten, (source,)))
    return compiler.store.path(key)


def _object(compiler: Compiler) -> bytes:
    got = compiler.run(COMMAND)
    assert (got.returncode, got.stdout, got.stderr) == (0, b"", b"")
    return (compiler.folder / "a.o").read_bytes()


def _gcc_object(compiler: Compiler) -> bytes:
    assert compiler.gcc(COMMAND).returncode == 0
    return (compiler.folder / "a.o").read_bytes()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(b""), _folder, _loop], ids=["empty", "folder", "loop"]
)
def test_what_is_no_entry_is_removed_and_gcc_used(
    compiler: Compiler, entry: Path, damage: Callable[[Path], object]
) -> None:
    damage(entry)
    assert _object(compiler) == _gcc_object(compiler)
    assert not os.path.lexists(entry)


def test_every_kind_of_flipped_byte_gives_gccs_object_or_the_rewritten(
    compiler: Compiler, entry: Path
) -> None:
    whole, rewritten, plain = entry.read_bytes(), _object(compiler), _gcc_object(compiler)
    assert rewritten != plain
    header_bytes = whole.index(b"\n") + 1
    # Each field of the header, the manifest, the text.
    for at in (0, 11, 20, 30, 32, 67, 96, header_bytes - 2, header_bytes - 1, header_bytes, -1):
        for bit in (1, 2, 128):
            flipped = bytearray(whole)
            flipped[at] ^= bit
            entry.write_bytes(flipped)
            # The letter that says whether all loops are decided is not in the checksum, nor is the
            # mark of the assembler.
            is_still_one = at == 20 or (at == 30 and chr(flipped[at]) in "rp")
            assert _object(compiler) == (rewritten if is_still_one else plain)
            assert entry.exists() is is_still_one


@pytest.mark.parametrize(
    ("age_s", "is_marked"), [(USED_WITHIN_S + 600, True), (USED_WITHIN_S - 600, False)]
)
def test_a_hit_marks_its_entry_as_used_once_an_hour(
    compiler: Compiler, entry: Path, age_s: int, is_marked: bool
) -> None:
    before_s = time.time()
    _object(compiler)  # the first time the assembler is noted in the entry
    os.utime(entry, (before_s - age_s, before_s - age_s))
    assert _object(compiler) != _gcc_object(compiler)
    assert (entry.stat().st_mtime >= before_s - 1) is is_marked


def _calls_in_the_cache(compiler: Compiler) -> list[str]:
    """List the system calls of a compile that name something in the store."""
    trace = compiler.folder / "trace"
    traced = ["strace", "-f", "-e", "trace=%file", "-o", str(trace)]
    subprocess.run(
        [*traced, str(compiler.launcher), *COMMAND],
        cwd=compiler.folder,
        env=compiler.environment(),
        check=True,
    )
    store = (f"{compiler.cache}/units", f"{compiler.cache}/regions")
    lines = [line for line in trace.read_text().splitlines() if any(map(line.__contains__, store))]
    return [line.partition(" ")[2].strip() for line in lines]


def test_ten_thousand_entries_cost_a_compile_no_further_look(
    compiler: Compiler, entry: Path
) -> None:
    if shutil.which("strace") is None:
        pytest.skip("no strace: apt install strace")
    rewritten, before = _object(compiler), _calls_in_the_cache(compiler)
    decisions = DecisionStore(compiler.cache)
    for number in range(HALF):
        # Spread as digests are.
        key = f"{number * 0x9E3779B97F4A7C15 % (1 << 64):016x}" * 4
        compiler.store.put(key, UnitEntry("\tret\n" * 40, ()))
        decisions.put(key, RegionDecision(Outcome.NOT_FASTER))

    assert _object(compiler) == rewritten
    assert _calls_in_the_cache(compiler) == before
    assert len(before) == 1
    entry.unlink()
    assert _object(compiler) == _gcc_object(compiler)
    assert len(_calls_in_the_cache(compiler)) == 1
