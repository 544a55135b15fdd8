"""Every example prints the same, whoever compiled it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).parents[2] / "examples").glob("*.c"))


def _output(compiler: Path | str, source: Path, *flags: str, into: Path) -> str:
    program = into / f"{source.stem}-{Path(compiler).name}{''.join(flags)}"
    built = subprocess.run(
        [compiler, *flags, source, *source.with_suffix("").glob("*.c"), "-o", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert built.stderr == ""
    run = subprocess.run([program], capture_output=True, text=True, timeout=30, check=False)
    assert run.returncode == 0
    return run.stdout


def test_there_are_seven_examples_at_least() -> None:
    assert len(PROGRAMS) >= 7


@pytest.mark.timeout(300)
@pytest.mark.parametrize("source", PROGRAMS, ids=lambda path: path.stem)
def test_llmcc_and_gcc_give_the_same_output(source: Path, llmcc: Path, tmp_path: Path) -> None:
    wanted = _output("gcc", source, "-O3", into=tmp_path)
    assert wanted
    assert _output("gcc", source, "-O0", into=tmp_path) == wanted
    assert _output(llmcc, source, "-O3", into=tmp_path) == wanted


def test_demo_prints_a_time_before_and_after(checkout: Path) -> None:
    done = subprocess.run(
        ["sh", checkout / "examples/demo.sh", "gcc"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "before:" in done.stdout
    assert "after:" in done.stdout


def test_demo_fails_when_the_outputs_differ(checkout: Path, tmp_path: Path) -> None:
    liar = tmp_path / "liar"
    # A compiler whose programs say something else.
    liar.write_text(
        '#!/bin/sh\nprintf "#!/bin/sh\\necho wrong\\necho best_ns 1 >&2\\n" >"$4"\nchmod +x "$4"\n'
    )
    liar.chmod(0o755)
    done = subprocess.run(
        ["sh", checkout / "examples/demo.sh", liar], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "bug in llmcc" in done.stderr
