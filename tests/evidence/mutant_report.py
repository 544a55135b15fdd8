"""What the mutants' trials came to: counts, and the page docs/mutants.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.evidence.machine_facts import MachineFacts
from tests.evidence.mutant_trial import NOT_TRIED, PASSED, MutantRow, Survivor, Trial
from tests.evidence.mutations import CLASSES
from tests.evidence.tables import table

TARGET_PATHS = 60
TARGET_WRONG = 3000
_RIGHT = "SAME"


def trial_from(row: Mapping[str, Any]) -> Trial:
    """Read a trial back from its JSON."""
    return Trial(
        **{
            **row,
            "rows": tuple(MutantRow(*cells) for cells in row["rows"]),
            "survivors": tuple(Survivor(**survivor) for survivor in row["survivors"]),
        }
    )


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Count everything. A path that the oracle itself finds wrong is counted apart, not tried."""
    sound = [trial for trial in trials if trial.original == _RIGHT]
    rows = [row for trial in sound for row in trial.rows]
    wrong = [row for row in rows if row.judged != _RIGHT]
    right = [row for row in rows if row.judged == _RIGHT]
    tried = [row for row in right if row.outcome != NOT_TRIED]
    return {
        "paths": len(sound),
        "loops": len({trial.region for trial in sound}),
        "paths_wrong_by_the_oracle": [t.path for t in trials if t.original != _RIGHT],
        "mutants": len(rows),
        "duplicates": sum(trial.duplicates for trial in sound),
        "not_assembled": sum(trial.not_assembled for trial in sound),
        "gate_refused": sum(row.stage == "gate" for row in rows),
        "oracle_wrong": len(wrong),
        "wrong_refused": sum(row.outcome != PASSED for row in wrong),
        "survivors": sum(len(trial.survivors) for trial in sound),
        "wrong_refused_only_by_second_verification": sum(row.stage == "second" for row in wrong),
        "oracle_right": len(right),
        "right_tried": len(tried),
        "right_tried_refused": sum(row.outcome != PASSED for row in tried),
        "wrong_by_verdict": _counts(row.judged for row in wrong),
        "wrong_by_stage": _counts(row.stage or PASSED for row in wrong),
        "wrong_by_outcome": _counts(row.outcome for row in wrong),
        "right_by_outcome": _counts(row.outcome for row in tried),
        "by_class": {
            kind: {
                "mutants": sum(row.kind == kind for row in rows),
                "wrong": sum(row.kind == kind for row in wrong),
                "refused": sum(row.kind == kind and row.outcome != PASSED for row in wrong),
            }
            for kind in CLASSES
        },
    }


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def write_page(file: Path, record: Mapping[str, Any]) -> None:
    """Write docs/mutants.md from docs/evidence/mutants.json, and from nothing else."""
    found = record["summary"]
    share = found["wrong_refused"] / max(found["oracle_wrong"], 1)
    parts = [
        "# Mutants of accepted rewrites",
        "What `make mutants` found; written by it, do not edit. "
        + MachineFacts(**record["machine"]).sentence(),
        _METHOD.format(sample=record["right_sample_per_path"]),
        "## Figures",
        f"**{found['wrong_refused']} of {found['oracle_wrong']} wrong mutants refused "
        f"({share:.2%})**, on {found['paths']} accepted rewrites of {found['loops']} loops "
        f"(target: all of at least {TARGET_WRONG} on {TARGET_PATHS}).",
        table(
            ("what", "count"),
            [
                ("mutants that assemble", found["mutants"]),
                ("texts made twice, left out", found["duplicates"]),
                ("texts that as rejects, left out", found["not_assembled"]),
                ("refused by the gate, right or wrong", found["gate_refused"]),
                ("wrong by the oracle", found["oracle_wrong"]),
                ("of those refused", found["wrong_refused"]),
                (
                    "… only by the second verification",
                    found["wrong_refused_only_by_second_verification"],
                ),
                ("**survivors**", found["survivors"]),
                ("right by the oracle", found["oracle_right"]),
                ("of those put to gate and battery", found["right_tried"]),
                ("… and refused (llmcc is stricter than C)", found["right_tried_refused"]),
            ],
        ),
        "## Wrong mutants by class",
        table(
            ("class", "mutants", "wrong", "refused"),
            [(kind, *counts.values()) for kind, counts in found["by_class"].items()],
        ),
        "## How the wrong ones are wrong, and how they end",
        table(("oracle", "mutants"), found["wrong_by_verdict"].items()),
        table(("outcome", "wrong mutants"), found["wrong_by_outcome"].items()),
        "Mutants the oracle finds right, put to gate and battery all the same:",
        table(("outcome", "mutants"), found["right_by_outcome"].items()),
        *_wrong_paths(found["paths_wrong_by_the_oracle"]),
        "## Survivors",
        *_survivors(record["trials"]),
        "## Paths",
        table(
            ("path", "mutants", "wrong", "survivors"),
            [
                (
                    trial["path"],
                    trial["mutants"],
                    trial["wrong"],
                    len(trial["survivors"]),
                )
                for trial in record["trials"]
            ],
        ),
    ]
    file.write_text("\n\n".join(parts) + "\n")


def shortened(trial: Trial) -> dict[str, Any]:
    """What the stored JSON keeps of a trial: counts instead of thousands of rows."""
    return {
        "path": trial.path,
        "region": trial.region,
        "original": trial.original,
        "mutants": len(trial.rows),
        "wrong": sum(row.judged != _RIGHT for row in trial.rows),
        "survivors": [
            {name: getattr(survivor, name) for name in Survivor.__slots__}
            for survivor in trial.survivors
        ],
    }


def _wrong_paths(names: Sequence[str]) -> list[str]:
    """A path that is itself wrong is a hole of another sort; its mutants are not counted."""
    return [f"**Accepted, and wrong by the oracle:** {', '.join(names)}."] if names else []


def _survivors(trials: Sequence[Mapping[str, Any]]) -> list[str]:
    listed = [survivor for trial in trials for survivor in trial["survivors"]]
    return [
        f"{s['path']}, line {s['line']}, {s['kind']}: `{s['before']}` became `{s['after']}`. "
        f"{s['judged']} in {s['call']}\n\n```\n{s['text']}```".replace("\t", " ")
        for s in listed
    ] or ["None."]


_METHOD = """\
A path is a (kernel, level, rewrite text) of `examples/kernels`, distinct in more than the names
of registers, that passes the gate and two whole verifications with different seeds; the embedded
model and the training teachers propose. Timing is left out: whether a rewrite is right does not
depend on its speed. Each is changed in one instruction (`tests/evidence/mutations.py` lists the
changes), in all ways; the text goes through the gate as always.

The oracle (`tests/evidence/oracle.c`, `cases.py`) shares no code with the battery: the kernel
with the mutant spliced in, called through the ABI in a child process, against gcc -O0's build:
every n from 0 to 83 (bytes: 135) with one odd element at every position, every array of up to 6
elements over two values, random ones of every n, all alignments, overlaps where the kernel allows
them, long arrays, all flush against unreadable pages or between bytes that look like more of the
array. Another answer, other bytes written anywhere, a crash or a hang is wrong. It sees what C
sees: no dead registers, no flags, no reads that do not fault. *Refused* is: by the gate, by a
fresh battery, or by the second verification. Of the mutants the oracle finds right, {sample} of
each path are put to the battery too."""
