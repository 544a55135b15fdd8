"""GCC's own C execution tests: unpacked from Debian's gcc-12-source, with the flags they ask for.

A test passes when it compiles and exits with 0. Nothing of them is kept in the project.
Does not cover: what a test demands of the target; on x86-64 nearly all are met, and what gcc
fails llmcc must fail.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.torture.cases import Case, MissingSource

TARBALL = Path("/usr/src/gcc-12/gcc-12.2.0-dfsg.tar.xz")
HOW_TO_INSTALL = f"{TARBALL} is missing. On Debian 12: apt install gcc-12-source"
_EXECUTE = "gcc/testsuite/gcc.c-torture/execute"
# dejagnu's own: execute.exp, ieee/ieee.exp and builtins/builtins.exp.
_FLAGS = ("-w",)
_IEEE_FLAGS = (*_FLAGS, "-fno-inline")
_BUILTINS_FLAGS = (
    *_FLAGS,
    *"-fno-tree-dse -fno-tree-loop-distribute-patterns -fno-tracer -fno-ipa-ra".split(),
    "-fno-inline-functions",
)
_OPTIONS = re.compile(
    r'\{ *dg-(?:additional-)?options +(?:"(?P<quoted>[^"]*)"|\{(?P<braced>[^}]*)\})(?P<rest>.*)'
)
# The Tcl file of a test: `lappend additional_flags "-a" "-b"` or `set additional_flags -a`.
_TCL_FLAGS = re.compile(r'^(?:lappend|set) additional_flags ((?:"?-[\w,=-]+"? *)+)$', re.MULTILINE)


def unpack(folder: Path) -> Path:
    """Unpack the tests below `folder`, once, and say where they are.

    Raises:
        MissingSource: gcc's source is not installed.
    """
    if not TARBALL.exists():
        raise MissingSource(HOW_TO_INSTALL)
    top = folder / TARBALL.name.removesuffix("-dfsg.tar.xz")
    done = folder / "unpacked"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = f"{top.name}/{_EXECUTE}"
        subprocess.run(["tar", "-xf", TARBALL, "-C", folder, part], check=True)
        done.touch()
    return top / _EXECUTE


def cases(execute: Path) -> Iterator[Case]:
    """Yield the tests in the unpacked folder, by name."""
    for source in sorted(execute.glob("*.c")):
        yield _case(execute, [source], _FLAGS)
    for source in sorted((execute / "ieee").glob("*.c")):
        yield _case(execute, [source], _IEEE_FLAGS)
    main = execute / "builtins" / "lib" / "main.c"
    for source in sorted((execute / "builtins").glob("*.c")):
        if not source.name.endswith("-lib.c"):
            library = source.with_name(f"{source.stem}-lib.c")
            yield _case(execute, [source, library, main], _BUILTINS_FLAGS)


def _case(execute: Path, sources: list[Path], flags: tuple[str, ...]) -> Case:
    first = sources[0]
    own = [*options_in(first.read_text("latin-1")), *_tcl_flags(first.with_suffix(".x"))]
    return Case(
        name=str(first.relative_to(execute)),
        folder=execute,
        sources=tuple(str(source.relative_to(execute)) for source in sources),
        flags=(*flags, *own),
    )


def options_in(text: str) -> list[str]:
    """Find the options that dejagnu's comments of a test ask for on x86-64."""
    options: list[str] = []
    for match in _OPTIONS.finditer(text):
        _, selector, target = match["rest"].partition("{ target")
        if selector and ("x86_64" not in target or "ia32" in target):
            continue
        options += (match["quoted"] or match["braced"] or "").replace('"', " ").split()
    return options


def _tcl_flags(script: Path) -> list[str]:
    if not script.exists():
        return []
    found = _TCL_FLAGS.findall(script.read_text("latin-1"))
    return [flag.strip('"') for flags in found for flag in flags.split()]
