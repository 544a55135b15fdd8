"""Sample answers from the policy and write down what its update needs of them.

Sampling runs in the runtime of compiles, at temperature 1 over the tokens that may be written: the
distribution that is trained. The log-probabilities that the update compares with are computed
again by torch, by the very code that trains: two runtimes never agree to the last bit.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llmcc.backends.embedded.decoder import Decoder
from llmcc.backends.embedded.runtime import Sampling, Transformer
from llmcc.training.environment import Environment, ProblemT, Prompt
from llmcc.training.model import LanguageModel
from llmcc.training.ppo_maths import masked_log_softmax
from llmcc.training.side_by_side import side_by_side

MAX_NEW_TOKENS = 400  # as in a compile


@dataclass(frozen=True, slots=True)
class Answer:
    """One distinct answer to one prompt of an iteration."""

    prompt: int  # which of the iteration's prompts
    ids: NDArray[np.int64]  # (T,) prompt and answer, with the end token when it has ended
    start: int  # index of the answer's first token
    count: int  # how many of the prompt's samples were this one
    text: str  # in the problem's own names
    is_ended: bool
    sampled_log_probability: float  # as the sampler saw it, without the mask of forbidden tokens


@dataclass(frozen=True, slots=True)
class Rows:
    """Answers side by side, padded on the right."""

    ids: Tensor  # (B, T) int64
    is_chosen: Tensor  # (B, T) bool, true on answers' tokens; N of them
    weights: Tensor  # (N,) float32, each token's answer's count
    lengths: list[int] = field(repr=False)  # of the answers, in tokens; they sum up to N


def runtime_policy(policy: LanguageModel) -> Transformer:
    """Copy a policy's weights, as float16, into the runtime that samples."""
    tensors = {
        name: weight.detach().float().numpy() for name, weight in policy.state_dict().items()
    }
    return Transformer(Decoder(policy.shape.hugging_face_config(), tensors), "")


def sample_answers(
    policy: Transformer,
    environment: Environment[ProblemT],
    problems: Sequence[ProblemT],
    *,
    samples: int,
    seed: str,
    advance: Callable[[], None],
    max_new_tokens: int = MAX_NEW_TOKENS,
    jobs: int = 1,
) -> list[Answer]:
    """Draw `samples` answers to each problem, under one renaming of each problem's registers.

    The same seed and weights give the same answers, whatever `jobs`, the number of processes.
    `advance` is called after each problem. An answer of `max_new_tokens` without an end is
    unfinished.
    """

    def draw(number: int) -> list[Answer]:
        rng = random.Random(f"{seed} {number}")
        prompt = environment.encode(problems[number], rng)
        how = Sampling(
            count=samples,
            temperature=1.0,
            max_new_tokens=max_new_tokens,
            end_id=environment.end_id,
            never=environment.never,
            seed=rng.getrandbits(32),
            has_greedy=False,
            keeps_unfinished=True,
        )
        return _distinct(policy, environment, prompt, how, number)

    drawn = side_by_side(draw, range(len(problems)), jobs=jobs, advance=advance)
    return list(itertools.chain.from_iterable(drawn))


def lay_out(answers: Sequence[Answer], padding_id: int) -> Rows:
    """Put answers side by side."""
    longest = max(len(answer.ids) for answer in answers)
    ids = np.full((len(answers), longest), padding_id, dtype=np.int64)
    is_chosen = np.zeros((len(answers), longest), dtype=np.bool_)
    for row, answer in enumerate(answers):
        ids[row, : len(answer.ids)] = answer.ids
        is_chosen[row, answer.start : len(answer.ids)] = True
    lengths = [len(answer.ids) - answer.start for answer in answers]
    counts = torch.tensor([answer.count for answer in answers], dtype=torch.float32)
    weights = counts.repeat_interleave(torch.tensor(lengths))
    return Rows(torch.from_numpy(ids), torch.from_numpy(is_chosen), weights, lengths)


def hidden_states(model: LanguageModel, rows: Rows) -> Tensor:
    """What a model knows before each chosen token; (N, D), in bfloat16 as it is trained."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return model.hidden(rows.ids[:, :-1])[rows.is_chosen[:, 1:]]


def log_distribution(model: LanguageModel, hidden: Tensor, forbidden: Tensor) -> Tensor:
    """The log-probabilities that go with hidden states: (N, D) -> (N, V) float32.

    forbidden: (V,) bool.
    """
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model.logits(hidden)
    return masked_log_softmax(logits, forbidden)


def chosen_log_probabilities(log_distribution: Tensor, rows: Rows) -> Tensor:
    """Pick the chosen tokens' log-probabilities: (N, V) -> (N,)."""
    chosen = rows.ids[:, 1:][rows.is_chosen[:, 1:]]
    return log_distribution.gather(1, chosen[:, None])[:, 0]


def forbidden_mask(vocabulary_size: int, never: Sequence[int]) -> Tensor:
    """Mark the ids that cannot be part of an answer; (V,) bool."""
    mask = torch.zeros(vocabulary_size, dtype=torch.bool)
    mask[list(never)] = True
    return mask


def _distinct(
    policy: Transformer,
    environment: Environment[ProblemT],
    prompt: Prompt,
    how: Sampling,
    number: int,
) -> list[Answer]:
    drawn = policy.sample([prompt.ids], how)
    counts = Counter((sample.ids, sample.is_ended) for sample in drawn)
    likelihood = {sample.ids: sample.log_probability for sample in drawn}
    answers = []
    for (ids, is_ended), count in counts.items():
        tokens = [*ids, environment.end_id] if is_ended else list(ids)
        whole = np.concatenate((prompt.ids, np.array(tokens, dtype=np.int64)))
        text = environment.decode(prompt, ids)
        start = len(prompt.ids)
        answers.append(Answer(number, whole, start, count, text, is_ended, likelihood[ids]))
    return answers
