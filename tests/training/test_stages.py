"""The stages of `llmcc-train all`, with commands that only leave their files; and `refresh`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from llmcc.training.all_command import join_loops
from llmcc.training.dataset import PairRecord
from llmcc.training.main import main
from llmcc.training.presets import (
    PRESETS,
    Stage,
    loops_file,
    making_stages,
    sources_of_loops,
    training_stages,
)
from llmcc.training.refresh import copy_model, gain_of, is_better, with_split
from llmcc.training.stages import Ending, run_stages

Records = Callable[..., list[PairRecord]]


class Commands:
    """Stands for running commands: notes them and makes their files."""

    def __init__(self, stages: Sequence[Stage], *, statuses: dict[str, int | None]) -> None:
        self.called: list[str] = []
        self._stages = {stage.arguments: stage for stage in stages}
        self._statuses = statuses

    def run(self, arguments: Sequence[str], timeout_s: float) -> int | None:
        stage = self._stages[tuple(arguments)]
        self.called.append(stage.name)
        status = self._statuses.get(stage.name, 0)
        if status == 0:
            stage.makes.parent.mkdir(parents=True, exist_ok=True)
            stage.makes.touch()
        return status


def stages_in(folder: Path) -> list[Stage]:
    return [Stage(name, (name,), folder / name / "made") for name in ("one", "two", "three")]


def run(stages: Sequence[Stage], commands: Commands, folder: Path, *, left_s: float = 9) -> Ending:
    return run_stages(
        stages,
        done=folder / "done",
        remaining_s=lambda: left_s,
        log=lambda line: None,
        run=commands.run,
    )


def test_stages_run_in_order_and_only_once(tmp_path: Path) -> None:
    stages = stages_in(tmp_path)
    commands = Commands(stages, statuses={})
    assert run(stages, commands, tmp_path) is Ending.COMPLETE
    assert run(stages, commands, tmp_path) is Ending.COMPLETE
    assert commands.called == ["one", "two", "three"]


def test_a_stage_that_was_stopped_is_called_again(tmp_path: Path) -> None:
    stages = stages_in(tmp_path)
    assert run(stages, Commands(stages, statuses={"two": None}), tmp_path) is Ending.TIME_OVER
    commands = Commands(stages, statuses={})
    assert run(stages, commands, tmp_path) is Ending.COMPLETE
    assert commands.called == ["two", "three"]


def test_nothing_is_begun_when_time_is_over(tmp_path: Path) -> None:
    stages = stages_in(tmp_path)
    commands = Commands(stages, statuses={})
    assert run(stages, commands, tmp_path, left_s=0) is Ending.TIME_OVER
    assert commands.called == []


def test_a_failed_stage_ends_the_run_unless_it_may_fail(tmp_path: Path) -> None:
    stages = stages_in(tmp_path)
    assert run(stages, Commands(stages, statuses={"two": 1}), tmp_path) is Ending.FAILED
    stages[1] = replace(stages[1], may_fail=True)
    commands = Commands(stages, statuses={"two": 1})
    assert run(stages, commands, tmp_path) is Ending.COMPLETE
    assert commands.called == ["two", "three"]


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_stage_is_a_command_with_the_options_it_is_given(name: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    preset = PRESETS[name]
    stages = (*making_stages(preset, tmp_path), *training_stages(preset, tmp_path, seed=0))
    names = [stage.name for stage in stages if stage.name not in ("harvest", "rft")]
    assert names == ["corpus", "sft", "ppo", "eval", "export"]
    for stage in stages:
        text = CliRunner().invoke(main, [stage.arguments[0], "--help"]).output
        given = {word.partition("=")[0] for word in stage.arguments if word.startswith("--")}
        assert given <= set(text.replace(",", " ").split()), stage.name


def test_the_big_preset_fits_into_three_runs_of_three_hours() -> None:
    preset = PRESETS["cpu-3h"]
    making = preset.corpus_minutes + preset.harvest_minutes
    rft = preset.rft_sample_minutes + preset.rft_minutes
    training = preset.sft_minutes + rft + preset.ppo_minutes
    assert preset.run_minutes <= 180
    assert making + training <= 3 * preset.run_minutes - 60  # an hour for the evaluation


def test_ppo_goes_on_from_the_last_model_there_is(tmp_path: Path) -> None:
    for name, start in (("cpu-3h", "rft"), ("smoke", "sft")):
        stages = {stage.name: stage for stage in training_stages(PRESETS[name], tmp_path, seed=0)}
        assert str(stages[start].makes) in stages["ppo"].arguments
        assert ("rft" in stages) == (start == "rft")


def test_loops_of_all_sources_are_joined_and_a_missing_one_left_out(tmp_path: Path) -> None:
    corpus, harvest = sources_of_loops(tmp_path)
    corpus.parent.mkdir()
    corpus.write_text("a\n")
    join_loops(tmp_path)
    assert loops_file(tmp_path).read_text() == "a\n"
    loops_file(tmp_path).unlink()
    harvest.parent.mkdir()
    harvest.write_text("b\n")
    join_loops(tmp_path)
    assert loops_file(tmp_path).read_text() == "a\nb\n"


def test_a_gain_within_the_noise_replaces_no_model() -> None:
    def evaluation(low: float) -> dict[str, list[dict[str, object]]]:
        gain = {"value": 1.1, "low": low, "high": 1.2}
        return {
            "comparisons": [
                {"section": "unseen projects", "gain": {}},
                {"section": "all", "gain": gain},
            ]
        }

    assert is_better(gain_of(evaluation(1.01)))
    assert not is_better(gain_of(evaluation(1.0)))
    with pytest.raises(ValueError, match="compares nothing"):
        gain_of({"comparisons": []})


def test_both_isas_of_an_own_loop_are_in_one_split(make_records: Records) -> None:
    records = make_records(60)
    splits = [with_split(record).split for record in records]
    assert set(splits) == {"train", "validation", "test"}
    assert [with_split(replace(record, isa="avx2")).split for record in records] == splits


def test_a_copied_model_has_all_files_and_nothing_half_written(tmp_path: Path) -> None:
    source, target = tmp_path / "new", tmp_path / "old"
    source.mkdir()
    for name in ("config.json", "model.safetensors"):
        (source / name).write_text(name)
    copy_model(source, target)
    assert sorted(path.name for path in target.iterdir()) == ["config.json", "model.safetensors"]


def test_a_refresh_without_recorded_loops_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMCC_DIR", str(tmp_path / "cache"))
    weights = tmp_path / "weights"
    weights.mkdir()
    done = CliRunner().invoke(
        main, ["refresh", "--out", str(tmp_path / "run"), "--weights", str(weights)]
    )
    assert done.exit_code == 1
    assert "LLMCC_MODE=record" in done.output
