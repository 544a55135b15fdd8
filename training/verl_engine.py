"""Train a large model with verl: write rows, hook and overrides, then start verl on Ray.

verl needs other versions of torch and transformers than llmcc, and GPUs, so it runs in an
environment of its own and only as a process; nothing of it is imported here.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from llmcc.errors import LlmccError
from llmcc.training.verl_rows import Problem, held_out, write_problems

VERL_VERSION = "0.9.1"
HOW_TO_MAKE = (
    "make one on each node, with a GPU at hand:\n"
    f"  python3.12 -m venv verl-venv && verl-venv/bin/pip install 'verl[vllm]=={VERL_VERSION}'"
)
_HOOK = Path(__file__).resolve().with_name("verl_hook.py")


class VerlMissing(LlmccError):
    """There is no Python with verl to start."""


class NothingToTrain(LlmccError):
    """There are no problems of the split train or of the split validation."""


@dataclass(frozen=True, slots=True)
class VerlSettings:
    """How to train; the defaults are the paper's (run_qwen2.57_superopt.sh)."""

    model: str = "Qwen/Qwen2.5-Coder-7B-Instruct"
    nodes: int = 1
    gpus_per_node: int = 4
    epochs: int = 1
    reward: str = "so"  # a key of rewards.REWARDS
    protocol: str | None = None  # "ours" or "paper"; None: the paper's for the paper's rewards
    batch_size: int = 16
    prompt_tokens_most: int = 2000
    response_tokens_most: int = 2000
    temperature: float = 0.5
    actor_learning_rate: float = 1e-6
    critic_learning_rate: float = 1e-5
    reward_workers: int = 8
    judge_timeout_s: float = 900.0

    @property
    def timed_by(self) -> str:
        """The protocol that times programs."""
        return self.protocol or ("ours" if self.reward == "lcb" else "paper")


def overrides(settings: VerlSettings, folder: Path, *, python: str) -> list[str]:
    """Give the overrides of verl's ppo_trainer.yaml.

    Args:
        settings: how to train.
        folder: absolute path of what `write_problems` wrote; checkpoints go there too. All nodes
            must see it at this path.
        python: llmcc's Python, at the same path on all nodes.
    """
    kwargs = "+reward.custom_reward_function.reward_kwargs"
    return [
        "algorithm.adv_estimator=gae",
        "algorithm.use_kl_in_reward=False",
        f"data.train_files={folder}/train.parquet",
        f"data.val_files={folder}/validation.parquet",
        f"data.train_batch_size={settings.batch_size}",
        f"data.max_prompt_length={settings.prompt_tokens_most}",
        f"data.max_response_length={settings.response_tokens_most}",
        "data.filter_overlong_prompts=True",
        "data.truncation=error",
        f"actor_rollout_ref.model.path={settings.model}",
        "actor_rollout_ref.model.use_remove_padding=True",
        "actor_rollout_ref.model.enable_gradient_checkpointing=True",
        f"actor_rollout_ref.actor.optim.lr={settings.actor_learning_rate}",
        f"actor_rollout_ref.actor.ppo_mini_batch_size={settings.batch_size}",
        "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=1",
        "actor_rollout_ref.actor.use_kl_loss=False",
        "actor_rollout_ref.actor.fsdp_config.param_offload=False",
        "actor_rollout_ref.actor.fsdp_config.optimizer_offload=False",
        "actor_rollout_ref.rollout.name=vllm",
        "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=1",
        "actor_rollout_ref.rollout.tensor_model_parallel_size=1",
        "actor_rollout_ref.rollout.gpu_memory_utilization=0.6",
        f"actor_rollout_ref.rollout.temperature={settings.temperature}",
        f"critic.model.path={settings.model}",
        "critic.model.use_remove_padding=True",
        "critic.model.enable_gradient_checkpointing=True",
        f"critic.optim.lr={settings.critic_learning_rate}",
        "critic.ppo_micro_batch_size_per_gpu=2",
        "critic.fsdp.param_offload=False",
        "critic.fsdp.optimizer_offload=False",
        # In processes: a judge that dies takes no other reward with it (verl issue 3407).
        "reward.reward_manager.name=remote",
        f"reward.num_workers={settings.reward_workers}",
        f"reward.custom_reward_function.path={folder}/verl_hook.py",
        "reward.custom_reward_function.name=compute_score",
        f"{kwargs}.python={python}",
        f"{kwargs}.problems={folder}/problems",
        f"{kwargs}.reward={settings.reward}",
        f"{kwargs}.protocol={settings.timed_by}",
        f"{kwargs}.timeout_s={settings.judge_timeout_s}",
        "trainer.critic_warmup=0",
        f"trainer.nnodes={settings.nodes}",
        f"trainer.n_gpus_per_node={settings.gpus_per_node}",
        f"trainer.total_epochs={settings.epochs}",
        "trainer.save_freq=100",
        "trainer.test_freq=100",
        "trainer.logger=[console,tensorboard]",
        "trainer.project_name=llmcc",
        f"trainer.experiment_name={settings.reward}",
        f"trainer.default_local_dir={folder}/checkpoints",
    ]


