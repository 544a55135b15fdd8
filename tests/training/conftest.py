"""Plausible loops and rewrites, made without a compiler, for tests of the training code."""

from __future__ import annotations

import random
from collections.abc import Callable
from importlib.util import find_spec

import pytest

from llmcc.backends.embedded.prompt import prompt_text
from llmcc.propose import Request
from llmcc.regions.model import Access, Contract, Induction, Latch, Placement, Region
from llmcc.training.dataset import PairRecord
from llmcc.x86.registers import spelled

# Collecting it needs the extra [train].
_NEED_TORCH = ["test_training_sft.py", "test_ppo.py", "test_ppo_maths.py", "test_rft.py"]
collect_ignore = [] if find_spec("torch") else _NEED_TORCH

_OPERATIONS = {"add": "vpaddd", "xor": "vpxord", "or": "vpord", "and": "vpandd"}
_FREE = ("rax", "rcx", "rdx", "rbx", "rsi", "rdi", "r8", "r9", "r10", "r11")


def _region(rng: random.Random) -> tuple[Region, str, str]:
    pointer, bound, total, temporary, spare = rng.sample(_FREE, 5)
    name = rng.choice(sorted(_OPERATIONS))
    lines = [
        ".LH:",
        f"\tmovl\t(%{pointer}), %{spelled(temporary, 32)}",
        f"\taddq\t$4, %{pointer}",
    ]
    rewrite = [
        f"\tmovq\t%{bound}, %{spare}",
        f"\tsubq\t%{pointer}, %{spare}",
        f"\tcmpq\t$128, %{spare}",
        "\tjb\t.LH",
        "\tvpxord\t%zmm16, %zmm16, %zmm16",
        ".LR0:",
        f"\tvmovdqu32\t(%{pointer}), %zmm17",
    ]
    for _ in range(rng.randint(0, 3)):
        kind, constant = rng.choice(sorted(_OPERATIONS)), rng.randint(1, 300)
        lines.append(f"\t{kind}l\t${constant}, %{spelled(temporary, 32)}")
        rewrite += [
            f"\tmovl\t${constant}, %{spelled(temporary, 32)}",
            f"\tvpbroadcastd\t%{spelled(temporary, 32)}, %zmm18",
            f"\t{_OPERATIONS[kind]}\t%zmm18, %zmm17, %zmm17",
        ]
    lines += [
        f"\t{name}l\t%{spelled(temporary, 32)}, %{spelled(total, 32)}",
        f"\tcmpq\t%{bound}, %{pointer}",
        "\tjne\t.LH",
        "\tjmp\t.LX0",
    ]
    rewrite += [
        f"\t{_OPERATIONS[name]}\t%zmm17, %zmm16, %zmm16",
        f"\taddq\t$64, %{pointer}",
        f"\tsubq\t$64, %{spare}",
        f"\tcmpq\t$128, %{spare}",
        "\tjae\t.LR0",
        "\tjmp\t.LH",
    ]
    contract = Contract(
        live_in=tuple(sorted((pointer, bound, total))),
        live_out=((total,),),
        may_write=tuple(sorted((pointer, total, temporary, spare))),
        scratch=(temporary, spare),
        vector_scratch=("xmm0", "xmm1"),
        is_wide_free=True,
        inductions=(Induction(pointer, 4),),
        accesses=(Access(pointer, None, 1, 0, 4, True, False, 4, False),),
        latches=(Latch(pointer, 64, bound, None, "ne", True),),
        accumulators=(total,),
        invariants=(bound,),
    )
    region = Region(
        function="f",
        text="\n".join(lines) + "\n",
        constants="",
        instruction_count=len(lines) - 1,
        exit_count=1,
        contract=contract,
        placement=Placement(3, ".L3", (), (".L4",), True),
        depth=1,
    )
    return region, "\n".join(rewrite) + "\n", name


@pytest.fixture(scope="session")
def make_records() -> Callable[..., list[PairRecord]]:
    """Give a function (count, seed) -> records, every tenth for validation."""

    def make(count: int, *, seed: int = 0) -> list[PairRecord]:
        rng = random.Random(seed)
        records = []
        for number in range(count):
            region, rewrite, name = _region(rng)
            records.append(
                PairRecord(
                    id=f"{name}-{number}",
                    family=name,
                    element_type="i32",
                    isa="avx512",
                    opt="O2",
                    split="validation" if number % 10 == 9 else "train",
                    prompt=prompt_text(Request(region, "avx512")),
                    rewrite=rewrite,
                    provenance="tests",
                    region=region,
                )
            )
        return records

    return make
