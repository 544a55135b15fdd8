"""What the shim does with entries of the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcc.eligibility import describe_source
from llmcc.store.units import UnitEntry
from tests.interception.conftest import SEARCH, Compiler

COMMAND = ["-O3", "-c", "a.c"]


def _object(compiler: Compiler, arguments: list[str] = COMMAND) -> bytes:
    got = compiler.run(arguments)
    assert (got.returncode, got.stdout, got.stderr) == (0, b"", b"")
    return (compiler.folder / "a.o").read_bytes()


def _gcc_object(compiler: Compiler, arguments: list[str] = COMMAND) -> bytes:
    assert compiler.gcc(arguments).returncode == 0
    return (compiler.folder / "a.o").read_bytes()


def _put(compiler: Compiler, rewritten: str | None, arguments: list[str] = COMMAND) -> Path:
    source = compiler.folder / "a.c"
    text = compiler.unit(arguments)
    key = compiler.key(text, arguments)
    compiler.store.put(key, UnitEntry(rewritten, (describe_source(source),)))
    return compiler.store.path(key)


def _with_nop(compiler: Compiler, arguments: list[str] = COMMAND) -> str:
    return compiler.unit(arguments).replace("\tret\n", "\tnop\n\tret\n")


@pytest.fixture(autouse=True)
def source(compiler: Compiler) -> Path:
    path = compiler.folder / "a.c"
    path.write_text(SEARCH)
    return path


@pytest.mark.parametrize("extra", [[], ["-pipe"], ["-g"], ["-save-temps"], ["-g", "-pipe"]])
def test_puts_the_rewritten_text_in(compiler: Compiler, extra: list[str]) -> None:
    command = [*COMMAND, *extra]
    rewritten = _with_nop(compiler, command)
    _put(compiler, rewritten, command)
    (compiler.folder / "b.s").write_text(rewritten)
    compiler.gcc(["-c", "b.s", "-o", "b.o"])

    got = _object(compiler, command)

    assert got != _gcc_object(compiler, command)
    if "-g" not in extra:
        assert got == (compiler.folder / "b.o").read_bytes()


def test_an_output_elsewhere_is_the_same_unit(compiler: Compiler) -> None:
    _put(compiler, _with_nop(compiler))
    compiler.run([*COMMAND, "-o", "other.o"])
    assert (compiler.folder / "other.o").read_bytes() != _gcc_object(compiler)


def test_another_requirement_is_another_unit(compiler: Compiler) -> None:
    _put(compiler, _with_nop(compiler))
    compiler.environ["LLMCC_REQUIRE"] = "bounded"
    assert _object(compiler) == _gcc_object(compiler)


def test_negative_entry_gives_gccs_object(compiler: Compiler) -> None:
    _put(compiler, None)
    assert _object(compiler) == _gcc_object(compiler)


def test_a_changed_source_makes_the_entry_stale(compiler: Compiler, source: Path) -> None:
    path = _put(compiler, _with_nop(compiler))
    # gcc's text stays the same, yet the pointer may by now be volatile.
    source.write_text(SEARCH.replace("const int", "const  int"))
    assert _object(compiler) == _gcc_object(compiler)
    assert path.exists()


def test_a_touched_source_is_compared_by_content(compiler: Compiler, source: Path) -> None:
    _put(compiler, _with_nop(compiler))
    source.write_text(SEARCH)
    assert _object(compiler) != _gcc_object(compiler)


@pytest.mark.parametrize(
    "bad", ["\tnonsense\n", '\t.warning "hm"\n', '\t.error "no"\n', '\t.print "hello"\n']
)
def test_text_the_assembler_objects_to_is_dropped(compiler: Compiler, bad: str) -> None:
    _put(compiler, _with_nop(compiler) + bad)
    assert _object(compiler) == _gcc_object(compiler)


def _mark(entry: Path) -> bytes:
    return entry.read_bytes().split(b" ")[2]


@pytest.mark.parametrize("extra", [[], ["-pipe"]])
def test_a_text_assembled_in_silence_is_assembled_alike_again(
    compiler: Compiler, extra: list[str]
) -> None:
    command = [*COMMAND, *extra]
    entry = _put(compiler, _with_nop(compiler, command), command)
    assert _mark(entry) == b"0" * 16
    first = _object(compiler, command)
    assert _mark(entry) != b"0" * 16
    assert _object(compiler, command) == first
    assert first != _gcc_object(compiler, command)


def test_a_text_the_assembler_objects_to_gets_no_mark(compiler: Compiler) -> None:
    entry = _put(compiler, _with_nop(compiler) + '\t.warning "hm"\n')
    _object(compiler)
    assert _mark(entry) == b"0" * 16


def test_another_assembler_is_listened_to_anew(compiler: Compiler) -> None:
    entry = _put(compiler, _with_nop(compiler) + '\t.warning "hm"\n')
    data = entry.read_bytes()
    entry.write_bytes(data.replace(b" " + b"0" * 16, b" " + b"f" * 16, 1))
    assert _object(compiler) == _gcc_object(compiler)


@pytest.mark.parametrize("position", [0, 30, 56, 136, -30, -1])
def test_a_damaged_entry_is_removed_and_gcc_used(compiler: Compiler, position: int) -> None:
    path = _put(compiler, _with_nop(compiler))
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    assert _object(compiler) == _gcc_object(compiler)
    assert not path.exists()


def test_a_truncated_entry_is_removed_and_gcc_used(compiler: Compiler) -> None:
    path = _put(compiler, _with_nop(compiler))
    path.write_bytes(path.read_bytes()[:-10])
    assert _object(compiler) == _gcc_object(compiler)
    assert not path.exists()


def test_a_cache_others_can_write_to_is_not_used(compiler: Compiler) -> None:
    _put(compiler, _with_nop(compiler))
    compiler.cache.chmod(0o777)
    assert _object(compiler) == _gcc_object(compiler)


def test_excluded_flags_are_left_alone(compiler: Compiler) -> None:
    for flag in ("-O1", "-O0", "-ffreestanding", "-pg", "-fsanitize=undefined", "-mno-red-zone"):
        command = [*COMMAND, flag]
        _put(compiler, _with_nop(compiler, command), command)
        assert _object(compiler, command) == _gcc_object(compiler, command)


def test_configure_probes_are_left_alone(compiler: Compiler, source: Path) -> None:
    source.rename(source.with_name("conftest.c"))
    command = ["-O3", "-c", "conftest.c"]
    text = compiler.unit(command)
    entry = UnitEntry(text.replace("\tret\n", "\tnop\n\tret\n"), ())
    compiler.store.put(compiler.key(text, command), entry)
    compiler.gcc(command)
    expected = (compiler.folder / "conftest.o").read_bytes()
    compiler.run(command)
    assert (compiler.folder / "conftest.o").read_bytes() == expected
