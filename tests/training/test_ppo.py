"""The loop of PPO with a tiny model and a judge that needs no machine."""

import itertools
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from llmcc.backends.embedded.backend import SHIPPED_WEIGHTS
from llmcc.backends.embedded.tokens import END, standard_vocabulary
from llmcc.outcome import Outcome
from llmcc.training import ppo_state
from llmcc.training.alarm import Alarm
from llmcc.training.critic import Critic
from llmcc.training.curriculum import Curriculum, Finds
from llmcc.training.curves import draw_curves
from llmcc.training.dataset import PairRecord
from llmcc.training.environment import Demonstration, Prompt
from llmcc.training.judgement import Judgement
from llmcc.training.model import ModelShape
from llmcc.training.ppo import train
from llmcc.training.ppo_command import curriculum_from
from llmcc.training.ppo_settings import Settings, Sinks
from llmcc.training.ppo_state import RunState
from llmcc.training.region_environment import RegionEnvironment
from llmcc.training.rft_sampling import Sampled
from llmcc.training.rollout import (
    Answer,
    chosen_log_probabilities,
    forbidden_mask,
    hidden_states,
    lay_out,
    log_distribution,
    runtime_policy,
    sample_answers,
)
from llmcc.training.sft import new_checkpoint
from llmcc.training.start import deepen, load_start

pytestmark = pytest.mark.train
Records = Callable[..., list[PairRecord]]
VOCABULARY = standard_vocabulary()
SHAPE = ModelShape(
    len(VOCABULARY), hidden_size=32, layer_count=2, head_count=2, feed_forward_size=48, context=256
)
SETTINGS = Settings(
    prompts=3,
    samples=3,
    learning_rate=1e-3,
    critic_learning_rate=1e-3,
    warm_up_iterations=1,
    validate_every=2,
    validation_prompts=2,
    tokens_per_batch=1024,
    steps_per_epoch=2,
    minutes=1000,
)


class Counting:
    """A world of six words: the more often an answer says the right one, the better."""

    words = tuple(range(100, 106))
    end_id = VOCABULARY.ids[END]
    never = tuple(set(range(len(VOCABULARY))) - {*words, end_id})

    def __init__(self, ending: Outcome = Outcome.ACCEPTED) -> None:
        self._ending = ending

    def prompts(self, split: str) -> Sequence[int]:
        return self.words

    def encode(self, problem: int, rng: random.Random | None) -> Prompt:
        return Prompt(np.array([problem, 5]), None)

    def decode(self, prompt: Prompt, ids: Sequence[int]) -> str:
        return " ".join(map(str, ids))

    def judge(self, cases: Sequence[tuple[int, str]]) -> list[Judgement]:
        return [self._judge(problem, text.split()) for problem, text in cases]

    def demonstration(
        self, problem: int, answer: str | None, rng: random.Random
    ) -> Demonstration | None:
        ids = [problem, 5, *map(int, (answer or str(problem)).split()), self.end_id]
        return Demonstration(np.array(ids), 2)

    def _judge(self, problem: int, words: Sequence[str]) -> Judgement:
        if str(problem) not in words:
            return Judgement(Outcome.WRONG_OUTPUT, 0.0)
        low = 1.0 + words.count(str(problem)) / len(words)
        return Judgement(self._ending, 1.0, low + 0.1, low, low + 0.2)


def environment(make_records: Records) -> RegionEnvironment:
    return RegionEnvironment(
        make_records(20),
        VOCABULARY,
        context=256,
        judge=lambda cases: [Judgement(Outcome.NOT_FASTER, 1.0)] * len(cases),
    )


def fresh(count: int) -> RunState:
    return RunState.new(new_checkpoint(SHAPE, VOCABULARY, seed=0), problem_count=count)


def sinks(log: list[dict[str, object]] | None = None) -> Sinks:
    return Sinks(
        save=lambda state: None,
        save_best=lambda state: None,
        log=(lambda record: None) if log is None else log.append,
        verify_again=lambda state: None,
        progress=lambda what, done, total: None,
    )


