"""`make mutants`: every wrong one-instruction mutant of an accepted rewrite must be refused.

Finds accepted fast paths of the bench kernels, makes all their one-instruction mutants, asks an
independent oracle which are wrong (exhaustive small cases against gcc -O0), and sees whether gate
and battery refuse them. Goes on where it was stopped; `--seconds` ends a slice.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
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
from tests.evidence.mutant_trial import Judge, Trial
from tests.evidence.mutations import mutants_of
from tests.evidence.oracle import Oracle

_OUT = Path("build/evidence")
_JSON = Path("docs/evidence/mutants.json")
_PAGE = Path("docs/mutants.md")
_CASES_SEED = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run a slice; write the page when nothing is left to do. 1: survivors, 3: not finished."""
    options = _parse(argv)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    options.out.mkdir(parents=True, exist_ok=True)
    deadline_s = time.monotonic() + options.seconds
    places = [
        place
        for level in LEVELS
        for place in kernel_regions(level)
        if not options.kernels or place.kernel in options.kernels.split(",")
    ]
    paths_file, trials_file = options.out / "paths.jsonl", options.out / "trials.jsonl"
    with Sandbox() as sandbox:
        is_whole = _find(places, paths_file, sandbox, deadline_s)
        paths = _read_paths(paths_file)
        is_whole = is_whole and _try(places, paths, trials_file, sandbox, options, deadline_s)
    trials = [trial_from(row) for row in _rows(trials_file)]
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
            "paths": [asdict(path) for listed in paths.values() for path in listed],
            "trials": [shortened(trial) for trial in trials],
        }
        _JSON.parent.mkdir(parents=True, exist_ok=True)
        _JSON.write_text(json.dumps(record, indent=1) + "\n")
        write_page(_PAGE, json.loads(_JSON.read_text()))
    return 1 if found["survivors"] else 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.mutants", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600, help="start nothing after so long")
    parser.add_argument("--kernels", default="", help="only these, separated by commas; no page")
    parser.add_argument("--out", type=Path, default=_OUT, help="folder for what is done so far")
    parser.add_argument(
        "--right-sample",
        type=int,
        default=5,
        help="how many mutants of each path that the oracle finds right are verified all the same",
    )
    return parser.parse_args(argv)


def _find(places: Sequence[KernelRegion], file: Path, sandbox: Sandbox, deadline_s: float) -> bool:
    """Find the accepted paths of every loop not looked at yet; False when time ran out."""
    done = {row["region"] for row in _rows(file)}
    backend = EmbeddedBackend()
    for place in places:
        if place.name in done:
            continue
        if time.monotonic() > deadline_s:
            return False
        paths = list(find_paths(place, backend=backend, sandbox=sandbox))
        print(f"{place.name}: {len(paths)} accepted rewrites", flush=True)
        _append(file, {"region": place.name, "paths": [asdict(path) for path in paths]})
    return True


def _try(
    places: Sequence[KernelRegion],
    paths: dict[str, list[AcceptedPath]],
    file: Path,
    sandbox: Sandbox,
    options: argparse.Namespace,
    deadline_s: float,
) -> bool:
    """Try every path not tried yet; False when time ran out."""
    kernels = {kernel.name: kernel for kernel in read_table(FOLDER)}
    done = {row["path"] for row in _rows(file)}
    for place in places:
        left = [path for path in paths.get(place.name, ()) if path.name not in done]
        if not left:
            continue
        if time.monotonic() > deadline_s:
            return False
        with tempfile.TemporaryDirectory(prefix="llmcc-oracle-") as folder:
            oracle = Oracle(kernels[place.kernel], Path(folder), seed=_CASES_SEED)
            judge = Judge(place, oracle, sandbox)
            for path in left:
                trial = _try_one(judge, place, path, options.right_sample)
                _append(file, _compact(trial))
    return True


def _try_one(judge: Judge, place: KernelRegion, path: AcceptedPath, right_sample: int) -> Trial:
    started_s = time.monotonic()
    labels = place.region.placement.exit_labels
    exits = [f".LX{number}" for number, label in enumerate(labels) if label]
    sizes = [access.size_bytes for access in place.region.contract.accesses]
    made = mutants_of(path.text, targets=(".LH", *exits), element_bytes=min(sizes, default=8))
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


def _read_paths(file: Path) -> dict[str, list[AcceptedPath]]:
    return {row["region"]: [AcceptedPath(**path) for path in row["paths"]] for row in _rows(file)}


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    if file.exists():
        for line in file.read_text().splitlines():
            yield json.loads(line)


def _compact(trial: Trial) -> dict[str, Any]:
    """A trial as JSON whose many rows are lists."""
    return {**asdict(trial), "rows": [list(asdict(row).values()) for row in trial.rows]}


def _append(file: Path, row: dict[str, Any]) -> None:
    with file.open("a") as stream:
        stream.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    sys.exit(main())
