from llmcc.backends.embedded.prompt import prompt_text
from llmcc.backends.embedded.tokens import UNKNOWN, lex, render, standard_vocabulary
from llmcc.propose import Request
from llmcc.regions.model import Contract, Induction, Placement, Region

TEXT = (
    ".LH:\n\tpaddd\t(%rdi), %xmm0\n\taddq\t$16, %rdi\n\tcmpq\t%rsi, %rdi\n\tjne\t.LH\n\tjmp\t.LX0\n"
)


def region(*, is_wide_free: bool = True) -> Region:
    contract = Contract(
        live_in=("rcx", "rdi", "rsi", "xmm0"),
        live_out=(("xmm0",),),
        may_write=("rax", "rcx", "rdi", "xmm0"),
        scratch=("rax", "rdx", "r8", "r9", "r10"),
        vector_scratch=tuple(f"xmm{n}" for n in range(1, 9)),
        is_wide_free=is_wide_free,
        inductions=(Induction("rdi", 16), Induction("rcx", -1, 32)),
        accesses=(),
        latches=(),
        accumulators=("xmm0",),
        invariants=("rsi",),
    )
    placement = Placement(1, ".L3", (), (".L4",), True)
    return Region("f", TEXT, "", 5, 1, contract, placement, 1)


def test_the_prompt_for_avx2_names_roles_and_the_free_vector_registers() -> None:
    assert prompt_text(Request(region(), "avx2")) == (
        "<avx2> <wide> <induction> %rdi, 16 <induction> %ecx, -1 <accumulator> %xmm0 "
        "<invariant> %rsi <scratch> %rax, %rdx, %r8, %r9 "
        "<vector> %xmm1, %xmm2, %xmm3, %xmm4, %xmm5, %xmm6, %xmm7, "
        "%xmm8 <loop>\n" + TEXT
    )


def test_the_prompt_for_avx512_names_two_vector_registers() -> None:
    prompt = prompt_text(Request(region(is_wide_free=False), "avx512"))
    assert prompt.startswith("<avx512> <induction> %rdi, 16 ")
    assert "<vector> %xmm1, %xmm2 <loop>\n" in prompt


def test_the_prompt_survives_the_way_to_tokens_and_back() -> None:
    prompt = prompt_text(Request(region(), "avx2"))
    assert render(lex(prompt)) == prompt
    vocabulary = standard_vocabulary()
    assert vocabulary.ids[UNKNOWN] not in vocabulary.encode(prompt)
