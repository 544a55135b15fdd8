import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from llmcc.backends.embedded.tokens import standard_vocabulary
from llmcc.training.dataset import (
    EncodedPair,
    PairRecord,
    encode_pair,
    epoch_batches,
    make_batch,
    read_pairs,
    write_pairs,
)
from llmcc.training.regions_json import from_json, to_json

Records = Callable[..., list[PairRecord]]
VOCABULARY = standard_vocabulary()


def encoded(records: list[PairRecord]) -> list[EncodedPair]:
    pairs = [encode_pair(record, VOCABULARY, context=1024) for record in records]
    return [pair for pair in pairs if pair is not None]


def pair_of(prompt: str, rewrite: str, *, wide_follows_xmm: bool = False) -> EncodedPair:
    record = PairRecord(
        *("x", "sum", "i32", "avx512", "O2", "train", prompt, rewrite, "tests"), wide_follows_xmm
    )
    pair = encode_pair(record, VOCABULARY, context=1024)
    assert pair is not None
    return pair


def renamed_text(pair: EncodedPair, *, seed: int) -> str:
    table = pair.renaming.draw(random.Random(seed), VOCABULARY)
    return VOCABULARY.decode(table[pair.ids])


def test_a_pairs_file_gives_back_what_was_written(tmp_path: Path, make_records: Records) -> None:
    records = make_records(5)
    assert write_pairs(tmp_path / "pairs.jsonl", records) == 5
    assert list(read_pairs(tmp_path / "pairs.jsonl")) == records


def test_regions_can_be_left_out(tmp_path: Path, make_records: Records) -> None:
    records = make_records(2)
    write_pairs(tmp_path / "pairs.jsonl", records)
    read = list(read_pairs(tmp_path / "pairs.jsonl", with_regions=False))
    assert read == [replace(record, region=None) for record in records]


def test_a_damaged_line_is_named(tmp_path: Path, make_records: Records) -> None:
    path = tmp_path / "pairs.jsonl"
    write_pairs(path, make_records(2))
    path.write_text(path.read_text() + '{"id": 3}\n')
    with pytest.raises(ValueError, match=r"pairs\.jsonl:3"):
        list(read_pairs(path))


def test_a_region_of_another_version_is_refused(make_records: Records) -> None:
    (record,) = make_records(1)
    assert record.region is not None
    document = to_json(record.region)
    assert from_json(document) == record.region
    with pytest.raises(ValueError, match="colour"):
        from_json({**document, "colour": "red"})


def test_an_unknown_word_or_a_long_text_leaves_a_pair_out(make_records: Records) -> None:
    (record,) = make_records(1)
    assert encode_pair(replace(record, rewrite=""), VOCABULARY, context=1024) is None
    unknown = replace(record, rewrite="\tfrobnicate\t%eax\n")
    assert encode_pair(unknown, VOCABULARY, context=1024) is None
    assert encode_pair(record, VOCABULARY, context=50) is None


def test_renaming_is_consistent_over_widths_prompt_and_rewrite() -> None:
    pair = pair_of(
        "<avx512> <loop>\n\tmovl\t(%rdi), %eax\n", "\tmovq\t%rdi, %rax\n\taddb\t%al, %dil\n"
    )
    for seed in range(20):
        table = pair.renaming.draw(random.Random(seed), VOCABULARY)
        mapping = {
            name: VOCABULARY.tokens[table[VOCABULARY.ids[name]]]
            for name in ("%rdi", "%dil", "%rax", "%eax", "%al")
        }
        if mapping["%rdi"] == "%r9":
            assert mapping["%dil"] == "%r9b"
        if mapping["%rax"] == "%rbp":
            assert (mapping["%eax"], mapping["%al"]) == ("%ebp", "%bpl")
    assert len({renamed_text(pair, seed=seed) for seed in range(20)}) > 15


