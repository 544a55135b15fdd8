"""A small search around gcc's own loop: branches turned into cmov, and unrolling.

Knows nothing of what a loop is for, so what comes out may be wrong or slow: testing and timing
tell.
Blocks are rotated first so that the loop starts at its head and ends with its way back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from llmcc.asm.operand import Memory, parse_operand
from llmcc.asm.parse import parse
from llmcc.regions.model import Contract, Induction, Region
from llmcc.training.families.trip import counted_latch, iterations_but_one
from llmcc.training.families.vector import NotExpressible
from llmcc.x86.registers import GPR, REGISTERS, spelled

_LABEL = re.compile(r"(\.L\w+):")
_JUMP = re.compile(r"\tj(\w+)\t(\.L\w+)")
_OWN_LABEL = re.compile(r"\.L(?:H\b|[BR]\w+)")
_REGISTER = re.compile(r"%([a-z][a-z0-9]*)")
_STEP = re.compile(r"\t(add|sub)([lq])\t\$(-?\d+), %(\w+)")
# What may stand in a branch that is turned into a cmov: none of these can fault.
_MOVE = re.compile(r"\tmov([lq])\t(%\w+), %(\w+)")
_SET = re.compile(r"\tmov([lq])\t(\$-?\d+), %(\w+)")
_ZERO = re.compile(r"\txor([lq])\t%(\w+), %(\2)")
_ADD = re.compile(r"\tadd([lq])\t%(\w+), %(\w+)")
_LEA = re.compile(r"\tlea([lq])\t(.+), %(\w+)")
_COMPARE = re.compile(r"\t(?:cmp|test)[bwlq]\t")
_BITS = {"l": 32, "q": 64}
_MOST_IN_BRANCH = 4
_UNROLLED_MOST = 96  # instructions


def local_edits(region: Region) -> Iterator[tuple[str, str]]:
    """Yield (how it was made, rewrite), the most promising first; the same for every ISA."""
    plain = rotated(region.text)
    converted = without_branches(plain, region.contract)
    bodies = [("", plain)] if converted == plain else [("cmov", converted), ("", plain)]
    for how, body in bodies:
        if how:
            yield how, _text(unrolled(body, 1))
        for times in (4, 2):
            if len(body) * times > _UNROLLED_MOST:
                continue
            name = f"{how} unroll{times}".strip()
            try:
                yield f"{name} counted", _text(counted(body, times, region.contract))
            except NotExpressible:
                yield name, _text(unrolled(body, times))


def rotated(text: str) -> list[str]:
    """Start a loop at `.LH`, and end it with the jumps back to it where that was falling in."""
    lines = text.splitlines()
    head = lines.index(".LH:")
    before = [*lines[:head], "\tjmp\t.LH"] if head else []
    return simplified([*lines[head:], *before])


def simplified(lines: Sequence[str]) -> list[str]:
    """Drop jumps to the next line, turn branches around a jump, drop labels nobody uses."""
    before: Sequence[str] = ()
    while lines != before:
        before, lines = lines, _simplified_once(lines)
    return list(lines)


def _simplified_once(lines: Sequence[str]) -> list[str]:
    out: list[str] = []
    used = {match[2] for line in lines if (match := _JUMP.fullmatch(line))}
    for line in lines:
        label = _LABEL.fullmatch(line)
        if label and label[1] not in used:
            continue
        if label and out and out[-1] == f"\tjmp\t{label[1]}":
            out.pop()
        elif label and len(out) > 1 and (last := _JUMP.fullmatch(out[-1])) and last[1] == "mp":
            branch = _JUMP.fullmatch(out[-2])
            if branch and branch[1] != "mp" and branch[2] == label[1]:
                out[-2:] = [f"\tj{_negated(branch[1])}\t{last[2]}"]
        out.append(line)
    return out


def unrolled(body: Sequence[str], times: int) -> list[str]:
    """Put copies of a rotated loop one after the other, every exit tested in each."""
    lines: list[str] = []
    for copy in range(times):
        following = f".LRh{(copy + 1) % times}"
        for line in body:
            if line == ".LH:":
                lines.append(f".LRh{copy}:")
            elif (jump := _JUMP.fullmatch(line)) and jump[2] == ".LH":
                lines.append(f"\tj{jump[1]}\t{following}")
            else:
                lines.append(_OWN_LABEL.sub(lambda m, n=copy: f"{m[0]}c{n}", line))  # type: ignore[misc]
    return simplified(lines)


def counted(body: Sequence[str], times: int, contract: Contract) -> list[str]:
    """Unroll with one test of the trip count for all copies; at least one iteration is gcc's.

    Raises:
        NotExpressible: the loop does not end with its only counted exit, or no register is free.
    """
    jump = _JUMP.fullmatch(body[-2]) if len(body) > 3 else None
    if jump is None or jump[2] != ".LH" or body[-1] != "\tjmp\t.LX0" or body[0] != ".LH:":
        raise NotExpressible("does not end with its test")
    latch = counted_latch(contract)
    inner = body[1:-2]
    wanted = {latch.induction, latch.bound} - {None}
    if not wanted <= _families(inner[-1]):
        raise NotExpressible("ends with another test")
    if _COMPARE.match(inner[-1]):
        inner = inner[:-1]
    free = _free_registers(body, contract)
    if len(free) < 2:
        raise NotExpressible("needs two registers")
    count, temporary = free[0], free[1]
    start = iterations_but_one(contract, latch, count, temporary)
    if any(_JUMP.fullmatch(line) or _LABEL.fullmatch(line) for line in inner):
        copies = [
            _OWN_LABEL.sub(lambda m, n=copy: f"{m[0]}c{n}", line)  # type: ignore[misc]
            for copy in range(times)
            for line in inner
        ]
    else:
        copies = _steps_joined(list(inner) * times, contract)
    return [
        *start,
        f"\tsubq\t${times}, %{count}",
        "\tjb\t.LH",
        ".LRh0:",
        *copies,
        f"\tsubq\t${times}, %{count}",
        "\tjae\t.LRh0",
        "\tjmp\t.LH",
    ]


def _steps_joined(lines: list[str], contract: Contract) -> list[str]:
    """Advance pointers once, at the end, where they are used in addresses only."""
    for induction in contract.inductions:
        lines = _joined(lines, induction) or lines
    return lines


def _joined(lines: Sequence[str], induction: Induction) -> list[str] | None:
    name = spelled(induction.register, induction.bits)
    out: list[str] = []
    advanced = 0
    for line in lines:
        step = _STEP.fullmatch(line)
        if step and step[4] == name:
            advanced += int(step[3]) if step[1] == "add" else -int(step[3])
            continue
        if induction.bits == 64:
            shifted = _shifted(line, name, advanced)
        else:  # an address cannot wrap as the register does
            shifted = None if induction.register in _families(line) else line
        if shifted is None:
            return None
        out.append(shifted)
    verb, suffix = "add" if advanced > 0 else "sub", "q" if induction.bits == 64 else "l"
    return [*out, f"\t{verb}{suffix}\t${abs(advanced)}, %{name}"]


def _shifted(line: str, register: str, advanced: int) -> str | None:
    """The line with `advanced` added to the addresses that use a register; None: another use."""
    (parsed,) = parse(line + "\n").lines
    for text in parsed.operands:
        operand = parse_operand(text)
        if not isinstance(operand, Memory):
            if register in _families(text):
                return None
            continue
        times = (operand.base == register) + operand.scale * (operand.index == register)
        if not times or not advanced:
            continue
        if operand.symbol:
            return None
        inside = text[text.index("(") :]
        line = line.replace(text, f"{operand.disp + times * advanced or ''}{inside}")
    return line


def without_branches(body: Sequence[str], contract: Contract) -> list[str]:
    """Turn short branches around register moves and sums into cmov where registers are free."""
    free = _free_registers(body, contract)
    lines = list(body)
    place = 0
    while place < len(lines):
        branch = _JUMP.fullmatch(lines[place])
        if branch and branch[1] != "mp":
            lines = (
                _forward(lines, place, branch, free) or _aside(lines, place, branch, free) or lines
            )
        place += 1
    return simplified(lines)


def _forward(
    lines: list[str], place: int, branch: re.Match[str], free: Sequence[str]
) -> list[str] | None:
    """A branch over some lines: they become conditional on its opposite."""
    end = lines.index(branch[2] + ":") if branch[2] + ":" in lines else -1
    if not place < end - 1 <= place + _MOST_IN_BRANCH:
        return None
    chosen = _conditional(lines[place + 1 : end], _negated(branch[1]), free)
    return None if chosen is None else [*lines[:place], *chosen, *lines[end:]]


def _aside(
    lines: list[str], place: int, branch: re.Match[str], free: Sequence[str]
) -> list[str] | None:
    """A branch to some lines that jump back behind it: they become conditional on it."""
    start = lines.index(branch[2] + ":") if branch[2] + ":" in lines else -1
    following = _LABEL.fullmatch(lines[place + 1]) if place + 1 < len(lines) else None
    if start < 0 or following is None:
        return None
    back = f"\tjmp\t{following[1]}"
    if back not in lines[start : start + _MOST_IN_BRANCH + 2]:
        return None
    chosen = _conditional(lines[start + 1 : lines.index(back, start)], branch[1], free)
    return None if chosen is None else [*lines[:place], *chosen, *lines[place + 1 :]]


def _conditional(lines: Sequence[str], condition: str, free: Sequence[str]) -> list[str] | None:
    """The same lines done only under a condition, flags left as they are; None: not possible."""
    out: list[str] = []
    for line in lines:
        if move := _MOVE.fullmatch(line):
            out.append(f"\tcmov{condition}{move[1]}\t{move[2]}, %{move[3]}")
            continue
        found = _value(line)
        if found is None or not free:
            return None
        suffix, compute, target = found
        temporary = spelled(free[-1], _BITS[suffix])
        out += [f"\t{compute}, %{temporary}", f"\tcmov{condition}{suffix}\t%{temporary}, %{target}"]
    return out


def _value(line: str) -> tuple[str, str, str] | None:
    """(suffix, instruction without its target, target) that computes what a line would set."""
    if found := _SET.fullmatch(line):
        return found[1], f"mov{found[1]}\t{found[2]}", found[3]
    if found := _ZERO.fullmatch(line):
        return found[1], f"mov{found[1]}\t$0", found[2]
    if found := _STEP.fullmatch(line):
        amount = int(found[3]) if found[1] == "add" else -int(found[3])
        return found[2], f"lea{found[2]}\t{amount}(%{REGISTERS[found[4]].family})", found[4]
    if found := _ADD.fullmatch(line):
        one, other = (REGISTERS[found[n]].family for n in (2, 3))
        return found[1], f"lea{found[1]}\t(%{one},%{other})", found[3]
    if found := _LEA.fullmatch(line):
        return found[1], f"lea{found[1]}\t{found[2]}", found[3]
    return None


def _free_registers(lines: Sequence[str], contract: Contract) -> list[str]:
    """Scratch registers that the loop itself does not use, in the contract's order."""
    used = _families("\n".join(lines))
    return [family for family in contract.scratch if family not in used and family in GPR]


def _families(text: str) -> set[str]:
    """The registers a text mentions."""
    return {REGISTERS[name].family for name in _REGISTER.findall(text) if name in REGISTERS}


def _negated(condition: str) -> str:
    return condition.removeprefix("n") if condition[0] == "n" else f"n{condition}"


def _text(lines: Sequence[str]) -> str:
    """Number the labels `.LR0`… in order of appearance; what is not ours keeps its name."""
    own = [m[1] for line in lines if (m := _LABEL.fullmatch(line))]
    names = {label: f".LR{number}" for number, label in enumerate(own)}
    named = (_OWN_LABEL.sub(lambda m: names.get(m[0], m[0]), line) for line in lines)
    return "\n".join(named) + "\n"
