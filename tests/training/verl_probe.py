"""Run inside an environment with verl: its own config, loader and reward call, on what we wrote.

Usage: verl_probe.py FOLDER OVERRIDES. FOLDER holds the parquet files and responses.json; OVERRIDES
has one override a line. What verl makes of them is written to FOLDER/probe.json.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from verl.trainer.ppo.reward import get_custom_reward_fn
from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn

_TEMPLATE = "{% for m in messages %}{{ m['role'] }} {{ m['content'] }}{% endfor %}assistant"


def main(folder: Path, overrides_file: Path) -> None:
    """Write the resolved config, the loaded rows and the score of each row's response."""
    spec = importlib.util.find_spec("verl")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    root = Path(spec.submodule_search_locations[0]) / "trainer" / "config"
    overrides = overrides_file.read_text().splitlines()
    with initialize_config_dir(str(root), version_base=None):
        config = compose("ppo_trainer", overrides=overrides)
    inner = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="?", pad_token="?")
    tokenizer.chat_template = _TEMPLATE
    responses = json.loads((folder / "responses.json").read_text())
    score = get_custom_reward_fn(config)
    rows = []
    for name in config.data.train_files, config.data.val_files:
        loaded = RLHFDataset(str(name), tokenizer, config.data)
        batch = collate_fn([loaded[index] for index in range(len(loaded))])
        for index in range(len(loaded)):
            row = {key: values[index] for key, values in batch.items()}
            truth = row["reward_model"]["ground_truth"]
            found = score(
                data_source=row["data_source"],
                solution_str=responses[row["extra_info"]["id"]],
                ground_truth=truth,
                extra_info=row["extra_info"],
            )
            rows.append({"id": row["extra_info"]["id"], "source": row["data_source"], **found})
    resolved = {
        "critic": OmegaConf.to_container(config.critic, resolve=True),
        "actor": OmegaConf.to_container(config.actor_rollout_ref, resolve=True),
        "algorithm": OmegaConf.to_container(config.algorithm, resolve=True),
        "trainer": OmegaConf.to_container(config.trainer, resolve=True),
        "data": OmegaConf.to_container(config.data, resolve=True),
    }
    (folder / "probe.json").write_text(json.dumps({"config": resolved, "rows": rows}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