def test_a_renaming_is_a_permutation_that_spares_the_stack_pointer(make_records: Records) -> None:
    (pair,) = encoded(make_records(1))
    for seed in range(20):
        table = pair.renaming.draw(random.Random(seed), VOCABULARY)
        assert sorted(table) == list(range(len(VOCABULARY)))
        assert table[VOCABULARY.ids["%rsp"]] == VOCABULARY.ids["%rsp"]


@pytest.mark.parametrize(
    ("instruction", "fixed"),
    [
        ("shll\t%cl, %edx", {"rcx"}),
        ("mulq\t%rsi", {"rax", "rdx"}),
        ("imulq\t8(%rsi)", {"rax", "rdx"}),
        ("imull\t%esi, %edi", set()),
        ("imull\t$10, %esi, %edi", set()),
        ("movzbl\t%ah, %esi", {"rax"}),
        ("cltd", {"rax", "rdx"}),
        ("pblendvb\t%xmm0, %xmm1, %xmm2", {"xmm0"}),
    ],
)
def test_registers_an_instruction_uses_silently_keep_their_names(
    instruction: str, fixed: set[str]
) -> None:
    pair = pair_of(f"<avx2> <loop>\n\t{instruction}\n", "\tjmp\t.LH\n")
    assert pair.renaming.fixed == {"rsp"} | fixed


def test_registers_the_prompt_does_not_name_keep_their_names() -> None:
    pair = pair_of("<avx2> <loop>\n\tmovl\t(%rdi), %eax\n", "\tmovl\t%r9d, %eax\n")
    assert pair.renaming.fixed == {"rsp", "r9"}


def test_wide_registers_follow_their_narrow_ones_when_told_so() -> None:
    prompt, rewrite = (
        "<avx512> <loop>\n\tpaddd\t%xmm1, %xmm0\n",
        "\tvpaddd\t%zmm17, %zmm16, %zmm16\n",
    )
    pair = pair_of(prompt, rewrite, wide_follows_xmm=True)
    table = pair.renaming.draw(random.Random(0), VOCABULARY)
    words = [VOCABULARY.tokens[n] for n in table[pair.ids]]
    narrow = int(words[words.index("paddd") + 1].removeprefix("%xmm"))
    assert words[words.index("vpaddd") + 1] == f"%zmm{16 + narrow}"
    spare = pair_of(prompt, "\tvpaddd\t%zmm19, %zmm16, %zmm16\n", wide_follows_xmm=True)
    assert spare.renaming.fixed == {"rsp", "xmm3"}
    fixed = pair_of(prompt, rewrite).renaming.draw(random.Random(0), VOCABULARY)
    assert fixed[VOCABULARY.ids["%zmm17"]] == VOCABULARY.ids["%zmm17"]


def test_an_epoch_gives_every_pair_once(make_records: Records) -> None:
    pairs = encoded(make_records(60))
    batches = list(
        epoch_batches(pairs, VOCABULARY, tokens_per_batch=1500, seed=1, epoch=0, renames=False)
    )
    rows = [tuple(row[row != 0]) for batch in batches for row in batch.ids]
    assert sorted(rows) == sorted(tuple(pair.ids) for pair in pairs)
    assert all(batch.ids.size <= 1500 for batch in batches)


def test_an_epoch_is_a_function_of_its_seed_and_number(make_records: Records) -> None:
    pairs = encoded(make_records(60))

    def epoch(number: int) -> list[bytes]:
        batches = epoch_batches(pairs, VOCABULARY, tokens_per_batch=1500, seed=1, epoch=number)
        return [batch.ids.tobytes() for batch in batches]

    assert epoch(3) == epoch(3)
    assert epoch(3) != epoch(4)


def test_only_the_rewrite_is_to_be_predicted(make_records: Records) -> None:
    (record,) = make_records(1)
    (pair,) = encoded([record])
    batch = make_batch([pair], VOCABULARY, None)
    text = VOCABULARY.decode(batch.ids[0][batch.is_target[0]])
    assert text == record.rewrite.strip("\n") + " <eos>"
    assert isinstance(batch.ids, np.ndarray)
