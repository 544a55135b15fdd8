"""`llmcc-ctl bisect -- CMD`: which fast paths of a built project make a command fail."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from llmcc.blame.refuse import Refused, refuse, with_same_text
from llmcc.blame.search import Blame, Ending, Trial, find_culprits
from llmcc.blame.trial import Command, taking_turns, user_environment
from llmcc.config import read_config
from llmcc.errors import LlmccError
from llmcc.switches.files import Panel, switchable_files

_NOTHING_TO_BLAME, _MISUSE = 1, 2


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--path",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Where the built files are.  [default: .]",
)
@click.option("--timeout", "timeout_s", type=float, help="Seconds a run may take; else no limit.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def bisect(folder: Path, timeout_s: float | None, command: tuple[str, ...]) -> None:
    """Find the rewrites that make COMMAND fail, switch them off and refuse them for good.

    COMMAND tests a project that is already built, for example `make check`; it must end with 0 when
    all is well. It runs in this folder, with your rights. Between runs fast paths are switched off
    and on in all programs, libraries, objects and archives below the path; nothing is built anew.
    In the end the guilty are off and refused in the store; when none are found, or when
    you interrupt, all files are as they were.

    Exits with 0 when guilty rewrites were found, 1 when there are none, 2 when it cannot tell.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    config = read_config()
    test = Command(
        command, shlex.join(command), Path.cwd(), user_environment(os.environ), timeout_s
    )
    try:
        with taking_turns(config.cache), Panel(switchable_files(folder)) as panel:
            blame = _search(test, panel, folder)
            refused = _refused(blame, panel, config.cache)
            for one, culprit in zip(refused, blame.culprits, strict=True):
                click.echo("\n".join(_lines(one, panel.files(culprit.key))))
    except (LlmccError, OSError) as error:
        click.echo(f"llmcc: bisect: {error}", err=True)
        raise SystemExit(_MISUSE) from None
    except KeyboardInterrupt:
        click.echo("llmcc: bisect: interrupted. All files are as they were.", err=True)
        raise SystemExit(128 + signal.SIGINT) from None
    click.echo(f"{blame.ending.value} ({blame.trials} runs)")
    if blame.ending is not Ending.FOUND:
        for line in _indented(blame.failure):
            click.echo(line)
        raise SystemExit(_NOTHING_TO_BLAME)


class _Rebuilt(LlmccError):
    """The command undid the switching."""


def _search(test: Command, panel: Panel, folder: Path) -> Blame:
    keys = panel.keys()
    click.echo(f"{len(keys)} rewrites below {folder}", err=True)

    def run(off: Sequence[str]) -> Trial:
        panel.switch_off(off)
        trial = test.run()
        click.echo(f"  {len(off)} off: {'passes' if trial.is_passed else 'fails'}", err=True)
        if panel.is_undone():
            raise _Rebuilt(
                f"{test.title} builds the project anew, with all fast paths. Build it first, and "
                "give a command that only tests it."
            )
        return trial

    return find_culprits(keys, run)


def _refused(blame: Blame, panel: Panel, cache: Path) -> list[Refused]:
    if blame.ending is not Ending.FOUND:
        return []
    keys = [culprit.key for culprit in blame.culprits]
    panel.keep([same for key in keys for same in with_same_text(key, cache)])
    return refuse(blame.culprits, [panel.name(key) for key in keys], cache=cache)


def _lines(refused: Refused, files: Sequence[Path]) -> list[str]:
    name, decision = refused.name, refused.decision
    lines = [
        f"{name.source}: {name.function}, loop {name.head_label}: {decision.outcome.name}",
        *_indented(decision.detail),
        f"  switched off in {', '.join(map(str, files))}",
    ]
    if decision.rewrite:
        lines += ["  the rewrite:", *_indented(decision.rewrite.rstrip().expandtabs(8))]
    return lines


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]
