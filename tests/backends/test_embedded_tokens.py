import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcc.backends.embedded.tokens import (
    ISA_TOKENS,
    LABELS,
    NUMBERS,
    UNKNOWN,
    Vocabulary,
    is_in_rewrite,
    lex,
    read_tokenizer_json,
    render,
    standard_vocabulary,
    tokenizer_json,
)

CANONICAL = """\
.LH:
	vmovdqu32	-64(%rdi,%rcx,4), %zmm16{%k1}{z}
	vpaddd	(,%rax,8){1to16}, %zmm1, %zmm2
	addl	$100, 8(%rax)
	addl	$-8, %eax
	movl	%eax, (%rdi)
	movl	%eax, 4294967295(%rdi)
	vpcmpnleud	(%rdi), %zmm1, %k1{%k2}
	vpcmpud	$6, (%rdi), %zmm1, %k1{%k2}
	movabsq	$6148914691236517205, %rax
	pshufd	$14, .LK0+16(%rip), %xmm1
	shll	%eax
	vzeroupper
	jne	.LH
.LB1:
	jmp	.LX0
"""

_registers = st.sampled_from(["rax", "r8d", "sil", "ah", "xmm3", "ymm31", "k1"]).map("%{}".format)
_numbers = st.one_of(
    st.integers(-(2**63), 2**64 - 1), st.sampled_from([int(n) for n in NUMBERS])
).map(str)
_index = st.tuples(_registers, _registers, st.sampled_from("1248")).map(
    lambda parts: f"({parts[0]},{parts[1]},{parts[2]})"
)
_memory = st.one_of(
    _registers.map("({})".format),
    _index,
    st.tuples(_registers, st.sampled_from("1248")).map(lambda p: f"(,{p[0]},{p[1]})"),
    st.sampled_from(LABELS).map("{}(%rip)".format),
)
_displaced = st.tuples(_numbers, _memory.filter(lambda m: m[0] == "(")).map("".join)
_operands = st.one_of(
    _registers,
    _registers.map("{}{{%k1}}{{z}}".format),
    _numbers.map("${}".format),
    _memory,
    _displaced,
    _displaced.map("{}{{1to16}}".format),
)
_instructions = st.tuples(
    st.sampled_from(["addl", "vpaddd", "movabsq", "imul", "vpcmpnleud"]),
    st.lists(_operands, max_size=4),
).map(lambda parts: f"\t{parts[0]}\t{', '.join(parts[1])}" if parts[1] else f"\t{parts[0]}")
_lines = st.one_of(
    _instructions,
    st.sampled_from(LABELS).map("{}:".format),
    st.sampled_from(LABELS).map("\tjne\t{}".format),
)


@given(st.lists(_lines, max_size=12).map("\n".join))
def test_text_survives_the_way_to_tokens_and_back(text: str) -> None:
    vocabulary = standard_vocabulary()
    ids = vocabulary.encode(text)
    assert vocabulary.ids[UNKNOWN] not in ids
    assert vocabulary.decode(ids) == text


def test_a_typical_rewrite_survives_the_way_to_tokens_and_back() -> None:
    assert render(lex(CANONICAL)) == CANONICAL


def test_a_comma_after_a_register_costs_no_token() -> None:
    assert lex("\tvpaddd\t%zmm0, %zmm1, %zmm2") == ["vpaddd", "%zmm0", "%zmm1", "%zmm2"]


def test_an_uncommon_number_is_spelled_digit_by_digit() -> None:
    assert lex("\taddl\t$-1003, %eax") == ["addl", "$", "-", "1", "0", "0", "3", ",", "%eax"]


def test_hexadecimal_becomes_decimal() -> None:
    assert render(lex("\tmovl\t$0x3f800000, %eax")) == "\tmovl\t$1065353216, %eax"


@pytest.mark.parametrize("text", ["\tfldt\t(%rax)", "\tmovl\tfoo(%rip), %eax", "\tjmp\t*%rax"])
def test_a_word_outside_the_vocabulary_becomes_unknown(text: str) -> None:
    vocabulary = standard_vocabulary()
    assert vocabulary.ids[UNKNOWN] in vocabulary.encode(text)


def test_any_sequence_of_tokens_renders() -> None:
    vocabulary = standard_vocabulary()
    rng = random.Random(1)
    for _ in range(200):
        ids = [rng.randrange(len(vocabulary)) for _ in range(40)]
        assert isinstance(vocabulary.decode(ids), str)


def test_the_vocabulary_has_no_word_twice_and_a_round_length() -> None:
    tokens = standard_vocabulary().tokens
    assert len(set(tokens)) == len(tokens)
    assert len(tokens) % 64 == 0


def test_the_tokenizer_file_keeps_the_vocabulary() -> None:
    vocabulary = standard_vocabulary()
    assert read_tokenizer_json(tokenizer_json(vocabulary)) == vocabulary


def test_the_tokenizers_package_numbers_words_as_we_do() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = standard_vocabulary()
    theirs = tokenizers.Tokenizer.from_str(tokenizer_json(vocabulary))
    text = f"{ISA_TOKENS[0]} <loop>\n" + CANONICAL
    assert theirs.encode(" ".join(lex(text))).ids == vocabulary.encode(text)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"model": {"vocab": {"a": 0, "<unk>": 2}}}', '{"model": 3}']
)
def test_a_damaged_tokenizer_file_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_tokenizer_json(text)


def test_markers_of_the_prompt_are_not_part_of_rewrites() -> None:
    assert not is_in_rewrite("<scratch>")
    assert is_in_rewrite("<nl>")
    assert is_in_rewrite("<eos>")
    assert is_in_rewrite("vpaddd")


def test_two_vocabularies_have_two_fingerprints() -> None:
    assert Vocabulary(("a", "b")).sha256 != Vocabulary(("b", "a")).sha256