def launch(
    problems: Iterable[Problem],
    settings: VerlSettings,
    folder: Path,
    *,
    verl_python: Path,
    is_dry_run: bool = False,
) -> str:
    """Write rows, hook and `train.sh` into a folder, and unless it is a dry run, run it.

    Returns the text of train.sh: on one node it starts verl, which starts Ray itself; on more, it
    submits to the Ray cluster whose commands stand in its comments.

    Raises:
        NothingToTrain: a split is empty; verl needs both.
        VerlMissing: `verl_python` has no verl; the message says how to make such an environment.
        subprocess.CalledProcessError: verl failed.
    """
    folder = folder.resolve()
    counts = write_problems(held_out(problems), folder)
    for split in ("train", "validation"):
        if not counts.get(split):
            raise NothingToTrain(
                f"no problem of the split {split}: verl needs train and validation"
            )
    shutil.copyfile(_HOOK, folder / _HOOK.name)
    script = _script(overrides(settings, folder, python=sys.executable), settings, verl_python)
    path = folder / "train.sh"
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)
    if not is_dry_run:
        check_verl(verl_python)
        subprocess.run(["/bin/sh", str(path)], check=True, cwd=folder)
    return script


def check_verl(verl_python: Path) -> None:
    """Make sure that a Python has verl.

    Raises:
        VerlMissing: it cannot be started or has no verl; the message says what to do.
    """
    code = "import importlib.metadata as m; print(m.version('verl'))"
    try:
        found = subprocess.run(
            [str(verl_python), "-c", code], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise VerlMissing(f"{verl_python} has no verl; {HOW_TO_MAKE}") from error
    if found.stdout.strip() != VERL_VERSION:
        raise VerlMissing(
            f"{verl_python} has verl {found.stdout.strip()}, not {VERL_VERSION}; {HOW_TO_MAKE}"
        )


def _script(words: list[str], settings: VerlSettings, verl_python: Path) -> str:
    python = shlex.quote(os.path.abspath(verl_python))
    arguments = " \\\n  ".join(shlex.quote(word) for word in words)
    trainer = f"{python} -m verl.trainer.main_ppo \\\n  {arguments}\n"
    if settings.nodes == 1:
        return f"#!/bin/sh\nset -eu\nexec {trainer}"
    ray = shlex.quote(str(Path(os.path.abspath(verl_python)).with_name("ray")))
    return (
        "#!/bin/sh\nset -eu\n"
        f"# First, on node 0:      {ray} start --head --dashboard-host=0.0.0.0\n"
        f"# and on {settings.nodes - 1} more nodes:  {ray} start --address=HEAD:6379\n"
        f'exec {ray} job submit --address "${{RAY_ADDRESS:-http://127.0.0.1:8265}}" -- \\\n'
        f"  {trainer}"
    )
