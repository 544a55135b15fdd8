"""Whatever is missing, broken or killed: gcc's object, gcc's exit code, silence, nothing left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import llmcc
from llmcc.eligibility import describe_source
from llmcc.native.build import build
from llmcc.store.units import UnitEntry
from tests.interception.conftest import SEARCH, Compiler, make_compiler

COMMAND = ["-O3", "-c", "a.c"]
SCRIPT = Path(llmcc.__file__).parent / "native" / "bin" / "llmcc"


@pytest.fixture
def with_python(
    tmp_path_factory: pytest.TempPathFactory, own_cache: Path, tmp_path: Path
) -> Callable[[str], Compiler]:
    """Build llmcc around a stand-in for python, a shell script with the given body."""

    def make(body: str) -> Compiler:
        stand_in = tmp_path_factory.mktemp("python") / "python"
        stand_in.write_text("#!/bin/sh\n" + body)
        stand_in.chmod(0o755)
        native = build(tmp_path_factory.mktemp("native"), entries=(), python=str(stand_in))
        compiler = make_compiler(native, own_cache, tmp_path)
        compiler.environ["LLMCC_MODE"] = "sync"
        (tmp_path / "a.c").write_text(SEARCH)
        return compiler

    return make


def _assert_is_gccs(compiler: Compiler, got: subprocess.CompletedProcess[bytes]) -> None:
    assert (got.returncode, got.stdout, got.stderr) == (0, b"", b"")
    made = (compiler.folder / "a.o").read_bytes()
    compiler.gcc(COMMAND)
    assert made == (compiler.folder / "a.o").read_bytes()


@pytest.mark.parametrize(
    "body", ["exit 1\n", "echo out; echo err >&2\n", "kill -SEGV $$\n", "cat; exit 0\n"]
)
def test_a_failing_python_is_not_noticed(with_python: Callable[[str], Compiler], body: str) -> None:
    compiler = with_python(body)
    _assert_is_gccs(compiler, compiler.run(COMMAND))


def test_a_missing_python_is_not_noticed(with_python: Callable[[str], Compiler]) -> None:
    compiler = with_python("")
    shim = compiler.launcher.parent / "libexec" / "as"
    python = next(
        line.split('"')[1]
        for line in (compiler.launcher.parent / "facts.h").read_text().splitlines()
        if "LLMCC_PYTHON" in line
    )
    assert shim.exists()
    Path(python).unlink()
    _assert_is_gccs(compiler, compiler.run(COMMAND))


def test_what_python_stores_is_used_at_once(with_python: Callable[[str], Compiler]) -> None:
    # $4 is the cache, $5 the key: -I -c <code> <cache> <key> …
    compiler = with_python(
        'mkdir -p "$4/units/$(expr substr "$5" 1 2)"\n'
        'cp "$4/prepared" "$4/units/$(expr substr "$5" 1 2)/$(expr substr "$5" 3 62)"\n'
    )
    text = compiler.unit(COMMAND)
    source = describe_source(compiler.folder / "a.c")
    entry = UnitEntry(text.replace("\tret\n", "\tnop\n\tret\n"), (source,))
    compiler.store.put("00" * 32, entry)
    shutil.copy(compiler.store.path("00" * 32), compiler.cache / "prepared")

    assert compiler.run(COMMAND).stderr == b""

    made = (compiler.folder / "a.o").read_bytes()
    compiler.gcc(COMMAND)
    assert made != (compiler.folder / "a.o").read_bytes()


def test_python_gets_the_unit_and_no_foreign_descriptors(
    with_python: Callable[[str], Compiler],
) -> None:
    compiler = with_python('cat > "$4/got"; ls /proc/self/fd > "$4/descriptors"\n')
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [str(compiler.launcher), *COMMAND],
        cwd=compiler.folder,
        env=compiler.environment(),
        pass_fds=(reading, writing),
    )
    assert process.wait() == 0
    os.close(reading)
    os.close(writing)
    assert (compiler.cache / "got").read_text("latin-1") == compiler.unit(COMMAND)
    # ls itself has one more, for the folder it lists
    assert len((compiler.cache / "descriptors").read_text().split()) == 4


@pytest.mark.parametrize("mode", ["apply", "off"])
def test_python_is_not_started_in_other_modes(
    with_python: Callable[[str], Compiler], mode: str
) -> None:
    compiler = with_python('touch "$4/started"\n')
    _assert_is_gccs(compiler, compiler.run(COMMAND, LLMCC_MODE=mode))
    assert not (compiler.cache / "started").exists()


def test_a_reproducible_build_starts_no_python(with_python: Callable[[str], Compiler]) -> None:
    compiler = with_python('touch "$4/started"\n')
    compiler.run(COMMAND, SOURCE_DATE_EPOCH="1")
    assert not (compiler.cache / "started").exists()


# The stand-in and its child hold the pipe open: its end means that both are gone.
HANGING = 'exec 9> "$4/pipe"; sleep 1000 & echo up >&9; wait\n'


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("whom", ["group", "driver"])
def test_a_killed_compile_leaves_nothing(
    with_python: Callable[[str], Compiler], tmp_path: Path, number: int, whom: str
) -> None:
    compiler = with_python(HANGING)
    temporary = compiler.cache / "tmp"
    temporary.mkdir()
    os.mkfifo(compiler.cache / "pipe")
    process = subprocess.Popen(
        [str(compiler.launcher), *COMMAND],
        cwd=compiler.folder,
        env=compiler.environment(TMPDIR=str(temporary)),
        start_new_session=True,
        stderr=subprocess.PIPE,
    )
    with (compiler.cache / "pipe").open("rb") as pipe:
        assert pipe.readline() == b"up\n"
        # The launcher became gcc: its process is the driver.
        (os.killpg if whom == "group" else os.kill)(process.pid, number)
        assert pipe.read() == b""
    process.communicate()
    assert process.returncode != 0
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "a.o").exists()


def test_a_gcc_killed_outright_takes_python_along(
    with_python: Callable[[str], Compiler],
) -> None:
    compiler = with_python(HANGING)
    os.mkfifo(compiler.cache / "pipe")
    process = subprocess.Popen(
        [str(compiler.launcher), *COMMAND], cwd=compiler.folder, env=compiler.environment()
    )
    with (compiler.cache / "pipe").open("rb") as pipe:
        pipe.readline()
        process.kill()
        assert pipe.read() == b""
    process.wait()


# The real pipeline, but asking gcc again never ends.
HANGING_PIPELINE = """
import signal, sys, tempfile
sys.path.insert(0, {root!r})
sys.argv[1:] = sys.argv[4:]
from llmcc import pipeline

