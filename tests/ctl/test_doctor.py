"""`llmcc-ctl doctor`: what works is seen to work, what does not is named."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from llmcc.config import read_config
from llmcc.ctl.doctor_checks import State, check_compilers
from llmcc.ctl.doctor_surroundings import check_surroundings
from llmcc.settings_files import read_settings
from llmcc.toolchain import find_gcc


def _doctor(llmcc: Path, folder: Path, **environ: str) -> tuple[int, dict[str, dict[str, str]]]:
    done = subprocess.run(
        [llmcc.with_name("llmcc-ctl"), "doctor", "--json"],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        check=False,
    )
    assert done.stderr == b""
    findings = json.loads(done.stdout)
    return done.returncode, {finding["what"]: finding for finding in findings}


@pytest.mark.slow
def test_a_working_llmcc_is_seen_to_run(llmcc: Path, tmp_path: Path) -> None:
    code, findings = _doctor(llmcc, tmp_path)
    problems = [one for one in findings.values() if one["state"] == "problem"]
    assert problems == []
    assert code == 0
    assert findings["interception"]["state"] == "ok"
    assert findings["interception"]["detail"].endswith("assembler, by COMPILER_PATH")
    assert "up to date" in findings["launcher"]["detail"]


@pytest.mark.slow
def test_a_gcc_that_takes_no_other_assembler_is_a_problem(llmcc: Path, tmp_path: Path) -> None:
    gcc = tmp_path / "gcc"
    gcc.write_text(
        "#!/bin/sh\nunset COMPILER_PATH\ncase $1 in -specs=*) shift ;; esac\n"
        f'exec {find_gcc()} "$@"\n'
    )
    gcc.chmod(0o755)
    code, findings = _doctor(llmcc, tmp_path, LLMCC_CC=str(gcc))
    assert code == 1
    assert findings["interception"]["state"] == "problem"
    assert findings["interception"]["detail"] == "this gcc takes no other assembler"


def test_another_machines_gcc_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gcc = tmp_path / "gcc"
    gcc.write_text("#!/bin/sh\necho aarch64-linux-gnu\n")
    gcc.chmod(0o755)
    monkeypatch.setenv("LLMCC_CC", str(gcc))
    assert next(check_compilers()).state is State.PROBLEM


def _surroundings(folder: Path, **environ: str) -> dict[str, tuple[State, str]]:
    environ = {"HOME": str(folder), "LLMCC_DIR": str(folder), "PATH": "/nowhere", **environ}
    findings = check_surroundings(
        read_config(environ), read_settings(environ, folder), environ, folder
    )
    return {one.detail: (one.state, one.what) for one in findings}


def test_what_surrounds_a_compile_is_told(tmp_path: Path) -> None:
    (tmp_path / "llmcc.toml").write_text("cc = 'evil'\n")
    found = _surroundings(tmp_path, LLMCC_BUGDET="3", LLMCC_CC="distcc gcc", SOURCE_DATE_EPOCH="1")
    assert {state for state, _ in found.values()} == set(State)
    assert "llmcc knows no variable LLMCC_BUGDET" in found
    assert f"{tmp_path}/llmcc.toml:1 does not count: a project may not set 'cc'" in found
    assert found["distcc in LLMCC_CC assembles on other machines, past llmcc"][0] is State.PROBLEM
    assert any(detail.startswith("SOURCE_DATE_EPOCH is set") for detail in found)


def test_the_order_of_wrappers_is_looked_at(tmp_path: Path) -> None:
    ccache = tmp_path / "ccache"
    ccache.write_text("#!/bin/sh\n")
    ccache.chmod(0o755)
    hint = "ccache is installed, and would not see that the store changed"
    check = "%compiler% --llmcc-fingerprint"
    assert hint in _surroundings(tmp_path, PATH=str(tmp_path))
    assert hint not in _surroundings(tmp_path, PATH=str(tmp_path), CCACHE_COMPILERCHECK=check)
    assert hint not in _surroundings(tmp_path, PATH=str(tmp_path), LLMCC_CC="ccache gcc")


def test_a_lock_file_is_found_and_distrusted(tmp_path: Path) -> None:
    assert "none here" in _surroundings(tmp_path)
    (tmp_path / "llmcc.lock").write_text("")
    assert f"{tmp_path}/llmcc.lock decides" in _surroundings(tmp_path)
    assert "none is used: LLMCC_LOCK is 0" in _surroundings(tmp_path, LLMCC_LOCK="0")
    (tmp_path / "llmcc.lock").chmod(0o666)
    assert f"{tmp_path}/llmcc.lock: can be written by others" in _surroundings(tmp_path)


def test_a_remote_that_does_not_answer_is_a_problem(tmp_path: Path) -> None:
    found = _surroundings(tmp_path, LLMCC_REMOTE="nosuch://there")
    assert [state for detail, (state, _) in found.items() if "nosuch" in detail] == [State.PROBLEM]
