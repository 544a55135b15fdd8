"""Run the user's tests: his own program on a folder of inputs, or his own command.

They run as he would run them, with his rights and outside the sandbox.
"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from llmcc.blame.search import Trial
from llmcc.errors import LlmccError

# What gcc and llmcc set for the processes they start, and what would make a test start another one.
_NOT_THE_USERS = (
    "LLMCC_TESTS LLMCC_TEST_CMD LLMCC_DEPTH LLMCC_AS LLMCC_AS_NAME LLMCC_RENEWED COLLECT_GCC "
    "COLLECT_GCC_OPTIONS COLLECT_LTO_WRAPPER OFFLOAD_TARGET_NAMES MAKEFLAGS MFLAGS MAKELEVEL"
).split()
_PRINTED_MOST_BYTES = 1 << 30
_TAIL_BYTES = 2000
_SHOWN_BYTES = 60


class BadTests(LlmccError):
    """The tests that the user named are not there."""


@dataclass(frozen=True, slots=True)
class Command:
    """A test that passes when it ends with 0."""

    words: tuple[str, ...]
    title: str  # what the user wrote
    folder: Path  # to run in
    environ: Mapping[str, str]
    timeout_s: float | None  # None: as long as it takes

    def run(self) -> Trial:
        """Run it once, standard input empty.

        Raises:
            BadTests: it cannot be started.
        """
        with tempfile.TemporaryFile() as output, open(os.devnull, "rb") as nothing:
            process = _start(self, nothing, output, subprocess.STDOUT)
            status = _wait(process, self.timeout_s)
            if status == 0:
                return Trial(is_passed=True)
            why = _how_it_ended(status, self.timeout_s)
            return Trial(False, f"{self.title}: {why}\n{_tail(output)}".rstrip())


@dataclass(frozen=True, slots=True)
class Example:
    """One `NAME.in` with its `NAME.out`."""

    given: Path
    expected: Path


@dataclass(frozen=True, slots=True)
class Examples:
    """Tests in CodeNet's style: the program reads `NAME.in` and must print what `NAME.out` holds.

    Words are compared, not the space between them. The program's exit code does not matter, as long
    as no signal ended it.
    """

    program: Command
    examples: tuple[Example, ...]

    def run(self) -> Trial:
        """Run them in order, up to the first that fails."""
        for example in self.examples:
            if failure := self._failure(example):
                return Trial(False, f"{example.given}: {failure}")
        return Trial(is_passed=True)

    def _failure(self, example: Example) -> str:
        with tempfile.TemporaryFile() as output, example.given.open("rb") as given:
            process = _start(self.program, given, output, subprocess.DEVNULL)
            with suppress(ProcessLookupError):
                limit = (_PRINTED_MOST_BYTES, _PRINTED_MOST_BYTES)
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limit)
            status = _wait(process, self.program.timeout_s)
            if status is None or status < 0:
                return _how_it_ended(status, self.program.timeout_s)
            output.seek(0)
            return _difference(output.read().split(), example.expected.read_bytes().split())


def find_examples(folder: Path) -> tuple[tuple[Example, ...], tuple[Path, ...]]:
    """List the tests of a folder, and the inputs that have no expected output.

    Raises:
        BadTests: there is no such folder, or no test in it.
    """
    if not folder.is_dir():
        raise BadTests(f"LLMCC_TESTS: {folder} is not a folder")
    inputs = sorted(folder.glob("*.in"))
    found = tuple(Example(path, path.with_suffix(".out")) for path in inputs)
    complete = tuple(example for example in found if example.expected.is_file())
    if not complete:
        raise BadTests(f"LLMCC_TESTS: {folder} holds no NAME.in with a NAME.out")
    return complete, tuple(example.given for example in found if example not in complete)


@contextmanager
def taking_turns(cache: Path) -> Iterator[None]:
    """Wait until nobody else switches fast paths: under make -j one test would see another's.

    Raises:
        OSError: the cache cannot be written.
    """
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (cache / "user-tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def user_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment a test gets, out of the one gcc was started with.

    Compiles in it take what the store has, and no test starts further ones.
    """
    kept = {name: value for name, value in environ.items() if name not in _NOT_THE_USERS}
    if "COMPILER_PATH" in kept:
        folders = kept.pop("COMPILER_PATH").split(":")
        rest = ":".join(folder for folder in folders if "llmcc-native" not in folder.split("/"))
        kept |= {"COMPILER_PATH": rest} if rest else {}
    return {**kept, "LLMCC_MODE": "apply"}


def _start(
    command: Command, stdin: IO[bytes], stdout: IO[bytes], stderr: int
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command.words,
            cwd=command.folder,
            env=dict(command.environ),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    except OSError as error:
        raise BadTests(f"{command.title}: cannot be started: {error.strerror}") from error


def _wait(process: subprocess.Popen[bytes], timeout_s: float | None) -> int | None:
    """Return how a process ended, -n by signal n; None after too long. What it left is killed."""
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        # Also when we are told to end ourselves.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _how_it_ended(status: int | None, timeout_s: float | None) -> str:
    if status is None:
        return f"ran longer than {timeout_s:g} s"
    if status < 0:
        return f"ended by signal {-status}"
    return f"ended with {status}"


def _difference(got: Sequence[bytes], expected: Sequence[bytes]) -> str:
    """Say where words differ; "" when they do not."""
    for number, (word, wanted) in enumerate(zip(got, expected, strict=False), start=1):
        if word != wanted:
            return f"printed {_shown(word)} instead of {_shown(wanted)} as word {number}"
    if len(got) != len(expected):
        return f"printed {len(got)} words instead of {len(expected)}"
    return ""


def _shown(word: bytes) -> str:
    return repr(word[:_SHOWN_BYTES].decode("utf-8", "backslashreplace"))


def _tail(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(size - _TAIL_BYTES, 0))
    return output.read().decode("utf-8", "replace")
