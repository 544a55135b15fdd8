"""A running sandbox, random states, and blobs from text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from llmcc.outcome import Refusal
from llmcc.sandbox.model import Blob, States, exit_stub
from llmcc.sandbox.runner import Sandbox
from llmcc.toolchain import MARCH, assemble

MakeBlob = Callable[..., Blob]


@pytest.fixture(scope="session")
def sandbox_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests here, so that the runner is compiled once."""
    return tmp_path_factory.mktemp("sandbox-cache")


@pytest.fixture(scope="session")
def sandbox(sandbox_cache: Path) -> Iterator[Sandbox]:
    with Sandbox(sandbox_cache) as running:
        yield running


@pytest.fixture
def make_blob() -> MakeBlob:
    def make(text: str) -> Blob:
        """Assemble `text` followed by exit stubs .LX0 (exit 0) and .LX1 (exit 1)."""
        whole = text + "\n" + exit_stub(".LX0", 0) + exit_stub(".LX1", 1)
        done = assemble(whole, march=MARCH["avx512"])
        assert not isinstance(done, Refusal), done
        return Blob(done.code, 0)

    return make


@pytest.fixture
def make_states() -> Callable[..., States]:
    def make(count: int, *, arenas: int = 2, arena_bytes: int = 4096, seed: int = 1) -> States:
        random = np.random.default_rng(seed)
        return States(
            gpr=random.integers(0, 1 << 64, (count, 16), np.uint64),
            vector=random.integers(0, 256, (count, 32, 64), np.uint8),
            mask=random.integers(0, 1 << 64, (count, 8), np.uint64),
            rflags=random.integers(0, 1 << 12, count, np.uint64) & np.uint64(0x8D5),
            mxcsr=np.full(count, 0x1F80, np.uint32),
            memory=random.integers(0, 256, (count, arenas, arena_bytes), np.uint8),
        )

    return make
