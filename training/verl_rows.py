"""Rows of both environments in verl's schema, and one file a problem that its judge reads.

A row is small and its schema constant, whatever the environment: `reward_model.ground_truth` is the
name of the problem's file, never its tests. Source: verl 0.9.1, utils/dataset/rl_dataset.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmcc.training.dataset import PairRecord, pair_to_line
from llmcc.training.program.prompting import prompt_of
from llmcc.training.program.rows import Row, to_line

PROGRAM, REGION = "llmcc/program", "llmcc/region"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem as verl and as its judge see it."""

    data_source: str  # PROGRAM or REGION
    id: str
    split: str
    prompt: str  # the user's one turn
    document: str  # one line of JSON: the row or the record


def program_problem(row: Row) -> Problem:
    """Write a whole program as a problem, with the published prompt."""
    return Problem(PROGRAM, row.id, row.split, prompt_of(row), to_line(row))


def region_problem(record: PairRecord) -> Problem:
    """Write a loop as a problem: the prompt of the embedded model, with words for a large one.

    Raises:
        ValueError: the record has no region, so nothing could be judged.
    """
    if record.region is None:
        raise ValueError(f"{record.id} has no region to judge by")
    prompt = (
        "Given the following x86-64 loop that gcc wrote, with the registers that it may use, write "
        f"a faster loop for {record.isa} that leaves the same registers and memory. It may jump "
        "back to .LH, where gcc's loop begins, to do the last iterations.\nAssembly Code:\n\n"
        f"```assembly\n{record.region.text}```\n\nContract:\n\n```\n{record.prompt}\n```\n\n"
        "Only output the optimized assembly code. Do not include any other text. Do not write any "
        "comments in the assembly code. Wrap the assembly code in ```assembly``` tags.\n"
        "Optimized Assembly Code:\n"
    )
    return Problem(REGION, record.id, record.split, prompt, pair_to_line(record))


def write_problems(problems: Iterable[Problem], folder: Path) -> dict[str, int]:
    """Write problems/N.json and one parquet file a split; returns the number of rows by split.

    What verl reads as validation is `validation.parquet`; a split without rows has no file.
    """
    from pyarrow import Table, parquet  # slow to import, and only of the extra [train]

    rows: dict[str, list[dict[str, Any]]] = {}
    (folder / "problems").mkdir(parents=True, exist_ok=True)
    for number, problem in enumerate(problems):
        name = f"{number}.json"
        (folder / "problems" / name).write_text(problem.document, encoding="utf-8")
        rows.setdefault(problem.split, []).append(_row(problem, number, name))
    for split, part in rows.items():
        target = folder / f"{split}.parquet"
        temporary = target.with_name(target.name + ".tmp")
        parquet.write_table(Table.from_pylist(part), temporary)
        temporary.replace(target)
    return {split: len(part) for split, part in rows.items()}


def read_document(path: Path) -> Mapping[str, Any]:
    """Read a problem's file.

    Raises:
        ValueError: it is not an object in JSON.
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise ValueError(f"{path} is not a problem")
    return document


def held_out(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Give the problems of the splits that training with verl reads: train and validation."""
    return (problem for problem in problems if problem.split in ("train", "validation"))


def _row(problem: Problem, number: int, name: str) -> dict[str, Any]:
    return {
        "data_source": problem.data_source,
        "prompt": [{"role": "user", "content": problem.prompt}],
        "ability": "code",
        "reward_model": {"style": "rule", "ground_truth": name},
        "extra_info": {"index": number, "split": problem.split, "id": problem.id},
    }
