"""The parser keeps every byte, whatever gcc writes, and finds what is in it."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcc.asm.model import LineKind
from llmcc.asm.operand import Immediate, Memory, Register, Target, parse_operand
from llmcc.asm.parse import parse, parse_line, render, split_operands
from llmcc.training.families.spec import FAMILIES, c_function, draw

FLAGS = (
    ("-O3",),
    ("-O2", "-g"),
    ("-O0", "-fPIC"),
    ("-O3", "-march=native", "-fno-asynchronous-unwind-tables"),
)


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_renders_gcc_output_of_hundreds_of_functions_to_the_byte(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    rng = random.Random(7)
    source = tmp_path / "unit.c"
    functions = [c_function(draw(rng.choice(FAMILIES), rng), f"f{n}") for n in range(500)]
    source.write_text("#include <stddef.h>\n#include <stdint.h>\n" + "".join(functions))
    out = tmp_path / "unit.s"
    subprocess.run(["gcc", "-w", *flags, "-S", source, "-o", out], check=True)
    text = out.read_text(encoding="latin-1")
    unit = parse(text)
    assert render(unit) == text
    assert {function.name for function in unit.functions} >= {f"f{n}" for n in range(500)}
    assert all(line.kind is not LineKind.OTHER for line in unit.lines)


@given(st.text(alphabet=st.characters(codec="latin-1"), max_size=400))
def test_renders_any_text_to_the_byte(text: str) -> None:
    assert render(parse(text)) == text


@given(
    st.lists(
        st.sampled_from(["\tmovl\t$1, %eax", ".L1:", "\t.p2align 4,,10", "", "#APP", "\tnop; nop"])
    )
)
def test_renders_any_mix_of_lines_to_the_byte(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert render(parse(text)) == text


def test_reads_prefixes_as_part_of_the_mnemonic() -> None:
    assert parse_line("\trep stosq").name == "rep stosq"
    assert parse_line("\tlock addl\t$1, (%rdi)").operands == ("$1", "(%rdi)")


def test_leaves_a_line_of_two_statements_alone() -> None:
    assert parse_line("\tnop; nop").kind is LineKind.OTHER


def test_splits_operands_outside_parentheses_only() -> None:
    assert split_operands("$4, 8(%rax,%rbx,4), %zmm1{%k1}{z}") == (
        "$4",
        "8(%rax,%rbx,4)",
        "%zmm1{%k1}{z}",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%eax", Register("eax")),
        ("$-12", Immediate(-12)),
        ("$0x10", Immediate(16)),
        ("-8(%rbp)", Memory("rbp", None, 1, -8, "")),
        ("(,%rcx,8)", Memory(None, "rcx", 8, 0, "")),
        ("table+4(%rip)", Memory("rip", None, 1, 4, "table")),
        (".LC3(%rip)", Memory("rip", None, 1, 0, ".LC3")),
        (".L12", Target(".L12")),
        ("%fs:40", None),
        ("*%rax", None),
        ("$symbol", None),
    ],
)
def test_reads_operand(text: str, expected: object) -> None:
    assert parse_operand(text) == expected
