"""`make mutants`: every wrong one-instruction mutant of an accepted rewrite must be refused.

Finds accepted fast paths of the bench kernels, makes all their one-instruction mutants, asks an
independent oracle which are wrong (exhaustive small cases against gcc -O0), and sees whether gate
and battery refuse them. Goes on where it was stopped; `--seconds` ends a slice.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from llmcc.backends.embedded.backend import EmbeddedBackend
from llmcc.ctl.bench_kernels import read_table
from llmcc.sandbox.runner import Sandbox
from tests.evidence.fast_paths import AcceptedPath, find_paths
from tests.evidence.kernel_units import FOLDER, LEVELS, KernelRegion, kernel_regions
from tests.evidence.machine_facts import machine_facts
from tests.evidence.mutant_report import shortened, summary, trial_from, write_page
from tests.evidence.mutant_trial import Judge, Trial, all_mutants
from tests.evidence.oracle import Oracle
from tests.evidence.rows import append_row, evidence_folder, read_rows

_PATHS, _TRIALS = "paths.jsonl", "trials.jsonl"
_JSON = Path("docs/evidence/mutants.json")
_PAGE = Path("docs/mutants.md")
_CASES_SEED = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run a slice; write the page when nothing is left to do. 1: survivors, 3: not finished."""
    options = _parse(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    deadline_s = time.monotonic() + options.seconds
    places = [
        place
        for level in LEVELS
        for place in kernel_regions(level)
        if not options.kernels or place.kernel in options.kernels.split(",")
    ]
    with Sandbox() as sandbox:
        is_whole = _Run(options, sandbox).go_on(places, deadline_s=deadline_s)
    trials = [trial_from(row) for row in read_rows(options.out / _TRIALS)]
    found = summary(trials)
    print(json.dumps(found, indent=1))
    if not is_whole:
        print("not finished: run the command again")
        return 3
    if not options.kernels:
        record = {
            "machine": asdict(machine_facts("tests.evidence.mutants")),
            "right_sample_per_path": options.right_sample,
            "summary": found,
            "paths": [path for row in read_rows(options.out / _PATHS) for path in row["paths"]],
            "trials": [shortened(trial) for trial in trials],
        }
        _JSON.parent.mkdir(parents=True, exist_ok=True)
        _JSON.write_text(json.dumps(record, indent=1) + "\n")
        write_page(_PAGE, json.loads(_JSON.read_text()))
    return 1 if found["survivors"] or found["paths_wrong_by_the_oracle"] else 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.mutants", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600, help="start nothing after so long")
    parser.add_argument("--kernels", default="", help="only these, separated by commas; no page")
    parser.add_argument(
        "--paths", type=int, default=120, help="stop when so many were tried; 0: all there are"
    )
    parser.add_argument(
        "--out", type=Path, default=evidence_folder(), help="folder for what is done so far"
    )
    parser.add_argument(
        "--right-sample",
        type=int,
        default=3,
        help="how many mutants of each path that the oracle finds right are verified all the same",
    )
    return parser.parse_args(argv)


class _Run:
    """Goes from loop to loop: finds its accepted paths, tries them, keeps both at once."""

    def __init__(self, options: argparse.Namespace, sandbox: Sandbox) -> None:
        self._options = options
        self._sandbox = sandbox
        self._backend = EmbeddedBackend()
        self._kernels = {kernel.name: kernel for kernel in read_table(FOLDER)}
        paths, trials = read_rows(options.out / _PATHS), read_rows(options.out / _TRIALS)
        self._found = {
            row["region"]: [AcceptedPath(**path) for path in row["paths"]] for row in paths
        }
        self._tried = {row["path"] for row in trials}

    def go_on(self, places: Sequence[KernelRegion], *, deadline_s: float) -> bool:
        """Do what is not done yet; False when time ran out before enough paths were tried."""
        for place in places:
            if self._options.paths and len(self._tried) >= self._options.paths:
                break
            if time.monotonic() > deadline_s:
                return False
            self._try(place, self._paths(place))
        return True

    def _paths(self, place: KernelRegion) -> list[AcceptedPath]:
        if place.name not in self._found:
            paths = list(find_paths(place, backend=self._backend, sandbox=self._sandbox))
            row = {"region": place.name, "paths": [asdict(path) for path in paths]}
            append_row(self._options.out / _PATHS, row)
            self._found[place.name] = paths
            print(f"{place.name}: {len(paths)} accepted rewrites", flush=True)
        return self._found[place.name]

    def _try(self, place: KernelRegion, paths: Sequence[AcceptedPath]) -> None:
        left = [path for path in paths if path.name not in self._tried]
        if not left:
            return
        with tempfile.TemporaryDirectory(prefix="llmcc-oracle-") as folder:
            oracle = Oracle(self._kernels[place.kernel], Path(folder), seed=_CASES_SEED)
            judge = Judge(place, oracle, self._sandbox)
            for path in left:
                trial = _try_one(judge, place, path, self._options.right_sample)
                append_row(self._options.out / _TRIALS, _compact(trial))
                self._tried.add(path.name)


def _try_one(judge: Judge, place: KernelRegion, path: AcceptedPath, right_sample: int) -> Trial:
    started_s = time.monotonic()
    made = all_mutants(place, path)
    trial = judge.try_path(path, made, right_sample=right_sample)
    wrong = [row for row in trial.rows if row.judged != "SAME"]
    print(
        f"{path.name}: {len(trial.rows)} mutants, {len(wrong)} wrong, "
        f"{len(trial.survivors)} survive, path itself {trial.original}, "
        f"{time.monotonic() - started_s:.0f} s",
        flush=True,
    )
    for survivor in trial.survivors:
        print(f"  SURVIVES {survivor.kind}: `{survivor.before}` -> `{survivor.after}`", flush=True)
    return trial


def _compact(trial: Trial) -> dict[str, Any]:
    """A trial as JSON whose many rows are lists."""
    return {**asdict(trial), "rows": [list(asdict(row).values()) for row in trial.rows]}


if __name__ == "__main__":
    sys.exit(main())
