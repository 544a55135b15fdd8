"""Fast paths are switched off in finished files of every kind, and on again."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from llmcc.asm.parse import parse
from llmcc.regions.find import find_regions
from llmcc.regions.model import Region
from llmcc.splice import FastPath, splice, without
from llmcc.switches.files import Panel, read_switches, switchable_files
from llmcc.switches.image import find_switches, is_program, is_relocatable, switched
from llmcc.switches.table import Name, UnreadableTable, read_records

SOURCE = """
int first(const int *a, int n)
{ int s = 1; for (int i = 0; i < n; i++) s = s * 31 + a[i]; return s; }
int second(const int *a, int n)
{ int s = 1; for (int i = 0; i < n; i++) s = s * 7 ^ a[i]; return s; }
"""
MAIN = """
#include <stdio.h>
int first(const int *, int), second(const int *, int);
int main(void) { int a[] = {1, 2, 3}; printf("%d %d\\n", first(a, 3), second(a, 3)); return 0; }
"""
RIGHT, ON = "30817 283", "60608 750"
FIRST_OFF, SECOND_OFF = "30817 750", "60608 283"
KEYS = {"first": "f1" * 32, "second": "5e" * 32}


def call(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def with_fast_paths(text: str) -> str:
    """Put a fast path in front of each loop that adds 1 to where it begins."""
    unit = parse(text)
    regions = [region for region in find_regions(unit) if isinstance(region, Region)]
    return splice(unit, [FastPath(r, KEYS[r.function], _wrong(r), "avx2") for r in regions])


def _wrong(region: Region) -> str:
    (accumulator,) = region.contract.accumulators
    return f"\taddq\t$1, %{accumulator}\n\tjmp\t.LH\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with main.c and loops.o, whose two fast paths are on."""
    (tmp_path / "loops.c").write_text(SOURCE)
    (tmp_path / "main.c").write_text(MAIN)
    call(tmp_path, "gcc", "-O3", "-fPIC", "-ffunction-sections", "-S", "loops.c")
    text = (tmp_path / "loops.s").read_text()
    (tmp_path / "loops.s").write_text(with_fast_paths(text))
    call(tmp_path, "gcc", "-c", "loops.s")
    return tmp_path


def skip_without(link: Sequence[str]) -> None:
    for word in link:
        if word.startswith("-fuse-ld=") and not shutil.which(f"ld.{word.partition('=')[2]}"):
            pytest.skip(f"{word}: this linker is not installed")


def switch(path: Path, *functions: str) -> None:
    image = path.read_bytes()
    off = frozenset(KEYS[name] for name in functions)
    path.write_bytes(switched(image, find_switches(image), off))


LINKS = [
    (),
    ("-no-pie",),
    ("-static",),
    ("-static-pie",),
    ("-Wl,-z,now",),
    ("-Wl,--gc-sections",),
    ("-Wl,--compress-debug-sections=zlib",),
    ("-fuse-ld=gold",),
    ("-fuse-ld=gold", "-Wl,--gc-sections"),
]


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_each_fast_path_of_a_program_is_switched_alone(folder: Path, link: tuple[str, ...]) -> None:
    skip_without(link)
    call(folder, "gcc", "main.c", "loops.o", *link, "-o", "p")
    assert [s.name.function for s in read_switches(folder / "p")] == ["first", "second"]
    printed = []
    for off in ((), ("first",), ("second",), ("first", "second"), ()):
        switch(folder / "p", *off)
        printed.append(call(folder, "./p"))
    assert printed == [ON, FIRST_OFF, SECOND_OFF, RIGHT, ON]


@pytest.mark.parametrize("kind", ["object", "relocatable", "archive", "shared"])
def test_a_later_link_keeps_what_is_off(folder: Path, kind: str) -> None:
    made = {"object": "loops.o", "relocatable": "r.o", "archive": "libr.a", "shared": "libr.so"}
    call(folder, "gcc", "-r", "loops.o", "-o", "r.o")
    # Another member first, of odd size and with a long name.
    (folder / "a-member-with-a-long-name.txt").write_text("odd")
    call(folder, "ar", "rcs", "libr.a", "a-member-with-a-long-name.txt", "loops.o")
    call(folder, "gcc", "-shared", "loops.o", "-o", "libr.so")
    path = folder / made[kind]
    assert [s.name for s in read_switches(path)] == [
        Name(KEYS["first"], "first", ".L3", "loops.c"),
        Name(KEYS["second"], "second", ".L9", "loops.c"),
    ]
    switch(path, "first")
    call(folder, "gcc", "main.c", str(path), "-Wl,-rpath,.", "-o", "p")
    assert call(folder, "./p") == FIRST_OFF


