from __future__ import annotations

from pathlib import Path

import pytest

from llmcc.ctl import bench_driver
from llmcc.ctl.bench_build import build_driver
from llmcc.ctl.bench_driver import Driver


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    source = Path(bench_driver.__file__).with_suffix(".c")
    return Driver(build_driver(source, into=tmp_path_factory.mktemp("driver")))
