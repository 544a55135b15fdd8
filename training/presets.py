"""What `llmcc-train all` does: the stages from nothing to a model, with their budgets. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Preset:
    """How long each stage may take, in minutes, and how much it makes."""

    corpus_minutes: float
    shards: int  # most; the corpus ends with its minutes or with these
    loops_per_shard: int
    harvest_minutes: float  # 0: no loops of real projects
    sft_minutes: float
    rft_sample_minutes: float
    rft_minutes: float  # of training; 0: PPO goes on from the SFT model
    ppo_minutes: float
    ppo_prompts: int  # loops an iteration
    ppo_samples: int
    eval_per_family: int
    eval_samples: int
    run_minutes: float  # one call of `all` stops after this long, to be called again


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        # 440 minutes and an evaluation of up to an hour, in three calls of three hours on two
        # cores. Rates measured on a busy 2-core Zen 5 VM:
        # corpus: 4.4 records/s with 2 jobs, so 110 min give 29,000, three quarters of them pairs
        #     of 242 tokens: 5.3 million tokens.
        # harvest: some 25 min to fetch and build all packages, the rest to teach.
        # sft: 8,000 tokens/s, so 60 min are 29 million tokens, five epochs.
        # rft: 16 samples of a loop take 0.7 CPU s, and 0.5 to judge: 30 min are some 1,500 loops;
        #     15 min of training are 7 million tokens, one epoch with the finds.
        # ppo: 75 to 90 s an iteration of 32 x 16 on an idle 2-core Zen 4 VM, for which 64 loops are
        #     sampled: some 120 iterations, of which at most 4 warm the critic up.
        # eval: 1.4 CPU s to sample a loop 32 times, about 1 to judge that and all other rows. Eight
        #     loops each of 14 test families, of 60 seen ones and of 6 projects are 600 at most,
        #     three models 3 x 600 x 2 CPU s: half an hour on two idle cores, an hour on busy ones.
        "cpu-3h": Preset(
            corpus_minutes=110,
            shards=2000,
            loops_per_shard=48,
            harvest_minutes=45,
            sft_minutes=60,
            rft_sample_minutes=30,
            rft_minutes=15,
            ppo_minutes=180,
            ppo_prompts=32,
            ppo_samples=16,
            eval_per_family=8,
            eval_samples=32,
            run_minutes=178,
        ),
        "smoke": Preset(
            corpus_minutes=0.6,
            shards=3,
            loops_per_shard=12,
            harvest_minutes=0,
            sft_minutes=0.2,
            rft_sample_minutes=0,
            rft_minutes=0,
            ppo_minutes=0.2,
            ppo_prompts=2,
            ppo_samples=2,
            eval_per_family=1,
            eval_samples=1,
            run_minutes=30,
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Stage:
    """One command of `llmcc-train`, which goes on where it was when it is called again."""

    name: str
    arguments: tuple[str, ...]
    makes: Path  # there once the stage is complete
    may_fail: bool = False  # the stages behind it can do without


def loops_file(out: Path) -> Path:
    """The file of all loops, synthetic and harvested, that the later stages read."""
    return out / "loops.jsonl"


def sources_of_loops(out: Path) -> tuple[Path, ...]:
    """The files it is joined from; those that are missing are left out."""
    return out / "corpus" / "pairs.jsonl", out / "harvest" / "regions.jsonl"


def making_stages(preset: Preset, out: Path) -> tuple[Stage, ...]:
    """The stages that make loops."""
    corpus, harvest = sources_of_loops(out)
    stages = [
        Stage(
            "corpus",
            (
                *("corpus", "--out", str(corpus.parent), "--minutes", f"{preset.corpus_minutes:g}"),
                *("--shards", str(preset.shards), "--loops", str(preset.loops_per_shard)),
            ),
            corpus,
        )
    ]
    if preset.harvest_minutes:
        minutes = f"{preset.harvest_minutes:g}"
        arguments = ("harvest", "--out", str(harvest.parent), "--minutes", minutes, "--teach")
        stages.append(Stage("harvest", arguments, harvest, may_fail=True))
    return tuple(stages)


def training_stages(preset: Preset, out: Path, *, seed: int) -> tuple[Stage, ...]:
    """The stages that make the model of the loops and judge it; `out` / "model" is its place."""
    loops = str(loops_file(out))
    sft, rft, ppo = (out / name for name in ("sft", "rft", "ppo"))
    checkpoints = {
        "sft": sft / "checkpoint.pt",
        "rft": rft / "checkpoint.pt",
        "ppo": ppo / "best.pt",
    }
    if not preset.rft_minutes:
        del checkpoints["rft"]
    *_, start, _ = checkpoints.values()
    seeded = ("--seed", str(seed))
    rows = (f"--model={name}={path}" for name, path in checkpoints.items())
    evaluation = out / "eval" / "evaluation.json"
    return (
        Stage(
            "sft",
            (
                *("sft", loops, "--out", str(sft), "--minutes", f"{preset.sft_minutes:g}"),
                *("--resume", *seeded),
            ),
            checkpoints["sft"],
        ),
        *_rft(preset, loops, checkpoints, seeded),
        Stage(
            "ppo",
            (
                *("ppo", loops, "--model", str(start), "--out", str(ppo)),
                *("--minutes", f"{preset.ppo_minutes:g}", "--resume", *seeded),
                *("--prompts", str(preset.ppo_prompts), "--samples", str(preset.ppo_samples)),
                *(("--pass-rates", str(rft / "sampled.jsonl")) if preset.rft_minutes else ()),
            ),
            checkpoints["ppo"],
        ),
        Stage(
            "eval",
            (
                *("eval", loops, *rows, "--out", str(evaluation.parent), *seeded),
                *("--per-family", str(preset.eval_per_family)),
                *("--samples", str(preset.eval_samples)),
            ),
            evaluation,
        ),
        Stage(
            "export",
            (
                *("export", str(checkpoints["ppo"]), "--out", str(out / "model")),
                *("--evaluation", str(evaluation)),
            ),
            out / "model" / "MODEL_CARD.md",
        ),
    )


def _rft(
    preset: Preset, loops: str, checkpoints: Mapping[str, Path], seeded: tuple[str, ...]
) -> tuple[Stage, ...]:
    if not preset.rft_minutes:
        return ()
    out = checkpoints["rft"].parent
    arguments = (
        *("rft", loops, "--model", str(checkpoints["sft"]), "--out", str(out)),
        *("--sample-minutes", f"{preset.rft_sample_minutes:g}"),
        *("--minutes", f"{preset.rft_minutes:g}", *seeded),
    )
    return (Stage("rft", arguments, checkpoints["rft"]),)
