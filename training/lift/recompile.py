"""Compile a lifted loop with clang and turn its assembly into a rewrite text.

All but the last iteration are done by the new code; gcc's loop does the last one. Nothing here is
trusted: gate and tests decide. Does not cover: constants from memory, spills, gcc.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from llmcc.asm.model import LineKind
from llmcc.asm.parse import parse
from llmcc.regions.model import Region
from llmcc.training.families.trip import counted_latch, iterations_but_one
from llmcc.training.families.vector import NotExpressible
from llmcc.training.lift.ir import loop_ir, passed_registers
from llmcc.x86.registers import GPR, REGISTERS, spelled

# Order of integer arguments in LLVM's ghccc (llvm/lib/Target/X86/X86CallingConv.td, CC_X86_64_GHC).
_ARGUMENTS = ("r13", "rbp", "r12", "rbx", "r14", "rsi", "rdi", "r8", "r9", "r15")
_TARGETS = MappingProxyType(
    {
        "avx2": '"target-cpu"="x86-64-v3" "prefer-vector-width"="256"',
        "avx512": '"target-cpu"="x86-64-v4" "prefer-vector-width"="512"'
        ' "min-legal-vector-width"="512"',
    }
)
# how it was made -> flags of clang
COMPILERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "clang": ("-O3",),
        "clang-narrow": ("-O3", "-mllvm", "-force-vector-interleave=1"),
        "clang-scalar": ("-O3", "-fno-vectorize", "-funroll-loops"),
    }
)
_REGISTER = re.compile(r"%([a-z0-9]+)")
_SCALED = re.compile(r"\tleaq\t(-?\d*)\(,(%[a-z0-9]+),([248])\), (%[a-z0-9]+)$")
_TIMEOUT_S = 20
_IMPLICIT = re.compile(r"(i?mul|i?div)[bwlq]? [^,]*$|(cltd|cqto|cltq|cwtl|push|pop|call|rep)")


def lifted_rewrites(
    region: Region, isa: str, *, compilers: Mapping[str, tuple[str, ...]] = COMPILERS
) -> Iterator[tuple[str, str]]:
    """Yield (how it was made, candidate text) for each compiler that can express the loop.

    isa: a key of `toolchain.MARCH`. Yields nothing for a loop outside `ir`'s table, and nothing
    when clang is not installed.
    """
    clang = shutil.which("clang")
    if clang is None:
        return
    for made, flags in compilers.items():
        try:
            yield made, _rewrite(region, isa, [clang, *flags])
        except NotExpressible:
            continue


def _rewrite(region: Region, isa: str, command: list[str]) -> str:
    contract = region.contract
    if len(contract.scratch) < 2:
        raise NotExpressible("needs two scratch registers")
    count, temporary = contract.scratch[:2]
    lead = iterations_but_one(contract, counted_latch(contract), count, temporary)
    try:
        done = subprocess.run(
            [*command, "-x", "ir", "-", "-S", "-o", "-", "-Wno-override-module"],
            input=loop_ir(region, _TARGETS[isa]),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotExpressible("the compiler takes too long") from error
    if done.returncode != 0:
        raise NotExpressible(done.stderr[:300])
    homes = dict(zip(_ARGUMENTS, passed_registers(region), strict=False))
    homes[_ARGUMENTS[len(homes)]] = count
    return "\n".join([*lead, *_renamed(_body(done.stdout), region, homes)]) + "\n"


def _body(assembly: str) -> list[str]:
    """Instructions and labels of @lifted, in llmcc's spelling."""
    unit = parse(assembly)
    lines: list[str] = []
    for line in unit.lines:
        text = line.text.split("#")[0].rstrip()
        clean = parse(text + "\n").lines[0]
        if clean.kind is LineKind.LABEL and clean.name.startswith(".LBB"):
            lines.append(f"{clean.name}:")
        elif clean.kind is LineKind.INSTRUCTION:
            words = f"{clean.name} {', '.join(clean.operands)}"
            if ".LCPI" in text or "%rsp" in text or "%rip" in text or "%cl," in text:
                raise NotExpressible(f"constants, stack or a shift by cl: {words}")
            if _IMPLICIT.match(words):
                raise NotExpressible(f"registers that are not named: {words}")
            lines.append(f"\t{clean.name}\t{', '.join(clean.operands)}")
    return lines


def _renamed(body: list[str], region: Region, homes: dict[str, str]) -> list[str]:
    """Give every register its place in the contract and every label its number."""
    homes = dict(homes)
    taken = set(homes.values())
    free = {
        "xmm": [*region.contract.vector_scratch],
        "gpr": [family for family in region.contract.scratch if family not in taken],
    }
    labels: dict[str, str] = {}

    def register(match: re.Match[str]) -> str:
        name = REGISTERS[match[1]]
        if name.is_high_byte:
            raise NotExpressible("a high byte")
        if name.family.startswith("k"):
            return match[0]
        if name.family not in homes:
            pool = free["gpr" if name.family in GPR else "xmm"]
            if not pool:
                raise NotExpressible("too few scratch registers")
            homes[name.family] = pool.pop(0)
        return "%" + spelled(homes[name.family], name.bits)

    def label(match: re.Match[str]) -> str:
        return labels.setdefault(match[0], f".LR{len(labels)}")

    out = []
    for line in body:
        line = re.sub(r"\bhead(@PLT)?$", ".LH", line)
        out += _with_base(re.sub(r"\.LBB\d+_\d+", label, _REGISTER.sub(register, line)))
    return out


def _with_base(line: str) -> list[str]:
    """The gate knows no `lea` without a base; this form sets flags, which tests would notice."""
    if (match := _SCALED.match(line)) is None:
        return [line]
    displacement, index, scale, target = match.groups()
    moved = [] if index == target else [f"\tmovq\t{index}, {target}"]
    added = [f"\taddq\t${displacement}, {target}"] if displacement else []
    return [*moved, f"\tshlq\t${int(scale).bit_length() - 1}, {target}", *added]
