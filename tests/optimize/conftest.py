"""A compiler in mode record."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcc.native.build import build
from tests.interception.conftest import Compiler, make_compiler


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs, built once."""
    return build(tmp_path_factory.mktemp("native"), entries=())


@pytest.fixture
def recorder(native: Path, own_cache: Path, tmp_path: Path) -> Compiler:
    """llmcc in mode record with an empty store, in an empty folder."""
    compiler = make_compiler(native, own_cache, tmp_path)
    compiler.environ["LLMCC_MODE"] = "record"
    return compiler
