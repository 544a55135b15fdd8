"""Settings files of a project and of the user, and where each value comes from.

A compile reads them in C (`native/settings_files.c`, which takes the table below) and hands them on
as environment variables; this module is what `llmcc-ctl` reads them with. Both read line by line:
a line that is not `key = value` in the plainest TOML is left out, the others count.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from llmcc.config import LEVELS, Mode

PROJECT_FILE = "llmcc.toml"
MOST_BYTES = 1 << 16  # of a file; a longer one is left out

_LINE = re.compile(
    rb"[ \t]*([a-z_]+)[ \t]*=[ \t]*"
    rb"(?:\"([^\"\\]*)\"|'([^']*)'|(true|false)|((?:0|[1-9][0-9]*)(?:\.[0-9]+)?))"
    rb"[ \t]*(?:#.*)?",
    re.DOTALL,
)
_UNPRINTABLE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_FORMS = {
    "number": re.compile(r"[0-9]+(\.[0-9]+)?"),
    "size": re.compile(r"[0-9]+[KMGTkmgt]?[Ii]?[Bb]?"),
    "text": re.compile(r".*", re.DOTALL),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing the user can set."""

    key: str  # in files; the variable is LLMCC_ and this in capitals
    form: str  # number, size or text, or the words that are allowed, with | between them
    otherwise: str  # what holds when nobody sets it
    is_projects: bool = False  # whether a file of the project may set it

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"LLMCC_{self.key.upper()}"

    def allows(self, value: str) -> bool:
        """Tell whether a value has the setting's form."""
        form = _FORMS.get(self.form)
        return form.fullmatch(value) is not None if form else value in self.form.split("|")


# A project may ask for more or less work. It can never name a program, a model, a folder or a
# machine: what is being compiled is not trusted (docs/adr/0014).
SETTINGS = (
    Setting("mode", "|".join(mode.value for mode in Mode), Mode.SYNC.value, is_projects=True),
    Setting("budget", "number", "30", is_projects=True),
    Setting("samples", "number", "16", is_projects=True),
    Setting("seed", "number", "0", is_projects=True),
    Setting("require", "|".join(LEVELS), LEVELS[0], is_projects=True),
    Setting("skip", "text", "", is_projects=True),
    Setting("test_timeout", "number", "0", is_projects=True),
    Setting("tests", "text", ""),
    Setting("test_cmd", "text", ""),
    Setting("backend", "text", "embedded"),
    Setting("cc", "text", "gcc"),
    Setting("cxx", "text", "g++"),
    Setting("disable", "text", ""),
    Setting("log", "text", "<dir>/llmcc.log"),
    Setting("strict", "text", ""),
    Setting("lock", "text", ""),
    Setting("cap", "size", "1G"),
    Setting("remote", "text", ""),
    Setting("remote_secret", "text", ""),
)
# `dir` is where the compiled programs that read the files are found, so no file can set it.
VARIABLES_ONLY = (Setting("dir", "text", "~/.cache/llmcc"),)

