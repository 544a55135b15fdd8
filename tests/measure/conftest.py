"""A running sandbox, and pools of inputs for loops over one or two arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from llmcc.measure.machine import Machine
from llmcc.outcome import Refusal
from llmcc.sandbox.model import ARENA_BASE, Blob, States, exit_stub
from llmcc.sandbox.runner import Sandbox
from llmcc.states.model import Bucket
from llmcc.toolchain import MARCH, assemble

ARENA_BYTES = 1 << 15


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("measure-cache")) as running:
        yield running


@pytest.fixture
def machine() -> Machine:
    """A calibration made up, so that no test depends on how busy the machine is."""
    return Machine(theta=0.02, bias=0.0, accepts=0)


@pytest.fixture
def make_blob() -> Callable[[str], Blob]:
    def make(text: str) -> Blob:
        done = assemble(text + "\n" + exit_stub(".LX0", 0), march=MARCH["avx512"])
        assert not isinstance(done, Refusal), done
        return Blob(done.code, 0)

    return make


@pytest.fixture
def make_bucket() -> Callable[[str, int, int], Bucket]:
    def make(name: str, least: int, most: int, pool: int = 512) -> Bucket:
        """Inputs with rdi into one half of the arena, rsi into the other, rcx iterations."""
        random = np.random.default_rng(7)
        gpr = np.zeros((pool, 16), np.uint64)
        gpr[:, 1] = random.integers(least, most + 1, pool)
        gpr[:, 7] = ARENA_BASE + random.integers(0, ARENA_BYTES // 2 - most * 4, pool)
        gpr[:, 6] = gpr[:, 7] + np.uint64(ARENA_BYTES // 2)
        return Bucket(
            name,
            States(
                gpr=gpr,
                vector=np.zeros((pool, 32, 64), np.uint8),
                mask=np.zeros((pool, 8), np.uint64),
                rflags=np.zeros(pool, np.uint64),
                mxcsr=np.full(pool, 0x1F80, np.uint32),
                memory=random.integers(0, 256, (1, 1, ARENA_BYTES), np.uint8),
            ),
        )

    return make
