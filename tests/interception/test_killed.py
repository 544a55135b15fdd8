"""Killed in the middle: no process, no temporary file and no half object is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import llmcc
from llmcc.toolchain import find_gcc
from tests.interception.conftest import SEARCH, Compiler

COMMAND = ["-O3", "-c", "a.c"]


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


# Orphans become children of this process, so that it sees the end of all that was started.
REAPER = """
import ctypes, os, signal, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
process = subprocess.Popen(sys.argv[3:], start_new_session=True)

def below(pid):
    try:
        children = open(f"/proc/{pid}/task/{pid}/children").read().split()
        name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return {}
    found = {name: pid}
    for child in children:
        found |= below(child)
    return found

found = {}
while process.poll() is None and "llmcc-runner" not in found:
    os.sched_yield()
    found = below(process.pid)
number = int(sys.argv[1])
if sys.argv[2] == "group":
    os.killpg(process.pid, number)
else:
    os.kill(int(found[sys.argv[2]]), number)
process.wait()
print(process.returncode, *sorted(found))
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


@pytest.mark.parametrize(
    ("number", "whom", "code"),
    [(signal.SIGINT, "group", None), (signal.SIGKILL, "as", 1), (signal.SIGKILL, "driver", -9)],
)
def test_a_real_pipeline_killed_in_its_middle_leaves_nothing(
    compiler: Compiler, number: int, whom: str, code: int | None
) -> None:
    (compiler.folder / "a.c").write_text(SEARCH)
    temporary = compiler.cache / "tmp"
    temporary.mkdir()
    victim = find_gcc().resolve().name if whom == "driver" else whom
    done = subprocess.run(
        [sys.executable, "-c", REAPER, str(int(number)), victim, str(compiler.launcher), *COMMAND],
        cwd=compiler.folder,
        env=compiler.environment(LLMCC_MODE="sync", TMPDIR=str(temporary)),
        capture_output=True,
        text=True,
        check=False,
    )
    returncode, *programs = done.stdout.split()
    # The sandbox ran: this was the middle, not the start.
    assert "llmcc-runner" in programs, done.stderr
    assert int(returncode) == code if code is not None else int(returncode) != 0
    assert not (compiler.folder / "a.o").exists()
    # A driver that is killed outright leaves its own temporary text, as gcc does.
    left = [path.name for path in temporary.iterdir() if whom != "driver" or path.suffix != ".s"]
    assert left == []
    assert not list(compiler.cache.rglob(".new-*"))
    compiler.compare("-O3 -c a.c")
