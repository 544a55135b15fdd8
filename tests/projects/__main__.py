"""`make projects`: projects of others built by gcc and by llmcc, tested, timed, told in a page.

What is fetched or made stays below one folder outside the project. A project that is in the
journal of this llmcc is not done again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from llmcc.native.identity import generation
from llmcc.training.debian_sources import MissingSource
from llmcc.training.project_tree import CommandFailed
from tests.evidence.machine_facts import machine_facts
from tests.projects.large_projects import LARGE_PROJECTS
from tests.projects.report import write_page
from tests.projects.result import Journal
from tests.projects.run_project import Place, check_install, run_project
from tests.projects.small_projects import SMALL_PROJECTS

PROJECTS = (*SMALL_PROJECTS, *LARGE_PROJECTS)
UNFINISHED_STATUS = 3
_ROOT = Path.home() / ".cache" / "llmcc-projects"
_PAGE = Path("docs/projects.md")


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the journal does not have; 1: llmcc did something otherwise, 3: not all was done."""
    parser = argparse.ArgumentParser(prog="python -m tests.projects", description=__doc__)
    parser.add_argument("names", nargs="*", help="all unless named")
    parser.add_argument("--root", type=Path, default=_ROOT, help="folder for all files")
    parser.add_argument("--mode", choices=("record", "sync"), default="record")
    parser.add_argument("--rounds", type=int, default=999, help="most of any timing, for a trial")
    parser.add_argument("--report", type=Path, default=_PAGE, help="document to write")
    options = parser.parse_args(argv)
    check_install()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    unknown = set(options.names) - {project.name for project in PROJECTS}
    if unknown:
        parser.error(f"no such project: {', '.join(sorted(unknown))}")
    chosen = [project for project in PROJECTS if not options.names or project.name in options.names]
    results = options.root / generation()[:16]
    journal = Journal(results / f"{options.mode}-{options.rounds}.jsonl")
    place = Place(options.root, results, options.rounds)
    machine = machine_facts("tests.projects")
    done = journal.results()
    for project in chosen:
        if project.name in done:
            continue
        print(f"{project.name} ...", flush=True)
        try:
            result = run_project(project, place, mode=options.mode)
        except (MissingSource, CommandFailed) as error:
            print(f"{project.name}: {error}", flush=True)
            continue
        journal.add(result)
        print(f"{project.name}: {result.seconds:.0f} s, {len(result.problems)} differences")
        for problem in result.problems:
            print(f"  {problem}", flush=True)
    done = journal.results()
    write_page(options.report, done, chosen, machine=machine, mode=options.mode)
    print(options.report)
    if any(done[project.name].problems for project in chosen if project.name in done):
        return 1
    return 0 if all(project.name in done for project in chosen) else UNFINISHED_STATUS


if __name__ == "__main__":
    sys.exit(main())
