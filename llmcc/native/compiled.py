"""Compile native code into the user's cache at first use, once for each of its versions."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from llmcc.errors import LlmccError
from llmcc.native.identity import is_private
from llmcc.toolchain import find_gcc, run_gcc

_FOLDER = Path(__file__).parent
_COMPILE_TIMEOUT_S = 60.0


class NotCompiled(LlmccError):
    """Native code could not be compiled, or the cache cannot be trusted to keep it."""


def compiled(
    cache: Path,
    name: str,
    *,
    sources: Sequence[str],
    headers: Sequence[str] = (),
    options: Sequence[str],
) -> Path:
    """Return what gcc makes of some of this folder's files, as `name` in a folder of `cache`.

    Made anew for other files, options or another gcc, in less than a second.

    Raises:
        NotCompiled: gcc refused, or `cache` can be written by somebody else.
        ToolMissing: there is no gcc.
        OSError: the cache cannot be written.
    """
    gcc = find_gcc()
    digest = hashlib.blake2b(digest_size=16)
    for file in (*sources, *headers):
        digest.update((_FOLDER / file).read_bytes())
    status = gcc.resolve().stat()
    digest.update(repr((tuple(options), str(gcc), status.st_size, status.st_mtime_ns)).encode())
    folder = cache / "bin" / digest.hexdigest()
    target = folder / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not is_private(folder):
        raise NotCompiled(f"{folder} belongs to, or can be written by, somebody else")
    if not target.exists():
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as made_in:
            made = Path(made_in) / name
            command = [str(gcc), *options, "-o", str(made), *(str(_FOLDER / s) for s in sources)]
            run = run_gcc(command, cwd=Path(made_in), timeout_s=_COMPILE_TIMEOUT_S)
            if run.returncode != 0:
                said = run.stderr.decode("utf-8", "replace")
                raise NotCompiled(f"{name} does not compile: {said}")
            made.replace(target)
    return target
