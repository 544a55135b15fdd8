"""`llmcc-ctl config`: values, origins, and what does not count."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmcc.ctl.main import main


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    return tmp_path


def _run(*arguments: str, **environ: str | None) -> str:
    # What the command sets for those below it must not outlive the test.
    saved = {name: os.environ.get(name) for name in ("LLMCC_BUDGET", "LLMCC_REMOTE_SECRET")}
    done = CliRunner().invoke(main, ["config", *arguments], env={**saved, **environ})
    assert done.exit_code == 0, done.output
    return done.output


def test_each_value_has_its_origin(project: Path) -> None:
    (project / "llmcc.toml").write_text("budget = 12\ncc = 'evil'\n")
    record = json.loads(_run("--json", LLMCC_SEED="5"))
    rows = {row["key"]: (row["value"], row["origin"]) for row in record["settings"]}
    assert rows["budget"] == ("12", str(project / "llmcc.toml"))
    assert rows["seed"] == ("5", "environment")
    assert rows["cc"] == ("gcc", "default")
    assert record["ignored"] == [
        {"path": str(project / "llmcc.toml"), "line": 2, "why": "a project may not set 'cc'"}
    ]
    assert record["problem"] == ""


def test_the_text_names_what_does_not_count(project: Path) -> None:
    (project / "llmcc.toml").write_text("budget = 12\nmodel = 'mine'\n")
    lines = _run().splitlines()
    assert f"ignored: {project}/llmcc.toml:2: there is no setting 'model' for files" in lines


def test_a_wrong_variable_is_told(project: Path) -> None:
    assert "wrong: LLMCC_MODE: 'fast' is not one of" in _run(LLMCC_MODE="fast")


def test_a_secret_is_not_shown(project: Path) -> None:
    assert "hush" not in _run(LLMCC_REMOTE_SECRET="hush") + _run(
        "--json", LLMCC_REMOTE_SECRET="hush"
    )
