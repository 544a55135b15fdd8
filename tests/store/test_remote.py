"""The remote store: read through, written behind, never waited for, believed only when signed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from llmcc.outcome import Outcome
from llmcc.store.records import DecisionStore, RegionDecision
from llmcc.store.remote import Place, SharedStore, open_remote, why_unusable

KEY = "ab" * 32
NAME = f"regions/ab/{'ab' * 31}"
DECISION = RegionDecision(Outcome.ACCEPTED, isa="avx2", rewrite="\tnop\n\tjmp\t.LH\n")
PATIENT_S = 30.0


@dataclass
class Files:
    """A file system in memory that can be made to hang or to fail."""

    held: dict[str, bytes] = field(default_factory=dict)
    error: Exception | None = None
    reads: int = 0
    may_read: threading.Event = field(default_factory=threading.Event)
    may_write: threading.Event = field(default_factory=threading.Event)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None) -> bytes:
        self.reads += 1
        assert self.may_read.wait(PATIENT_S)
        if self.error:
            raise self.error
        if path not in self.held:
            raise FileNotFoundError(path)
        return self.held[path][start:end]

    def pipe_file(self, path: str, value: bytes) -> None:
        assert self.may_write.wait(PATIENT_S)
        if self.error:
            raise self.error
        self.held[path] = value


@pytest.fixture
def files() -> Iterator[Files]:
    made = Files()
    made.may_read.set()
    made.may_write.set()
    yield made
    made.may_read.set()
    made.may_write.set()


def _shared(files: Files, *, secret: str = "", wait_s: float = PATIENT_S) -> SharedStore:
    return SharedStore(lambda: Place(files, "base"), secret=secret, wait_s=wait_s)


def _put(files: Files, body: bytes, *, secret: str = "", name: str = NAME) -> None:
    store = _shared(files, secret=secret)
    store.put(name, body)
    store.finish()


@pytest.mark.parametrize("secret", ["", "s3cret", "long" * 100])
def test_an_entry_is_read_as_another_machine_wrote_it(files: Files, secret: str) -> None:
    _put(files, b"body\nof it\n", secret=secret)
    assert _shared(files, secret=secret).get(NAME) == b"body\nof it\n"


def test_a_missing_entry_is_a_miss_and_others_are_still_asked_for(files: Files) -> None:
    store = _shared(files)
    assert store.get("regions/00/11") is None
    _put(files, b"body")
    assert store.get(NAME) == b"body"


@pytest.mark.parametrize(("theirs", "ours"), [("", "secret"), ("other", "secret"), ("secret", "")])
def test_an_entry_signed_otherwise_is_a_miss(files: Files, theirs: str, ours: str) -> None:
    _put(files, b"body", secret=theirs)
    assert _shared(files, secret=ours).get(NAME) is None


@pytest.mark.parametrize("secret", ["", "secret"])
def test_an_entry_in_the_place_of_another_is_a_miss(files: Files, secret: str) -> None:
    _put(files, b"body", secret=secret, name="regions/00/11")
    files.held[f"base/{NAME}"] = files.held["base/regions/00/11"]
    assert _shared(files, secret=secret).get(NAME) is None


def test_a_damaged_entry_is_a_miss(files: Files) -> None:
    _put(files, b"body")
    whole = files.held[f"base/{NAME}"]
    store = _shared(files)
    for size in range(len(whole)):
        files.held[f"base/{NAME}"] = whole[:size]
        assert store.get(NAME) is None
    for at in range(len(whole)):
        files.held[f"base/{NAME}"] = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        assert store.get(NAME) is None


def test_a_remote_that_hangs_is_a_miss_and_is_not_asked_again(files: Files) -> None:
    _put(files, b"body")
    files.may_read.clear()
    store = _shared(files, wait_s=0.01)
    assert store._place.exception(PATIENT_S) is None  # open, whatever the machine is busy with
    assert store.get(NAME) is None
    files.may_read.set()
    assert store.get(NAME) is None
    assert files.reads == 1


def test_until_the_remote_is_open_reads_are_misses(files: Files) -> None:
    _put(files, b"body")
    may_open = threading.Event()

    def open_place() -> Place:
        assert may_open.wait(PATIENT_S)
        return Place(files, "base")

    store = SharedStore(open_place, secret="", wait_s=0.01)
    assert store.get(NAME) is None
    may_open.set()
    assert store._place.exception(PATIENT_S) is None
    store._wait_s = PATIENT_S
    assert store.get(NAME) == b"body"


def test_a_remote_that_cannot_be_opened_is_a_miss(files: Files) -> None:
    def refuse() -> Place:
        raise ImportError("s3fs")

    store = SharedStore(refuse, secret="", wait_s=PATIENT_S)
    store.put(NAME, b"body")
    assert store.get(NAME) is None
    store.finish()


def test_a_remote_that_fails_in_its_own_way_is_a_miss(files: Files) -> None:
    class ClientError(Exception):
        pass

    files.error = ClientError("no such bucket")
    _put(files, b"body")
    assert _shared(files).get(NAME) is None
    assert files.held == {}


def test_the_end_does_not_wait_for_what_cannot_be_written(files: Files) -> None:
    files.may_write.clear()
    store = _shared(files, wait_s=0.01)
    store.put(NAME, b"body")
    store.finish()
    assert files.held == {}


def test_a_process_ends_though_its_remote_hangs(tmp_path: Path) -> None:
    code = """
