"""What holds for every test: a cache of its own, raised errors, a header that names the tools."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


def pytest_configure() -> None:
    # Under nohup, or in the background of a script, these are ignored, and so they would be in
    # every program a test starts and kills.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> list[str]:
    cpu = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return [
        *(f"{tool}: {_first_line(tool)}" for tool in ("gcc", "as", "clang")),
        f"cpu: {cpu[0] if cpu else 'unknown'} x{len(cpu)}",
    ]


def _first_line(tool: str) -> str:
    if shutil.which(tool) is None:
        return "not installed"
    done = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.partition("\n")[0]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder; no setting of the user's reaches a test."""
    folder = tmp_path_factory.mktemp("llmcc-dir")
    for name in os.environ:
        if name.startswith("LLMCC_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "no-settings"))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("LLMCC_DIR", str(folder))
    monkeypatch.setenv("LLMCC_STRICT", "1")
    return folder


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the project."""
    return CHECKOUT


@pytest.fixture(scope="session")
def llmcc() -> Path:
    """The installed `llmcc` command of this environment."""
    found = CHECKOUT / ".venv" / "bin" / "llmcc"
    if not found.exists():
        pytest.skip("llmcc is not installed here: make setup")
    return found
