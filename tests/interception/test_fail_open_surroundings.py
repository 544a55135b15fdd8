"""Strange surroundings of a compile: it ends as gcc's does, with gcc's files and messages."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from llmcc.eligibility import describe_source
from llmcc.store.units import UnitEntry
from tests.interception.comparison import plain_program, read_files
from tests.interception.conftest import SEARCH, Compiler

COMMAND = ["-O3", "-c", "a.c"]
GCC = plain_program("gcc")
# What the stand-in for python leaves when it is started.
TOUCH = 'touch "$4/started"\n'


@pytest.fixture
def source(compiler: Compiler) -> Path:
    path = compiler.folder / "a.c"
    path.write_text(SEARCH)
    return path


def _plant_hit(compiler: Compiler, command: Sequence[str]) -> None:
    """Make the store know a text for a unit that is told from gcc's by a nop."""
    text = compiler.unit(command)
    entry = UnitEntry(
        text.replace("\tret\n", "\tnop\n\tret\n"), (describe_source(compiler.folder / "a.c"),)
    )
    compiler.store.put(compiler.key(text, command), entry)


@pytest.mark.parametrize(
    "environ",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"},
        {"LC_ALL": "no_SUCH.locale"},
        {"LANG": "ja_JP.SJIS", "LC_CTYPE": "zh_CN.GB18030", "LANGUAGE": "de:fr"},
        {"LC_ALL": "\xff\xfe"},
        {"TERM": "xterm-256color", "GCC_COLORS": "error=01;31"},
        {"IFS": "/", "ENV": "/no/such", "PS4": "$(touch oops)", "BASH_ENV": "/no/such"},
        {"PWD": "/no/such/folder"},
        {"TMPDIR": "/no/such/folder"},
        {"COMPILER_PATH": "/no/such/folder"},
        {"CPATH": "deeper", "C_INCLUDE_PATH": "", "LIBRARY_PATH": ":"},
        {"HOME": "/no/such/folder", "XDG_CACHE_HOME": "/no/such/folder"},
    ],
    ids=lambda environ: next(iter(environ)) + str(len(environ)),
)
def test_the_environment_changes_nothing(
    compiler: Compiler, source: Path, environ: dict[str, str]
) -> None:
    (compiler.folder / "grüße.c").write_text(SEARCH + "int f(void) { return „x; }\n")
    for command in ("-O3 -c a.c", "-O3 -c grüße.c", "-O3 -Wall -pipe -c a.c -save-temps"):
        compiler.compare(command, **environ)


@pytest.mark.parametrize("search_path", [None, "", ":", "/no/such/folder", "/proc/self/fd"])
def test_an_empty_path_changes_nothing(
    compiler: Compiler, source: Path, search_path: str | None
) -> None:
    results = []
    for program in (GCC, str(compiler.launcher)):
        environ = compiler.environment()
        environ.pop("PATH")
        if search_path is not None:
            environ["PATH"] = search_path
        done = subprocess.run(
            [program, *COMMAND], cwd=compiler.folder, env=environ, capture_output=True, check=False
        )
        results.append((done.returncode, done.stdout, done.stderr, read_files(compiler.folder)))
        (compiler.folder / "a.o").unlink(missing_ok=True)
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("closed", "form"),
    [
        *((which, "") for which in ("<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-")),
        # With -pipe and >&- gcc itself makes no object, or does not end.
        *((which, "-pipe") for which in ("<&-", "2>&-")),
    ],
)
def test_closed_descriptors_change_nothing(
    compiler: Compiler, source: Path, closed: str, form: str
) -> None:
    command = [*COMMAND, *form.split()]

    def build(program: str) -> tuple[int, bytes]:
        (compiler.folder / "a.o").unlink(missing_ok=True)
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", program, *command],
            cwd=compiler.folder,
            env=compiler.environment(),
            capture_output=True,
            check=False,
        )
        return done.returncode, (compiler.folder / "a.o").read_bytes()

    expected = build(GCC)
    assert build(str(compiler.launcher)) == expected
    # A file that we open ourselves must not become standard error of the assembler.
    _plant_hit(compiler, command)
    compiler.run(command)
    rewritten = (compiler.folder / "a.o").read_bytes()
    assert rewritten != expected[1]
    assert build(str(compiler.launcher)) == (0, rewritten)


def test_closed_descriptors_are_open_for_python(with_python: Callable[[str], Compiler]) -> None:
    compiler = with_python('echo out && echo err >&2 && cat > "$4/got" && touch "$4/started"\n')
    compiler.run(COMMAND, LLMCC_MODE="apply")  # the launcher has asked gcc what it must know
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", str(compiler.launcher), *COMMAND],
        cwd=compiler.folder,
        env=compiler.environment(),
        check=False,
    )
    assert done.returncode == 0
    assert (compiler.cache / "got").read_text("latin-1") == compiler.unit(COMMAND)
    assert (compiler.cache / "started").exists()


def _start(program: Path | str, padding: int, arguments: Sequence[str], folder: Path) -> int | None:
    """Run a program in an environment of some length; None when the kernel finds it too long."""
    parts = {f"PAD{i}": "x" * min(100_000, padding - i) for i in range(0, padding, 100_000)}
    try:
        done = subprocess.run(
            [str(program), *arguments],
            cwd=folder,
            env={"LLMCC_MODE": "apply", "PATH": os.environ["PATH"], **parts},
            capture_output=True,
            check=False,
        )
    except OSError:
        return None
    return done.returncode


