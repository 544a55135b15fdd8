"""The runtime, on a small model with random weights."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmcc.backends.embedded import decoder
from llmcc.backends.embedded.backend import SHIPPED_WEIGHTS
from llmcc.backends.embedded.runtime import Sampling, Transformer, load_transformer
from llmcc.backends.embedded.safetensors_file import WeightsError, read_tensors, write_tensors
from llmcc.store.keys import cpu_flags

VOCABULARY, SIZE, HEADS, LAYERS, FEED_FORWARD, CONTEXT = 50, 32, 2, 2, 48, 64
END = 0
HALF_PRECISION = 0.05  # of logits between -10 and 10: keys and values are float16


def write_random_model(directory: Path, *, scale: float = 0.4) -> None:
    rng = np.random.default_rng(7)

    def matrix(*shape: int) -> np.ndarray:
        return rng.normal(0, scale, shape).astype(np.float16)

    tensors = {
        "model.embed_tokens.weight": matrix(VOCABULARY, SIZE),
        "model.norm.weight": 1 + matrix(SIZE),
    }
    for n in range(LAYERS):
        prefix = f"model.layers.{n}."
        for name in ("q", "k", "v", "o"):
            tensors[f"{prefix}self_attn.{name}_proj.weight"] = matrix(SIZE, SIZE)
        tensors[f"{prefix}mlp.gate_proj.weight"] = matrix(FEED_FORWARD, SIZE)
        tensors[f"{prefix}mlp.up_proj.weight"] = matrix(FEED_FORWARD, SIZE)
        tensors[f"{prefix}mlp.down_proj.weight"] = matrix(SIZE, FEED_FORWARD)
        tensors[f"{prefix}input_layernorm.weight"] = 1 + matrix(SIZE)
        tensors[f"{prefix}post_attention_layernorm.weight"] = 1 + matrix(SIZE)
    metadata = {"vocabulary_sha256": "0"}
    write_tensors(directory / "model.safetensors", tensors, metadata=metadata)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": VOCABULARY,
        "hidden_size": SIZE,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": END,
    }
    (directory / "config.json").write_text(json.dumps(config))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_random_model(tmp_path)
    return tmp_path


@pytest.fixture
def model(directory: Path) -> Transformer:
    return load_transformer(directory)


PROMPT = np.array([3, 1, 4, 1, 5, 9, 2, 6], dtype=np.int64)


def test_samples_score_what_the_whole_text_scores(model: Transformer) -> None:
    # Also the check that cached keys, early removal and positions are right.
    how = Sampling(count=12, temperature=1.0, max_new_tokens=40, end_id=END, seed=3)
    samples = model.sample([PROMPT], how)
    assert len({len(sample.ids) for sample in samples}) > 3
    for sample in samples:
        text = np.array([*PROMPT, *sample.ids, END], dtype=np.int64)
        logits = model.logits(text).astype(np.float64)
        log_shares = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        wanted = text[len(PROMPT) :]
        rows = np.arange(len(PROMPT) - 1, len(text) - 1)
        assert sample.log_probability == pytest.approx(log_shares[rows, wanted].sum(), abs=1e-3)


def test_the_first_sample_takes_the_best_token_each_time(model: Transformer) -> None:
    # Token 0 never wins here, so a token that greedy reaches serves as the end.
    text = list(PROMPT)
    for _ in range(6):
        text.append(int(model.logits(np.array(text))[-1].argmax()))
    written = text[len(PROMPT) :]
    end = next(token for n, token in enumerate(written) if n > 0 and token not in written[:n])
    how = Sampling(count=1, temperature=0.8, max_new_tokens=20, end_id=end)
    (sample,) = model.sample([PROMPT], how)
    assert list(sample.ids) == written[: written.index(end)]


def test_the_same_seed_gives_the_same_samples(model: Transformer) -> None:
    how = Sampling(count=8, temperature=0.8, max_new_tokens=30, end_id=END, seed=5)
    assert model.sample([PROMPT], how) == model.sample([PROMPT], how)


def test_forbidden_tokens_are_never_sampled(model: Transformer) -> None:
    never = tuple(range(10, 50))
    how = Sampling(count=16, temperature=2.0, max_new_tokens=50, end_id=END, never=never)
    samples = model.sample([PROMPT], how)
    assert samples
    assert all(max(sample.ids, default=0) < 10 for sample in samples)


def test_a_prompt_as_long_as_the_context_gives_nothing(model: Transformer) -> None:
    how = Sampling(count=2, temperature=0.8, max_new_tokens=20, end_id=END)
    assert model.sample([np.ones(CONTEXT, dtype=np.int64)], how) == []


def test_samples_that_do_not_end_are_left_out(model: Transformer) -> None:
    how = Sampling(count=4, temperature=1.0, max_new_tokens=20, end_id=END, never=(END,))
    assert model.sample([PROMPT], how) == []


def test_samples_less_probable_than_wanted_are_given_up(model: Transformer) -> None:
    how = Sampling(count=30, temperature=1.0, max_new_tokens=40, end_id=END, seed=3)
    scores = sorted(sample.log_probability for sample in model.sample([PROMPT], how))
    least = scores[len(scores) // 2]
    kept = model.sample([PROMPT], replace(how, least_log_probability=least))
    assert kept
    assert min(sample.log_probability for sample in kept) >= least > scores[0]
    assert model.sample([PROMPT], replace(how, least_log_probability=0.0)) == []


def test_when_tokens_run_out_only_the_most_probable_text_goes_on(model: Transformer) -> None:
    how = Sampling(count=30, temperature=1.0, max_new_tokens=40, end_id=END, seed=3)
    assert model.sample([PROMPT], replace(how, most_tokens=1200)) == model.sample([PROMPT], how)
    texts = {sample.ids for sample in model.sample([PROMPT], replace(how, most_tokens=0))}
    longest = max(texts, key=len)
    assert len(longest) > 1
    assert all(text == longest[: len(text)] for text in texts)


@pytest.mark.train
def test_unfinished_samples_are_given_to_who_asks_for_them(model: Transformer) -> None:
    how = Sampling(
        count=6, temperature=1.0, max_new_tokens=3, end_id=END, never=(END,), keeps_unfinished=True
    )
    samples = model.sample([PROMPT], how)
    assert [(len(sample.ids), sample.is_ended) for sample in samples] == [(3, False)] * 6
    assert len({sample.ids for sample in samples}) > 1


def test_without_a_greedy_sample_all_are_drawn(model: Transformer) -> None:
    how = Sampling(
        count=1, temperature=5.0, max_new_tokens=3, end_id=END, never=(END,), keeps_unfinished=True
    )
    greedy = {model.sample([PROMPT], replace(how, seed=seed))[0].ids for seed in range(6)}
    drawn = {
        model.sample([PROMPT], replace(how, seed=seed, has_greedy=False))[0].ids
        for seed in range(6)
    }
    assert len(greedy) == 1
    assert len(drawn) > 1


def test_logits_equal_those_of_transformers(directory: Path, model: Transformer) -> None:
    ids = np.random.default_rng(1).integers(0, VOCABULARY, CONTEXT)
    assert np.abs(model.logits(ids) - _transformers_logits(directory, ids)).max() < HALF_PRECISION


@pytest.mark.parametrize("level", ["x86-64-v4", "x86-64-v3"])
def test_all_levels_of_x86_64_give_the_same_logits(
    directory: Path, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not decoder.LEVELS[level] <= cpu_flags():
        pytest.skip(f"this CPU is below {level}")
    monkeypatch.setattr(decoder, "library", decoder.library.__wrapped__)
    ids = np.random.default_rng(1).integers(0, VOCABULARY, CONTEXT)
    logits = []
    for flags in (decoder.LEVELS["x86-64"], decoder.LEVELS[level]):
        monkeypatch.setattr(decoder, "cpu_flags", lambda flags=flags: flags)
        logits.append(load_transformer(directory).logits(ids))
    assert np.abs(logits[0] - logits[1]).max() < HALF_PRECISION


def test_texts_that_branch_off_score_what_each_scores_alone(model: Transformer) -> None:
    # Two texts of one beginning, run as a tree; each text anew beside it.
    begun, ends = PROMPT, ([7, 7, 8], [9, 3, 1])
    tree = model.decoder.tree(len(begun) + 6)
    paths = np.zeros((2, CONTEXT), dtype=np.int32)
    paths[:, : len(begun)] = tree.add(len(begun))
    steps = np.arange(len(begun))
    model.decoder.run(tree, begun, steps, np.zeros_like(steps), paths)
    for step in range(3):
        position = len(begun) + step
        paths[:, position] = tree.add(2)
        tokens = np.array([end[step] for end in ends])
        hidden = model.decoder.run(tree, tokens, np.full(2, position), np.arange(2), paths)
    logits = model.decoder.score(hidden)
    alone = [model.logits(np.array([*begun, *end]))[-1] for end in ends]
    assert np.abs(logits - np.stack(alone)).max() < HALF_PRECISION
    assert np.abs(logits[0] - logits[1]).max() > 0.1


@pytest.mark.train
@pytest.mark.skipif(not (SHIPPED_WEIGHTS / "config.json").exists(), reason="no weights shipped yet")
def test_the_shipped_weights_give_the_logits_of_transformers() -> None:
    model = load_transformer(SHIPPED_WEIGHTS)
    ids = np.random.default_rng(1).integers(0, len(model.decoder.embedding), 400)
    assert np.abs(model.logits(ids) - _transformers_logits(SHIPPED_WEIGHTS, ids)).max() < 0.01


def _transformers_logits(directory: Path, ids: np.ndarray) -> np.ndarray:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    theirs = transformers.LlamaForCausalLM.from_pretrained(directory, dtype=torch.float32)
    with torch.inference_mode():
        logits: np.ndarray = theirs(torch.from_numpy(ids)[None]).logits[0].numpy()
    return logits


def test_a_changed_byte_in_the_weights_is_noticed(directory: Path) -> None:
    path = directory / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="damaged"):
        load_transformer(directory)


@pytest.mark.parametrize("length", [0, 4, 9, 300, 9000])
def test_weights_cut_short_are_noticed(directory: Path, length: int) -> None:
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(WeightsError):
        load_transformer(directory)


def test_noise_instead_of_weights_is_noticed(directory: Path) -> None:
    rng = np.random.default_rng(0)
    (directory / "model.safetensors").write_bytes(rng.bytes(5000))
    with pytest.raises(WeightsError):
        load_transformer(directory)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_missing_file_is_a_weights_error(directory: Path, name: str) -> None:
    (directory / name).unlink()
    with pytest.raises(WeightsError, match=name):
        load_transformer(directory)


@pytest.mark.parametrize(
    "other",
    [
        {"num_hidden_layers": LAYERS + 1},
        {"intermediate_size": FEED_FORWARD + 32},
        {"hidden_size": 2 * SIZE},
        {"num_attention_heads": 4, "num_key_value_heads": 4},  # 8 wide
        {"num_key_value_heads": 1},
        {"tie_word_embeddings": False},
    ],
)
def test_a_config_of_another_shape_is_a_weights_error(
    directory: Path, other: dict[str, int]
) -> None:
    config = json.loads((directory / "config.json").read_text()) | other
    (directory / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="no model this runtime knows"):
        load_transformer(directory)


def test_the_safetensors_package_reads_our_file(directory: Path) -> None:
    safetensors_numpy = pytest.importorskip("safetensors.numpy")
    ours = read_tensors(directory / "model.safetensors").tensors
    theirs = safetensors_numpy.load_file(directory / "model.safetensors")
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
