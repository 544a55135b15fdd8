"""The bytes that pass between `Sandbox` and native/runner.c; see native/runner_abi.h."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

PAGE_BYTES = 4096
KIND_HELLO, KIND_RUN, KIND_TIME, KIND_TRACE = 0, 1, 2, 3
CHILD_DONE, CHILD_CRASHED, CHILD_SETUP_FAILED = 0, 70, 71
FEATURE_NAMES = {1: "avx2", 2: "avx512"}

# `Request` of runner_abi.h, all of them uint64.
_REQUEST_FIELDS = """
    kind wall_ns tick_us stuck_ticks stuck_most input_bytes shared_bytes count arenas arena_bytes
    bases code code_bytes entry other other_bytes other_entry gpr vector mask rflags mxcsr memory
    placements rounds runs_per_block slot_bytes vector_step places orders
    out_coverage out_exit_id out_fault out_gpr out_vector out_mask out_rflags out_mxcsr out_memory
    out_ticks out_failure steps_most out_steps out_step_ends
""".split()
_REQUEST = struct.Struct(f"<{len(_REQUEST_FIELDS)}Q")
_REPLY = struct.Struct("<7Qd")
_REPLY_MAGIC = 0x726E_6E75_7263_6C6C
REPLY_BYTES = _REPLY.size


@dataclass(frozen=True, slots=True)
class Reply:
    """What the zygote says of a request; nothing in it comes from the child's memory."""

    fork_errno: int  # 0 unless fork failed
    killed: int  # signal that ended the child, or 0
    exit_code: int  # CHILD_ code when not killed
    overran: bool  # killed at the wall limit
    features: int  # bits, see FEATURE_NAMES
    landlock: int  # ABI version of the kernel, 0: none; only in the answer to hello
    ticks_per_ns: float  # 0.0 before the first timing


def pack_request(fields: Mapping[str, int]) -> bytes:
    """Make the bytes of a request; fields not named are 0."""
    unknown = fields.keys() - set(_REQUEST_FIELDS)
    if unknown:
        raise ValueError(f"no such request fields: {sorted(unknown)}")
    return _REQUEST.pack(*(fields.get(name, 0) for name in _REQUEST_FIELDS))


def unpack_reply(data: bytes) -> Reply | None:
    """Read a reply; None when the bytes are none."""
    if len(data) != _REPLY.size:
        return None
    magic, fork_errno, killed, code, overran, features, landlock, rate = _REPLY.unpack(data)
    if magic != _REPLY_MAGIC:
        return None
    return Reply(fork_errno, killed, code, bool(overran), features, landlock, rate)
