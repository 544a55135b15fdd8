"""Training itself, on a model small enough to train for a few steps in a test."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from llmcc.backends.embedded import backend
from llmcc.backends.embedded.backend import LEAVE_IT, EmbeddedBackend, load_model, propose_with
from llmcc.backends.embedded.prompt import PromptStyle, in_style
from llmcc.backends.embedded.safetensors_file import WeightsError
from llmcc.backends.embedded.tokens import standard_vocabulary
from llmcc.propose import Request
from llmcc.regions.model import Region
from llmcc.training import checkpoint
from llmcc.training.checkpoint import Checkpoint
from llmcc.training.dataset import EncodedPair, PairRecord, encode_pair, write_pairs
from llmcc.training.export import write_model
from llmcc.training.leave_it import NOTHING_FASTER
from llmcc.training.main import main
from llmcc.training.model import LanguageModel, ModelShape
from llmcc.training.sft import Settings, learning_rate_at, new_checkpoint, train
from llmcc.training.sft_pairs import load_pairs

pytestmark = pytest.mark.train
Records = Callable[..., list[PairRecord]]
VOCABULARY = standard_vocabulary()
SHAPE = ModelShape(
    len(VOCABULARY), hidden_size=64, layer_count=2, head_count=2, feed_forward_size=96, context=512
)


def encoded(records: list[PairRecord]) -> list[EncodedPair]:
    pairs = [encode_pair(record, VOCABULARY, context=512) for record in records]
    return [pair for pair in pairs if pair is not None]


def run(
    start: Checkpoint,
    pairs: list[EncodedPair],
    *,
    steps: int,
    log: list[dict[str, object]] | None = None,
) -> Checkpoint:
    # A clock that ticks once a call makes the schedule, and so the weights, repeatable.
    ticks = itertools.count(1)
    settings = Settings(minutes=10, tokens_per_batch=1024, max_steps=steps, log_every_s=1)
    return train(
        start,
        pairs[10:],
        validation=pairs[:10],
        settings=settings,
        save=lambda state: None,
        log=(lambda record: None) if log is None else log.append,
        clock=lambda: float(next(ticks)),
    )


def test_training_lowers_the_loss(make_records: Records) -> None:
    log: list[dict[str, object]] = []
    run(new_checkpoint(SHAPE, VOCABULARY, seed=0), encoded(make_records(60)), steps=25, log=log)
    losses = [record["loss"] for record in log if "loss" in record]
    assert losses[0] > 7
    assert losses[-1] < 4.5
    assert "exact_by_family" in log[-1]["validation"]


def test_a_resumed_run_ends_like_an_unbroken_one(tmp_path: Path, make_records: Records) -> None:
    pairs = encoded(make_records(60))
    unbroken = run(new_checkpoint(SHAPE, VOCABULARY, seed=0), pairs, steps=12)
    half = run(new_checkpoint(SHAPE, VOCABULARY, seed=0), pairs, steps=6)
    checkpoint.save(half, tmp_path / "half.pt")
    resumed = run(checkpoint.load(tmp_path / "half.pt"), pairs, steps=12)
    assert resumed.position.tokens == unbroken.position.tokens
    assert resumed.position.epoch == unbroken.position.epoch > 0
    for name, weight in unbroken.weights.items():
        assert torch.equal(resumed.weights[name], weight), name


def test_the_run_ends_when_the_budget_is_spent(make_records: Records) -> None:
    pairs = encoded(make_records(30))
    ticks = itertools.count(0, 7)
    end = train(
        new_checkpoint(SHAPE, VOCABULARY, seed=0),
        pairs[10:],
        validation=pairs[:10],
        settings=Settings(minutes=0.5, tokens_per_batch=1024),
        save=lambda state: None,
        log=lambda record: None,
        clock=lambda: float(next(ticks)),
    )
    assert 30 <= end.position.elapsed_s < 60
    assert end.position.step < 6


def test_the_rate_climbs_and_then_falls_to_zero_with_the_clock() -> None:
    settings = Settings(minutes=10, learning_rate=1.0, warm_up_share=0.1)
    rates = [learning_rate_at(60.0 * minute, settings=settings) for minute in (0.5, 1, 5.5, 10, 11)]
    assert rates == pytest.approx([0.5, 1.0, 0.5, 0.0, 0.0])


def test_the_model_computes_what_transformers_computes() -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    model = LanguageModel(SHAPE)
    config = transformers.LlamaConfig(**SHAPE.hugging_face_config())
    theirs = transformers.LlamaForCausalLM(config)
    missing = theirs.load_state_dict(model.state_dict(), strict=False)
    assert missing.unexpected_keys == []
    assert set(missing.missing_keys) <= {"lm_head.weight"}
    ids = torch.randint(0, len(VOCABULARY), (2, 40))
    with torch.inference_mode():
        difference = model.logits(model.hidden(ids)) - theirs.float()(ids).logits
    assert difference.abs().max() < 1e-3


@pytest.fixture(scope="module")
def trained(make_records: Records) -> Checkpoint:
    """A model that has learnt four pairs by heart."""
    pairs = encoded(make_records(4))
    settings = Settings(
        minutes=10, learning_rate=1e-2, warm_up_share=0.0, max_steps=150, tokens_per_batch=1024
    )
    still = [
        EncodedPair(p.family, p.ids, p.target_start, type(p.renaming)(ALL_FAMILIES, False))
        for p in pairs
    ]
    return train(
        new_checkpoint(SHAPE, VOCABULARY, seed=0),
        still,
        validation=still,
        settings=settings,
        save=lambda state: None,
        log=lambda record: None,
        clock=lambda: 0.0,
    )


ALL_FAMILIES = frozenset(
    [f"xmm{n}" for n in range(32)]
    + "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
)


@pytest.fixture
def weights(tmp_path: Path, trained: Checkpoint) -> Path:
    write_model(trained, tmp_path / "weights")
    return tmp_path / "weights"


def test_an_exported_model_writes_what_it_learnt(weights: Path, make_records: Records) -> None:
    for record in make_records(4):
        assert record.region is not None
        proposals = EmbeddedBackend(weights=weights).propose(Request(record.region, record.isa), 4)
        assert proposals[0].text == record.rewrite
        assert proposals[0].backend == "embedded"


def test_proposals_are_distinct_and_sorted(weights: Path, make_records: Records) -> None:
    request = request_of(make_records(6)[5])
    proposals = EmbeddedBackend(weights=weights).propose(request, 8)
    scores = [proposal.log_probability for proposal in proposals]
    assert scores == sorted(scores, reverse=True)
    assert len({proposal.text for proposal in proposals}) == len(proposals)
    assert EmbeddedBackend(weights=weights).propose(request, 8) == proposals


def test_leaving_a_loop_alone_is_no_proposal(weights: Path, make_records: Records) -> None:
    # The model writes its four rewrites; the words of one of them are made to mean "leave it".
    record = make_records(4)[0]
    model = load_model(weights)
    before = propose_with(model, request_of(record), 8, seed=0)
    assert before[0].text == record.rewrite
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "LEAVE_IT", record.rewrite)
        after = propose_with(model, request_of(record), 8, seed=0)
    texts = [proposal.text for proposal in after]
    assert record.rewrite not in texts
    assert texts[: len(before) - 1] == [proposal.text for proposal in before[1:]]


def test_a_model_learns_to_leave_loops_alone(make_records: Records) -> None:
    record = replace(make_records(1)[0], rewrite=LEAVE_IT)
    (pair,) = encoded([record])
    assert VOCABULARY.decode(pair.ids[pair.target_start : -1].tolist()) + "\n" == LEAVE_IT


def test_a_loop_with_unknown_words_gets_no_proposal(weights: Path, make_records: Records) -> None:
    request = request_of(make_records(1)[0], text=".LH:\n\tfrobnicate\t%eax\n\tjmp\t.LX0\n")
    assert EmbeddedBackend(weights=weights).propose(request, 4) == ()


def test_a_tokenizer_of_another_model_is_refused(weights: Path) -> None:
    path = weights / "tokenizer.json"
    document = json.loads(path.read_text())
    ids = document["model"]["vocab"]
    ids["vpaddd"], ids["vpaddq"] = ids["vpaddq"], ids["vpaddd"]
    path.write_text(json.dumps(document))
    with pytest.raises(WeightsError, match="belong together"):
        load_model(weights)


def request_of(record: PairRecord, *, text: str | None = None) -> Request:
    region = record.region
    assert region is not None
    if text is not None:
        fields = {name: getattr(region, name) for name in Region.__slots__}
        region = Region(**{**fields, "text": text})
    return Request(region, record.isa)


def test_sft_and_export_run_from_the_command_line(tmp_path: Path, make_records: Records) -> None:
    write_pairs(tmp_path / "pairs.jsonl", make_records(30))
    out = tmp_path / "run"
    arguments = ["sft", str(tmp_path / "pairs.jsonl"), "--out", str(out), "--minutes", "0.005"]
    result = CliRunner().invoke(main, [*arguments, *"--hidden 64 --layers 1 --nice 0".split()])
    assert result.exit_code == 0, result.output
    assert "27 pairs to train on" in result.output
    weights = tmp_path / "weights"
    exported = CliRunner().invoke(
        main, ["export", str(out / "checkpoint.pt"), "--out", str(weights)]
    )
    assert exported.exit_code == 0, exported.output
    assert "Not measured." in (weights / "MODEL_CARD.md").read_text()
    assert load_model(weights).vocabulary == VOCABULARY


def test_so_many_loops_are_taught_to_be_left_alone(tmp_path: Path, make_records: Records) -> None:
    pairs = make_records(100)
    drawn = [replace(r, id=f"drawn {r.id}", family="crc_bits", rewrite="") for r in pairs]
    harvested = [
        replace(r, id=f"real {r.id}", group="lame", rewrite="", provenance=f"x; {NOTHING_FASTER}")
        for r in pairs
    ]
    untried = [replace(r, id=f"untried {r.id}", group="lame", rewrite="") for r in pairs]
    write_pairs(tmp_path / "pairs.jsonl", [*pairs, *drawn, *harvested, *untried])
    state = new_checkpoint(SHAPE, VOCABULARY, seed=0)

    def loaded(share: float) -> tuple[int, int, int]:
        found = load_pairs(tmp_path / "pairs.jsonl", state, leave_share=share)
        return found.left_alone, len(found.train), len(found.validation)

    assert loaded(0) == (0, 90, 10)
    assert loaded(0.1) == (18, 108, 12)


def test_an_ablated_model_is_asked_in_the_words_it_was_trained_with(
    tmp_path: Path, make_records: Records
) -> None:
    write_pairs(tmp_path / "pairs.jsonl", make_records(60))
    ablated = "--without-contract --without-isa --data-share 0.5 --size half --layers 2"
    arguments = f"sft {tmp_path / 'pairs.jsonl'} --out {tmp_path} --minutes 0.003 --hidden 64 "
    result = CliRunner().invoke(main, [*(arguments + ablated).split(), "--nice", "0"])
    assert result.exit_code == 0, result.output
    count = int(result.output.partition(" pairs to train on")[0].split()[-1])
    assert 10 < count < 45
    state = checkpoint.load(tmp_path / "checkpoint.pt")
    assert state.shape.layer_count == 1
    write_model(state, tmp_path / "weights")
    style = load_model(tmp_path / "weights").style
    assert style == state.style == PromptStyle(has_contract=False, has_isa=False)
    prompt = in_style(make_records(1)[0].prompt, style)
    assert prompt.startswith("<loop>\n.LH:\n")


def test_the_help_of_the_group_loads_no_torch(tmp_path: Path) -> None:
    assert "export" in CliRunner().invoke(main, ["--help"]).output
