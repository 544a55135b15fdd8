"""Rows, reward hook and overrides for verl: alone, and (`make verl-check`) inside verl itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmcc.training import verl_hook
from llmcc.training.dataset import PairRecord, write_pairs
from llmcc.training.main import main
from llmcc.training.program.making import make_row
from llmcc.training.program.readers import read_programs
from llmcc.training.program.rows import Row, to_line
from llmcc.training.program.running import Limits
from llmcc.training.verl_command import hold_back, ppo_verl, read_problems
from llmcc.training.verl_engine import (
    NothingToTrain,
    VerlMissing,
    VerlSettings,
    check_verl,
    launch,
    overrides,
)
from llmcc.training.verl_rows import PROGRAM, REGION, Problem, program_problem, region_problem

pytest.importorskip("pyarrow", reason="needs the extra [train]")
PROGRAMS = Path(__file__).parent / "programs"
_SPLITS = ("train", "validation")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    found = []
    for program, split in zip(read_programs(PROGRAMS), _SPLITS, strict=False):
        row = make_row(program, limits=Limits())
        assert isinstance(row, Row)
        found.append(replace(row, split=split))
    return found


def _hook(folder: Path, problem: str, response: str, *, python: str = sys.executable) -> float:
    answer = verl_hook.compute_score(
        PROGRAM,
        response,
        problem,
        {"index": 0},
        python=python,
        problems=str(folder / "problems"),
        reward="cgs",
        protocol="paper",
        timeout_s=60,
        reward_router_address=None,
    )
    assert tuple(answer) == verl_hook.KEYS
    return answer["score"] if answer["is_judged"] else float("nan")


def test_the_hook_scores_as_the_paper_does(rows: list[Row], tmp_path: Path) -> None:
    launch(
        map(program_problem, rows),
        VerlSettings(),
        tmp_path,
        verl_python=Path("python"),
        is_dry_run=True,
    )
    assert _hook(tmp_path, "0.json", f"```assembly\n{rows[0].assembly}```") == 1.0
    assert _hook(tmp_path, "0.json", "Sorry.") == -1.0


@pytest.mark.parametrize("problem", ["missing.json", "../escape.json", ""])
def test_the_hook_never_raises_and_keeps_its_keys(problem: str, tmp_path: Path) -> None:
    score = _hook(tmp_path, problem, "\ud800 ```assembly\n\0")
    assert score != score  # not judged


def test_the_hook_survives_a_python_that_is_not_there(tmp_path: Path) -> None:
    score = _hook(tmp_path, "0.json", "x", python="/nonexistent/python")
    assert score != score


def test_the_hook_imports_nothing_that_verl_lacks() -> None:
    source = Path(verl_hook.__file__).read_text()
    imports = [line for line in source.splitlines() if line.startswith(("import", "from"))]
    assert all("llmcc" not in line for line in imports)


def test_the_hyper_parameters_are_the_papers() -> None:
    words = overrides(VerlSettings(nodes=3), Path("/data"), python="python")
    for wanted in (
        "data.train_batch_size=16",
        "data.max_prompt_length=2000",
        "data.max_response_length=2000",
        "actor_rollout_ref.actor.optim.lr=1e-06",
        "critic.optim.lr=1e-05",
        "actor_rollout_ref.rollout.temperature=0.5",
        "algorithm.use_kl_in_reward=False",
        "actor_rollout_ref.actor.use_kl_loss=False",
        "trainer.n_gpus_per_node=4",
        "trainer.nnodes=3",
        "trainer.total_epochs=1",
    ):
        assert wanted in words


def test_our_reward_is_timed_by_us_and_the_papers_by_the_paper() -> None:
    assert [VerlSettings(reward=r).timed_by for r in ("lcb", "so", "cgs")] == [
        "ours",
        "paper",
        "paper",
    ]


def test_a_dry_run_on_many_nodes_writes_the_ray_commands(rows: list[Row], tmp_path: Path) -> None:
    script = launch(
        map(program_problem, rows),
        VerlSettings(nodes=2),
        tmp_path,
        verl_python=Path("/opt/verl/bin/python"),
        is_dry_run=True,
    )
    assert "/opt/verl/bin/ray start --head" in script
    assert "ray job submit" in script
    assert (tmp_path / "train.sh").read_text() == script
    assert sorted(path.name for path in tmp_path.glob("*.parquet")) == [
        "train.parquet",
        "validation.parquet",
    ]
    subprocess.run(["/bin/sh", "-n", str(tmp_path / "train.sh")], check=True)


def test_refuses_to_train_without_validation(rows: list[Row], tmp_path: Path) -> None:
    only = [program_problem(replace(row, split="train")) for row in rows]
    with pytest.raises(NothingToTrain, match="validation"):
        launch(only, VerlSettings(), tmp_path, verl_python=Path("python"), is_dry_run=True)


def test_says_how_to_make_an_environment_when_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(VerlMissing, match="pip install"):
        check_verl(tmp_path / "python")


def test_the_command_takes_rows_and_pairs_and_holds_validation_back(
    rows: list[Row], make_records: Callable[..., list[PairRecord]], tmp_path: Path
) -> None:
    programs, pairs = tmp_path / "rows.jsonl", tmp_path / "pairs.jsonl"
    many = [replace(rows[0], id=f"p{n}", split="train") for n in range(10)]
    programs.write_text("".join(map(to_line, many)), encoding="utf-8")
    write_pairs(pairs, make_records(10))
    for source, name in (programs, PROGRAM), (pairs, REGION):
        problems = hold_back(list(read_problems(source)))
        assert {problem.data_source for problem in problems} == {name}
        assert [p.split for p in problems] == ["train"] * 9 + ["validation"]
        out = tmp_path / name.partition("/")[2]
        arguments = [str(source), "--out", str(out), "--nnodes", "2", "--dry-run"]
        answer = CliRunner().invoke(ppo_verl, arguments)
        assert answer.exit_code == 0, answer.output
        assert "trainer.nnodes=2" in answer.output
        assert (out / "verl_hook.py").exists()


@pytest.mark.skipif("VERL_CHECK" not in os.environ, reason="make verl-check installs verl")
def test_verl_loads_the_rows_resolves_the_config_and_calls_the_hook(
    rows: list[Row], make_records: Callable[..., list[PairRecord]], tmp_path: Path
) -> None:
    records = [replace(r, split=s) for r, s in zip(make_records(2), _SPLITS, strict=True)]
    problems: list[Problem] = [*map(program_problem, rows), *map(region_problem, records)]
    settings = VerlSettings(reward="cgs")
    launch(problems, settings, tmp_path, verl_python=Path("python"), is_dry_run=True)
    responses = {row.id: f"```assembly\n{row.assembly}```" for row in rows}
    responses |= {record.id: "```assembly\n\tsyscall\n```" for record in records}
    (tmp_path / "responses.json").write_text(json.dumps(responses))
    words = overrides(settings, tmp_path.resolve(), python=sys.executable)
    (tmp_path / "overrides").write_text("\n".join(words))
    probe = [sys.executable, str(Path(__file__).with_name("verl_probe.py"))]
    # Only the probe sees verl: the hook's own process must do without.
    answer = subprocess.run(
        [*probe, str(tmp_path), str(tmp_path / "overrides")],
        env={**os.environ, "PYTHONPATH": os.environ["VERL_CHECK"], "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    found = json.loads((tmp_path / "probe.json").read_text())
    assert found["config"]["actor"]["actor"]["optim"]["lr"] == 1e-6
    assert found["config"]["critic"]["optim"]["lr"] == 1e-5
    assert found["config"]["actor"]["rollout"]["temperature"] == 0.5
    assert found["config"]["algorithm"]["adv_estimator"] == "gae"
    scores = {row["id"]: (row["source"], row["is_judged"], row["score"]) for row in found["rows"]}
    assert scores == {
        **{row.id: (PROGRAM, 1.0, 1.0) for row in rows},
        **{record.id: ("llmcc/region", 1.0, -1.0) for record in records},
    }


@pytest.mark.parametrize("engine", [["--engine", "verl"], ["--engine=verl"]])
def test_ppo_with_the_engine_verl_is_the_command_of_that_engine(
    engine: list[str], tmp_path: Path
) -> None:
    (tmp_path / "rows.jsonl").write_text("")
    arguments = ["ppo", str(tmp_path / "rows.jsonl"), *engine, "--nnodes", "2", "--dry-run"]
    result = CliRunner().invoke(main, arguments)
    assert "no problem of the split train: verl needs train and validation" in result.output