import threading
from llmcc.store.remote import Place, SharedStore
class Hanging:
    def cat_file(self, path, start=None, end=None): threading.Event().wait()
    def pipe_file(self, path, value): threading.Event().wait()
store = SharedStore(lambda: Place(Hanging(), ""), secret="", wait_s=0.05)
store.put("a", b"b")
print(store.get("a"))
store.finish()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=50, check=True)
    assert (done.stdout, done.stderr) == (b"None\n", b"")


def test_a_decision_of_another_machine_is_kept_here(files: Files, tmp_path: Path) -> None:
    theirs = _shared(files)
    DecisionStore(tmp_path / "theirs", remote=theirs).put(KEY, DECISION)
    theirs.finish()
    ours = DecisionStore(tmp_path / "ours", remote=_shared(files))
    assert ours.get(KEY) is None
    assert ours.get_remote(KEY, is_allowed=lambda decision: decision == DECISION) == DECISION
    assert DecisionStore(tmp_path / "ours").get(KEY) == DECISION


def test_a_decision_that_is_not_allowed_is_not_kept(files: Files, tmp_path: Path) -> None:
    theirs = _shared(files)
    DecisionStore(tmp_path / "theirs", remote=theirs).put(KEY, DECISION)
    theirs.finish()
    ours = DecisionStore(tmp_path / "ours", remote=_shared(files))
    assert ours.get_remote(KEY, is_allowed=lambda decision: False) is None
    assert ours.get(KEY) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b"\xff\xfe", b'{"outcome": "OF_ANOTHER_VERSION"}', b"1" * 9999],
)
def test_a_signed_entry_that_is_no_decision_is_a_miss(
    files: Files, tmp_path: Path, body: bytes
) -> None:
    _put(files, body)
    store = DecisionStore(tmp_path, remote=_shared(files))
    assert store.get_remote(KEY, is_allowed=lambda decision: True) is None
    assert not (tmp_path / "regions").exists()


def test_a_cache_that_cannot_be_written_still_reads_through(files: Files, tmp_path: Path) -> None:
    theirs = _shared(files)
    DecisionStore(tmp_path / "theirs", remote=theirs).put(KEY, DECISION)
    theirs.finish()
    (tmp_path / "file").write_bytes(b"")
    ours = DecisionStore(tmp_path / "file", remote=_shared(files))
    assert ours.get_remote(KEY, is_allowed=lambda decision: True) == DECISION


def _through(url: str, folder: Path) -> RegionDecision | None:
    """Write on one machine, read on another: two processes."""
    code = f"""
import sys
from pathlib import Path
from llmcc.store.records import DecisionStore
from llmcc.store.remote import open_remote
from tests.store.test_remote import DECISION, KEY
remote = open_remote({url!r}, "secret")
remote._place.exception({PATIENT_S})
remote._wait_s = {PATIENT_S}
DecisionStore(Path({str(folder / "theirs")!r}), remote=remote).put(KEY, DECISION)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    remote = open_remote(url, "secret")
    remote._wait_s = remote._opening_wait_s = PATIENT_S
    return DecisionStore(folder / "ours", remote=remote).get_remote(KEY, lambda decision: True)


def test_through_a_shared_folder(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    url = f"file://{tmp_path}/shared/of all"
    assert _through(url, tmp_path) == DECISION
    assert (tmp_path / "shared" / "of all" / NAME).is_file()
    assert why_unusable(url) == ""


def test_through_a_redis_server(tmp_path: Path, redis_url: str) -> None:
    assert _through(f"{redis_url}/3/team", tmp_path) == DECISION
    assert why_unusable(f"{redis_url}/3/team") == ""


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("redis")
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server: apt install redis-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        program,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--daemonize",
        "no",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            for line in server.stdout:
                if "Ready to accept connections" in line:
                    break
            yield f"redis://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nosuch://host/path", "LLMCC_REMOTE: Protocol not known: nosuch"),
        ("redis://127.0.0.1:1/0/x", "ConnectionError"),
        ("arrow_hdfs://nobody/x", "needs another package"),
    ],
)
def test_what_is_wrong_with_a_remote_is_told(url: str, said: str) -> None:
    pytest.importorskip("fsspec")
    pytest.importorskip("redis")
    assert said in why_unusable(url)


def test_nothing_is_imported_without_a_remote() -> None:
    code = """
import sys
from llmcc.config import read_config
from llmcc.pipeline import make_context
make_context(read_config(), None)
print("fsspec" in sys.modules, "asyncio" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"False False\n"
