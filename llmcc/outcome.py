"""Every way a region or a unit can end, as one enumeration.

`llmcc-ctl stats`, `explain`, the tests and the training reward all speak these names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class OutcomeClass(Enum):
    """What an outcome says about the region."""

    ACCEPTED = "accepted"  # the rewrite is in the object
    INELIGIBLE = "ineligible"  # the region is not one llmcc may or can rewrite
    REFUSED = "refused"  # a proposal was wrong or hostile
    NOT_WORTH = "not_worth"  # right, but not shown faster
    ENVIRONMENT = "environment"  # the machine, not the code, stood in the way


class Outcome(Enum):
    """One ending: its class and the sentence the user reads."""

    # -- accepted
    ACCEPTED = (OutcomeClass.ACCEPTED, "a verified, faster fast path was put in front of the loop")

    # -- the region is not eligible
    HAS_CALL = (OutcomeClass.INELIGIBLE, "the loop calls a function")
    TOO_LONG = (OutcomeClass.INELIGIBLE, "the loop has more than 64 instructions")
    TOO_SHORT_TRIP = (OutcomeClass.INELIGIBLE, "the loop runs a fixed, small number of times")
    NOT_INNERMOST = (OutcomeClass.INELIGIBLE, "the loop holds another loop")
    MAY_BE_VOLATILE = (
        OutcomeClass.INELIGIBLE,
        "gcc reports volatile, atomic or inline-assembly code in the function, or cannot be asked",
    )
    HAS_INLINE_ASM = (OutcomeClass.INELIGIBLE, "the function holds inline assembly")
    HAS_LANDING_PADS = (
        OutcomeClass.INELIGIBLE,
        "the function can be unwound into (C++ exceptions)",
    )
    HAS_INDIRECT_JUMP = (OutcomeClass.INELIGIBLE, "the loop jumps through a register or table")
    UNSUPPORTED_INSTRUCTION = (
        OutcomeClass.INELIGIBLE,
        "the loop or its function holds an instruction llmcc has no facts about",
    )
    SYMBOLIC_MEMORY = (OutcomeClass.INELIGIBLE, "the loop addresses a variable by its symbol")
    WRITES_STACK_POINTER = (OutcomeClass.INELIGIBLE, "the loop moves the stack pointer")
    FLAGS_LIVE = (OutcomeClass.INELIGIBLE, "flags are live where the loop is entered or left")
    UNIT_USES_AVX = (OutcomeClass.INELIGIBLE, "the unit itself uses ymm, zmm or mask registers")
    NO_ENTRY_PLACE = (OutcomeClass.INELIGIBLE, "no entry edge can hold a fast path")
    NO_SCRATCH_REGISTER = (OutcomeClass.INELIGIBLE, "no general register is free to work with")
    NO_INDUCTION = (OutcomeClass.INELIGIBLE, "no register advances by a constant in each iteration")
    NOT_A_COUNTED_STATE = (
        OutcomeClass.INELIGIBLE,
        "no valid machine states could be made for the loop",
    )
    UNKNOWN_ROLE = (
        OutcomeClass.INELIGIBLE,
        "an address in the loop is not a pointer that advances evenly",
    )
    BATTERY_TOO_WEAK = (
        OutcomeClass.INELIGIBLE,
        "the tests do not tell enough one-instruction mutants of the loop apart",
    )
    UNIT_FLAGS_EXCLUDED = (
        OutcomeClass.INELIGIBLE,
        "the unit is compiled with flags under which llmcc leaves code alone",
    )
    SKIPPED_BY_USER = (OutcomeClass.INELIGIBLE, "LLMCC_SKIP names the function")
    NOT_LOCKED = (OutcomeClass.INELIGIBLE, "the project's lock file has no fast path for the loop")
    NOT_GCC_OUTPUT = (OutcomeClass.INELIGIBLE, "the text is not recognised as gcc's own output")

    # -- a proposal is refused
    NO_PROPOSAL = (OutcomeClass.REFUSED, "the model proposed nothing")
    IDENTICAL = (OutcomeClass.REFUSED, "the rewrite is gcc's loop again")
    GATE_BAD_TEXT = (OutcomeClass.REFUSED, "the rewrite holds text that is not plain instructions")
    GATE_DOES_NOT_ASSEMBLE = (OutcomeClass.REFUSED, "the assembler rejects the rewrite")
    GATE_FORBIDDEN_INSTRUCTION = (
        OutcomeClass.REFUSED,
        "the rewrite holds an instruction that is not on the allow-list",
    )
    GATE_UNDECODABLE = (OutcomeClass.REFUSED, "the rewrite's bytes do not decode")
    GATE_BAD_BRANCH = (
        OutcomeClass.REFUSED,
        "the rewrite branches, or runs on, to somewhere it may not",
    )
    GATE_CLOBBERS = (OutcomeClass.REFUSED, "the rewrite writes a register it may not")
    GATE_SYMBOL = (OutcomeClass.REFUSED, "the rewrite refers to a symbol that is not the loop's")
    GATE_TOO_LARGE = (OutcomeClass.REFUSED, "the rewrite is too large")
    GATE_LEAVES_UPPER_DIRTY = (
        OutcomeClass.REFUSED,
        "the rewrite leaves upper vector halves dirty where gcc's code runs on",
    )
    GATE_READS_UNSET = (
        OutcomeClass.REFUSED,
        "the rewrite reads a register or flag that holds nothing where the loop starts",
    )
    WRONG_OUTPUT = (
        OutcomeClass.REFUSED,
        "the rewrite gave other registers or memory than gcc's loop",
    )
    WRONG_EXIT = (OutcomeClass.REFUSED, "the rewrite left the loop by another exit")
    WRONG_FP_FLAGS = (OutcomeClass.REFUSED, "the rewrite raised other floating-point flags")
    READS_BEYOND = (OutcomeClass.REFUSED, "the rewrite touched memory that gcc's loop does not")
    WRITES_BEYOND = (
        OutcomeClass.REFUSED,
        "the rewrite stored to bytes that gcc's loop does not store to",
    )
    CRASHED = (OutcomeClass.REFUSED, "the rewrite crashed where gcc's loop does not")
    TIMED_OUT = (OutcomeClass.REFUSED, "the rewrite did not end in time")
    NOT_DETERMINISTIC = (OutcomeClass.REFUSED, "two runs from one state gave two results")
    NOT_COVERED = (OutcomeClass.REFUSED, "the tests do not reach every branch of the rewrite")
    DISPROVED = (
        OutcomeClass.REFUSED,
        "symbolic execution found a state from which the rewrite ends otherwise",
    )
    FAILED_USER_TEST = (OutcomeClass.REFUSED, "a test of the user failed with the rewrite")
    REVERTED_BY_USER = (OutcomeClass.REFUSED, "`llmcc-ctl revert` took the fast path out")
    LEVEL_NOT_REACHED = (
        OutcomeClass.REFUSED,
        "the evidence is weaker than LLMCC_REQUIRE demands",
    )

    # -- right, but not worth it
    NOT_FASTER = (OutcomeClass.NOT_WORTH, "not shown to be at least 2 % faster")
    SLOWER_WHEN_SHORT = (OutcomeClass.NOT_WORTH, "slower for some range of trip counts")
    BUDGET_SPENT = (
        OutcomeClass.NOT_WORTH,
        "the time budget of the unit was spent before this loop",
    )

    # -- the environment
    SANDBOX_UNSAFE = (
        OutcomeClass.ENVIRONMENT,
        "the sandbox could not be shown to hold on this machine",
    )
    MACHINE_TOO_NOISY = (
        OutcomeClass.ENVIRONMENT,
        "timing is not reliable on this machine just now",
    )
    CPU_WITHOUT_ISA = (OutcomeClass.ENVIRONMENT, "this CPU has neither AVX2 nor AVX-512")
    INTERNAL_ERROR = (OutcomeClass.ENVIRONMENT, "llmcc failed; gcc's output was used")

    @property
    def kind(self) -> OutcomeClass:
        """The class of this outcome."""
        return self.value[0]

    @property
    def sentence(self) -> str:
        """One sentence for the user, lower-case, without a full stop."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A stage's answer when it cannot go on: which ending, and the particulars."""

    outcome: Outcome
    detail: str = ""
