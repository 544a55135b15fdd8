"""llmcc and ccache in both orders, and called through one another: gcc's objects, hits as usual."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcc.native.build import SOURCES
from tests.builds.conftest import Installed, need, run, write_units

LAUNCHER = (SOURCES / "launcher.c").read_text()
takes_words = pytest.mark.skipif(
    "strtok" not in LAUNCHER and "words" not in LAUNCHER,
    reason="this launcher does not split LLMCC_CC into words",
)
has_fingerprint = pytest.mark.skipif(
    "--llmcc-fingerprint" not in LAUNCHER, reason="this launcher has no --llmcc-fingerprint"
)
CCACHE_LINKS = Path("/usr/lib/ccache")


@pytest.fixture
def environ(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    need("ccache")
    cache = tmp_path_factory.mktemp("ccache")
    return installed.environ(CCACHE_DIR=str(cache), CCACHE_NODIRECT="1")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_units(tmp_path, 1)
    return tmp_path


def _counts(folder: Path, environ: dict[str, str]) -> tuple[int, int]:
    """Return how many compiles ccache had kept, and how many it had not."""
    told = run("ccache --print-stats", folder, environ)
    counts = dict(line.split("\t") for line in told.splitlines())
    return int(counts["preprocessed_cache_hit"]), int(counts["cache_miss"])


def _gccs(folder: Path, environ: dict[str, str]) -> bytes:
    run("gcc -O3 -c unit0.c -o gcc.o", folder, environ)
    return (folder / "gcc.o").read_bytes()


@pytest.mark.parametrize(
    ("command", "more"),
    [
        ("ccache llmcc", {}),
        ("ccache llmcc-gcc", {}),
        ("ccache gcc", {"CCACHE_PREFIX": "llmcc"}),
        ("llmcc", {"LLMCC_CC": str(CCACHE_LINKS / "gcc")}),
        pytest.param("llmcc", {"LLMCC_CC": "ccache gcc"}, marks=takes_words),
    ],
)
def test_both_orders_give_gccs_object_and_a_hit_the_next_time(
    installed: Installed, environ: dict[str, str], project: Path, command: str, more: dict[str, str]
) -> None:
    environ |= more
    said = [run(f"{command} -O3 -c unit0.c -o ours.o", project, environ)]
    assert (project / "ours.o").read_bytes() == _gccs(project, environ)
    assert _counts(project, environ) == (0, 1)
    assert installed.asked_count() == 1
    (project / "ours.o").unlink()
    said.append(run(f"{command} -O3 -c unit0.c -o ours.o", project, environ))
    assert (project / "ours.o").read_bytes() == _gccs(project, environ)
    assert _counts(project, environ) == (1, 1)
    assert said == ["", ""]


@has_fingerprint
def test_ccache_asks_llmcc_for_its_fingerprint(
    installed: Installed, environ: dict[str, str], project: Path
) -> None:
    environ["CCACHE_COMPILERCHECK"] = "%compiler% --llmcc-fingerprint"
    fingerprint = run("llmcc --llmcc-fingerprint", project, environ)
    assert fingerprint.count("\n") == 1
    for expected in ((0, 1), (1, 1)):
        run("ccache llmcc -O3 -c unit0.c -o ours.o", project, environ)
        assert (project / "ours.o").read_bytes() == _gccs(project, environ)
        assert _counts(project, environ) == expected


def test_wrappers_that_find_one_another_end_at_gcc(
    installed: Installed,
    environ: dict[str, str],
    project: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A folder of ccache's and one of llmcc's, both with a `gcc`, both in PATH."""
    links = tmp_path_factory.mktemp("masquerade")
    (links / "gcc").symlink_to(installed.folder / "llmcc")
    installed.add([links / "gcc"])
    expected = _gccs(project, environ)
    for first, second in ((CCACHE_LINKS, links), (links, CCACHE_LINKS)):
        path = f"{first}:{second}:{environ['PATH']}"
        said = run("gcc -O3 -c unit0.c -o ours.o", project, {**environ, "PATH": path})
        assert (project / "ours.o").read_bytes() == expected
        assert said == ""
        (project / "ours.o").unlink()