_BY_KEY = {setting.key: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Value:
    """What a setting is, and who says so."""

    setting: Setting
    text: str
    origin: str  # "environment", "default" or the path of a file


@dataclass(frozen=True, slots=True)
class Ignored:
    """A file, or a line of one, that does not count."""

    path: Path
    line: int  # from 1; 0 when the file as a whole does not count
    why: str

    def place(self) -> str:
        """Name the file and the line as compilers do."""
        return f"{self.path}:{self.line}" if self.line else str(self.path)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one working folder."""

    values: tuple[Value, ...]  # one for each setting
    ignored: tuple[Ignored, ...]

    def from_files(self) -> dict[str, str]:
        """Return the variables that a compile would be given because of files."""
        return {
            value.setting.variable: value.text
            for value in self.values
            if value.origin not in ("environment", "default")
        }


def read_settings(environ: Mapping[str, str], folder: Path) -> Settings:
    """Find every setting: the environment's, else the project's, else the user's, else the default.

    Args:
        environ: an empty variable counts as set: it undoes what a file says.
        folder: absolute; where the search for the project's file starts.
    """
    project, user = find_upwards(PROJECT_FILE, folder, environ), user_file(environ)
    found: dict[str, Value] = {}
    ignored: list[Ignored] = []
    for path in (project, user):
        if path is not None and path.exists():
            _read_file(path, found, ignored, is_project=path == project)
    values = tuple(
        Value(setting, environ[setting.variable], "environment")
        if setting.variable in environ
        else found.get(setting.key, Value(setting, setting.otherwise, "default"))
        for setting in SETTINGS + VARIABLES_ONLY
    )
    return Settings(values, tuple(ignored))


def find_upwards(name: str, folder: Path, environ: Mapping[str, str]) -> Path | None:
    """Search a folder and those above it for a file of the project.

    The last folder looked at is the one with `.git`, the home folder, the root, or the last one of
    the file system.
    """
    with suppress(OSError):
        device = folder.stat().st_dev
        for place in (folder, *folder.parents):
            if place.stat().st_dev != device:
                return None
            if (place / name).exists():
                return place / name
            if (place / ".git").exists() or str(place) == environ.get("HOME"):
                return None
    return None


def user_file(environ: Mapping[str, str]) -> Path | None:
    """Return where the user's own file is, or would be."""
    if shared := environ.get("XDG_CONFIG_HOME", ""):
        return Path(shared) / "llmcc" / "config.toml"
    if home := environ.get("HOME", ""):
        return Path(home) / ".config" / "llmcc" / "config.toml"
    return None


def _read_file(
    path: Path, found: dict[str, Value], ignored: list[Ignored], *, is_project: bool
) -> None:
    refusal = why_untrusted(path)
    if refusal:
        ignored.append(Ignored(path, 0, refusal))
        return
    content = path.read_bytes()
    if b"\0" in content:
        ignored.append(Ignored(path, 0, "holds a zero byte"))
        return
    for number, line in enumerate(content.split(b"\n"), start=1):
        plain = line.removesuffix(b"\r").strip(b" \t")
        if plain.startswith(b"["):
            ignored.append(Ignored(path, number, "tables are not read, nor what follows one"))
            return
        if not plain or plain.startswith(b"#"):
            continue
        value = _read_line(line.removesuffix(b"\r"), path, is_project=is_project)
        if isinstance(value, str):
            ignored.append(Ignored(path, number, value))
        elif value.setting.key not in found:
            found[value.setting.key] = value
        elif found[value.setting.key].origin == str(path):
            ignored.append(Ignored(path, number, f"{value.setting.key} was set before"))


def _read_line(line: bytes, path: Path, *, is_project: bool) -> Value | str:
    """Return what a line sets, or why it does not count."""
    form = None if _UNPRINTABLE.search(line) else _LINE.fullmatch(line)
    if form is None:
        return "not a key, = and one string, number, true or false"
    key = form[1].decode()
    setting = _BY_KEY.get(key)
    if setting is None:
        return f"there is no setting {key!r} for files"
    if is_project and not setting.is_projects:
        return f"a project may not set {key!r}"
    if form[4]:
        text = "1" if form[4] == b"true" else "0"
    else:
        text = os.fsdecode(next(part for part in (form[2], form[3], form[5]) if part is not None))
    if not setting.allows(text):
        return f"{text!r} is not a value of {key!r} ({setting.form})"
    return Value(setting, text, str(path))


def why_untrusted(path: Path, *, most_bytes: int = MOST_BYTES) -> str:
    """Return why a file as a whole does not count; "" when it does.

    `most_bytes` is that of a file of settings unless told.
    """
    try:
        status = path.stat()
    except OSError as error:
        return str(error)
    if not stat.S_ISREG(status.st_mode):
        return "is not a file"
    if status.st_uid not in (0, os.geteuid()):
        return "belongs to somebody else"
    if status.st_mode & 0o022:
        return "can be written by others"
    if status.st_size > most_bytes:
        return f"is longer than {most_bytes} bytes"
    if not os.access(path, os.R_OK):
        return "cannot be read"
    return ""
