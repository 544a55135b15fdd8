"""The units of a source tree: assembler texts with the gcc commands that made them.

Best are the very units the product would see: the tree is built by its own means with llmcc in
record mode, and the spool is read. Where that gives nothing, each .c file is compiled alone.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llmcc.eligibility import Driver
from llmcc.errors import LlmccError
from llmcc.pipeline import unit_name
from llmcc.store.spool import Spool
from llmcc.toolchain import find_gcc, run_gcc
from llmcc.training.project_tree import Done, Tree, plain_environ

_TOOLS = Path(sys.executable).parent
_COMPILE_TIMEOUT_S = 60
_LEVELS = ("-O2", "-O3")
# Small programs `configure` compiles to ask questions: their loops are nobody's.
_PROBES = frozenset(("conftest.c", "conftest.cpp", "<stdin>"))
# Folders whose files do not belong to the product of a project.
_LEFT_OUT = frozenset("test tests testing example examples fuzz contrib debian win32 doc".split())
_LEVEL = re.compile(r"-O(?:[0-3sgz]|fast)?")


@dataclass(frozen=True, slots=True)
class ProjectUnit:
    """One unit and the gcc that made it."""

    source: str  # name of the C file
    text: str  # assembly, bytes as latin-1
    driver: Driver

    @property
    def level(self) -> str:
        """Gcc's level: "O2", "O3", …; "O0" when the command names none."""
        levels = [word for word in self.driver.argv if _LEVEL.fullmatch(word)]
        named = levels[-1].removeprefix("-") if levels else "O0"
        return "O1" if named == "O" else named


def recorded_units(
    folder: Path, build: str, *, store: Path, timeout_s: float
) -> tuple[list[ProjectUnit], Done]:
    """Build a tree with `CC=llmcc` and return what the spool has, and how the build ended.

    A build that fails or runs out of time still gives the units it came to.
    """
    environ = {
        **plain_environ(_TOOLS),
        "CC": "llmcc",
        "LLMCC_DIR": str(store),
        "LLMCC_MODE": "record",
        "LLMCC_LOCK": "0",
    }
    done = Tree(folder, environ).run(build, timeout_s=timeout_s)
    spool = Spool(store)
    found = [unit for key in spool.waiting() if (unit := spool.get(key)) is not None]
    units = [ProjectUnit(unit_name(unit.text), unit.text, unit.driver) for unit in found]
    return [unit for unit in units if unit.source not in _PROBES], done


def compiled_units(folder: Path, *, timeout_s: float) -> Iterator[ProjectUnit]:
    """Compile every .c file of a tree that compiles by itself, at -O2 and -O3.

    Include folders are all those of the tree that hold headers; stops after `timeout_s`.
    """
    deadline_s = time.monotonic() + timeout_s
    gcc = find_gcc()
    headers = sorted({path.parent for path in folder.rglob("*.h")})
    includes = tuple(f"-I{path}" for path in (folder, *headers))
    for source in sorted(folder.rglob("*.c")):
        if _LEFT_OUT & set(source.relative_to(folder).parts):
            continue
        for level in _LEVELS:
            if time.monotonic() > deadline_s:
                return
            unit = _compiled(gcc, source, (level, "-w", *includes))
            if unit is None:
                break
            yield unit


def _compiled(gcc: Path, source: Path, flags: tuple[str, ...]) -> ProjectUnit | None:
    argv = (str(gcc), *flags, "-c", source.name)
    command = [str(gcc), *flags, "-S", source.name, "-o", "-"]
    try:
        done = run_gcc(command, cwd=source.parent, timeout_s=_COMPILE_TIMEOUT_S)
    except LlmccError:
        return None
    if done.returncode:
        return None
    text = done.stdout.decode("latin-1")
    return ProjectUnit(source.name, text, Driver(gcc, argv, source.parent, None))
