"""What is a region, what is refused, and what a rewrite may write."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from llmcc.asm.parse import parse
from llmcc.outcome import Outcome
from llmcc.regions.find import RefusedLoop, find_regions
from llmcc.regions.model import Region


def loops(source: str, tmp_path: Path, *flags: str) -> tuple[Region | RefusedLoop, ...]:
    """Compile `source` by gcc -O2 and find its loops."""
    (tmp_path / "unit.c").write_text(source)
    command = ["gcc", "-O2", "-w", *flags, "-S", "unit.c", "-o", "unit.s"]
    subprocess.run(command, check=True, cwd=tmp_path)
    return find_regions(parse((tmp_path / "unit.s").read_text(encoding="latin-1")))


def only(found: tuple[Region | RefusedLoop, ...]) -> Region:
    """The one region there is."""
    (region,) = found
    assert isinstance(region, Region), region
    return region


SUM = "int f(const int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }\n"


def test_finds_the_roles_of_a_sum(tmp_path: Path) -> None:
    contract = only(loops(SUM, tmp_path)).contract
    (induction,) = contract.inductions
    (access,) = contract.accesses
    (latch,) = contract.latches
    assert induction.step == 4
    assert (access.base, access.stride_bytes, access.size_bytes) == (induction.register, 4, 4)
    assert (latch.induction, latch.condition, latch.is_advanced) == (induction.register, "ne", True)
    assert contract.accumulators == ("rax",)
    assert contract.invariants == (latch.bound,)


def test_names_every_way_out_as_an_exit(tmp_path: Path) -> None:
    region = only(
        loops(
            "int f(int *a, int n) { while (n--) if (*a++ == 7) return n; return -1; }",
            tmp_path,
        )
    )
    assert region.exit_count == 2
    assert ".LX0" in region.text
    assert ".LX1" in region.text


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("void g(void); void f(int n) { while (n--) g(); }", Outcome.HAS_CALL),
        (
            "int t; void f(unsigned char *a, int n) { while (n--) { *a++ = 1; t += 3; } }",
            Outcome.SYMBOLIC_MEMORY,
        ),
        ('void f(int n) { while (n--) __asm__ volatile("nop"); }', Outcome.HAS_INLINE_ASM),
        (
            "int f(int *a, int *b, int n) { int s = 0; while (n--) s += b[a[n]]; return s; }",
            Outcome.UNKNOWN_ROLE,
        ),
    ],
)
def test_says_why_a_loop_is_left_alone(tmp_path: Path, source: str, outcome: Outcome) -> None:
    endings = [loop.outcome for loop in loops(source, tmp_path) if isinstance(loop, RefusedLoop)]
    assert endings == [outcome]


def test_leaves_units_alone_that_use_wide_registers(tmp_path: Path) -> None:
    (loop,) = loops(
        SUM + "#include <immintrin.h>\n", tmp_path, "-O3", "-mavx2", "-fno-tree-vectorize"
    )[:1]
    assert isinstance(loop, Region), "no ymm is mentioned yet"
    found = loops(SUM, tmp_path, "-O3", "-mavx2")
    assert {loop.outcome for loop in found if isinstance(loop, RefusedLoop)} == {
        Outcome.UNIT_USES_AVX
    }


def test_gives_a_function_nothing_refers_to_every_dead_register(tmp_path: Path) -> None:
    other = (
        "long h(long a, long b, long c, long d, long e, long f) { return a * b ^ c * d ^ e * f; }\n"
    )
    assert {"r9", "r10", "r11", "r8"} <= set(only(loops(SUM + other, tmp_path)).contract.scratch)


# gcc keeps `x` in a call-clobbered register over the call of a static function, because it saw
# which registers that one writes (-fipa-ra).
IPA_RA = """
static __attribute__((noinline)) int total(const int *a, int n)
{ int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
int f(const int *a, int n, int x) { x *= 3; return total(a, n) + x; }
"""


def test_keeps_registers_from_a_function_its_unit_calls(tmp_path: Path) -> None:
    (tmp_path / "unit.c").write_text(IPA_RA)
    subprocess.run(["gcc", "-O2", "-S", "unit.c"], check=True, cwd=tmp_path)
    text = (tmp_path / "unit.s").read_text()
    caller = text[text.index("\nf:") :]
    kept = {"edx": "rdx", "r8d": "r8", "ecx": "rcx", "r9d": "r9"}
    (held,) = [family for name, family in kept.items() if f"%{name}" in caller.partition("call")[2]]
    assert held not in only(loops(IPA_RA, tmp_path)).contract.may_write


def test_finds_registers_live_across_the_loop(tmp_path: Path) -> None:
    source = "int f(int *a, int n, int x) { int s = x; while (n--) s += *a++; return s * x; }"
    region = only(loops(source, tmp_path))
    assert "rdx" in region.contract.live_out[0]
    assert "rdx" not in region.contract.may_write


def test_head_is_where_the_loop_is_entered_even_in_its_middle(tmp_path: Path) -> None:
    source = (
        "long f(const char *a, long n) { long i = 0; while (i < n && a[i] != 10) i++; return i; }"
    )
    region = only(loops(source, tmp_path))
    assert region.text.index(".LH:") > 0


def test_constants_of_the_loop_come_with_it(tmp_path: Path) -> None:
    source = "void f(double *a, int n) { for (; n--; a++) *a = *a > 0.1 ? *a : 7.5 * *a; }"
    found = [r for r in loops(source, tmp_path) if isinstance(r, Region)]
    for region in found:
        assert region.text.count(".LC") == 0
        assert len(region.placement.constant_labels) == region.constants.count(":\n")


def test_keeps_the_arguments_of_a_tail_call(tmp_path: Path) -> None:
    source = """int g(long, long, long, int);
int f(int *a, long x, long y, int n) { int s = 0; while (n--) s += *a++; return g(s, x, y, s); }"""
    region = only(loops(source, tmp_path))
    text = (tmp_path / "unit.s").read_text()
    assert "\tjmp\tg" in text
    assert {"rsi", "rdx"} <= set(region.contract.live_out[0])
    assert not {"rsi", "rdx"} & set(region.contract.may_write)


# divsufsort's sssort has such loops: gcc threads jumps into the middle of a cycle.
ENTERED_TWICE = """\
	.text
	.type	f, @function
f:
	.cfi_startproc
.L2:
	addq	$4, %rdi
	cmpl	$0, (%rdi)
	je	.L4
.L3:
	addl	$1, %eax
	jmp	.L4b
.L4:
	addl	$2, %eax
.L4b:
	cmpl	%eax, (%rdi)
	jg	.L3
	cmpl	%ecx, (%rdi)
	jl	.L4
	cmpq	%rsi, %rdi
	jne	.L2
	ret
	.cfi_endproc
	.size	f, .-f
"""


def test_refuses_a_loop_around_a_cycle_with_two_entries() -> None:
    (loop,) = find_regions(parse(ENTERED_TWICE))
    assert isinstance(loop, RefusedLoop)
    assert loop.outcome is Outcome.NOT_INNERMOST
    assert loop.detail == "a cycle in it is entered in several places"
