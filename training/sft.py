"""Teach a model to write the teacher's rewrite: supervised training, within a budget of minutes.

The learning rate follows the clock, not the step count, so that a run on a busy machine still ends
on time with a finished schedule. Everything else is a function of the seed: batches and renamings
depend on (seed, epoch, step) alone, so a resumed run sees what an unbroken one would have seen.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import torch
from torch import nn

from llmcc.backends.embedded.tokens import Vocabulary
from llmcc.training import checkpoint
from llmcc.training.checkpoint import Checkpoint, Position
from llmcc.training.dataset import Batch, EncodedPair, epoch_batches, make_batch
from llmcc.training.model import LanguageModel, ModelShape
from llmcc.training.optimiser import Optimiser


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train."""

    minutes: float  # budget of training time; the schedule ends with it
    learning_rate: float = 4e-3
    warm_up_share: float = 0.03  # share of the budget in which the rate climbs
    tokens_per_batch: int = 4096  # of one backward pass: what stays in cache
    batches_per_step: int = 1
    gradient_norm_limit: float = 1.0
    seed: int = 0
    save_every_s: float = 180.0
    log_every_s: float = 15.0
    max_steps: int | None = None  # stop early, for tests


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a model does on validation pairs with the teacher's text as context."""

    loss: float  # mean nats per token
    exact_share: float  # of pairs whose every token is the model's first choice
    exact_by_family: dict[str, float]


def new_checkpoint(shape: ModelShape, vocabulary: Vocabulary, *, seed: int) -> Checkpoint:
    """Make the state a run starts from."""
    torch.manual_seed(seed)
    model = LanguageModel(shape)
    return Checkpoint(shape, vocabulary, model.state_dict(), {}, Position(), {})


def train(
    start: Checkpoint,
    pairs: Sequence[EncodedPair],
    *,
    validation: Sequence[EncodedPair],
    settings: Settings,
    save: Callable[[Checkpoint], None],
    log: Callable[[dict[str, object]], None],
    clock: Callable[[], float] = time.monotonic,
) -> Checkpoint:
    """Train until the budget is spent and return the last state, which is saved too.

    `save` is called every `save_every_s` seconds and at the end, `log` with one flat record every
    `log_every_s` seconds and one with the validation figures at each save.
    """
    model = start.model()
    optimiser = Optimiser(model)
    if start.optimiser:
        optimiser.restore(start.optimiser)
    position = start.position
    began = clock() - position.elapsed_s
    saved = logged = position.elapsed_s
    logged_tokens = position.tokens
    losses: list[float] = []

    def state() -> Checkpoint:
        return replace(
            start,
            weights=model.state_dict(),
            optimiser=optimiser.state(),
            position=position,
            settings={"method": "sft", **asdict(settings)},
        )

    for step in _steps(pairs, start.vocabulary, position=position, settings=settings):
        rate = learning_rate_at(position.elapsed_s, settings=settings)
        losses.append(_accumulate(model, step.batches))
        optimiser.step(rate, gradient_norm_limit=settings.gradient_norm_limit)
        position = Position(
            step=position.step + 1,
            epoch=step.epoch,
            step_in_epoch=step.step_in_epoch + 1,
            tokens=position.tokens + sum(batch.ids.size for batch in step.batches),
            elapsed_s=clock() - began,
        )
        is_over = position.elapsed_s >= 60 * settings.minutes or position.step == settings.max_steps
        if is_over or position.elapsed_s - logged >= settings.log_every_s:
            speed = (position.tokens - logged_tokens) / max(position.elapsed_s - logged, 1e-9)
            logged, logged_tokens = position.elapsed_s, position.tokens
            log(
                {
                    **asdict(position),
                    "loss": sum(losses) / len(losses),
                    "learning_rate": rate,
                    "tokens_per_s": speed,
                }
            )
            losses.clear()
        if is_over or position.elapsed_s - saved >= settings.save_every_s:
            save(state())
            quality = evaluate_loss(model, validation, start.vocabulary)
            log({"step": position.step, "validation": asdict(quality)})
            saved = clock() - began
        if is_over:
            break
    return state()


def learning_rate_at(elapsed_s: float, *, settings: Settings) -> float:
    """Give the rate at a moment of the budget: linear warm-up, then a cosine to zero."""
    share = min(elapsed_s / (60 * settings.minutes), 1.0)
    if share < settings.warm_up_share:
        return settings.learning_rate * max(share / settings.warm_up_share, 0.01)
    along = (share - settings.warm_up_share) / (1 - settings.warm_up_share)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * along))


def evaluate_loss(
    model: LanguageModel, pairs: Sequence[EncodedPair], vocabulary: Vocabulary
) -> Quality:
    """Measure loss and exact matches; a match is what greedy sampling would write."""
    right: dict[str, list[bool]] = {}
    total_loss, total_tokens = 0.0, 0
    for start in range(0, len(pairs), 16):
        chunk = pairs[start : start + 16]
        batch = make_batch(chunk, vocabulary, None)
        ids, is_target = torch.from_numpy(batch.ids), torch.from_numpy(batch.is_target)[:, 1:]
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model.logits(model.hidden(ids[:, :-1])[is_target]).float()
        wanted = ids[:, 1:][is_target]
        total_loss += nn.functional.cross_entropy(logits, wanted, reduction="sum").item()
        total_tokens += len(wanted)
        is_right = torch.zeros_like(is_target)
        is_right[is_target] = logits.argmax(-1) == wanted
        exact = (is_right == is_target).all(dim=1).tolist()
        for pair, is_exact in zip(chunk, exact, strict=True):
            right.setdefault(pair.family, []).append(is_exact)
    by_family = {family: sum(hits) / len(hits) for family, hits in sorted(right.items())}
    exact_count = sum(map(sum, right.values()))
    return Quality(total_loss / max(total_tokens, 1), exact_count / max(len(pairs), 1), by_family)


def file_sink(directory: Path) -> Callable[[Checkpoint], None]:
    """Save each checkpoint as ``checkpoint.pt`` of a directory, over the former one."""
    return lambda state: checkpoint.save(state, directory / "checkpoint.pt")


def append_line(path: Path, record: dict[str, object]) -> None:
    """Add a record to a file of JSON lines."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(record) + "\n")


@dataclass(frozen=True, slots=True)
class _Step:
    epoch: int
    step_in_epoch: int
    batches: list[Batch]


def _steps(
    pairs: Sequence[EncodedPair],
    vocabulary: Vocabulary,
    *,
    position: Position,
    settings: Settings,
) -> Iterator[_Step]:
    """Give the steps from a position on, without end."""
    epoch, skipped = position.epoch, position.step_in_epoch
    while True:
        batches = epoch_batches(
            pairs,
            vocabulary,
            tokens_per_batch=settings.tokens_per_batch,
            seed=settings.seed,
            epoch=epoch,
        )
        number = 0
        while group := list(islice(batches, settings.batches_per_step)):
            if number >= skipped:
                yield _Step(epoch, number, group)
            number += 1
        epoch, skipped = epoch + 1, 0


def _accumulate(model: LanguageModel, batches: Sequence[Batch]) -> float:
    """Add up the gradients of several batches and return their mean loss per token."""
    token_count = sum(int(batch.is_target.sum()) for batch in batches)
    total = 0.0
    for batch in batches:
        share = int(batch.is_target.sum()) / token_count
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model.loss(torch.from_numpy(batch.ids), torch.from_numpy(batch.is_target))
        (loss * share).backward()  # type: ignore[no-untyped-call]
        total += loss.item() * share
    return total
