"""What a region is: canonical text, contract, roles and the place for its fast path.

Canonical text is AT&T assembly, one instruction or label a line, with these labels only:
``.LH`` the head, ``.LB1``… blocks inside, ``.LX0``… the exits, ``.LK0``… read-only constants.
Every exit is an explicit jump. A rewrite is text in the same form whose own labels are ``.LR0``…;
it ends by jumping to ``.LH`` (gcc's loop does the rest) or to an exit.
Registers are named by family: "rax", "xmm0".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Induction:
    """A register that advances by the same constant once in each iteration."""

    register: str
    step: int  # in units of the register, negative when it counts down
    bits: int = 64  # width the addition is done in: 32 or 64


@dataclass(frozen=True, slots=True)
class Access:
    """A memory operand as a stream: base + index*scale + disp, at the head of iteration 0."""

    base: str | None
    index: str | None
    scale: int
    disp: int  # increments made before the access within the iteration are folded in
    size_bytes: int
    is_load: bool
    is_store: bool
    stride_bytes: int  # advance of the address per iteration; 0 for an invariant address
    is_conditional: bool  # not executed in every full iteration


@dataclass(frozen=True, slots=True)
class Latch:
    """A counted way out: the loop goes on while `induction` `condition` bound.

    The head runs T times, where T is the smallest t >= 1 such that the test, done on
    ``iv + t*step`` (`is_advanced`) or ``iv + (t-1)*step``, fails.
    """

    induction: str
    bits: int  # width of the comparison
    bound: str | None  # register family; None when the bound is `bound_value`
    bound_value: int | None
    condition: str  # continue while induction <condition> bound: ne b be a ae l le g ge
    is_advanced: bool


@dataclass(frozen=True, slots=True)
class Contract:
    """What holds at the entry of a region and what must hold at its exits."""

    live_in: tuple[str, ...]  # families live at the head, sorted
    live_out: tuple[tuple[str, ...], ...]  # per exit, families that must be right there
    may_write: tuple[str, ...]  # families a rewrite may write (xmm16-31 and k0-7 apart: see below)
    scratch: tuple[str, ...]  # general registers of may_write that hold nothing at the head
    vector_scratch: tuple[str, ...]  # the same for xmm0-15
    is_wide_free: bool  # unit mentions no ymm, zmm, k: upper halves, zmm16-31, k0-7 are free
    inductions: tuple[Induction, ...]
    accesses: tuple[Access, ...]
    latches: tuple[Latch, ...]
    accumulators: tuple[str, ...]  # live-in, written, not an induction
    invariants: tuple[str, ...]  # live-in, never written
    zero_extended: tuple[str, ...] = ()  # upper 32 bits are zero at the head, always


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the fast path goes in the unit. Line numbers index Unit.lines."""

    insert_before: int  # the fast path's text goes in front of this line
    head_label: str  # label gcc gave the head, or a label to be added
    retarget: tuple[int, ...]  # lines whose jump to the head must enter the fast path instead
    exit_labels: tuple[str, ...]  # gcc's labels of the exits; "" when an exit has none to jump to
    falls_into_head: bool  # the text after insert_before is the head itself
    constant_labels: tuple[str, ...] = ()  # gcc's labels of .LK0…


@dataclass(frozen=True, slots=True)
class Region:
    """An innermost natural loop, ready to be rewritten."""

    function: str
    text: str  # canonical text, ends with a newline
    constants: str  # data definitions of .LK labels, "" when there are none
    instruction_count: int
    exit_count: int
    contract: Contract
    placement: Placement
    depth: int  # loop nesting depth, 1 = outermost
