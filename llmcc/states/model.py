"""What the generator of machine states needs to know of a region, and named batches of states."""

from __future__ import annotations

from dataclasses import dataclass

from llmcc.regions.model import Induction, Latch
from llmcc.sandbox.model import States


@dataclass(frozen=True, slots=True)
class Bucket:
    """Inputs of one range of trip counts, for timing.

    `states.memory` is (1, A, arena_bytes): one content shared by all runs.
    """

    name: str  # "tiny", "small", "medium", "large"
    states: States


@dataclass(frozen=True, slots=True)
class Stream:
    """Addresses `register + other*scale + disp + i*stride` of iteration i."""

    other: str | None
    scale: int
    disp: int
    size_bytes: int
    stride_bytes: int
    is_store: bool
    is_conditional: bool
    is_aligned: bool  # the instruction faults unless the address is a multiple of its size


@dataclass(frozen=True, slots=True)
class Group:
    """A register that is solved for, so that all its streams lie where they are wanted."""

    register: str
    streams: tuple[Stream, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Groups that can only be placed together; the first one's register is the anchor.

    Each further register equals the anchor plus a distance that follows from the trip count.
    """

    groups: tuple[Group, ...]

    @property
    def is_conditional(self) -> bool:
        """Whether no stream of the block is touched in every iteration."""
        return all(stream.is_conditional for group in self.groups for stream in group.streams)

    @property
    def is_mirrored(self) -> bool:
        """Whether streams run towards each other."""
        strides = [stream.stride_bytes for group in self.groups for stream in group.streams]
        return min(strides) < 0 < max(strides)


@dataclass(frozen=True, slots=True)
class Carried:
    """A register that holds, at the head, the element a stream loaded an iteration before."""

    register: str
    bits: int  # of the register that the load writes: 32 or 64
    is_signed: bool
    block: int
    pointer: str  # the stream's solved register
    stream: Stream


@dataclass(frozen=True, slots=True)
class MemoryBound:
    """A value at an address that does not move, which may be what an induction is compared with."""

    block: int
    pointer: str
    stream: Stream


@dataclass(frozen=True, slots=True)
class RegisterBound:
    """A register that an induction plus an offset is compared with."""

    register: str
    induction: int  # index into the recipe's inductions
    offset: int


@dataclass(frozen=True, slots=True)
class LooseBounds:
    """What may be a loop's bound without being a latch's."""

    memory: tuple[MemoryBound, ...] = ()
    registers: tuple[RegisterBound, ...] = ()


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What a text shows of the values its instructions work on."""

    constants: tuple[int, ...]  # immediates and constant data
    element_bytes: tuple[int, ...]  # widths that values are worked on in
    is_float: bool
    wide_families: frozenset[str]  # general registers used at 64 bits
    aligned_operands: frozenset[str]  # memory operands that must be aligned, as spelled


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make machine states that a region can start from."""

    blocks: tuple[Block, ...]
    inductions: tuple[Induction, ...]
    indexes: tuple[str, ...]  # registers added to a solved one, in the order to be drawn
    near_indexes: frozenset[str]  # inductions that only small values keep a block together with
    latches: tuple[Latch, ...]  # one for each bound
    crossing: tuple[str, str] | None  # (rising, falling) inductions that meet
    free: tuple[str, ...]  # general registers the loop reads as values
    vectors: tuple[str, ...]  # vector registers the loop reads
    accumulators: tuple[str, ...]  # registers that carry a value from iteration to iteration
    facts: TextFacts
    is_early_exit: bool  # the data may end the loop
    small_trip: int  # trip counts up to this one are all tried
    carried: tuple[Carried, ...]
    loose_bounds: LooseBounds
    zero_extended: frozenset[str]  # registers whose upper 32 bits are zero in every real state