def run(state: RunState, world: Counting, *, iterations: int) -> list[dict[str, object]]:
    log: list[dict[str, object]] = []
    ticks = itertools.count()
    settings = replace(SETTINGS, max_iterations=iterations)
    train(state, world, settings, sinks(log), clock=lambda: float(next(ticks)))
    return log


def test_the_critic_learns_alone_before_the_policy_moves() -> None:
    world = Counting()
    state = fresh(len(world.prompts("train")))
    before = {name: weight.clone() for name, weight in state.policy.state_dict().items()}
    start, first = run(state, world, iterations=1)
    assert start["iteration"] == 0
    assert first["policy_steps"] == 0
    assert all(torch.equal(before[n], w) for n, w in state.policy.state_dict().items())
    assert not torch.equal(state.critic.head.weight, torch.zeros_like(state.critic.head.weight))
    (second,) = run(state, world, iterations=2)
    assert second["policy_steps"]
    assert any(not torch.equal(before[n], w) for n, w in state.policy.state_dict().items())
    assert all(torch.equal(before[n], w) for n, w in state.reference.state_dict().items())


def test_a_resumed_run_ends_like_an_unbroken_one(tmp_path: Path) -> None:
    world = Counting()
    unbroken, broken = (fresh(len(world.prompts("train"))) for _ in range(2))
    run(unbroken, world, iterations=4)
    run(broken, world, iterations=2)
    ppo_state.save(broken, tmp_path / "ppo.pt")
    resumed = ppo_state.load(tmp_path / "ppo.pt")
    run(resumed, world, iterations=4)
    assert resumed.iteration == unbroken.iteration == 4
    assert resumed.samples == unbroken.samples
    assert resumed.curriculum == unbroken.curriculum
    assert resumed.finds == unbroken.finds
    for part in ("policy", "average", "critic"):
        mine, other = getattr(resumed, part), getattr(unbroken, part)
        for name, weight in other.state_dict().items():
            assert torch.equal(mine.state_dict()[name], weight), name


def test_what_is_kept_is_the_average_of_policies() -> None:
    state = fresh(len(Counting.words))
    state.is_warm = True
    run(state, Counting(), iterations=1)
    name = "model.embed_tokens.weight"
    start, mean, last = (
        model.state_dict()[name] for model in (state.reference, state.average, state.policy)
    )
    assert 0 < torch.dist(start, mean) < 0.2 * torch.dist(start, last)
    assert torch.equal(state.checkpoint({}).weights[name], mean)


def test_a_file_of_something_else_is_no_run(tmp_path: Path) -> None:
    torch.save({"shape": {}}, tmp_path / "ppo.pt")
    with pytest.raises(ValueError, match="not a PPO run"):
        ppo_state.load(tmp_path / "ppo.pt")


def test_an_iteration_that_the_machine_spoilt_moves_nothing() -> None:
    world = Counting(Outcome.MACHINE_TOO_NOISY)
    world.judge = lambda cases: [Judgement(Outcome.MACHINE_TOO_NOISY)] * len(cases)  # type: ignore[method-assign]
    state = fresh(len(world.words))
    state.is_warm = True
    _, record = run(state, world, iterations=1)
    assert record["silent_samples"] == len(world.words) * SETTINGS.samples  # all were drawn
    assert "reward_mean" not in record
    assert state.policy_steps == 0
    assert state.curriculum == Curriculum.untried(len(world.words))


def test_training_raises_the_reward() -> None:
    world = Counting()
    state = fresh(len(world.words))
    state.is_warm = True
    settings = replace(
        SETTINGS,
        max_iterations=9,
        prompts=6,
        samples=8,
        learning_rate=1e-2,
        target_kl=0.5,
        imitation_coefficient=0.0,
    )
    log: list[dict[str, object]] = []
    ticks = itertools.count()
    train(state, world, settings, sinks(log), clock=lambda: float(next(ticks)))
    rewards = [float(str(record["reward_mean"])) for record in log[1:]]
    assert sum(rewards[-3:]) / 3 > sum(rewards[:3]) / 3 + 0.2
    assert set(state.finds.best) == set(range(6))


