"""New registers for compiled lines: live ranges, coloured with what a contract gives away.

The compiler's registers are only names here. A live range ("web") is everything that reads what
some writes wrote; two that are alive at once get different registers. What goes in and out has its
place in the contract, so the ends of the text are copies, most of which fall away.
Method: Chaitin, Register allocation and spilling via graph coloring (1982); choice of the next
web by the number of colours it has left: Brélaz, New methods to color the vertices of a graph
(1979).
Does not cover: spilling, registers that an instruction uses without naming them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from llmcc.asm.parse import split_operands
from llmcc.gate.clobbers import check_upper_halves
from llmcc.gate.decode import Decoded, decode
from llmcc.outcome import Refusal
from llmcc.regions.model import Region
from llmcc.states.blob import build_many
from llmcc.training.families.vector import NotExpressible
from llmcc.training.lift.c_text import ENTRY, EXIT, changed_registers, passed_registers
from llmcc.x86.registers import GPR, MASK, REGISTERS, WIDE_ONLY, spelled

_REGISTER = re.compile(r"%([a-z0-9]+)")
_COPY = re.compile(r"\tmovq\t%(r\w+), %(r\w+)")
# A blend's mask chooses between its sources, and leaves out no lane.
_MERGING = re.compile(r"^\tv(?!p?blendm).*, %([xyz]mm\d+) ?\{%k\d\}$")
_TARGET = re.compile(r"\.LR\d+")
# "=rdi" is the register rdi itself, "rdi" what the compiler calls so.
_PLACE = "="
_TO_HEAD = "\tjmp\t.LH"
# VEX instructions -> their EVEX spelling, the only form that reaches registers 16 to 31
_EVEX = {
    **{"vpand": "vpandd", "vpandn": "vpandnd", "vpor": "vpord", "vpxor": "vpxord"},
    **{"vmovdqa": "vmovdqa64", "vmovdqu": "vmovdqu64"},
    **{"vextracti128": "vextracti32x4", "vinserti128": "vinserti32x4"},
    **{"vextractf128": "vextractf32x4", "vinsertf128": "vinsertf32x4"},
    **{"vbroadcasti128": "vbroadcasti32x4", "vbroadcastf128": "vbroadcastf32x4"},
}
# These have no such form; the compares have one that writes a mask.
_VEX_ONLY = re.compile(
    r"v(p?blend(vb|vps|vpd|w|d|ps|pd)|p?movmsk(b|ps|pd)|ptest|test(ps|pd)|p?hadd\w+|p?hsub\w+|psign\w"
    r"|perm2[if]128|p?maskmov\w+|pcmp(eq|gt)[bwdq]|lddqu)$"
)


class TooFewRegisters(NotExpressible):
    """The contract has fewer registers than the text needs."""


# The line of one of its writes, -1 for what is there at the start, and the name it has there.
_Web = tuple[int, str]


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the text with copies at its ends."""

    text: str
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    next: tuple[int, ...] = ()  # lines that may follow; () leaves the text
    source: str = ""  # of a copy


def in_contract(lines: Sequence[str], region: Region, isa: str, count: str) -> list[str]:
    """Rename all registers so that the text may stand in front of the region.

    lines: with one entry line, and exit lines where it goes to the head; see `c_text.loop_c`.
    count: the family that holds the count in front of the text.

    Raises:
        NotExpressible: too few registers, or an instruction that the gate does not know.
    """
    flow = _with_zeroing(_flow(lines, region, isa, count))
    webs = _webs(flow)
    return _Colouring(flow, webs, region, isa).text()


def _flow(lines: Sequence[str], region: Region, isa: str, count: str) -> list[_Line]:
    """Lines with what they read and write; entry and exit lines become copies."""
    passed = passed_registers(region)
    texts = _with_copies(lines, region, count)
    decoded = _decoded(texts, region, isa)
    if check_upper_halves(decoded) is not None:
        # An asm statement is no call to a compiler, so it does not always clear them itself.
        for number in reversed([n for n, text in enumerate(texts) if text == _TO_HEAD]):
            texts.insert(number, "\tvzeroupper")
        decoded = _decoded(texts, region, isa)
    instructions = iter(decoded)
    places = {text[:-1]: n for n, text in enumerate(texts)
              if isinstance(text, str) and text.endswith(":")}  # fmt: skip
    flow: list[_Line] = []
    for number, text in enumerate(texts):
        following = (number + 1,) if number + 1 < len(texts) else ()
        if isinstance(text, _Line):
            flow.append(replace(text, next=following))
        elif text.endswith(":"):
            flow.append(_Line(text, next=following))
        else:
            flow.append(_instruction(text, next(instructions), following, places, passed))
    return flow


def _with_copies(lines: Sequence[str], region: Region, count: str) -> list[_Line | str]:
    texts: list[_Line | str] = []
    for line in lines:
        names = [REGISTERS[name].family for name in _REGISTER.findall(line)]
        if line.startswith(f"\t{ENTRY}\t"):
            places = (*passed_registers(region), count)
            texts += [_copy(_PLACE + p, name) for p, name in zip(places, names, strict=True)]
        elif line.startswith(f"\t{EXIT}\t"):
            places = changed_registers(region)
            texts += [_copy(name, _PLACE + p) for p, name in zip(places, names, strict=True)]
            texts.append(_TO_HEAD)
        else:
            texts.append(line)
    return texts


