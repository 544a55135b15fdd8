"""An object with fast paths: its companions are gcc's, and it differs only where it should."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from llmcc.eligibility import describe_source
from llmcc.outcome import Outcome
from llmcc.store.units import UnitEntry
from tests.interception.comparison import read_files
from tests.interception.conftest import Compiler
from tests.interception.planted import function, main_of, plant, run

NAMES = ("right_sum", "right_other")
SOURCE = "".join(map(function, NAMES)) + 'int table[3] = {1, 2, 3};\nconst char text[] = "text";\n'
# What a fast path brings along, and what must change when code moves.
NEW = {
    "llmcc_cpu",
    ".text.startup",
    ".init_array",
    ".rela.init_array",
    ".debug.llmcc_paths",
    ".rela.debug.llmcc_paths",
}
MOVED = (".text", ".rela", ".eh_frame", ".debug_", ".symtab", ".strtab", ".shstrtab", ".bss",
         ".note.gnu.property")  # fmt: skip


def _plant(compiler: Compiler, *flags: str) -> None:
    records = plant(compiler, "a.c", *flags)
    accepted = {r.function for r in records if r.decision.outcome is Outcome.ACCEPTED}
    assert accepted == set(NAMES)


@pytest.fixture
def folder(compiler: Compiler) -> Path:
    (compiler.folder / "a.c").write_text(SOURCE)
    (compiler.folder / "main.c").write_text(main_of(NAMES))
    (compiler.folder / "out").mkdir()
    return compiler.folder


def _both(compiler: Compiler, command: str) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return gcc's files and llmcc's; llmcc's objects must have fast paths."""
    before = read_files(compiler.folder)
    made = []
    for start in (compiler.gcc, lambda words: compiler.run(words, LLMCC_MODE="sync")):
        done = start(command.split())
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        files = read_files(compiler.folder)
        made.append({name: files[name] for name in files.keys() - before.keys()})
        for name in made[-1]:
            (compiler.folder / name).unlink()
    expected, got = made
    assert got.keys() == expected.keys()
    return expected, got


@pytest.mark.parametrize(
    ("flags", "companions"),
    [
        ("-MD -MP -MT x", {"a.d"}),
        ("-Wp,-MMD,out/.a.d", {"out/.a.d"}),
        ("-fstack-usage -o out/a.o", {"out/a.su"}),
        ("-save-temps", {"a.i", "a.s"}),
        ("-g -save-temps=obj -o out/a.o", {"out/a.i", "out/a.s"}),
        ("-aux-info out/protos", {"out/protos"}),
        ("-fcallgraph-info -pipe", {"a.ci"}),
    ],
)
def test_companions_of_an_object_are_gccs(
    compiler: Compiler, folder: Path, flags: str, companions: set[str]
) -> None:
    _plant(compiler, *(word for word in flags.split() if word in ("-g", "-pipe")))
    expected, got = _both(compiler, f"-O3 {flags} -c a.c")
    assert {name for name in got if not name.endswith(".o")} == companions
    assert {name for name in got if got[name] != expected[name]} == got.keys() - companions


def _sections(data: bytes) -> dict[str, bytes]:
    return {section.name: section.data() for section in ELFFile(io.BytesIO(data)).iter_sections()}


def _symbols(data: bytes) -> dict[str, tuple[str, str, int]]:
    table = ELFFile(io.BytesIO(data)).get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    return {
        symbol.name: (
            symbol["st_info"]["bind"],
            symbol["st_info"]["type"],
            symbol["st_other"].visibility,
        )
        for symbol in table.iter_symbols()
        if symbol["st_info"]["bind"] != "STB_LOCAL"
    }


@pytest.mark.parametrize("flags", ["", "-g", "-fPIC", "-ffunction-sections -fdata-sections"])
def test_an_object_differs_only_where_code_moved(
    compiler: Compiler, folder: Path, flags: str
) -> None:
    _plant(compiler, *flags.split())
    expected, got = _both(compiler, f"-O3 {flags} -c a.c")
    old, new = _sections(expected["a.o"]), _sections(got["a.o"])
    assert {
        name for name in new.keys() - old.keys() if not name.startswith((".rela", ".bss"))
    } <= NEW
    assert old.keys() <= new.keys()
    changed = {name for name in old if old[name] != new[name]}
    assert {name for name in changed if not name.startswith(MOVED)} == set()
    for name in (".data", ".rodata", ".comment"):
        assert old.get(name) == new.get(name)
    assert _symbols(got["a.o"]) == _symbols(expected["a.o"])


def _dwo_names(data: bytes) -> set[str]:
    info = ELFFile(io.BytesIO(data)).get_dwarf_info()
    return {
        attribute.value.decode()
        for unit in info.iter_CUs()
        for name, attribute in unit.get_top_DIE().attributes.items()
        if name in ("DW_AT_dwo_name", "DW_AT_GNU_dwo_name")
    }


def test_split_debug_information_has_gccs_names_and_is_whole(
    compiler: Compiler, folder: Path
) -> None:
    # The pipeline refuses such units (gcc, run again, names another .dwo); stores may hold one.
    command = ["-O3", "-g", "-gsplit-dwarf", "-c", "a.c"]
    compiler.gcc([*command, "-o", "out/a.o", "-save-temps=obj"])
    text = (folder / "out" / "a.s").read_text("latin-1")
    for path in (folder / "out").iterdir():
        path.unlink()
    entry = UnitEntry(text.replace("\tret\n", "\tnop\n\tret\n"), (describe_source(folder / "a.c"),))
    compiler.store.put(compiler.key(text, command), entry)
    expected, got = _both(compiler, " ".join([*command, "-o", "out/a.o"]))
    assert got.keys() == {"out/a.o", "out/a.dwo"}
    assert _sections(got["out/a.o"])[".text"] != _sections(expected["out/a.o"])[".text"]
    assert _dwo_names(got["out/a.o"]) == _dwo_names(expected["out/a.o"]) == {"out/a.dwo"}
    old, new = _sections(expected["out/a.dwo"]), _sections(got["out/a.dwo"])
    assert old.keys() == new.keys()
    for name in (".debug_str.dwo", ".debug_abbrev.dwo"):
        assert old[name] == new[name]


def test_a_program_of_such_objects_does_what_gccs_does(compiler: Compiler, folder: Path) -> None:
    for flags in ("", "-g -fPIC"):
        _plant(compiler, *flags.split())
        expected, got = _both(compiler, f"-O3 {flags} -c a.c")
        assert got["a.o"] != expected["a.o"]
        outputs = []
        for data in (expected["a.o"], got["a.o"]):
            (folder / "a.o").write_bytes(data)
            compiler.gcc(["-O1", "main.c", "a.o", "-o", "program"])
            outputs.append(run(folder / "program", " ".join(map(str, range(300)))))
            (folder / "program").unlink()
            (folder / "a.o").unlink()
        assert outputs[0] == outputs[1]


@pytest.mark.parametrize("flags", ["--coverage", "-fprofile-arcs -ftest-coverage"])
def test_coverage_is_left_alone_with_gccs_names(
    compiler: Compiler, folder: Path, flags: str
) -> None:
    _plant(compiler)
    result = compiler.compare(f"-O3 {flags} -frandom-seed=1 -c a.c -o out/a.o", LLMCC_MODE="sync")
    assert result.files.keys() == {"out/a.o", "out/a.gcno"}
