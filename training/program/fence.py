"""Keep this process and all it starts from the network, for good."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_AUDIT_ARCH_X86_64 = 0xC000003E
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM
_X32_BIT = 0x40000000

# System calls of x86-64 that no program of stdin and stdout needs.
_REFUSED = {
    "socket": 41,
    "socketpair": 53,
    "ptrace": 101,
    "mount": 165,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "bpf": 321,
    "io_uring_setup": 425,  # makes sockets without the call socket
    "pidfd_getfd": 438,
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def refuse_network() -> bool:
    """Install the filter in this process; whatever it starts inherits it, and none can undo it.

    Returns False, and changes nothing, where the kernel has no seccomp or the CPU is not x86-64.
    """
    if platform.machine() != "x86_64":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    code = _filter()
    program = _Program(len(code) // 8, code)
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _filter() -> bytes:
    # struct seccomp_data: nr at 0, arch at 4. Instructions: code, jump if true, if false, operand.
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    calls = sorted(_REFUSED.values())
    program = [
        (load, 0, 0, 4),
        (equal, 0, len(calls) + 3, _AUDIT_ARCH_X86_64),
        (load, 0, 0, 0),
        (at_least, len(calls) + 1, 0, _X32_BIT),
    ]
    program += [(equal, len(calls) - index, 0, call) for index, call in enumerate(calls)]
    program += [(answer, 0, 0, _ALLOW), (answer, 0, 0, _REFUSE)]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)
