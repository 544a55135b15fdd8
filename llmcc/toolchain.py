"""Start gcc and as: the only module that does, so limits and environment are set in one place."""

from __future__ import annotations

import io
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import Section, SymbolTableSection

from llmcc.errors import LlmccError
from llmcc.outcome import Outcome, Refusal

# `-march=` of GNU as: exactly what a rewrite for each ISA may use. No FMA: it rounds differently.
# The same features are what the fast path's CPU check asks for.
MARCH: Mapping[str, str] = MappingProxyType(
    {
        "avx2": "generic64+avx2+bmi+bmi2+lzcnt+popcnt",
        "avx512": "generic64+avx512f+avx512bw+avx512dq+avx512vl+bmi+bmi2+lzcnt+popcnt",
    }
)
# In the first lines of every installed `llmcc` script, and at the end of a launcher that is in its
# place, so that none is ever taken for gcc.
ENTRY_MARKER = b"llmcc-entry-script"

_AS_CPU_S = 5
_AS_WALL_S = 20
_AS_FILE_BYTES = 64 << 20
_AS_MEMORY_BYTES = 1 << 30


class ToolMissing(LlmccError):
    """A compiler or assembler that is needed is not on this machine."""


class ToolTimedOut(LlmccError):
    """A compiler ran longer than it was given; it has been killed."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """What GNU as made of a text."""

    code: bytes  # of .text, relocations not applied
    symbols: Mapping[str, int]  # labels in .text, local ones too, to offset in bytes
    relocations: tuple[tuple[int, str], ...]  # (offset, symbol or section) left in .text
    other_sections: tuple[str, ...]  # names of further sections that hold bytes
    stderr: str  # warnings; "" as a rule


@dataclass(frozen=True, slots=True)
class GccRun:
    """How a gcc process ended."""

    returncode: int  # -n when signal n killed it
    stdout: bytes
    stderr: bytes


def assemble(text: str, *, march: str, assembler: Path | None = None) -> Assembled | Refusal:
    """Assemble a text whose characters are bytes (latin-1).

    Args:
        text: assembler input; starts in .text.
        march: as's `-march=`, see `MARCH`; "generic64" for plain x86-64.
        assembler: the `as` to start; the first in PATH when None.

    Returns a refusal `GATE_DOES_NOT_ASSEMBLE` when as reports an error, or is stopped by its limits
    (5 s of CPU, 64 MB of output, 1 GB of memory).
    Costs about 5 ms, so callers put many texts into one call when they can.
    """
    command = [
        str(assembler or find_as()),
        "--64",
        "--keep-locals",
        "-mx86-used-note=no",
        f"-march={march}",
        "-o",
    ]
    with tempfile.TemporaryDirectory(prefix="llmcc-as-") as folder:
        target = Path(folder) / "out.o"
        process = subprocess.Popen(
            [*command, str(target), "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TMPDIR": folder},
        )
        # as waits for its input, so the limits hold before it does any work.
        _limit(process.pid)
        try:
            _, stderr = process.communicate(text.encode("latin-1"), timeout=_AS_WALL_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return Refusal(Outcome.GATE_DOES_NOT_ASSEMBLE, f"as ran for over {_AS_WALL_S} s")
        messages = stderr.decode("utf-8", "replace")
        if process.returncode != 0 or not target.exists():
            detail = messages.strip() or f"as ended with {process.returncode}"
            return Refusal(Outcome.GATE_DOES_NOT_ASSEMBLE, detail)
        return _read_object(target.read_bytes(), stderr=messages)


def find_gcc(environ: Mapping[str, str] | None = None) -> Path:
    """Find the real gcc: `LLMCC_CC`, or the first `gcc` in PATH that is not llmcc itself.

    Raises:
        ToolMissing: there is none.
    """
    environ = os.environ if environ is None else environ
    name = environ.get("LLMCC_CC") or "gcc"
    search_path = environ.get("PATH", os.defpath)
    try:
        return _find(name, search_path)
    except ToolMissing:
        # "ccache gcc": a command in front of gcc.
        if " " not in name:
            raise
        return _find(name.split()[-1], search_path)


def find_as(gcc: Path | None = None) -> Path:
    """Find the assembler: the one `gcc` would use, or the first in PATH when `gcc` is None.

    Raises:
        ToolMissing: there is none.
    """
    if gcc is not None:
        answer = run_gcc([str(gcc), "-print-prog-name=as"], cwd=Path("/"), timeout_s=10)
        named = Path(os.fsdecode(answer.stdout.strip()))
        if named.is_absolute() and os.access(named, os.X_OK):
            return named
    return _find("as", os.environ.get("PATH", os.defpath))


def gcc_version(gcc: Path) -> str:
    """Return gcc's full version and target, for example ``12.2.0 x86_64-linux-gnu``."""
    words = [
        os.fsdecode(run_gcc([str(gcc), option], cwd=Path("/"), timeout_s=10).stdout.strip())
        for option in ("-dumpfullversion", "-dumpmachine")
    ]
    return " ".join(words)