@pytest.mark.parametrize("linker", ["-fuse-ld=bfd", "-fuse-ld=gold"])
def test_code_the_linker_dropped_has_no_switch(folder: Path, linker: str) -> None:
    skip_without([linker])
    (folder / "main.c").write_text(MAIN.replace("first(a, 3)", "0"))
    call(folder, "gcc", linker, "main.c", "loops.o", "-Wl,--gc-sections", "-o", "p")
    assert [s.name.function for s in read_switches(folder / "p")] == ["second"]


@pytest.mark.parametrize("linker", ["-fuse-ld=bfd", "-fuse-ld=gold"])
def test_a_dropped_copy_of_an_inline_function_has_no_switch(folder: Path, linker: str) -> None:
    skip_without([linker])
    inline = SOURCE.replace("int first", "inline __attribute__((noinline)) int first")
    for name, key in (("a", "aa" * 32), ("b", "bb" * 32)):
        use = f"int {name}(const int *p, int n) {{ return first(p, n); }}\n"
        (folder / f"{name}.cc").write_text(inline.replace("second", f"second_{name}") + use)
        call(folder, "g++", "-O3", "-S", f"{name}.cc")
        unit = parse((folder / f"{name}.s").read_text())
        regions = [region for region in find_regions(unit) if isinstance(region, Region)]
        paths = [FastPath(r, key, _wrong(r), "avx2") for r in regions if "first" in r.function]
        (folder / f"{name}.s").write_text(splice(unit, paths))
        call(folder, "g++", "-c", f"{name}.s")
        assert [s.name.key for s in read_switches(folder / f"{name}.o")] == [key]
    (folder / "main.cc").write_text("int a(const int *, int); int main() { return a(0, 0); }\n")
    call(folder, "g++", linker, "main.cc", "a.o", "b.o", "-o", "p")
    assert [s.name.key for s in read_switches(folder / "p")] == ["aa" * 32]


def test_a_table_costs_no_loaded_byte(folder: Path) -> None:
    call(folder, "gcc", "main.c", "loops.o", "-o", "p")
    before = call(folder, "size", "-A", "-d", "p")
    call(folder, "objcopy", "--remove-section=.debug.llmcc_paths", "p")
    loaded = [line for line in before.split("\n") if "llmcc_paths" not in line][:-1]
    assert loaded == call(folder, "size", "-A", "-d", "p").split("\n")[: len(loaded)]
    assert call(folder, "./p") == ON


@pytest.mark.parametrize("command", [("strip",), ("strip", "-g"), ("objcopy", "-S")], ids=str)
def test_a_stripped_program_has_no_switches(folder: Path, command: tuple[str, ...]) -> None:
    call(folder, "gcc", "main.c", "loops.o", "-o", "p")
    call(folder, *command, "p")
    assert read_switches(folder / "p") == ()


# Opcode, operand, immediate, and the opcode of the jump; the rest are the linker's addresses.
@pytest.mark.parametrize("position", [0, 1, 6, 7])
def test_bytes_that_are_not_the_guard_are_never_switched(folder: Path, position: int) -> None:
    image = bytearray((folder / "loops.o").read_bytes())
    first, second = find_switches(bytes(image))
    image[first.at - 6 + position] ^= 0x42
    assert find_switches(bytes(image)) == (second,)


def test_a_damaged_table_is_an_error_not_a_guess(folder: Path) -> None:
    image = (folder / "loops.o").read_bytes()
    # The head of the first record: version and feature bit, then a relocated address.
    at = image.index(b"\1\1" + bytes(8) + KEYS["first"].encode())
    with pytest.raises(UnreadableTable):
        find_switches(image[:at] + b"\2" + image[at + 1 :])
    record = image[at : image.index(b"loops.c\0", at) + 8]
    assert [r.name.function for r in read_records(record)] == ["first"]
    with pytest.raises(UnreadableTable):
        list(read_records(record[:-1]))
    with pytest.raises(UnreadableTable):
        list(read_records(record + b"\1"))