def _copy(source: str, target: str) -> _Line:
    return _Line(f"\tmovq\t%{source}, %{target}", frozenset((source,)), frozenset((target,)),
                 source=source)  # fmt: skip


def _decoded(lines: Sequence[_Line | str], region: Region, isa: str) -> tuple[Decoded, ...]:
    """What the gate makes of the lines that are not copies."""
    texts = [line for line in lines if isinstance(line, str)]
    (built,) = build_many(region, ["\n".join(texts) + "\n"], isa=isa)
    if isinstance(built, Refusal):
        raise NotExpressible(built.detail[:200])
    decoded = decode(built, region.constants)
    if isinstance(decoded, Refusal):
        raise NotExpressible(f"{decoded.outcome.name}: {decoded.detail[:200]}")
    if len(decoded) != sum(not text.endswith(":") for text in texts):
        raise NotExpressible("lines that are not one instruction each")
    return decoded


def _instruction(
    text: str,
    one: Decoded,
    following: tuple[int, ...],
    places: Mapping[str, int],
    passed: Sequence[str],
) -> _Line:
    written = {name.family for name in one.written}
    read = {name.family for name in one.read} | one.addresses | _sources(text)
    # What is written in part keeps the rest of what was there.
    read |= {name.family for name in one.written if name.family in GPR and name.bits < 32}
    if one.is_masked and "{z}" not in text and not one.is_store and "blendm" not in text:
        read |= {family for family in written if family not in MASK}
    names = {REGISTERS[name].family for name in _REGISTER.findall(text)}
    if not (written | read) <= names or any(REGISTERS[n].is_high_byte
                                            for n in _REGISTER.findall(text)):  # fmt: skip
        raise NotExpressible(f"registers that are not named, or high bytes: {one.text}")
    if not one.is_jump:
        copied = _COPY.fullmatch(text)
        source = copied[1] if copied and copied[1] != copied[2] else ""
        return _Line(text, frozenset(read), frozenset(written), following, source)
    found = _TARGET.search(text)
    taken = (places[found[0]],) if found else ()
    if found is None:
        read |= {_PLACE + family for family in passed}
    return _Line(text, frozenset(read), frozenset(written),
                 taken if one.mnemonic == "jmp" else (*taken, *following))  # fmt: skip


def _with_zeroing(flow: Sequence[_Line]) -> list[_Line]:
    """Zero the lanes a mask leaves out where they hold nothing, which gcc does not care about."""
    reaching = _reaching(flow)
    out: list[_Line] = []
    for number, line in enumerate(flow):
        match = _MERGING.search(line.text)
        family = REGISTERS[match[1]].family if match else ""
        if family and not any(n != number and f == family for n, f in reaching[number]):
            text = line.text + "{z}"
            out.append(replace(line, text=text, reads=line.reads - {family} | _sources(text)))
        else:
            out.append(line)
    return out


def _sources(text: str) -> set[str]:
    """Vector registers and masks that an instruction takes; capstone leaves out some with EVEX."""
    _, name, rest = (text + "\t").split("\t")[:3]
    if name[0] not in "vk" or not rest:
        return set()
    operands = split_operands(rest)[:-1]
    registers = [operand.partition("{")[0].strip() for operand in operands if "%" in operand]
    if len(registers) >= 2 and len(set(registers)) == 1:
        return set()  # the same whatever it holds, or capstone knows
    return {REGISTERS[n].family for some in operands for n in _REGISTER.findall(some)}


def _webs(flow: Sequence[_Line]) -> dict[_Web, _Web]:
    """Map (line, name) to the web it belongs to, for every name that a line reads or writes."""
    reaching = _reaching(flow)
    parent: dict[_Web, _Web] = {}

    def find(node: _Web) -> _Web:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    uses: dict[_Web, _Web] = {}
    for number, line in enumerate(flow):
        for name in line.reads:
            found = sorted(d for d in reaching[number] if d[1] == name) or [(-1, name)]
            for one in found:
                parent[find(one)] = find(found[0])
            uses[number, name] = found[0]
        for name in line.writes:
            if name in line.reads:
                parent[find((number, name))] = find(uses[number, name])
            uses[number, name] = (number, name)
    return {use: find(node) for use, node in uses.items()}


def _reaching(flow: Sequence[_Line]) -> list[frozenset[_Web]]:
    """The writes that may have made what is there in front of each line."""
    before: list[set[_Web]] = [set() for _ in flow]
    waiting = list(range(len(flow)))
    while waiting:
        number = waiting.pop()
        line = flow[number]
        after = {d for d in before[number] if d[1] not in line.writes}
        after |= {(number, name) for name in line.writes}
        for target in line.next:
            if not after <= before[target]:
                before[target] |= after
                waiting.append(target)
    return [frozenset(some) for some in before]