def hang(text, driver):
    with tempfile.TemporaryDirectory(), open(sys.argv[1] + "/pipe", "w", buffering=1) as pipe:
        pipe.write("up\\n")
        while True:
            signal.pause()

pipeline.examine = hang
pipeline.main()
"""


def test_a_killed_compile_leaves_no_temporary_files_of_python(
    with_python: Callable[[str], Compiler], tmp_path_factory: pytest.TempPathFactory
) -> None:
    code = tmp_path_factory.mktemp("code") / "hang.py"
    code.write_text(HANGING_PIPELINE.format(root=str(Path(llmcc.__file__).parent.parent)))
    compiler = with_python(f'exec {sys.executable} {code} "$@"\n')
    temporary = compiler.cache / "tmp"
    temporary.mkdir()
    os.mkfifo(compiler.cache / "pipe")
    process = subprocess.Popen(
        [str(compiler.launcher), *COMMAND],
        cwd=compiler.folder,
        env=compiler.environment(TMPDIR=str(temporary)),
        stderr=subprocess.PIPE,
    )
    with (compiler.cache / "pipe").open("rb") as pipe:
        assert pipe.readline() == b"up\n"
        process.terminate()
        assert pipe.read() == b""
    process.communicate()
    # The pipe closes a moment before its folder is removed; the shim waits for python's end, and
    # nothing tells us of the shim's, so look until the folder is gone (pytest's limit ends it).
    while list(temporary.iterdir()):
        pass


def _run_script(
    script: Path, folder: Path, arguments: list[str], **environ: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(script), *arguments],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        check=False,
    )


@pytest.fixture
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The entry script as pip installs it, in a folder of its own without python."""
    folder = tmp_path_factory.mktemp("venv") / "bin"
    folder.mkdir()
    return Path(shutil.copy(SCRIPT, folder / "llmcc"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.c"
    path.write_text(SEARCH)
    return path


@pytest.mark.parametrize(
    "cache", ["/proc/no-such", "/dev/null/x", "relative/cache"], ids=["proc", "file", "relative"]
)
def test_script_without_python_and_cache_is_gcc(
    script: Path, source: Path, tmp_path: Path, cache: str
) -> None:
    got = _run_script(script, tmp_path, COMMAND, LLMCC_DIR=cache)
    assert (got.returncode, got.stdout, got.stderr) == (0, b"", b"")
    assert (tmp_path / "a.o").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.c", "a.o"]


def test_script_without_home_is_gcc(script: Path, source: Path, tmp_path: Path) -> None:
    got = subprocess.run(
        [str(script), *COMMAND], cwd=tmp_path, env={"PATH": os.environ["PATH"]}, check=False
    )
    assert got.returncode == 0


def test_script_gives_gccs_exit_code_and_messages(script: Path, tmp_path: Path) -> None:
    got = _run_script(script, tmp_path, ["-c", "missing.c"], LLMCC_DIR="/proc/no-such")
    assert got.returncode == 1
    assert b"missing.c: No such file or directory" in got.stderr


def test_script_called_gcc_does_not_find_itself(script: Path, source: Path, tmp_path: Path) -> None:
    alias = script.with_name("gcc")
    alias.symlink_to("llmcc")
    got = _run_script(
        alias,
        tmp_path,
        COMMAND,
        LLMCC_DIR="/proc/no-such",
        PATH=f"{script.parent}:{os.environ['PATH']}",
    )
    assert (got.returncode, got.stderr) == (0, b"")


def _with_python(script: Path) -> Path:
    """Put a python beside the script that can import llmcc, as in a virtual environment."""
    python = script.parent / "python"
    root = Path(llmcc.__file__).parent.parent
    # The script starts it with -I -m llmcc.native.build, three words that are dropped here.
    code = f"import sys, runpy; sys.path.insert(0, {str(root)!r}); del sys.argv[1:4]; "
    code += "runpy.run_module('llmcc.native.build', run_name='__main__')"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
    python.chmod(0o755)
    return python


def test_script_builds_the_launcher_once(
    script: Path, source: Path, tmp_path: Path, own_cache: Path
) -> None:
    python = _with_python(script)
    first = _run_script(script, tmp_path, [*COMMAND, "-v"], LLMCC_MODE="apply")
    assert str(own_cache).encode() in first.stderr
    python.unlink()
    second = _run_script(script, tmp_path, [*COMMAND, "-v"], LLMCC_MODE="apply")
    assert b"libexec/as" in second.stderr


def test_script_and_launcher_called_gcc_do_not_find_each_other(
    script: Path, source: Path, tmp_path: Path
) -> None:
    _with_python(script)
    alias = script.with_name("gcc")
    alias.symlink_to("llmcc")
    path = f"{script.parent}:{os.environ['PATH']}"
    got = _run_script(alias, tmp_path, [*COMMAND, "-v"], LLMCC_MODE="apply", PATH=path)
    assert got.returncode == 0
    assert b"libexec/as" in got.stderr


def test_script_called_gxx_is_gxx(script: Path, source: Path, tmp_path: Path) -> None:
    _with_python(script)
    gxx = Path(shutil.copy(SCRIPT, script.with_name("llmcc-g++")))
    source.rename(tmp_path / "a.cpp")
    got = _run_script(gxx, tmp_path, ["-O3", "-v", "-c", "a.cpp"], LLMCC_MODE="apply")
    assert b"libexec/as" in got.stderr
    assert got.returncode == 0


@pytest.fixture
def in_place(script: Path, source: Path, tmp_path: Path, own_cache: Path) -> Path:
    """The launcher where the script was installed, put there by a first compile."""
    _with_python(script)
    _run_script(script, tmp_path, COMMAND, LLMCC_MODE="apply")
    assert script.read_bytes().startswith(b"\x7fELF")
    return script


def test_launcher_in_the_scripts_place_starts_our_as(in_place: Path, tmp_path: Path) -> None:
    got = _run_script(in_place, tmp_path, [*COMMAND, "-v"], LLMCC_MODE="apply")
    assert b"/libexec/as" in got.stderr


def test_launcher_builds_a_cache_that_was_removed_anew(
    in_place: Path, tmp_path: Path, own_cache: Path
) -> None:
    shutil.rmtree(own_cache)
    first = _run_script(in_place, tmp_path, COMMAND, LLMCC_MODE="apply")
    assert (first.returncode, first.stdout, first.stderr) == (0, b"", b"")
    got = _run_script(in_place, tmp_path, [*COMMAND, "-v"], LLMCC_MODE="apply")
    assert b"/libexec/as" in got.stderr


@pytest.mark.parametrize("cache", ["/proc/no-such", "/dev/null/x", "relative/cache"])
def test_launcher_without_python_and_cache_is_gcc(
    in_place: Path, tmp_path: Path, cache: str
) -> None:
    (in_place.parent / "python").unlink()
    (tmp_path / "a.o").unlink()
    got = _run_script(in_place, tmp_path, COMMAND, LLMCC_DIR=cache)
    assert (got.returncode, got.stdout, got.stderr) == (0, b"", b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.c", "a.o"]


def test_launcher_called_gcc_without_a_cache_does_not_find_itself(
    in_place: Path, tmp_path: Path
) -> None:
    (in_place.parent / "python").unlink()
    other = tmp_path / "masquerade"
    other.mkdir()
    for name in ("gcc", "g++"):
        (other / name).symlink_to(in_place)
    path = f"{other}:{os.environ['PATH']}"
    for name in ("gcc", "g++"):
        got = _run_script(other / name, tmp_path, COMMAND, LLMCC_DIR="/proc/no", PATH=path)
        assert (got.returncode, got.stderr) == (0, b"")


def test_launcher_called_gxx_is_gxx_even_after_the_script(
    in_place: Path, source: Path, tmp_path: Path, own_cache: Path
) -> None:
    shutil.rmtree(own_cache)
    alias = tmp_path / "g++"
    alias.symlink_to(in_place)
    for _ in range(2):
        got = _run_script(alias, tmp_path, ["--version"], LLMCC_MODE="apply")
        assert b"g++" in got.stdout.splitlines()[0]
        source.rename(tmp_path / "a.cpp") if source.exists() else None
        got = _run_script(alias, tmp_path, ["-O3", "-c", "a.cpp"], LLMCC_MODE="apply")
        assert (got.returncode, got.stderr) == (0, b"")


def test_an_installed_script_is_used_again_at_once(in_place: Path, tmp_path: Path) -> None:
    shutil.copy(SCRIPT, in_place)  # as pip does it
    got = _run_script(in_place, tmp_path, [*COMMAND, "-v"], LLMCC_MODE="apply")
    assert b"/libexec/as" in got.stderr
    assert in_place.read_bytes().startswith(b"\x7fELF")


def test_what_is_not_llmccs_is_not_replaced(
    script: Path, source: Path, tmp_path: Path, own_cache: Path
) -> None:
    _with_python(script)
    others = {name: script.with_name(name) for name in ("llmcc-gcc", "llmcc-g++")}
    others["llmcc-gcc"].write_text("#!/bin/sh\nexec gcc\n")
    others["llmcc-g++"].symlink_to("llmcc")
    _run_script(script, tmp_path, COMMAND, LLMCC_MODE="apply")
    assert others["llmcc-gcc"].read_text() == "#!/bin/sh\nexec gcc\n"
    assert others["llmcc-g++"].is_symlink()
