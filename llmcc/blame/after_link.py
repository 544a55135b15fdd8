"""After a link, when `LLMCC_TESTS` or `LLMCC_TEST_CMD` is set: the `ld` shim starts this.

A program that passes is left as it is. Else the guilty fast paths are switched off in it and in the
files it was linked from, and refused in the store. Standard output and error are the log.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmcc.blame.refuse import refuse, with_same_text
from llmcc.blame.search import Blame, Ending, Trial, find_culprits
from llmcc.blame.trial import (
    BadTests,
    Command,
    Examples,
    find_examples,
    taking_turns,
    user_environment,
)
from llmcc.config import Config, read_config
from llmcc.errors import LlmccError
from llmcc.switches.files import Panel, read_switches
from llmcc.switches.image import is_program, is_relocatable
from llmcc.switches.table import UnreadableTable

_EXAMPLE_TIMEOUT_S = 10.0
_COMMAND_TIMEOUT_S = 600.0
_ANCESTORS_MOST = 4


@dataclass(frozen=True, slots=True)
class Link:
    """A link that ended well."""

    output: Path
    words: tuple[str, ...]  # ld's arguments
    folder: Path
    environ: dict[str, str]  # that gcc was started with


def try_linked(link: Link, config: Config, *, log: Callable[[str], None]) -> Blame | None:
    """Run the user's tests on what was linked, and blame and refuse what makes them fail.

    Returns None when no test applies: an object that will be linked again, a file without fast
    paths, or a shared library without a command to test it.

    Raises:
        BadTests: the tests are not there or cannot be started.
        OSError: the output cannot be replaced, and is as it was linked, or the store cannot be
            written.
    """
    image = link.output.read_bytes()
    if is_relocatable(image) or not read_switches(link.output):
        return None
    tests = _tests(link, config, has_program=is_program(image), log=log)
    if not tests:
        return None
    with Panel([link.output, *_inputs(link)]) as panel:

        def run(off: Sequence[str]) -> Trial:
            panel.switch_off(off)
            trials = (test() for test in tests)
            return next((trial for trial in trials if not trial.is_passed), Trial(is_passed=True))

        blame = find_culprits(panel.keys(link.output), run)
        log(f"{link.output}: {blame.ending.value} ({blame.trials} runs)")
        if blame.failure:
            log(blame.failure)
        if blame.ending is Ending.FOUND:
            keys = [culprit.key for culprit in blame.culprits]
            panel.keep([same for key in keys for same in with_same_text(key, config.cache)])
            names = [panel.name(key) for key in keys]
            for refused in refuse(blame.culprits, names, cache=config.cache):
                name, decision = refused.name, refused.decision
                place = f"{name.source}: {name.function} {name.head_label}"
                log(f"{decision.outcome.name}: {place}: {decision.detail}")
    return blame


def _tests(
    link: Link, config: Config, *, has_program: bool, log: Callable[[str], None]
) -> list[Callable[[], Trial]]:
    environ = user_environment(link.environ)
    tests: list[Callable[[], Trial]] = []
    if config.tests is not None and has_program:
        examples, incomplete = find_examples(link.folder / config.tests)
        for given in incomplete:
            log(f"LLMCC_TESTS: {given} has no {given.with_suffix('.out').name}; left out")
        program = Command(
            words=(str(link.output),),
            title=str(link.output),
            folder=link.folder,
            environ=environ,
            timeout_s=config.test_timeout_s or _EXAMPLE_TIMEOUT_S,
        )
        tests.append(Examples(program, examples).run)
    if config.test_command:
        command = Command(
            words=("/bin/sh", "-c", config.test_command),
            title=config.test_command,
            folder=link.folder,
            environ=environ,
            timeout_s=config.test_timeout_s or _COMMAND_TIMEOUT_S,
        )
        tests.append(command.run)
    return tests


def _inputs(link: Link) -> list[Path]:
    """List the objects and archives on ld's command line whose fast paths can be switched."""
    found = []
    for path in _named_files(link):
        try:
            if os.access(path.parent, os.W_OK) and read_switches(path):
                found.append(path)
        except (OSError, UnreadableTable):
            continue
    return found


def _named_files(link: Link) -> list[Path]:
    words = iter(_expanded(link.words, link.folder))
    folders: list[Path] = []
    files: list[Path] = []
    for word in words:
        if word == "-o":
            next(words, None)
        elif word.startswith("-L"):
            folders.append(link.folder / (word[2:] or next(words, ".")))
        elif word.startswith("-l"):
            name = word[3:] if word.startswith("-l:") else f"lib{word[2:]}.a"
            files += [folder / name for folder in folders if (folder / name).is_file()][:1]
        elif not word.startswith("-") and (link.folder / word).is_file():
            files.append(link.folder / word)
    return list(dict.fromkeys(files))


def _expanded(words: Sequence[str], folder: Path) -> list[str]:
    expanded: list[str] = []
    for word in words:
        if word.startswith("@") and (folder / word[1:]).is_file():
            expanded += shlex.split((folder / word[1:]).read_text(errors="surrogateescape"))
        else:
            expanded.append(word)
    return expanded


def _gccs_environment(pid: int) -> dict[str, str]:
    """Return what gcc was started with; it is the nearest ancestor without gcc's own variables.

    Raises:
        BadTests: there is none.
    """
    for _ in range(_ANCESTORS_MOST):
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        environ = dict(os.fsdecode(entry).split("=", 1) for entry in entries if b"=" in entry)
        if "COLLECT_GCC" not in environ:
            return environ
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        pid = int(fields[1])
    raise BadTests("the environment that gcc was started with cannot be found")


def main(argv: Sequence[str] | None = None) -> int:
    """Try what was linked: ``<cache> <output> <pid of ld's parent> <ld's arguments…>``."""
    # The shim ends us so; as an exception it lets files be put back.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    cache, output, pid, *words = sys.argv[1:] if argv is None else argv

    def log(message: str) -> None:
        sys.stderr.write(f"llmcc: {message}\n")

    try:
        config = replace(read_config(), cache=Path(cache))
        folder = Path.cwd()
        link = Link(folder / output, tuple(words), folder, _gccs_environment(int(pid)))
        with taking_turns(config.cache):
            try_linked(link, config, log=log)
    except (LlmccError, OSError) as error:
        log(f"{output}: tests: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