def test_no_environment_is_too_long_for_llmcc_alone(compiler: Compiler, source: Path) -> None:
    # The longest environment that the kernel starts the launcher with.
    fits, too_long = 0, 64 << 20
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if (
            _start(
                compiler.launcher,
                middle,
                ["-O3", "-pipe", "-c", "a.c", "--version"],
                compiler.folder,
            )
            is None
        ):
            too_long = middle
        else:
            fits = middle
    for less in (0, 1, 40, 100, 200, 400, 1000, 5000):
        for command in (["-O3", "-c", "a.c"], ["-O3", "-pipe", "-c", "a.c"]):
            (compiler.folder / "a.o").unlink(missing_ok=True)
            assert _start(compiler.launcher, fits - less, command, compiler.folder) == 0
            assert (compiler.folder / "a.o").exists()


@pytest.mark.parametrize("count", [3_000, 20_000, 200_000])
def test_long_argument_lists_end_as_gccs_do(compiler: Compiler, source: Path, count: int) -> None:
    # gcc hands its options on in one variable: it is gcc itself that finds 128 KB too long.
    words = [f"-DX{i}=1" for i in range(count)]
    results = []
    for program in (GCC, str(compiler.launcher)):
        try:
            done = subprocess.run(
                [program, *COMMAND, *words],
                cwd=compiler.folder,
                env=compiler.environment(),
                capture_output=True,
                check=False,
            )
            results.append((done.returncode, done.stderr, read_files(compiler.folder).keys()))
        except OSError as error:
            results.append((error.errno, b"", {}.keys()))
        (compiler.folder / "a.o").unlink(missing_ok=True)
    assert results[0] == results[1]
    (compiler.folder / "options").write_text("\n".join(words))
    (ending,) = compiler.compare("-O3 -c a.c @options").endings
    assert (ending.returncode == 0) == (count == 3_000)


def test_odd_sources_and_folders_change_nothing(compiler: Compiler, source: Path) -> None:
    folder = compiler.folder
    (folder / "link.c").symlink_to("a.c")
    (folder / "dangling.c").symlink_to("no-such.c")
    (folder / "loop.c").symlink_to("loop.c")
    (folder / "away").symlink_to(".")
    (folder / "empty.c").touch()
    (folder / "folder.c").mkdir()
    (folder / ("n" * 240 + ".c")).write_text(SEARCH)
    (folder / "-fsyntax-only.c").write_text(SEARCH)
    (folder / "crlf.c").write_bytes(b"\xef\xbb\xbf" + SEARCH.replace("\n", "\r\n").encode())
    (folder / "zero.c").write_bytes(SEARCH.encode() + b"\0\n")
    os.mkfifo(folder / "nobody-writes")
    for command in (
        "-g -c link.c",
        "-c dangling.c",
        "-c loop.c",
        "-c away/away/a.c -o away/b.o",
        "-c empty.c",
        "-c folder.c",
        f"-save-temps -c {'n' * 240}.c",
        "-c ./-fsyntax-only.c",
        "-c crlf.c",
        "-c zero.c",
        f"-c {folder}/././/a.c -o /dev/null",
        "-c a.c -o /no/such/folder/a.o",
        f"-c {'./' * 3000}a.c",
    ):
        compiler.compare(f"-O3 {command}")


def test_a_folder_deeper_than_a_path_can_say_changes_nothing(
    compiler: Compiler, source: Path
) -> None:
    results = []
    for program in (GCC, str(compiler.launcher)):
        top = os.open(compiler.folder, os.O_RDONLY)
        folder = top
        for _ in range(25):
            os.makedirs(f"/proc/self/fd/{folder}/{'d' * 200}", exist_ok=True)
            folder = os.open("d" * 200, os.O_RDONLY, dir_fd=folder)
        shutil.copy(source, f"/proc/self/fd/{folder}/a.c")
        done = subprocess.run(
            [program, "-O3", "-c", "a.c"],
            cwd=f"/proc/self/fd/{folder}",
            env=compiler.environment(),
            capture_output=True,
            check=False,
        )
        made = Path(f"/proc/self/fd/{folder}/a.o").read_bytes()
        results.append((done.returncode, done.stdout, done.stderr, made))
        subprocess.run(["rm", "-rf", compiler.folder / ("d" * 200)], check=True)
    assert results[0] == results[1]
    assert results[0][0] == 0


# $0: a folder that cannot be written, not even by root.
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec "$@"'


def test_a_folder_that_cannot_be_written_changes_nothing(
    compiler: Compiler, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = ["unshare", "-m", "sh", "-c", READ_ONLY, str(compiler.folder)]
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a mount namespace is not allowed here: unshare -m and mount fail")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for command in ("-c a.c", "-c a.c -o /dev/null", "-c a.c -save-temps", "-MD -c a.c"):
        compiler.compare(f"-O3 {command}", before=before)
    (ending,) = compiler.compare(f"-O3 -c a.c -o {elsewhere}/a.o", before=before).endings
    assert ending.returncode == 0


def test_a_folder_that_is_gone_changes_nothing(compiler: Compiler, tmp_path: Path) -> None:
    def build(program: str) -> tuple[int, bytes, bytes]:
        gone = tmp_path / "gone"
        gone.mkdir()
        done = subprocess.run(
            ["sh", "-c", f'rmdir "{gone}"; exec "$@"', "sh", program, *COMMAND],
            cwd=gone,
            env=compiler.environment(),
            capture_output=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    assert build(str(compiler.launcher)) == build(GCC)
