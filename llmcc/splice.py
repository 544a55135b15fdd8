"""Put accepted rewrites into a unit's text as guarded fast paths; take nothing away.

The guard reads one byte that a constructor in the same unit sets once, at start-up, by cpuid and
xgetbv. It lives in a section of its own, `llmcc_cpu`, so that a program (or a test) can find all of
them between the linker's symbols `__start_llmcc_cpu` and `__stop_llmcc_cpu` and switch them off.
A table that is not loaded says where each guard is, so that a fast path can be switched off in a
finished program (`llmcc.switches`).
Source of the feature test: Intel SDM vol. 1, sections 14.3, 14.7.1, 15.2 and 15.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from llmcc.asm.model import Unit
from llmcc.regions.model import Region
from llmcc.switches.table import SECTION, Name, record_text, unescaped

_FEATURE_BIT = {"avx2": 1, "avx512": 2}
_OWN_LABEL = re.compile(r"\.L([RHX])(\d*)\b")
_CONSTANT = re.compile(r"\.LK(\d+)\b")
_RECORD = re.compile(
    r'^\t\.quad\t(\.Lllmcc_fp\d+)\n\t\.ascii\t"(\w+)"\n'
    r'\t\.string\t"(.*)"\n\t\.string\t"(.*)"$',
    re.MULTILINE,
)
_GUARD_TEST = re.compile(r"\ttestb\t\$\d,")


@dataclass(frozen=True, slots=True)
class FastPath:
    """An accepted rewrite of a region of the unit."""

    region: Region
    key: str  # of its decision: store.keys.region_key, or region_identity with a lock file
    text: str  # canonical rewrite text
    isa: str  # "avx2" or "avx512"


def splice(unit: Unit, fast_paths: Sequence[FastPath]) -> str:
    """Give the unit's text with every fast path in its place; without any, gcc's text unchanged."""
    if not fast_paths:
        return "\n".join(line.text for line in unit.lines) + (
            "\n" if unit.ends_with_newline else ""
        )
    source = unit.lines[0].argument.strip('"') if unit.lines[0].name == ".file" else ""
    before: dict[int, list[str]] = {}
    replaced: dict[int, str] = {}
    for number, path in enumerate(fast_paths):
        placement = path.region.placement
        put = before.setdefault(placement.insert_before, [])
        put += [*_record(path, number, source), _fast_path_text(path, number)]
        for line in placement.retarget:
            replaced[line] = _retargeted(unit.lines[line].text, placement.head_label, number)
    out: list[str] = []
    for position, kept in enumerate(unit.lines):
        out.extend(before.get(position, ()))
        out.append(replaced.get(position, kept.text))
    return "\n".join(out) + "\n" + _constructor()


def unlabelled_exits(region: Region, rewrite: str) -> list[str]:
    """List the exits a rewrite jumps to that gcc's text has no label for."""
    exits = [f".LX{n}" for n, label in enumerate(region.placement.exit_labels) if not label]
    words = set(rewrite.split())
    return [label for label in exits if label in words]


def without(text: str, is_meant: Callable[[Name], bool]) -> str:
    """Switch fast paths off in a text that `splice` gave; other text unchanged."""
    for guard, key, function, head_label in _RECORD.findall(text):
        if is_meant(Name(key, unescaped(function), unescaped(head_label), source="")):
            at = text.index(f"\n{guard}:\n")
            text = text[:at] + _GUARD_TEST.sub("\ttestb\t$0,", text[at:], count=1)
    return text


def taken_out(text: str, rewrites: Mapping[str, str]) -> str | None:
    """Give gcc's text back from one that `splice` gave.

    Args:
        text: the unit with its fast paths.
        rewrites: canonical text by the label of the loop's head.

    Returns None when a fast path in the text is not the rewrite given for its loop.
    """
    lines = text.removesuffix(_constructor()).removesuffix("\n").split("\n")
    heads: dict[str, str] = {}  # by guard
    kept: list[str] = []
    at = 0
    while at < len(lines):
        if not lines[at].startswith(f"\t.pushsection\t{SECTION},"):
            kept.append(lines[at])
            at += 1
            continue
        # After the record come the guard's four lines: alignment, label, test, jump to the head.
        at = lines.index("\t.popsection", at) + 5
        guard, head_label = lines[at - 3].rstrip(":"), lines[at - 1].split()[-1]
        heads[guard] = head_label
        size = _size_of(rewrites.get(head_label, ""), lines[at:], head_label)
        if size is None:
            return None
        at += size
    return "\n".join(_back_to_head(line, heads) for line in kept) + "\n"


