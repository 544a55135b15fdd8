"""A cache or disk that is full, damaged, foreign or not there: the compile ends as gcc's does."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from llmcc.eligibility import describe_source
from llmcc.native.build import SOURCES
from llmcc.native.identity import digest_bytes
from llmcc.store.units import UnitEntry
from tests.interception.comparison import compare, plain_program
from tests.interception.conftest import SEARCH, Compiler

COMMAND = ["-O3", "-c", "a.c"]
NO_LOOP = "int twice(int x) { return 2 * x; }\n"
# $0: a folder; what it held is put back into a file system that is then filled to the last byte.
FULL = """
mkdir "$0.kept" && cp -a "$0/." "$0.kept" && mount -t tmpfs -o size=SIZE tmpfs "$0" &&
cp -a "$0.kept/." "$0" && rm -r "$0.kept" && chmod 700 "$0"
cat /dev/zero > "$0/filling" 2> /dev/null
exec "$@"
"""


@pytest.fixture
def source(compiler: Compiler) -> Path:
    path = compiler.folder / "a.c"
    path.write_text(SEARCH)
    (compiler.folder / "none.c").write_text(NO_LOOP)
    return path


@pytest.fixture
def with_script(tmp_path_factory: pytest.TempPathFactory, script_python: Path) -> Path:
    """The installed script with a python beside it that can build llmcc."""
    folder = tmp_path_factory.mktemp("venv") / "bin"
    folder.mkdir()
    shutil.copy(script_python, folder / "python")
    return Path(shutil.copy(SOURCES / "bin" / "llmcc", folder))


def _on_full_disk(folder: Path, size: str) -> list[str]:
    """Return the words in front of a command that has `folder` on a full file system of its own.

    The test is skipped where mounting is not allowed.
    """
    for namespace in (["unshare", "-m"], ["unshare", "-U", "-r", "-m"]):
        trial = [*namespace, "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/mnt"]
        if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
            folder.mkdir(exist_ok=True)
            return [*namespace, "sh", "-c", FULL.replace("SIZE", size), str(folder)]
    pytest.skip("neither root nor a user namespace may mount a tmpfs here")


def _put_hit(compiler: Compiler) -> Path:
    """Put an entry into the store that a compile would use; it is told from gcc's by a nop."""
    text = compiler.unit(COMMAND)
    source = describe_source(compiler.folder / "a.c")
    key = compiler.key(text, COMMAND)
    compiler.store.put(key, UnitEntry(text.replace("\tret\n", "\tnop\n\tret\n"), (source,)))
    return compiler.store.path(key)


def test_a_store_on_a_full_disk_changes_nothing(compiler: Compiler, source: Path) -> None:
    # The real pipeline: `none.c` ends with an entry that cannot be written.
    before = _on_full_disk(compiler.cache, "16m")
    for command in ("-O3 -c none.c", "-O3 -pipe -g -c none.c", "-O3 -c a.c"):
        compiler.compare(command, before=before, LLMCC_MODE="sync", LLMCC_BUDGET="0.001")


def test_a_store_on_a_disk_that_is_not_full_is_written(compiler: Compiler, source: Path) -> None:
    compiler.run(["-O3", "-c", "none.c"], LLMCC_MODE="sync")
    assert list(compiler.cache.glob("units/*/*"))


def test_a_full_temporary_folder_is_gccs_own_affair(compiler: Compiler, source: Path) -> None:
    temporary = compiler.cache / "tmp"
    before = _on_full_disk(temporary, "4k")
    environ = {"TMPDIR": str(temporary), "LLMCC_MODE": "sync", "LLMCC_BUDGET": "0.001"}
    for command in ("-O3 -pipe -c a.c", "-O3 -save-temps -c a.c", "-O3 -pipe -c none.c"):
        (ending,) = compiler.compare(command, before=before, **environ).endings
        assert ending.returncode == 0
    # Without -pipe gcc fails, with a random name in its message.
    failed = subprocess.run(
        [*before, str(compiler.launcher), *COMMAND],
        cwd=compiler.folder,
        env=compiler.environment(**environ),
        capture_output=True,
        check=False,
    )
    assert failed.returncode == 1
    assert b"No space left on device" in failed.stderr
    assert b"llmcc:" not in failed.stderr
    assert not (compiler.folder / "a.o").exists()


