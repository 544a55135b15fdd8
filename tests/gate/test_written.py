"""What the gate says an instruction writes, against what the CPU does."""

from __future__ import annotations

import re

import capstone
import numpy as np
import pytest

from llmcc.gate.allowed import ALLOWED, INTEGER, VECTOR
from llmcc.gate.decode import written_registers
from llmcc.outcome import Refusal
from llmcc.sandbox.model import Blob, Ends, States, exit_stub
from llmcc.sandbox.runner import Sandbox
from llmcc.toolchain import MARCH, Assembled, assemble
from llmcc.x86.registers import GPR, XMM

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


def test_no_allowed_instruction_writes_a_register_the_gate_does_not_see(sandbox: Sandbox) -> None:
    if "avx2" not in sandbox.features():
        pytest.skip("this CPU has no AVX2")
    lines, made = _assembled()
    stub = assemble("\t.text\n" + exit_stub(".LX0", 0), march="generic64")
    assert isinstance(stub, Assembled)
    tool = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    tool.detail = True
    states = _states()
    tried = 0
    for number, line in enumerate(lines):
        code = made.code[made.symbols[f"L{number}"] : made.symbols[f"L{number + 1}"]]
        (instruction,) = tool.disasm(code, 0)
        assert instruction.mnemonic in ALLOWED, line
        has_memory = any(o.type == capstone.x86.X86_OP_MEM for o in instruction.operands)
        if has_memory or instruction.mnemonic == "vzeroupper":
            continue  # string instructions, which the gate refuses, and upper halves by design
        ends = sandbox.run(Blob(code + stub.code, 0), states)
        written = {register.family for register in written_registers(instruction)}
        assert _changed(states, ends) <= written, line
        tried += 1
    assert tried > 900