def test_files_of_other_kinds_have_no_switches(folder: Path) -> None:
    (folder / "thin.c").write_text("int x;\n")
    call(folder, "ar", "rcsT", "thin.a", "loops.o")
    call(folder, "gcc", "-c", "thin.c")
    for name in ("loops.s", "main.c", "thin.a", "thin.o"):
        assert read_switches(folder / name) == ()


def test_programs_libraries_and_objects_are_told_apart(folder: Path) -> None:
    call(folder, "gcc", "-shared", "loops.o", "-o", "libr.so")
    images = [(folder / name).read_bytes() for name in ("libr.so", "loops.o")]
    for link in ((), ("-no-pie",), ("-static",), ("-static-pie",)):
        call(folder, "gcc", "main.c", "loops.o", *link, "-o", "p")
        images.append((folder / "p").read_bytes())
    assert list(map(is_program, images)) == [False, False, True, True, True, True]
    assert list(map(is_relocatable, images)) == [False, True, False, False, False, False]


def test_files_are_found_below_a_folder_but_not_through_links(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "loops.o").rename(folder / "sub/loops.o")
    (folder / "sub/link.o").symlink_to("loops.o")
    (folder / "damaged.o").write_bytes(b"\x7fELF .debug.llmcc_paths")
    assert switchable_files(folder) == [folder / "sub/loops.o"]


def test_a_panel_leaves_files_as_it_found_them(folder: Path) -> None:
    call(folder, "gcc", "main.c", "loops.o", "-o", "p")
    switch(folder / "p", "second")
    (folder / "p").chmod(0o555)
    before = {name: (folder / name).read_bytes() for name in ("p", "loops.o")}
    status = (folder / "p").stat()
    with suppress(KeyboardInterrupt), Panel([folder / "p", folder / "loops.o"]) as panel:
        assert panel.keys(folder / "p") == [KEYS["first"]]
        panel.switch_off([KEYS["first"]])
        assert call(folder, "./p") == RIGHT
        raise KeyboardInterrupt
    assert {name: (folder / name).read_bytes() for name in before} == before
    after = (folder / "p").stat()
    assert (after.st_mode, after.st_mtime_ns) == (status.st_mode, status.st_mtime_ns)
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []


def test_a_file_that_is_built_anew_meanwhile_is_noticed(folder: Path) -> None:
    built = (folder / "loops.o").read_bytes()
    with Panel([folder / "loops.o"]) as panel:
        panel.switch_off([KEYS["first"]])
        assert not panel.is_undone()
        (folder / "loops.o").write_bytes(built)
        assert panel.is_undone()
        panel.switch_off([KEYS["first"]])
        assert not panel.is_undone()
        (folder / "loops.o").unlink()
        panel.switch_off([KEYS["second"]])
        assert not panel.is_undone()


def test_a_running_program_is_not_disturbed(folder: Path) -> None:
    (folder / "main.c").write_text(MAIN.replace("int a[]", "getchar(); int a[]"))
    call(folder, "gcc", "main.c", "loops.o", "-o", "p")
    with subprocess.Popen(
        ["./p"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        with Panel([folder / "p"]) as panel:
            panel.keep(list(KEYS.values()))
        printed, _ = running.communicate(b"\n")
    assert printed.decode().strip() == ON
    assert subprocess.run(["./p"], cwd=folder, input=b"\n", capture_output=True).stdout != printed


def test_a_rewritten_text_is_switched_like_the_object(folder: Path) -> None:
    text = (folder / "loops.s").read_text()
    off = without(text, lambda name: name.key == KEYS["second"])
    assert without(off, lambda name: name.key == "00" * 32) == off
    (folder / "loops.s").write_text(off)
    call(folder, "gcc", "main.c", "loops.s", "-o", "p")
    assert call(folder, "./p") == SECOND_OFF
    assert [s.is_on for s in read_switches(folder / "p")] == [True, False]