def test_the_best_policy_of_validation_is_saved() -> None:
    world = Counting()
    state = fresh(len(world.words))
    saved: list[int] = []
    settings = replace(SETTINGS, max_iterations=4, validate_every=2)
    log: list[dict[str, object]] = []
    best = replace(sinks(log), save_best=lambda state: saved.append(state.iteration))
    train(state, world, settings, best, clock=lambda: 0.0)
    scores = {
        r["iteration"]: r["validation_reward_best"] for r in log if "validation_reward_best" in r
    }
    assert list(scores) == [0, 2, 4]
    assert state.best_score == max(map(float, map(str, scores.values())))
    assert saved[0] == 0


def test_samples_come_back_in_the_loops_own_registers(make_records: Records) -> None:
    world = environment(make_records)
    record = world.prompts("train")[0]
    prompt = world.encode(record, random.Random(3))
    plain = world.encode(record, None)
    assert not np.array_equal(prompt.ids, plain.ids)
    assert world.decode(prompt, prompt.ids.tolist()) == world.decode(plain, plain.ids.tolist())


def test_torch_and_the_sampler_agree_on_the_probability_of_an_answer(make_records: Records) -> None:
    world = environment(make_records)
    policy = fresh(1).policy
    answers = sample_answers(
        runtime_policy(policy),
        world,
        world.prompts("train")[:2],
        samples=4,
        seed="s",
        advance=lambda: None,
    )
    assert sum(answer.count for answer in answers) == 8
    rows = lay_out(answers, 0)
    assert not set(world.never) & {int(n) for a in answers for n in a.ids[a.start :]}
    nothing = forbidden_mask(len(VOCABULARY), ())
    distribution = log_distribution(policy, hidden_states(policy, rows), nothing)
    found = chosen_log_probabilities(distribution, rows)
    for answer, part in zip(answers, found.split_with_sizes(rows.lengths), strict=True):
        assert part.sum().item() == pytest.approx(answer.sampled_log_probability, rel=0.02)


def test_a_new_critic_expects_nothing() -> None:
    critic = Critic(SHAPE.hidden_size)
    assert critic(torch.randn(8, SHAPE.hidden_size)).tolist() == [0.0] * 8


def test_the_shipped_weights_start_a_run(tmp_path: Path) -> None:
    start = load_start(SHIPPED_WEIGHTS)
    model = start.model()
    ids = torch.arange(20)[None] + 30
    transformer = runtime_policy(model)
    with torch.inference_mode():
        logits = model.logits(model.hidden(ids))[0].numpy()
    assert np.abs(transformer.logits(ids[0].numpy()) - logits).max() < 0.1
    with pytest.raises(OSError, match=r"tokenizer\.json"):
        load_start(tmp_path)


def test_added_layers_change_nothing_yet() -> None:
    start = load_start(SHIPPED_WEIGHTS)
    deeper = deepen(start, start.shape.layer_count + 2, seed=1)
    ids = torch.arange(20)[None] + 30
    with torch.inference_mode():
        assert torch.equal(deeper.model().hidden(ids), start.model().hidden(ids))
    with pytest.raises(ValueError, match=f"the model has {start.shape.layer_count} layers, not 2"):
        deepen(start, 2, seed=1)


def test_problems_solved_sometimes_are_drawn_most() -> None:
    curriculum = Curriculum.untried(30)
    for problem in range(30):
        accepted = {0: 0, 1: 4, 2: 8}[problem % 3]
        for _ in range(6):
            curriculum.note(problem, samples=8, accepted=accepted)
    drawn = [n for seed in range(60) for n in curriculum.draw(6, random.Random(seed), best_of=1)]
    assert sum(n % 3 == 1 for n in drawn) > 0.6 * len(drawn)
    assert {n % 3 for n in drawn} == {0, 1, 2}
    assert len(set(curriculum.draw(30, random.Random(0), best_of=1))) == 30


def test_where_the_best_of_several_is_paid_rarely_solved_problems_are_drawn_most() -> None:
    curriculum = Curriculum.sampled([80] * 30, [[0, 8, 40][n % 3] for n in range(30)])

    def share_of_rare(best_of: int) -> float:
        seeds = [random.Random(seed) for seed in range(60)]
        drawn = [n for rng in seeds for n in curriculum.draw(6, rng, best_of=best_of)]
        return sum(n % 3 == 1 for n in drawn) / len(drawn)

    assert share_of_rare(1) < 0.5 < share_of_rare(4)


