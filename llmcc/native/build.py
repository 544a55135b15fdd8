"""Compile launcher and shims (`as`, `ld`) into the user's cache, and make `llmcc` find them.

Layout in the cache: ``llmcc-native/<digest>/launcher``, ``…/libexec/as`` and, only searched when
the user has named tests, ``…/libexec-tests/ld``, built once for each version of llmcc, its model,
gcc and python; ``…/sources``: what they were built from, so that the launcher notices edited code
or weights and has all built anew; ``entry/<path of the installed script>`` links to the launcher,
so that the script needs one look to find it.
Run as ``python -m llmcc.native.build``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import llmcc
from llmcc.config import read_config
from llmcc.errors import LlmccError
from llmcc.native.identity import covered_files, digest_strings, generation, is_private
from llmcc.toolchain import find_gcc, gcc_version, run_gcc

SOURCES = Path(__file__).parent
_SHARED = ("blake2b.c", "child.c", "real_tool.c", "settings.c", "store_lookup.c", "unit_check.c")
_AS_SHIM = ("as_shim.c", "spool.c", *_SHARED)
_LD_SHIM = ("ld_shim.c", *_SHARED)
_LAUNCHER = ("launcher.c", "real_tool.c", "settings.c")
# gcc looks for these for -fuse-ld=.
_LINKERS = ("ld.bfd", "ld.gold", "ld.lld", "ld.mold")
_SCRIPTS = ("llmcc", "llmcc-gcc", "llmcc-g++")
_COMPILE_TIMEOUT_S = 60


class BuildFailed(LlmccError):
    """The native programs could not be compiled or put in place."""


def build(cache: Path, *, entries: Sequence[Path], python: str = sys.executable) -> Path:
    """Build what is missing and link `entries`, paths of installed scripts, to the launcher.

    Args:
        cache: made when it is not there.
        entries: absolute paths.
        python: what the shim starts to optimise a unit.

    Returns the folder of the built programs.

    Raises:
        BuildFailed: gcc refused, or the cache is not the user's own.
        OSError: the cache cannot be written.
    """
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not is_private(cache):
        raise BuildFailed(f"{cache} belongs to, or can be written by, somebody else")
    gcc = find_gcc()
    # Before anything is read: what changes from now on shows.
    state = _state_of_sources()
    version = generation()
    facts = (version, gcc_version(gcc), python, str(_package_root()))
    folder = cache / "llmcc-native" / digest_strings(facts)[:32]
    if not (folder / "launcher").exists():
        _compile_into(folder, gcc=gcc, header=_facts_header(version, python))
    _replace(folder / "sources", state)
    # The script rebuilds when it is newer than the launcher; now it has been looked at.
    os.utime(folder / "launcher")
    for entry in entries:
        _link(cache / "entry" / str(entry).lstrip("/"), folder / "launcher")
    return folder


def main(argv: Sequence[str] | None = None) -> int:
    """Build for the scripts beside this python, or for one script given by `--entry`."""
    parser = argparse.ArgumentParser(prog="python -m llmcc.native.build", description=main.__doc__)
    parser.add_argument("--cache", type=Path, default=read_config().cache)
    parser.add_argument("--entry", type=Path, help="path of the script that was called")
    options = parser.parse_args(argv)
    entries = [Path(sys.executable).parent / name for name in _SCRIPTS]
    if options.entry is not None:
        entries.append(options.entry)
    try:
        build(options.cache.absolute(), entries=entries)
    except (LlmccError, OSError) as error:
        sys.stderr.write(f"llmcc: native programs: {error}. gcc will be used as it is.\n")
        return 1
    return 0


def _compile_into(folder: Path, *, gcc: Path, header: str) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as name:
        made = Path(name) / "made"
        (made / "libexec").mkdir(parents=True)
        (made / "libexec-tests").mkdir()
        (made / "gcc").mkdir()
        (made / "facts.h").write_text(header)
        _compile(gcc, _LAUNCHER, made / "launcher")
        _compile(gcc, _AS_SHIM, made / "libexec" / "as")
        _compile(gcc, _LD_SHIM, made / "libexec-tests" / "ld")
        for name in _LINKERS:
            (made / "libexec-tests" / name).symlink_to("ld")
        try:
            made.rename(folder)
        except OSError:
            # Another process was faster; what it built is the same.
            if not (folder / "launcher").exists():
                shutil.rmtree(folder, ignore_errors=True)
                made.rename(folder)


def _compile(gcc: Path, sources: Sequence[str], target: Path) -> None:
    header = target.parent if (target.parent / "facts.h").exists() else target.parent.parent
    command = [str(gcc), "-std=gnu11", "-O2", f"-I{header}", "-o", str(target)]
    command += [str(SOURCES / name) for name in sources]
    # Static programs start some 0.3 ms sooner; not every machine has libc.a.
    for extra in (["-static"], []):
        run = run_gcc([*command, *extra], cwd=header, timeout_s=_COMPILE_TIMEOUT_S)
        if run.returncode == 0:
            return
    raise BuildFailed(f"{target.name} does not compile: {run.stderr.decode(errors='replace')}")


def _facts_header(version: str, python: str) -> str:
    start = f"import sys; sys.path.insert(0, {str(_package_root())!r}); "
    facts = {
        "LLMCC_VERSION": llmcc.__version__,
        "LLMCC_GENERATION": version,
        "LLMCC_PYTHON": python,
        "LLMCC_START_PIPELINE": start + "from llmcc.pipeline import main; sys.exit(main())",
        "LLMCC_START_TESTS": start + "from llmcc.blame.after_link import main; sys.exit(main())",
        "LLMCC_START_BUILD": start + "from llmcc.native.build import main; sys.exit(main())",
    }
    return "".join(f"#define {name} {_c_string(value)}\n" for name, value in facts.items())


def _c_string(text: str) -> str:
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"
        for byte in os.fsencode(text)
    )
    return f'"{escaped}"'


def _state_of_sources() -> str:
    """Describe the files of llmcc and their folders as the launcher looks at them: a line each.

    ctime, unlike mtime, cannot be set back. A folder's changes when a file comes or goes.
    """
    files = covered_files()
    paths = sorted({*files, *(path.parent for path in files)})
    return "".join(f"{path.stat().st_ctime_ns} {path}\n" for path in paths)


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, errors="surrogateescape")
    temporary.replace(path)


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.symlink_to(target)
    temporary.replace(link)


def _package_root() -> Path:
    return Path(llmcc.__file__).parent.parent


if __name__ == "__main__":
    sys.exit(main())
