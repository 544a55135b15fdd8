"""`FILE[:FUNCTION]` is read as meant, and completed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click
import pytest

from llmcc.ctl.completion import completion
from llmcc.ctl.main import main
from llmcc.ctl.target import Target, complete_target, is_function, split_target
from llmcc.store.unit_records import UnitRecords
from tests.ctl.conftest import run


def test_text_behind_the_last_colon_is_the_function(tmp_path: Path) -> None:
    file = tmp_path / "a.c"
    file.touch()
    assert split_target(f"{file}:main", []) == Target(file, "main")
    assert split_target(str(file), []) == Target(file, "")


def test_file_name_may_hold_colons(tmp_path: Path) -> None:
    file = tmp_path / "a:b.c"
    file.touch()
    assert split_target(str(file), []) == Target(file, "")
    assert split_target(f"{file}:ns::f", []) == Target(file, "ns::f")


def test_file_that_was_compiled_need_not_be_here(build: Path, own_cache: Path) -> None:
    records = UnitRecords(own_cache).all()
    assert not (build / "a.c").exists()
    assert split_target("a.c:sum", records) == Target(Path("a.c"), "sum")


def test_refuses_a_file_nobody_knows() -> None:
    with pytest.raises(click.BadParameter, match="llmcc has compiled none"):
        split_target("nowhere.c:f", [])


@pytest.mark.parametrize(
    ("symbol", "name", "is_it"),
    [
        ("f", "f", True),
        ("f.part.0", "f", True),
        ("ff", "f", False),
        ("_ZN2ns3fooEi", "foo", True),
        ("_ZN2ns3fooEi", "ns::foo", True),
        ("_Z13foobarbazfoobi", "foo", False),
    ],
)
def test_function_is_known_by_its_symbol(symbol: str, name: str, *, is_it: bool) -> None:
    assert is_function(symbol, name) == is_it


@pytest.mark.usefixtures("build")
def test_completes_compiled_files_and_their_functions() -> None:
    context = click.Context(main)
    parameter = main.params[0]

    def completed(start: str) -> list[str]:
        return [item.value for item in complete_target(context, parameter, start)]

    assert completed("a.c:") == ["a.c:slow", "a.c:sum", "a.c:top"]
    assert completed("a.c:t") == ["a.c:top"]
    (other,) = complete_target(context, parameter, "elsewhere")
    assert other.type == "file"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_prints_a_script_for_each_shell(shell: str) -> None:
    assert "_LLMCC_CTL_COMPLETE" in run("completion", shell)
    assert shell in (completion.help or "")


def test_bash_completes_a_function_behind_a_colon(
    llmcc: Path, build: Path, own_cache: Path
) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    # As readline calls it: words cut at colons.
    script = """
        eval "$(llmcc-ctl completion bash)"
        COMP_WORDS=(llmcc-ctl explain a.c : t) COMP_CWORD=4
        _llmcc_ctl_joined llmcc-ctl
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        [bash, "-c", script],
        cwd=build,
        env={"PATH": f"{llmcc.parent}:/usr/bin:/bin", "LLMCC_DIR": str(own_cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["top"]