def test_a_script_whose_cache_is_on_a_full_disk_is_gcc(
    with_script: Path, compiler: Compiler, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    environ = {**os.environ, "XDG_CACHE_HOME": str(home), "LLMCC_MODE": "sync"}
    environ.pop("LLMCC_DIR")
    _compare_script(with_script, source, environ, before=_on_full_disk(home, "64k"))


@pytest.mark.parametrize("home", ["/proc/no-such", "/dev/null", ""])
def test_a_script_whose_home_cannot_be_written_is_gcc(
    with_script: Path, compiler: Compiler, source: Path, home: str
) -> None:
    environ = {**os.environ, "HOME": home or "/proc/self/no-such", "LLMCC_MODE": "sync"}
    for name in ("LLMCC_DIR", "XDG_CACHE_HOME"):
        environ.pop(name, None)
    _compare_script(with_script, source, environ)


def test_a_script_whose_cache_is_a_file_is_gcc(
    with_script: Path, compiler: Compiler, source: Path, own_cache: Path
) -> None:
    (own_cache / "file").touch()
    environ = {**os.environ, "LLMCC_DIR": str(own_cache / "file"), "LLMCC_MODE": "sync"}
    _compare_script(with_script, source, environ)


def _compare_script(
    script: Path, source: Path, environ: dict[str, str], *, before: Sequence[str] = ()
) -> None:
    for step in ("-O3 -c a.c", "-O3 -c no-such.c"):
        compare(
            [*before, str(script)],
            [*before, plain_program("gcc")],
            steps=[step],
            folder=source.parent,
            environ=environ,
        )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_cache_of_somebody_else_is_not_used(compiler: Compiler, source: Path) -> None:
    _put_hit(compiler)
    os.chown(compiler.cache, 65534, 65534)
    compiler.compare("-O3 -c a.c")
    compiler.compare("-O3 -c a.c", LLMCC_MODE="sync")


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_cache_that_others_can_write_is_not_used(
    compiler: Compiler, source: Path, mode: int
) -> None:
    _put_hit(compiler)
    compiler.cache.chmod(mode)
    compiler.compare("-O3 -c a.c", LLMCC_MODE="sync")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _folder(path: Path) -> None:
    path.unlink()
    (path / "in").mkdir(parents=True)


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def _shard_is_a_file(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.touch()


def _all_is_a_file(path: Path) -> None:
    shutil.rmtree(path.parent.parent)
    path.parent.parent.write_text("units")


def _of_another_unit(path: Path) -> None:
    # A whole, well-formed entry: its manifest names what is not there.
    body = b"1 1 " + b"0" * 64 + b" /no/such.c\n"
    digest = digest_bytes(body + b"\tnop\n").encode()
    path.write_bytes(b"llmcc-unit 2 %s r %s %d 5\n%s\tnop\n" % (b"0" * 16, digest, len(body), body))


def _absurd_sizes(path: Path) -> None:
    path.write_bytes(
        b"llmcc-unit 2 " + b"0" * 16 + b" r " + b"0" * 64 + b" 18446744073709551615 2\nx\n"
    )


def _doubled(path: Path) -> None:
    path.write_bytes(path.read_bytes() * 2)


@pytest.mark.parametrize(
    "damage",
    [_empty, _zeros, _folder, _loop, _shard_is_a_file, _all_is_a_file, _of_another_unit,
     _absurd_sizes, _doubled],
)  # fmt: skip
def test_a_damaged_store_changes_nothing(
    compiler: Compiler, source: Path, damage: Callable[[Path], None]
) -> None:
    path = _put_hit(compiler)
    damage(path)
    compiler.compare("-O3 -c a.c")
    # What the real pipeline cannot write is no reason to fail either.
    compiler.compare("-O3 -c none.c", LLMCC_MODE="sync")


def test_folders_and_files_of_the_store_in_each_others_place_change_nothing(
    compiler: Compiler, source: Path
) -> None:
    for name in ("regions", "outcomes", "refused", "timing"):
        (compiler.cache / name).touch()
    (compiler.cache / "llmcc.log").mkdir()
    compiler.compare("-O3 -c none.c", LLMCC_MODE="sync")
    compiler.compare("-O3 -c a.c", LLMCC_MODE="sync", LLMCC_BUDGET="0.001")


def test_a_store_of_thousands_gives_what_one_of_a_single_entry_gives(
    compiler: Compiler, source: Path
) -> None:
    expected = _put_hit(compiler).read_bytes()
    for i in range(2_000):
        folder = compiler.cache / "units" / f"{i % 256:02x}"
        folder.mkdir(exist_ok=True)
        (folder / f"{i:062x}").write_bytes(expected[:-1] if i % 2 else expected)
    compiler.run(COMMAND)
    with_hit = (compiler.folder / "a.o").read_bytes()
    compiler.gcc(COMMAND)
    assert with_hit != (compiler.folder / "a.o").read_bytes()
    compiler.compare("-O2 -c a.c")
