"""What the gate says an instruction writes and reads, against what the CPU does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import capstone
import numpy as np
import pytest

from llmcc.gate.allowed import ALLOWED, INTEGER, VECTOR
from llmcc.gate.decode import written_registers
from llmcc.gate.reads import flag_effects, registers_read
from llmcc.outcome import Refusal
from llmcc.sandbox.model import Blob, Ends, States, exit_stub
from llmcc.sandbox.runner import Sandbox
from llmcc.toolchain import MARCH, Assembled, assemble
from llmcc.x86.registers import GPR, XMM, RegisterName

# Intel syntax, so that names are those of the allow-list; each mnemonic takes some of these.
_FORMS = """
    |r9b|r9w|r9d|r9|xmm9|r9b, r10b|r9w, r10w|r9d, r10d|r9, r10|r9d, r10b|r9d, r10w|r9, r10d|r9d, cl
    |r9, 3|r9b, 3|xmm9, xmm10|ymm9, ymm10|ymm9, xmm10|xmm9, ymm10|xmm9, r10d|xmm9, r10|r9d, xmm10
    |r9, xmm10|r9d, ymm10|xmm9, 3|r9d, r10d, r11d|r9, r10, r11|r9d, r10d, 3|r9, r10, cl
    |xmm9, xmm10, xmm11|ymm9, ymm10, ymm11|xmm9, xmm10, 3|ymm9, ymm10, 3|ymm9, ymm10, xmm11
    |r9d, xmm10, 3|xmm9, r10d, 3|xmm9, ymm10, 1|xmm9, xmm10, r11|xmm9, xmm10, xmm0
    |xmm9, xmm10, xmm11, 3|ymm9, ymm10, ymm11, 3|ymm9, ymm10, xmm11, 1|xmm9, xmm10, r11d, 1
    |xmm9, xmm10, xmm11, xmm12|ymm9, ymm10, ymm11, ymm12
