"""The man pages: current, and without a complaint of groff."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = ("llmcc.1", "llmcc-ctl.1")


def test_pages_are_what_commands_and_readme_say(checkout: Path) -> None:
    done = subprocess.run(
        [sys.executable, "docs/write_man.py", "--check"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", PAGES)
def test_groff_has_no_warnings(checkout: Path, name: str) -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(
        [groff, "-man", "-ww", "-Tutf8", "-z", str(checkout / "docs/man" / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_page_tells_of_every_setting_in_the_readme(checkout: Path) -> None:
    page = (checkout / "docs/man/llmcc.1").read_text()
    for name in ("LLMCC_MODE", "LLMCC_BUDGET", "LLMCC_DIR", "LLMCC_LOG"):
        assert f".B {name}" in page