def test_only_a_better_find_replaces_a_find() -> None:
    finds = Finds()
    finds.note(3, 1.0, "a")
    finds.note(3, 0.5, "b")
    assert finds.answer_to(3) == "a"
    finds.note(3, 1.5, "c")
    assert finds.answer_to(3) == "c"
    assert finds.answer_to(4) is None


def test_finds_that_came_rarely_are_imitated_most() -> None:
    finds = Finds({0: (1.0, "often"), 1: (1.0, "rare")})
    weights = 1.0 - Curriculum.sampled([16, 16], [15, 1]).rates()
    shown = finds.draw(400, [7], random.Random(0), weights=weights)
    assert shown.count(7) == 200
    assert shown.count(1) > 5 * shown.count(0) > 0


def test_the_alarm_rings_for_wrong_answers_only(tmp_path: Path) -> None:
    alarm = Alarm()
    for text in ("right", "right", "wrong", "uncovered", "noisy"):
        alarm.note(0, text)
    outcomes = {
        "right": Outcome.NOT_FASTER,
        "wrong": Outcome.WRONG_OUTPUT,
        "uncovered": Outcome.NOT_COVERED,
        "noisy": Outcome.SANDBOX_UNSAFE,
    }
    asked: list[tuple[int, str]] = []

    def judge(waiting: Sequence[tuple[int, str]]) -> list[Judgement]:
        asked.extend(waiting)
        return [Judgement(outcomes[text]) for _, text in waiting]

    alarm.check(judge)
    alarm.check(judge)
    assert len(asked) == 4
    assert (alarm.passed, alarm.failed, alarm.uncovered, alarm.unclear) == (1, 1, 1, 1)
    assert alarm.gap == 0.5
    assert alarm.is_ringing
    alarm.write(tmp_path / "alarm.json")
    document = json.loads((tmp_path / "alarm.json").read_text())
    assert document["held_out_pass_rate"] == 0.5
    assert {entry["answer"] for entry in document["not_passed"]} == {"wrong", "uncovered", "noisy"}


def test_a_run_starts_with_what_rejection_sampling_solved_sometimes(make_records: Records) -> None:
    problems = make_records(4)
    problems[3] = replace(problems[3], rewrite="")
    sampled = [Sampled(problems[1].id, 64, 32, ""), Sampled(problems[2].id, 64, 64, "")]
    curriculum = curriculum_from(problems, sampled)
    assert curriculum == Curriculum([0.0, 64.0, 64.0, 16.0], [0.0, 32.0, 64.0, 0.0])
    first = [curriculum.draw(1, random.Random(seed), best_of=1)[0] for seed in range(60)]
    assert first.count(2) < first.count(1)


def drawn(records: list[PairRecord], **ways: int) -> list[Answer]:
    environment = RegionEnvironment(records, VOCABULARY, context=256, judge=lambda cases: [])
    return sample_answers(
        runtime_policy(new_checkpoint(SHAPE, VOCABULARY, seed=0).model()),
        environment,
        environment.prompts("train"),
        samples=4,
        seed="",
        advance=lambda: None,
        **ways,
    )


def test_an_answer_may_be_as_long_as_the_settings_say(make_records: Records) -> None:
    answers = drawn(make_records(1), max_new_tokens=5)
    assert max(len(answer.ids) - answer.start for answer in answers) == 5


def test_two_processes_sample_what_one_does(make_records: Records) -> None:
    one, two = (drawn(make_records(3), max_new_tokens=9, jobs=jobs) for jobs in (1, 2))
    assert [answer.text for answer in one] == [answer.text for answer in two]
    assert {answer.prompt for answer in two} == {0, 1, 2}


def test_curves_are_drawn_of_a_log_with_a_line_cut_short(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    log = tmp_path / "log.jsonl"
    log.write_text('{"iteration": 1, "reward_mean": 0.5}\n{"iteration": 2, "rew')
    draw_curves(log, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
