"""Widen a loop gcc has vectorised with SSE2: four iterations in four lanes (two for AVX2).

Almost every 128-bit instruction has a wider form that does the same in each 128-bit lane. A wide
loop that loads consecutive iterations into consecutive lanes computes bit for bit what the passes
one by one would, as long as iterations touch each other only through associative integer
operations, whose lanes are folded at the end. At least one iteration is left to gcc's loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from llmcc.asm.model import Line, LineKind
from llmcc.asm.operand import Memory, Register, parse_operand
from llmcc.asm.parse import parse
from llmcc.regions.model import Contract, Region
from llmcc.training.families.trip import counted_latch, overlap_guards
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.effects import FLAGS, effects
from llmcc.x86.registers import GPR, REGISTERS, XMM, spelled

_MOVES = {
    "movdqa": "vmovdqu64", "movdqu": "vmovdqu64", "movaps": "vmovups", "movups": "vmovups",
    "movapd": "vmovupd", "movupd": "vmovupd",
}  # fmt: skip
_LOGIC_512 = {"pand": "vpandd", "pandn": "vpandnd", "por": "vpord", "pxor": "vpxord"}
_SHIFTS = frozenset("psllw pslld psllq psrlw psrld psrlq psraw psrad".split())
_WITH_IMMEDIATE = frozenset("pshufd pshuflw pshufhw shufps shufpd pslldq psrldq".split())
_BINARY = frozenset(
    """paddb paddw paddd paddq psubb psubw psubd psubq paddsb paddsw paddusb paddusw psubsb psubsw
    psubusb psubusw pmullw pmulhw pmulhuw pmuludq pmaddwd psadbw pavgb pavgw pminub pmaxub
    pminsw pmaxsw packsswb packssdw packuswb punpcklbw punpcklwd punpckldq punpcklqdq
    punpckhbw punpckhwd punpckhdq punpckhqdq addps addpd subps subpd mulps mulpd divps divpd
    minps minpd maxps maxpd andps andpd andnps andnpd orps orpd xorps xorpd unpcklps
    unpcklpd unpckhps unpckhpd""".split()
)
_UNARY = frozenset("cvtdq2ps cvttps2dq cvtps2dq sqrtps sqrtpd".split())
_COMPARE = {
    "pcmpeqb": "b",
    "pcmpeqw": "w",
    "pcmpeqd": "d",
    "pcmpgtb": "b",
    "pcmpgtw": "w",
    "pcmpgtd": "d",
}
_FLOAT_COMPARE = frozenset(
    f"cmp{kind}p{width}"
    for kind in ("eq", "lt", "le", "neq", "nlt", "nle", "ord", "unord")
    for width in "sd"
)
# how the lanes of an accumulator are folded, by the instruction that updates it
_FOLDS = {
    **{name: name for name in ("paddb", "paddw", "paddd", "paddq", "por", "pand", "pxor")},
    **{name: name for name in ("pminub", "pmaxub", "pminsw", "pmaxsw")},
    **{f"psub{kind}": f"padd{kind}" for kind in "bwdq"},
}
_FILLED_WITH_ZERO = frozenset(("paddb", "paddw", "paddd", "paddq", "por", "pxor"))


def widen(region: Region, isa: str) -> str:
    """Write the wide rewrite of a region; raises NotExpressible where it cannot."""
    return _Widener(region, isa).text()


@dataclass(slots=True)
class _Widener:
    region: Region
    isa: str
    contract: Contract = field(init=False)
    is_512: bool = field(init=False)
    lanes: int = field(init=False)
    names: dict[int, int] = field(init=False)  # xmm number -> wide register number
    spare: int = field(init=False)
    body: list[Line] = field(init=False)
    offsets: dict[str, int] = field(default_factory=dict)  # induction -> added so far in this pass

    def __post_init__(self) -> None:
        self.contract = self.region.contract
        self.is_512 = self.isa == "avx512"
        self.lanes = 4 if self.is_512 else 2
        self.body = self._straight_body()
        self._name_registers()

    def text(self) -> str:
        contract = self.contract
        if not contract.scratch:
            raise NotExpressible("needs a scratch register")
        latch = counted_latch(contract)
        step = next(i.step for i in contract.inductions if i.register == latch.induction)
        if latch.condition != "ne" or step <= 0 or latch.bound is None:
            raise NotExpressible("no simple trip count")
        count = contract.scratch[0]
        bits = latch.bits
        suffix = "q" if bits == 64 else "l"
        wide = f"%{spelled(count, bits)}"
        out = [
            f"\tmov{suffix}\t%{spelled(latch.bound, bits)}, {wide}",
            f"\tsub{suffix}\t%{spelled(latch.induction, bits)}, {wide}",
            f"\tsub{suffix}\t${step * (self.lanes + 1)}, {wide}",
            "\tjb\t.LH",
        ]
        if any(access.is_store for access in contract.accesses):
            # The trip count must survive the guards: they work in the second scratch register, or
            # before the only one holds it.
            guards = overlap_guards(contract, 16 * self.lanes, contract.scratch[:2][-1])
            out = [*out, *guards] if len(contract.scratch) > 1 else [*guards, *out]
        carried = [f for f in contract.accumulators if f in XMM]
        out += self._broadcasts()
        folds = {family: self._fold_of(family) for family in carried}
        for family in carried:
            out += self._spread(family, folds[family])
        out += [".LR0:", *self._wide_body()]
        for induction in contract.inductions:
            kind = "q" if induction.bits == 64 else "l"
            amount = induction.step * self.lanes
            verb = "add" if amount > 0 else "sub"
            register = spelled(induction.register, induction.bits)
            out.append(f"\t{verb}{kind}\t${abs(amount)}, %{register}")
        out += [f"\tsub{suffix}\t${step * self.lanes}, {wide}", "\tjae\t.LR0"]
        for family in carried:
            out += self._fold(family, folds[family], is_only=len(carried) == 1)
        if not self.is_512:
            out.append("\tvzeroupper")
        return "\n".join([*out, "\tjmp\t.LH"]) + "\n"

    # -- reading the loop

    def _straight_body(self) -> list[Line]:
        """The packed instructions of a single-block loop, in order."""
        lines = parse(self.region.text).lines
        if lines[0].name != ".LH" or any(line.kind is LineKind.LABEL for line in lines[1:]):
            raise NotExpressible("not one block")
        steps = {induction.register for induction in self.contract.inductions}
        body: list[Line] = []
        for line in lines[1:]:
            found = effects(line)
            assert found is not None
            if found.jump or (line.name.startswith("cmp") and FLAGS in found.writes):
                continue
            is_vector = any(f.startswith("xmm") for f in found.writes | found.reads)
            if not is_vector and found.writes - {FLAGS} <= steps:
                body.append(line)  # kept to follow offsets
            elif is_vector and not (found.writes - {FLAGS}) & set(GPR):
                body.append(line)
            else:
                raise NotExpressible(line.text.strip())
        if not any("%xmm" in line.text for line in body):
            raise NotExpressible("not vectorised")
        return body

    def _name_registers(self) -> None:
        used = [
            n for n, family in enumerate(XMM) if any(f"%{family}" in x.operands for x in self.body)
        ]
        if self.is_512:
            self.names = {number: 16 + number for number in used}
            free = [n for n in range(16) if n not in used]
            if not free:
                raise NotExpressible("out of vector registers")
            self.spare = 16 + free[0]
            return
        writable = [n for n, family in enumerate(XMM) if family in self.contract.may_write]
        idle = [n for n in writable if n not in used and XMM[n] in self.contract.vector_scratch]
        self.names = {}
        for number in used:
            if number in writable:
                self.names[number] = number
            elif idle:
                self.names[number] = idle.pop(0)
            else:
                raise NotExpressible("out of vector registers")
        if not idle:
            raise NotExpressible("out of vector registers")
        self.spare = idle[0]

    def _wide(self, family: str) -> str:
        return f"%{'zmm' if self.is_512 else 'ymm'}{self.names[XMM.index(family)]}"

    def _spare(self) -> str:
        return f"%{'zmm' if self.is_512 else 'ymm'}{self.spare}"

    # -- before the loop

    def _broadcasts(self) -> list[str]:
        counts = self._shift_counts()
        wanted = [f for f in self.contract.invariants if f in XMM and f not in counts]
        return [self._copy_to_all_lanes(family) for family in wanted]

    def _copy_to_all_lanes(self, family: str) -> str:
        number = family.removeprefix("xmm")
        if self.is_512:
            return f"\tvshufi64x2\t$0, %zmm{number}, %zmm{number}, {self._wide(family)}"
        return f"\tvinserti128\t$1, %xmm{number}, %ymm{number}, {self._wide(family)}"

    def _shift_counts(self) -> set[str]:
        """Registers that hold shift counts: they stay 128 bits wide."""
        found = {
            line.operands[0].removeprefix("%")
            for line in self.body
            if line.name in _SHIFTS and line.operands[0].startswith("%")
        }
        for line in self.body:
            if line.name not in _SHIFTS and any(
                o.removeprefix("%") in found for o in line.operands
            ):
                raise NotExpressible("a shift count that is data too")
        return found

    def _spread(self, family: str, fold: str) -> list[str]:
        if fold not in _FILLED_WITH_ZERO:
            return [self._copy_to_all_lanes(family)]
        number = family.removeprefix("xmm")
        target = self.names[int(number)]
        # Writing the 128-bit form clears the lanes above it.
        name = "vmovdqa64" if self.is_512 else "vmovdqa"
        return [f"\t{name}\t%xmm{number}, %xmm{target}"]

    # -- the loop

    def _wide_body(self) -> list[str]:
        self.offsets = {}
        out: list[str] = []
        for line in self.body:
            if "%xmm" in line.text:
                out += self._instruction(line)
            else:
                self._follow(line)
        return out

    def _follow(self, line: Line) -> None:
        register = REGISTERS[line.operands[-1].removeprefix("%")].family
        step = next(i.step for i in self.contract.inductions if i.register == register)
        self.offsets[register] = self.offsets.get(register, 0) + step

    def _operand(self, text: str) -> str:
        operand = parse_operand(text)
        if isinstance(operand, Register):
            return self._wide(REGISTERS[operand.name].family)
        if isinstance(operand, Memory):
            return self._address(operand)
        return text

    def _address(self, operand: Memory) -> str:
        if operand.symbol or operand.base is None:
            raise NotExpressible("a constant in memory")
        steps = {i.register: i.step for i in self.contract.inductions}
        stride = steps.get(operand.base, 0)
        disp = operand.disp + self.offsets.get(operand.base, 0)
        inner = f"%{operand.base}"
        if operand.index:
            stride += steps.get(operand.index, 0) * operand.scale
            disp += self.offsets.get(operand.index, 0) * operand.scale
            inner += f",%{operand.index}" + (f",{operand.scale}" if operand.scale > 1 else "")
        if stride != 16:
            raise NotExpressible("not 16 bytes an iteration")
        return f"{disp or ''}({inner})"

    def _instruction(self, line: Line) -> list[str]:
        name, operands = line.name, line.operands
        if name in _MOVES:
            return [self._line(self._move(name), *map(self._operand, operands))]
        if name in _UNARY:
            return [self._line("v" + name, *map(self._operand, operands))]
        if name in _SHIFTS and operands[0].startswith("%"):
            target = self._operand(operands[1])
            return [self._line("v" + name, operands[0], target, target)]
        if name in _SHIFTS | _WITH_IMMEDIATE:
            return [self._immediate(name, operands)]
        source, target = map(self._operand, operands)
        if name in _COMPARE:
            return self._compare("v" + name, _COMPARE[name], source, target)
        if name in _FLOAT_COMPARE:
            return self._compare("v" + name, "d" if name.endswith("s") else "q", source, target)
        if name in _LOGIC_512:
            return [
                self._line(_LOGIC_512[name] if self.is_512 else "v" + name, source, target, target)
            ]
        if name in _BINARY:
            return [self._line("v" + name, source, target, target)]
        raise NotExpressible(line.text.strip())

    def _move(self, name: str) -> str:
        wide = _MOVES[name]
        return wide if self.is_512 or wide != "vmovdqu64" else "vmovdqu"

    def _immediate(self, name: str, operands: tuple[str, ...]) -> str:
        if len(operands) == 2:
            target = self._operand(operands[1])
            return self._line("v" + name, operands[0], target, target)
        source, target = self._operand(operands[1]), self._operand(operands[2])
        if name.startswith("shuf"):
            return self._line("v" + name, operands[0], source, target, target)
        return self._line("v" + name, operands[0], source, target)

    def _compare(self, name: str, kind: str, source: str, target: str) -> list[str]:
        if not self.is_512:
            return [self._line(name, source, target, target)]
        return [
            self._line(name, source, target, "%k1"),
            self._line(f"vpmovm2{kind}", "%k1", target),
        ]

    @staticmethod
    def _line(name: str, *operands: str) -> str:
        return f"\t{name}\t{', '.join(operands)}"

    # -- after the loop

    def _fold_of(self, family: str) -> str:
        """The operation that joins iterations through `family`, or "body" for a chosen value."""
        carrying = {family}
        found: set[str] = set()
        for line in self.body:
            if "%xmm" not in line.text:
                continue
            operands = [operand.removeprefix("%") for operand in line.operands]
            source, target = operands[-2], operands[-1]
            if line.name in _MOVES and source in carrying:
                carrying.add(target)
            elif (
                line.name in _FOLDS
                and len(operands) == 2
                and (source in carrying) != (target in carrying)
            ):
                if source in carrying and line.name.startswith("psub"):
                    return "body"
                found.add(_FOLDS[line.name])
                carrying.add(target)
            elif any(operand in carrying for operand in operands[:-1]) or (
                target in carrying and line.name not in _MOVES
            ):
                return "body"
            else:
                carrying.discard(target)
        if family not in carrying or len(found) != 1:
            return "body"
        return found.pop()

    def _fold(self, family: str, fold: str, *, is_only: bool) -> list[str]:
        total, spare = self._wide(family), self._spare()
        out: list[str] = []
        swaps = (78, 177) if self.is_512 else (78,)
        for swap in swaps:
            if fold == "body":
                if not is_only:
                    raise NotExpressible("two chosen values")
                out += self._body_on_lanes(family, swap)
                continue
            out.append(self._swap(swap, total, spare))
            name = _LOGIC_512.get(fold, "v" + fold) if self.is_512 else "v" + fold
            out.append(self._line(name, spare, total, total))
        number = family.removeprefix("xmm")
        if self.is_512:
            out.append(f"\tvmovdqa64\t%xmm{self.names[int(number)]}, %{family}")
        elif self.names[int(number)] != int(number):
            raise NotExpressible("accumulator may not be written")
        return out

    def _swap(self, immediate: int, source: str, target: str) -> str:
        if self.is_512:
            return f"\tvshufi64x2\t${immediate}, {source}, {source}, {target}"
        return f"\tvpermq\t${immediate}, {source}, {target}"

    def _body_on_lanes(self, family: str, swap: int) -> list[str]:
        """The loop's own body once more, with the other lanes in the place of the loaded values."""
        out: list[str] = []
        loads = 0
        for line in self.body:
            if "%xmm" not in line.text:
                continue
            if "(" in line.text:
                if line.name not in _MOVES or not line.operands[1].startswith("%xmm"):
                    raise NotExpressible("a chosen value with a folded load")
                loads += 1
                out.append(self._swap(swap, self._wide(family), self._operand(line.operands[1])))
            else:
                out += self._instruction(line)
        if loads != 1:
            raise NotExpressible("a chosen value of two arrays")
        return out