def _size_of(rewrite: str, lines: Sequence[str], head_label: str) -> int | None:
    """Count the lines of a rewrite at the start of `lines`; None when it is another text."""
    expected = rewrite.rstrip("\n").split("\n")
    if expected[-1].split() == ["jmp", ".LH"] and lines[len(expected) - 1 :][:1] != [
        f"\tjmp\t{head_label}"
    ]:
        expected.pop()  # it falls into the head
    found = lines[: len(expected)]
    is_same = [_mnemonic(line) for line in expected] == [_mnemonic(line) for line in found]
    return len(expected) if is_same else None


def _mnemonic(line: str) -> str:
    """Return what labels do not change."""
    return line.split(maxsplit=1)[0] if line.startswith("\t") and line.strip() else ""


def _back_to_head(line: str, heads: Mapping[str, str]) -> str:
    before, mark, number = line.rpartition(".Lllmcc_fp")
    return before + heads[mark + number] if mark + number in heads else line


def _retargeted(text: str, head_label: str, number: int) -> str:
    head, _, target = text.rpartition(head_label)
    assert not target.strip(), text
    return f"{head}.Lllmcc_fp{number}"


def _fast_path_text(path: FastPath, number: int) -> str:
    placement = path.region.placement

    def name(match: re.Match[str]) -> str:
        kind, index = match[1], match[2]
        if kind == "H":
            return placement.head_label
        if kind == "X":
            return placement.exit_labels[int(index)]
        return f".Lllmcc_fp{number}_{index}"

    text = _OWN_LABEL.sub(name, path.text)
    text = _CONSTANT.sub(lambda match: placement.constant_labels[int(match[1])], text)
    lines = text.rstrip("\n").split("\n")
    if placement.falls_into_head and lines[-1].split() == ["jmp", placement.head_label]:
        lines.pop()
    guard = [
        "\t.p2align\t6",  # where it was timed: another place may be slower by half
        f".Lllmcc_fp{number}:",
        f"\ttestb\t${_FEATURE_BIT[path.isa]}, .Lllmcc_cpu(%rip)",
        f"\tje\t{placement.head_label}",
    ]
    return "\n".join([*guard, *lines])


def _record(path: FastPath, number: int, source: str) -> list[str]:
    """Lines that note the fast path in the table of switches; "?": in the group of its code.

    So the linker drops the record of a COMDAT function with the function.
    """
    name = Name(path.key, path.region.function, path.region.placement.head_label, source)
    guard_label, bit = f".Lllmcc_fp{number}", _FEATURE_BIT[path.isa]
    return [
        f'\t.pushsection\t{SECTION},"?",@progbits',
        record_text(name, guard_label=guard_label, feature_bit=bit),
        "\t.popsection",
    ]


def _constructor() -> str:
    """Text of the unit's start-up function and its byte; clobbers only what a function may."""
    return """\
	.section	llmcc_cpu,"aw"
.Lllmcc_cpu:
	.byte	0
	.section	.text.startup,"ax",@progbits
	.p2align 4
	.type	llmcc.cpu, @function
llmcc.cpu:
	.cfi_startproc
	endbr64	# called through .init_array, in units that may promise -fcf-protection
	pushq	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset 3, -16
	xorl	%eax, %eax
	cpuid
	cmpl	$7, %eax
	jb	.Lllmcc_cpu_done
	movl	$1, %eax
	cpuid
	notl	%ecx
	testl	$0x18800000, %ecx	# avx, osxsave, popcnt
	jne	.Lllmcc_cpu_done
	movl	$0x80000001, %eax
	cpuid
	testl	$0x20, %ecx	# lzcnt
	je	.Lllmcc_cpu_done
	xorl	%ecx, %ecx
	xgetbv
	movl	%eax, %esi
	andl	$6, %eax	# xmm and ymm state
	cmpl	$6, %eax
	jne	.Lllmcc_cpu_done
	movl	$7, %eax
	xorl	%ecx, %ecx
	cpuid
	notl	%ebx
	testl	$0x128, %ebx	# bmi1, avx2, bmi2
	jne	.Lllmcc_cpu_done
	movb	$1, .Lllmcc_cpu(%rip)
	andl	$0xe6, %esi	# and opmask and zmm state
	cmpl	$0xe6, %esi
	jne	.Lllmcc_cpu_done
	testl	$0xc0030000, %ebx	# avx512 f, dq, bw, vl
	jne	.Lllmcc_cpu_done
	movb	$3, .Lllmcc_cpu(%rip)
.Lllmcc_cpu_done:
	popq	%rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	.size	llmcc.cpu, .-llmcc.cpu
	.section	.init_array,"aw"
	.p2align 3
	.quad	llmcc.cpu
"""
