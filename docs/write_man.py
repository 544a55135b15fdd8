"""Write docs/man/*.1 from the commands' help and README's settings: `write_man.py [--check]`."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from llmcc.ctl.main import main as ctl

FOLDER = Path(__file__).with_name("man")
_ROW = re.compile(r"^\| (`LLMCC_.+?`) \| (.+) \|$", re.MULTILINE)


def roff(text: str) -> str:
    """Escape text: nothing is a request, a hyphen is the character of options, all is ASCII."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    escaped = re.sub(r"[^\x00-\x7f]", lambda match: f"\\[u{ord(match[0]):04X}]", escaped)
    return "\n".join(
        f"\\&{line}" if line[:1] in (".", "'") else line for line in escaped.split("\n")
    )


def ctl_page() -> str:
    """Return llmcc-ctl(1)."""
    lines = [
        _heading("LLMCC-CTL"),
        ".SH NAME",
        f"llmcc\\-ctl \\- {roff(_summary_of_group(ctl))}",
        ".SH SYNOPSIS",
        ".B llmcc\\-ctl",
        ".RI [ options ]",
        ".I command",
        ".RI [ arguments ]",
        ".SH COMMANDS",
    ]
    context = click.Context(ctl, info_name="llmcc-ctl")
    for name in ctl.list_commands(context):
        command = ctl.get_command(context, name)
        assert command is not None
        lines += _command(command, click.Context(command, info_name=name, parent=context))
    lines += [".SH SEE ALSO", ".BR llmcc (1),", ".BR gcc (1)"]
    return "\n".join(lines) + "\n"


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {roff(context.info_name or '')} {roff(usage)}"
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    for number, paragraph in enumerate(paragraphs):
        if number:
            yield ".PP"
        # click's mark of a paragraph whose lines stay as they are.
        yield from _kept(paragraph[2:]) if paragraph.startswith("\b\n") else [roff(paragraph)]
    for parameter in command.params:
        if not isinstance(parameter, click.Option):
            continue
        record = parameter.get_help_record(context)
        if record is not None:
            yield from (".TP", f".B {roff(record[0])}", roff(record[1].replace("\n", " ")))


def _kept(paragraph: str) -> Iterator[str]:
    yield from (".nf", roff(paragraph), ".fi")


def drop_in_page() -> str:
    """Return llmcc(1): written by hand, but for the settings."""
    settings = "\n".join(f".TP\n.B {name}\n{text}" for name, text in _settings())
    text = (FOLDER / "llmcc.1.in").read_text(encoding="utf-8")
    return f"{_heading('LLMCC')}\n" + text.replace("@SETTINGS@\n", f"{settings}\n")


def _settings() -> Iterator[tuple[str, str]]:
    """Yield each row of README's table of settings."""
    readme = FOLDER.parents[1] / "README.md"
    for names, text in _ROW.findall(readme.read_text(encoding="utf-8")):
        yield roff(names.replace("`", "")), roff(text.replace("; see below", ""))


def _heading(name: str) -> str:
    # No date: the page would differ from itself.
    return f'.\\" Made by `make docs`.\n.TH {name} 1 "" "llmcc" "User Commands"'


def _summary_of_group(group: click.Group) -> str:
    return (group.help or "").strip().rstrip(".").lower()


def pages() -> dict[Path, str]:
    """Return what each page must hold."""
    return {FOLDER / "llmcc-ctl.1": ctl_page(), FOLDER / "llmcc.1": drop_in_page()}


if __name__ == "__main__":
    for path, text in pages().items():
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path.name} is not what the commands and settings say. Run `make docs`")
