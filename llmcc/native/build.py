"""Compile launcher and shims (`as`, `ld`) into the user's cache, and make `llmcc` find them.

Layout in the cache: ``llmcc-native/<digest>/launcher``, ``…/libexec/as`` and, only searched when
the user has named tests, ``…/libexec-tests/ld``, built once for each version of llmcc, its model,
gcc and python; ``…/sources``: what they were built from, so that the launcher notices edited code
or weights and has all built anew; ``entry/<path of the installed script>`` links to the launcher,
so that the script needs one look to find it. A launcher also takes the script's place where it is
installed, if it may (docs/adr/0013).
Run as ``python -m llmcc.native.build``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import llmcc
from llmcc.config import read_config
from llmcc.errors import LlmccError
from llmcc.native.identity import covered_files, digest_strings, generation, is_private
from llmcc.settings_files import SETTINGS
from llmcc.toolchain import ENTRY_MARKER, find_gcc, gcc_version, is_entry, run_gcc

SOURCES = Path(__file__).parent
_SHARED = ("blake2b.c", "child.c", "real_tool.c", "settings.c", "store_lookup.c", "unit_check.c")
_AS_SHIM = ("as_shim.c", "lock_file.c", "spool.c", "upwards.c", *_SHARED)
_LD_SHIM = ("ld_shim.c", *_SHARED)
_LAUNCHER = (
    "launcher.c",
    "gcc_facts.c",
    "place.c",
    "real_tool.c",
    "settings.c",
    "settings_files.c",
    "upwards.c",
)
# gcc looks for these for -fuse-ld=.
_LINKERS = ("ld.bfd", "ld.gold", "ld.lld", "ld.mold")
_SCRIPTS = ("llmcc", "llmcc-gcc", "llmcc-g++", "llmcc++")
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
    times = _times_of_sources()
    version = generation()
    facts = (version, gcc_version(gcc), python, str(_package_root()))
    folder = cache / "llmcc-native" / digest_strings(facts)[:32]
    if not (folder / "launcher").exists():
        _compile_into(folder, gcc=gcc, header=_facts_header(version, python))
    _replace(folder / "sources", f"{version}\n{times}")
    # The script rebuilds when it is newer than the launcher; now it has been looked at.
    os.utime(folder / "launcher")
    for entry in entries:
        _link(cache / "entry" / str(entry).lstrip("/"), folder / "launcher")
    return folder


def take_places(launcher: Path, entries: Iterable[Path]) -> None:
    """Put the launcher where llmcc's script is installed: a shell takes longer to start.

    Only a script, or an older launcher, of the user's own, in a folder he can write; and only a
    static launcher, which needs nothing beside it. Without the cache it starts the script.

    Raises:
        OSError: the new file cannot be put in place; the old one is still there.
    """
    content = launcher.read_bytes()
    if not _is_static(content):
        return
    content += b"\n" + ENTRY_MARKER
    for entry in entries:
        if not _is_replaceable(entry) or entry.read_bytes() == content:
            continue
        temporary = entry.with_name(f".{entry.name}.{os.getpid()}")
        try:
            temporary.write_bytes(content)
            temporary.chmod(entry.stat().st_mode & 0o777)
            temporary.replace(entry)
        finally:
            temporary.unlink(missing_ok=True)


def is_current(folder: Path) -> bool:
    """Tell whether the programs in a folder were built from llmcc's files as they are."""
    try:
        built_from = (folder / "sources").read_text(errors="surrogateescape")
        return built_from == f"{generation()}\n{_times_of_sources()}"
    except OSError:
        return False


def main(argv: Sequence[str] | None = None) -> int:
    """Build for the scripts beside this python, or for those beside the one given by `--entry`."""
    parser = argparse.ArgumentParser(prog="python -m llmcc.native.build", description=main.__doc__)
    parser.add_argument("--cache", type=Path, default=read_config().cache)
    parser.add_argument("--entry", type=Path, help="path of the script that was called")
    options = parser.parse_args(argv)
    entry = options.entry or Path(sys.executable).with_name(_SCRIPTS[0])
    entries = [entry, *(entry.with_name(name) for name in _SCRIPTS)]
    try:
        folder = build(options.cache.absolute(), entries=entries)
        take_places(folder / "launcher", entries)
    except (LlmccError, OSError) as error:
        sys.stderr.write(f"llmcc: native programs: {error}. gcc will be used as it is.\n")
        return 1
    return 0


def _is_replaceable(entry: Path) -> bool:
    return (
        entry.is_file()
        and not entry.is_symlink()
        and entry.stat().st_uid == os.geteuid()
        and os.access(entry.parent, os.W_OK)
        and is_entry(entry)
    )


def _is_static(program: bytes) -> bool:
    return b"/ld-linux" not in program[:4096]


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
        "LLMCC_SCRIPT": str(SOURCES / "bin" / "llmcc"),
        "LLMCC_START_PIPELINE": start + "from llmcc.pipeline import main; sys.exit(main())",
        "LLMCC_START_TESTS": start + "from llmcc.blame.after_link import main; sys.exit(main())",
        "LLMCC_START_BUILD": start + "from llmcc.native.build import main; sys.exit(main())",
    }
    lines = [f"#define {name} {_c_string(value)}\n" for name, value in facts.items()]
    rows = (
        f"{{{_c_string(setting.key)}, {_c_string(setting.variable)}, {_c_string(setting.form)}, "
        f"{setting.is_projects:d}, 0}}"
        for setting in SETTINGS
    )
    return "".join(lines) + f"#define LLMCC_SETTINGS {', '.join(rows)}\n"


def _c_string(text: str) -> str:
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"
        for byte in os.fsencode(text)
    )
    return f'"{escaped}"'


def _times_of_sources() -> str:
    """Describe the files of llmcc and their folders as the launcher looks at them: a line each.

    The first line is the folder that the other lines' paths start at.

    ctime, unlike mtime, cannot be set back. A folder's changes when a file comes or goes, which is
    how an installed package changes; in a checkout files are edited, so there each is looked at.
    """
    files = covered_files()
    root = _package_root()
    folders = {path.parent for path in files}
    paths = sorted({*files, *folders} if (root / "pyproject.toml").exists() else folders)
    lines = (f"{path.stat().st_ctime_ns} {path.relative_to(root)}\n" for path in paths)
    return f"{root}\n" + "".join(lines)


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
