"""The runner's process and the memory that Python shares with its children."""

from __future__ import annotations

import select
import signal
import subprocess
from pathlib import Path

from llmcc.errors import LlmccError
from llmcc.sandbox import wire
from llmcc.sandbox.binary import runner_path
from llmcc.sandbox.layout import Layout, SharedMemory

# The zygote kills its child in time; this much later it is itself taken for lost.
_GRACE_S = 5.0


class SandboxDied(LlmccError):
    """The runner was lost, or its child could not be set up."""


class Zygote:
    """One process that forks a confined child per request; starts lazily; for one thread."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._memory: SharedMemory | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """End the process; the next use starts a new one."""
        self._end_process()
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def memory_for(self, layout: Layout) -> SharedMemory:
        """Give the shared memory, grown to hold a request's arrays."""
        if self._memory is None:
            self._memory = SharedMemory()
        self._memory.grow(layout.shared_bytes)
        return self._memory

    def ask(self, fields: dict[str, int], *, timeout_s: float) -> wire.Reply:
        """Have a request served by a new child, which is killed after `timeout_s`.

        Raises:
            SandboxDied: the runner was lost twice, or its child cannot be set up.
        """
        request = wire.pack_request(fields | {"wall_ns": int(timeout_s * 1e9)})
        # Once more with a new zygote: the old one may have died with the thread that started it.
        reply = self._exchange(request, timeout_s) or self._exchange(request, timeout_s)
        if reply is None:
            raise SandboxDied("the sandbox runner does not answer")
        if reply.fork_errno:
            raise SandboxDied(f"the sandbox runner cannot fork: errno {reply.fork_errno}")
        if not reply.killed and reply.exit_code == wire.CHILD_SETUP_FAILED:
            raise SandboxDied("the runner's child could not be confined or given its memory")
        return reply

    def _exchange(self, request: bytes, timeout_s: float) -> wire.Reply | None:
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(request)
            ready, _, _ = select.select([process.stdout], [], [], timeout_s + _GRACE_S)
            reply = wire.unpack_reply(process.stdout.read(wire.REPLY_BYTES)) if ready else None
        except BrokenPipeError:
            reply = None
        if reply is None:
            self._end_process()
        return reply

    def _start(self) -> subprocess.Popen[bytes]:
        if self._memory is None:
            self._memory = SharedMemory()
        fd = self._memory.fd
        try:
            self._process = subprocess.Popen(
                [runner_path(self._cache), str(fd)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(fd,),
                env={},
                cwd="/",
                bufsize=0,
            )
        except OSError as error:
            raise SandboxDied(f"the sandbox runner cannot be started: {error}") from error
        return self._process

    def _end_process(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        # It holds nothing worth saving, and its child dies with it.
        process.send_signal(signal.SIGKILL)
        process.wait()