class _Colouring:
    """The interference graph of the webs of one text."""

    def __init__(
        self,
        flow: Sequence[_Line],
        webs: Mapping[_Web, _Web],
        region: Region,
        isa: str,
    ) -> None:
        self.flow, self.webs, self.contract = flow, webs, region.contract
        self.is_avx512 = isa == "avx512"
        self.members: dict[_Web, set[_Web]] = {}
        for use, web in webs.items():
            self.members.setdefault(web, set()).add(use)
        self.neighbours: dict[_Web, set[_Web]] = {web: set() for web in self.members}
        self.wanted: dict[_Web, set[_Web]] = {web: set() for web in self.members}
        self._connect()

    def _connect(self) -> None:
        live: list[set[_Web]] = [set() for _ in self.flow]  # in front of each line
        waiting = list(range(len(self.flow)))
        sources: dict[int, list[int]] = {}
        for number, line in enumerate(self.flow):
            for target in line.next:
                sources.setdefault(target, []).append(number)
        while waiting:
            number = waiting.pop()
            line = self.flow[number]
            after = set().union(*(live[target] for target in line.next))
            after -= {self.webs[number, name] for name in line.writes}
            after |= {self.webs[number, name] for name in line.reads}
            if not after <= live[number]:
                live[number] |= after
                waiting += sources.get(number, [])
        for number, line in enumerate(self.flow):
            after = set().union(*(live[target] for target in line.next))
            written = {self.webs[number, name] for name in line.writes}
            copied = {self.webs[number, line.source]} if line.source else set()
            for one in written:
                for other in (after | written) - {one} - copied:
                    self.neighbours[one].add(other)
                    self.neighbours[other].add(one)
                for other in copied:
                    self.wanted[one].add(other)
                    self.wanted[other].add(one)

    def text(self) -> list[str]:
        colours = self._colours()
        out: list[str] = []
        for number, line in enumerate(self.flow):

            def register(match: re.Match[str], number: int = number) -> str:
                name = REGISTERS.get(match[1])
                if name is None or name.family in MASK:
                    return match[0]
                return "%" + spelled(colours[self.webs[number, name.family]], name.bits)

            text = _REGISTER.sub(register, line.text.replace(f"%{_PLACE}", "%\0"))
            out.append(_evex(text.replace("\0", "")))
        moves = (re.fullmatch(r"\tmovq\t(%\w+), (%\w+)", line) for line in out)
        return [line for line, move in zip(out, moves, strict=True)
                if move is None or move[1] != move[2]]  # fmt: skip

    def _colours(self) -> dict[_Web, str]:
        colours: dict[_Web, str] = {}
        allowed: dict[_Web, list[str]] = {}
        for web, uses in self.members.items():
            name = web[1]
            if name.startswith(_PLACE):
                colours[web] = name[1:]
            elif name in MASK:
                colours[web] = name
            elif (home := self._invariant(uses)) is not None:
                colours[web] = home
            else:
                allowed[web] = self._allowed(name, uses)
        while allowed:
            left = {
                web: [c for c in some if c not in {colours.get(n) for n in self.neighbours[web]}]
                for web, some in allowed.items()
            }
            web = min(left, key=lambda w: (len(left[w]), -len(self.neighbours[w]), w))
            if not left[web]:
                raise TooFewRegisters(f"too few registers for {web[1]}")
            liked = [colours.get(other) for other in sorted(self.wanted[web])]
            colours[web] = next((c for c in liked if c in left[web]), None) or left[web][0]
            del allowed[web]
        return colours

    def _invariant(self, uses: Iterable[_Web]) -> str | None:
        """The register an invariant is in, for a web that is nothing but its value."""
        writes = [n for n, name in uses if name in self.flow[n].writes]
        source = self.flow[writes[0]].source if len(writes) == 1 else ""
        if not source:
            return None
        if source.startswith(_PLACE):
            return source[1:] if source[1:] in self.contract.invariants else None
        return self._invariant(self.members[self.webs[writes[0], source]])

    def _allowed(self, name: str, uses: Iterable[_Web]) -> list[str]:
        contract = self.contract
        if name in GPR:
            given = [family for family in contract.may_write if family in GPR and family != "rsp"]
            return sorted(given, key=lambda family: family not in contract.scratch)
        has_evex = not any(_is_vex_only(self.flow[number].text) for number, _ in uses)
        is_wide = self.is_avx512 and contract.is_wide_free and has_evex
        return [*contract.vector_scratch, *(WIDE_ONLY if is_wide else ())]


def _is_vex_only(text: str) -> bool:
    name = text.split("\t")[1]
    if name.startswith("vpcmp") and "%k" in text:
        return False
    return _VEX_ONLY.match(name) is not None


def _evex(line: str) -> str:
    """Spell an instruction for registers 16 to 31 where it names one."""
    if re.search(r"%[xyz]mm(1[6-9]|2\d|3[01])\b", line) is None:
        return line
    _, name, rest = line.split("\t")
    return f"\t{_EVEX.get(name, name)}\t{rest}"