def as_version(assembler: Path) -> str:
    """Return the first line of `as --version`."""
    answer = subprocess.run(
        [str(assembler), "--version"], capture_output=True, timeout=10, check=False
    )
    return answer.stdout.decode("utf-8", "replace").partition("\n")[0]


def run_gcc(
    argv: Sequence[str], *, cwd: Path, timeout_s: float, environ: Mapping[str, str] | None = None
) -> GccRun:
    """Run gcc, or a driver like it, without llmcc in between and with nothing on stdin.

    `environ` is this process's unless given.

    Raises:
        ToolMissing: it cannot be started.
        ToolTimedOut: it ran longer than `timeout_s`.
    """
    given = os.environ if environ is None else environ
    variables = {**given, "LLMCC_DISABLE": "1", "LC_ALL": "C"}
    # gcc appends a record of its options to this file when the variable is set.
    variables.pop("DEPENDENCIES_OUTPUT", None)
    variables.pop("SUNPRO_DEPENDENCIES", None)
    try:
        run = subprocess.run(
            list(argv),
            cwd=cwd,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except OSError as error:
        raise ToolMissing(f"{argv[0]} cannot be started: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolTimedOut(f"{argv[0]} ran longer than {timeout_s} s") from error
    return GccRun(run.returncode, run.stdout, run.stderr)


def _limit(pid: int) -> None:
    limits = (
        (resource.RLIMIT_CPU, _AS_CPU_S),
        (resource.RLIMIT_FSIZE, _AS_FILE_BYTES),
        (resource.RLIMIT_AS, _AS_MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
    )
    for which, most in limits:
        resource.prlimit(pid, which, (most, most))


def _read_object(data: bytes, *, stderr: str) -> Assembled:
    elf = ELFFile(io.BytesIO(data))
    text_index = elf.get_section_index(".text")
    # At most one; a text without labels makes none.
    tables = [part for part in elf.iter_sections() if isinstance(part, SymbolTableSection)]
    symbols = {
        symbol.name: int(symbol["st_value"])
        for table in tables
        for symbol in table.iter_symbols()
        if symbol["st_shndx"] == text_index and symbol.name
    }
    relocations: list[tuple[int, str]] = []
    others: list[str] = []
    for section in elf.iter_sections():
        if isinstance(section, RelocationSection) and section["sh_info"] == text_index:
            relocations += [
                (int(entry["r_offset"]), _symbol_name(elf, tables[0], entry["r_info_sym"]))
                for entry in section.iter_relocations()
            ]
        if _holds_bytes(section) and section.name != ".text":
            others.append(section.name)
    code = elf.get_section(text_index).data() if text_index is not None else b""
    return Assembled(
        code=code,
        symbols=MappingProxyType(symbols),
        relocations=tuple(relocations),
        other_sections=tuple(others),
        stderr=stderr,
    )


def _holds_bytes(section: Section) -> bool:
    return section["sh_size"] > 0 and section["sh_type"] in (
        "SHT_PROGBITS",
        "SHT_NOBITS",
        "SHT_NOTE",
    )


def _symbol_name(elf: ELFFile, table: SymbolTableSection, index: int) -> str:
    symbol = table.get_symbol(index)
    if symbol["st_info"]["type"] == "STT_SECTION":
        return str(elf.get_section(symbol["st_shndx"]).name)
    return str(symbol.name)


def _find(name: str, search_path: str) -> Path:
    if "/" in name:
        if os.access(name, os.X_OK):
            return Path(name).absolute()
        raise ToolMissing(f"{name} is not an executable file")
    for folder in search_path.split(os.pathsep):
        found = shutil.which(name, path=folder or ".")
        if found is not None and not _is_llmcc(Path(found)):
            return Path(found).absolute()
    raise ToolMissing(f"no {name} in PATH. Install gcc and binutils")


def is_entry(program: Path) -> bool:
    """Tell whether a file is an installed `llmcc`: the script, or a launcher in its place."""
    with program.open("rb") as file:
        head = file.read(512)
        if head.startswith(b"#!"):
            return ENTRY_MARKER in head
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - len(ENTRY_MARKER)))
        return file.read() == ENTRY_MARKER


def _is_llmcc(program: Path) -> bool:
    """Tell whether a program is llmcc's own script, launcher or `as`."""
    return is_entry(program) or "llmcc-native" in program.resolve().parts
