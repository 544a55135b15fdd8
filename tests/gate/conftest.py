"""One sandbox for all tests of a folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from llmcc.sandbox.runner import Sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.getbasetemp() / "runner") as opened:
        yield opened
