"""What holds for every command of `llmcc-ctl`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from llmcc.ctl.main import main
from llmcc.store.unit_records import UnitRecord
from tests.ctl.conftest import run

_CONTEXT = click.Context(main)
_WITHOUT_JSON = {
    "bisect": "its answer is its exit code and what it writes to the store",
    "completion": "it prints a script",
}
# What stands below these is named by the outcome, the stage of a test or the region.
_OPEN = ("outcomes", "evidence", "contract")


@pytest.mark.parametrize("name", main.list_commands(_CONTEXT))
def test_every_command_has_json_or_a_reason_not_to(name: str) -> None:
    command = main.get_command(_CONTEXT, name)
    assert command is not None
    options = {option for parameter in command.params for option in parameter.opts}
    assert ("--json" in options) != (name in _WITHOUT_JSON)


@pytest.mark.parametrize(
    "arguments",
    [
        ("stats",),
        ("explain", "loops.c"),
        ("diff", "loops.c"),
        ("report",),
        ("lock",),
        ("regions", "loops.s"),
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_json_has_the_names_that_are_documented(
    arguments: tuple[str, ...],
    planted: UnitRecord,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(planted.folder)
    subprocess.run([*planted.command, "-S", "-o", "loops.s"], check=True)
    text = (checkout / "docs/json.md").read_text()
    section = text.partition(f"\n## {arguments[0]}\n")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `(.+?)` \|", section, re.MULTILINE))
    shared = text.partition("\n## Loops and figures\n")[2].partition("\n## ")[0]
    shared_names = set(re.findall(r"^\| `(.+?)` \|", shared, re.MULTILINE))
    names = _names(json.loads(run(*arguments, "--json")))
    if arguments == ("lock",):
        names |= _names(json.loads(run("lock", "--check", "--json")))
    assert names <= documented | shared_names
    assert documented <= names


def _names(value: object) -> set[str]:
    if isinstance(value, list):
        return {name for item in value for name in _names(item)}
    if isinstance(value, dict):
        below = {name for key, item in value.items() if key not in _OPEN for name in _names(item)}
        return below | set(value)
    return set()


@pytest.mark.parametrize("command", ["stats", "diff", "report", "completion", "target"])
def test_commands_that_only_look_load_no_numpy_and_no_template_engine(command: str) -> None:
    code = (
        f"import sys, llmcc.ctl.main, llmcc.ctl.{command}\n"
        "loaded = {'numpy', 'jinja2', 'capstone', 'torch', 'rich'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_names_of_commands_are_completed_without_loading_them(shell: str) -> None:
    code = (
        "import sys\nfrom llmcc.ctl.main import main\n"
        "try: main(prog_name='llmcc-ctl')\n"
        "except SystemExit: pass\n"
        "assert 'llmcc.ctl.stats' not in sys.modules"
    )
    environ = {
        "_LLMCC_CTL_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "llmcc-ctl" if shell == "fish" else "llmcc-ctl st",
        "COMP_CWORD": "st" if shell == "fish" else "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "stats" in done.stdout
