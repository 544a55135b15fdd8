"""The paper's recipe end to end on the CPU: a tiny model, real programs, the shared PPO loop."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [train]")
pytest.importorskip("tokenizers", reason="needs the extra [train]")

from llmcc.backends.embedded.tokens import END, PADDING  # noqa: E402
from llmcc.outcome import Outcome  # noqa: E402
from llmcc.training import ppo, sft  # noqa: E402
from llmcc.training.model import ModelShape  # noqa: E402
from llmcc.training.ppo_settings import Settings, Sinks  # noqa: E402
from llmcc.training.ppo_state import RunState  # noqa: E402
from llmcc.training.program.environment import (  # noqa: E402
    ProgramEnvironment,
    train_tokenizer,
    vocabulary_of,
)
from llmcc.training.program.local import teach_copying  # noqa: E402
from llmcc.training.program.making import make_row  # noqa: E402
from llmcc.training.program.pool import ProgramPool  # noqa: E402
from llmcc.training.program.prompting import answer_of, assembly_of  # noqa: E402
from llmcc.training.program.readers import read_programs  # noqa: E402
from llmcc.training.program.rows import Row  # noqa: E402
from llmcc.training.program.running import Limits  # noqa: E402

_CHOSEN = ("bits", "collatz", "hello")
_LIMITS = Limits(wall_s=5.0, cpu_s=5)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    programs = read_programs(Path(__file__).parent / "programs")
    made = [make_row(program, limits=_LIMITS) for program in programs if program.id in _CHOSEN]
    return [replace(row, split="train") for row in made if isinstance(row, Row)]


@pytest.fixture(scope="module")
def environment(rows: list[Row]) -> ProgramEnvironment:
    tokenizer = train_tokenizer(rows, vocabulary_size=1024)
    return ProgramEnvironment(rows, tokenizer, context=512, judge=lambda _: [])


def test_reads_back_what_it_writes(environment: ProgramEnvironment, rows: list[Row]) -> None:
    for row in rows:
        shown = environment.demonstration(row, None, None)  # type: ignore[arg-type]
        assert shown is not None
        prompt = environment.encode(row, None)
        assert np.array_equal(shown.ids[: shown.start], prompt.ids)
        assert shown.ids[-1] == environment.end_id
        response = environment.decode(prompt, shown.ids[shown.start : -1].tolist())
        assert assembly_of(response) == row.assembly


def test_leaves_out_what_is_longer_than_the_context(rows: list[Row]) -> None:
    tokenizer = train_tokenizer(rows, vocabulary_size=1024)
    short = ProgramEnvironment(rows, tokenizer, context=120, judge=lambda _: [])
    assert [row.id for row in short.prompts("train")] == ["hello"]
    assert short.left_out == 2
    assert short.demonstration(rows[0], "\tret\n" * 500, None) is None  # type: ignore[arg-type]


def test_names_of_tokens_are_in_the_order_of_their_ids(rows: list[Row]) -> None:
    tokenizer = train_tokenizer(rows, vocabulary_size=512)
    vocabulary = vocabulary_of(tokenizer)
    assert len(vocabulary) == tokenizer.get_vocab_size()
    for name in (PADDING, END):
        assert vocabulary.ids[name] == tokenizer.token_to_id(name)


def test_the_pool_judges_in_order_and_equal_responses_alike(rows: list[Row]) -> None:
    right, wrong = answer_of(rows[0].assembly), answer_of("\tnonsense\n")
    with ProgramPool(jobs=2, seed=0, protocol="ours", limits=_LIMITS) as pool:
        cases = [(rows[0], right), (rows[0], wrong), (rows[1], right), (rows[0], right)]
        outcomes = [judgement.outcome for judgement in pool.judge(cases)]
    assert outcomes[:2] == [Outcome.IDENTICAL, Outcome.GATE_DOES_NOT_ASSEMBLE]
    assert outcomes[2] not in (Outcome.IDENTICAL, Outcome.ACCEPTED)
    assert outcomes[3] is outcomes[0]


def test_sft_then_ppo_runs_on_real_programs_and_moves_the_policy(
    rows: list[Row], tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    records: list[dict[str, object]] = []
    with ProgramPool(jobs=1, seed=0, protocol="ours", limits=_LIMITS) as pool:
        tokenizer = train_tokenizer(rows, vocabulary_size=1024)
        environment = ProgramEnvironment(rows, tokenizer, context=512, judge=pool.judge)
        vocabulary = vocabulary_of(tokenizer)
        shape = ModelShape(
            len(vocabulary),
            hidden_size=64,
            layer_count=2,
            head_count=1,
            feed_forward_size=176,
            context=512,
        )
        losses: list[dict[str, object]] = []
        start = teach_copying(
            environment,
            sft.new_checkpoint(shape, vocabulary, seed=0),
            settings=sft.Settings(minutes=1.0, max_steps=120, learning_rate=8e-3, log_every_s=0.0),
            log=losses.append,
        )
        assert losses[-2]["loss"] < 0.5 * losses[0]["loss"]  # type: ignore[operator]
        state = RunState.new(start, problem_count=len(environment.prompts("train")))
        before = {name: weight.clone() for name, weight in start.weights.items()}
        ppo.train(
            state,
            environment,
            Settings(
                reward="cgs",
                minutes=10.0,
                prompts=3,
                samples=4,
                warm_up_iterations=1,
                max_iterations=2,
            ),
            Sinks(
                save=lambda _: None,
                save_best=lambda _: None,
                log=records.append,
                verify_again=lambda _: None,
                progress=lambda *_: None,
            ),
        )
    assert [record["iteration"] for record in records] == [0, 1, 2]
    assert all(record["outcomes"] for record in records[1:]), json.dumps(records, default=str)
    assert state.policy_steps > 0
    after = state.policy.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before)