""".replace("\n", "").split("|")
_STATES = 8
_FLAG_BITS = {"CF": 1, "PF": 4, "AF": 16, "ZF": 64, "SF": 128, "OF": 2048}


def _assembled() -> tuple[list[str], Assembled]:
    """All forms that assemble, and their bytes between the labels L0, L1, …."""
    lines = [f"{name} {form.strip()}" for name in sorted(INTEGER | VECTOR) for form in _FORMS]
    first = assemble(_text(lines), march=MARCH["avx2"])
    assert isinstance(first, Refusal)
    wrong = {int(number) - 3 for number in re.findall(r":(\d+): Error", first.detail)}
    lines = [line for number, line in enumerate(lines) if number not in wrong]
    made = assemble(_text(lines), march=MARCH["avx2"])
    assert isinstance(made, Assembled)
    return lines, made


def _text(lines: list[str]) -> str:
    labelled = "".join(f"L{number}: {line}\n" for number, line in enumerate(lines))
    return f".intel_syntax noprefix\n.text\n{labelled}L{len(lines)}: nop\n"


def _states() -> States:
    rng = np.random.default_rng(7)
    gpr = rng.integers(0, 1 << 64, (_STATES, 16), dtype=np.uint64)
    gpr[:, GPR.index("rdx")] = 0  # so that some divisions do not overflow
    gpr[:, GPR.index("rsp")] = 0x7FFD_0000_0000
    gpr[_STATES // 2 :, GPR.index("rax")] &= np.uint64(0x7F)
    gpr[:, 9:12] |= np.uint64(1)
    return States(
        gpr=gpr,
        vector=rng.integers(0, 256, (_STATES, 32, 64), dtype=np.uint8),
        mask=np.zeros((_STATES, 8), np.uint64),
        rflags=np.full(_STATES, 2, np.uint64),
        mxcsr=np.full(_STATES, 0x1F80, np.uint32),
        memory=np.zeros((_STATES, 1, 4096), np.uint8),
    )


def _changed(states: States, ends: Ends) -> set[str]:
    ran = ends.exit_id == 0
    assert ran.any()
    gpr = (ends.gpr != states.gpr)[ran].any(axis=0)
    vector = (ends.vector[:, :16, :32] != states.vector[:, :16, :32])[ran].any(axis=(0, 2))
    return {GPR[n] for n in np.flatnonzero(gpr)} | {XMM[n] for n in np.flatnonzero(vector)}


def _instructions(sandbox: Sandbox) -> Iterator[tuple[str, capstone.CsInsn, Blob]]:
    """Yield each register form with a blob that runs it and leaves by exit 0."""
    if "avx2" not in sandbox.features():
        pytest.skip("this CPU has no AVX2")
    lines, made = _assembled()
    stub = assemble("\t.text\n" + exit_stub(".LX0", 0), march="generic64")
    assert isinstance(stub, Assembled)
    tool = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    tool.detail = True
    for number, line in enumerate(lines):
        code = made.code[made.symbols[f"L{number}"] : made.symbols[f"L{number + 1}"]]
        (instruction,) = tool.disasm(code, 0)
        assert instruction.mnemonic in ALLOWED, line
        has_memory = any(o.type == capstone.x86.X86_OP_MEM for o in instruction.operands)
        if has_memory or instruction.mnemonic == "vzeroupper":
            continue  # string instructions, which the gate refuses, and upper halves by design
        yield line, instruction, Blob(code + stub.code, 0)


def test_no_allowed_instruction_writes_a_register_the_gate_does_not_see(sandbox: Sandbox) -> None:
    states = _states()
    tried = 0
    for line, instruction, blob in _instructions(sandbox):
        written = {register.family for register in written_registers(instruction)}
        assert _changed(states, sandbox.run(blob, states)) <= written, line
        tried += 1
    assert tried > 900


def test_results_depend_on_nothing_but_what_the_gate_says_is_read(sandbox: Sandbox) -> None:
    first = _states()
    tried = 0
    for line, instruction, blob in _instructions(sandbox):
        other = _with_other_dead_bits(first, instruction)
        left, right = sandbox.run(blob, first), sandbox.run(blob, other)
        assert (left.exit_id == right.exit_id).all(), line
        ran = left.exit_id == 0
        for register in written_registers(instruction):
            number, size = _place(register.family), register.bits // 8
            if register.family in GPR:
                mask = np.uint64(_mask(register))
                assert ((left.gpr ^ right.gpr)[ran, number] & mask == 0).all(), line
            else:
                lanes = (left.vector != right.vector)[ran, number, :size]
                assert not lanes.any(), line
        flags = sum(_FLAG_BITS[flag] for flag in flag_effects(instruction).defined)
        assert ((left.rflags ^ right.rflags)[ran] & np.uint64(flags) == 0).all(), line
        tried += 1
    assert tried > 900


def _place(family: str) -> int:
    return GPR.index(family) if family in GPR else XMM.index(family)


def _mask(register: RegisterName) -> int:
    return 0xFF00 if register.is_high_byte else (1 << register.bits) - 1


def _with_other_dead_bits(states: States, instruction: capstone.CsInsn) -> States:
    """States that agree in what the instruction is said to read, and hold other bits elsewhere."""
    rng = np.random.default_rng(8)
    gpr_mask = np.zeros(16, np.uint64)
    gpr_mask[GPR.index("rsp")] = np.uint64((1 << 64) - 1)
    vector_mask = np.zeros((32, 64), np.uint8)
    for register in registers_read(instruction):
        if register.family in GPR:
            gpr_mask[_place(register.family)] |= np.uint64(_mask(register))
        else:
            vector_mask[_place(register.family), : register.bits // 8] = 0xFF
    gpr = rng.integers(0, 1 << 64, states.gpr.shape, dtype=np.uint64)
    vector = rng.integers(0, 256, states.vector.shape, dtype=np.uint8)
    tested = sum(_FLAG_BITS[flag] for flag in flag_effects(instruction).tested)
    dead = np.uint64(sum(_FLAG_BITS.values()) & ~tested)
    return replace(
        states,
        gpr=(states.gpr & gpr_mask) | (gpr & ~gpr_mask),
        vector=(states.vector & vector_mask) | (vector & ~vector_mask),
        rflags=states.rflags | dead,
    )
