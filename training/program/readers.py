"""Read rows and programs from files: JSON lines, CSV, parquet, and folders as of CodeNet."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from llmcc.training.program.rows import Program, Row, from_record

_FIELD_BYTES_MOST = 1 << 28  # the csv module stops at 128 KB, tests of a row are longer
_NUMBER = re.compile(r"(\d+)")


def read_rows(path: Path) -> Iterator[Row]:
    """Read rows in either schema of `rows.from_record` from .jsonl, .json, .csv or .parquet.

    Raises:
        ValueError: the suffix is unknown, or a row is not one; the message names the file.
    """
    for number, record in enumerate(read_records(path)):
        try:
            yield from_record(record, number=number)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def read_records(path: Path) -> Iterator[Mapping[str, Any]]:
    """Read a table's rows as fields by name.

    Raises:
        ValueError: the suffix is unknown, or the file is not of that format.
    """
    if path.suffix == ".jsonl":
        with path.open(encoding="utf-8") as stream:
            yield from (_object(json.loads(line), path) for line in stream if line.strip())
    elif path.suffix == ".json":
        document = json.loads(path.read_text(encoding="utf-8"))
        yield from (_object(record, path) for record in document)
    elif path.suffix == ".csv":
        csv.field_size_limit(_FIELD_BYTES_MOST)
        with path.open(encoding="utf-8", newline="") as stream:
            yield from csv.DictReader(stream)
    elif path.suffix == ".parquet":
        from pyarrow import parquet  # slow to import, and only of the extra [train]

        for batch in parquet.ParquetFile(path).iter_batches(batch_size=64):
            yield from batch.to_pylist()
    else:
        raise ValueError(f"{path}: not a .jsonl, .json, .csv or .parquet file")


def read_programs(path: Path) -> Iterator[Program]:
    """Read programs that have no assembly yet, from a table or a folder.

    A table has the fields id, c and tests (a list of input and output). In a folder every .c file
    is a program; its tests are in the same folder, or the next one upwards that has any: pairs of
    `X.in`/`X.out`, or `input….txt`/`output….txt`. Tests in a folder named like the file
    (`sum.c`, `sum/1.in`) or starting with its name (`sum.1.in`) are its own.

    Raises:
        ValueError: a record is not a program; the message names it.
    """
    if path.is_dir():
        for source in sorted(path.rglob("*.c")):
            yield _program(source, root=path)
        return
    if path.suffix == ".c":
        yield _program(path, root=path.parent)
        return
    for number, record in enumerate(read_records(path)):
        try:
            tests = record["tests"]
            tests = json.loads(tests) if isinstance(tests, str) else tests
            yield Program(
                id=str(record.get("id") or f"row-{number}"),
                c=record["c"],
                inputs=tuple(test["input"] for test in tests),
                outputs=tuple(test.get("output") for test in tests),
                split=str(record.get("split") or "test"),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path}: row {number} is not a program: {error}") from error


def _program(source: Path, *, root: Path) -> Program:
    pairs = _tests_of(source, root=root)
    return Program(
        id=str(source.relative_to(root).with_suffix("")),
        c=source.read_text(encoding="utf-8", errors="replace"),
        inputs=tuple(given.read_text(encoding="utf-8") for given, _ in pairs),
        outputs=tuple(
            wanted.read_text(encoding="utf-8") if wanted is not None else None
            for _, wanted in pairs
        ),
    )


def _tests_of(source: Path, *, root: Path) -> list[tuple[Path, Path | None]]:
    own = _tests_in(source.with_suffix("")) or [
        pair for pair in _tests_in(source.parent) if pair[0].name.startswith(source.stem + ".")
    ]
    if own:
        return own
    folder = source.parent
    while folder != root.parent:
        # A name in front of the number would be another program's.
        found = [
            pair
            for place in (folder, folder / "tests")
            for pair in _tests_in(place)
            if not (pair[0].parent / f"{pair[0].name.partition('.')[0]}.c").exists()
        ]
        if found:
            return found
        folder = folder.parent
    return []


def _tests_in(folder: Path) -> list[tuple[Path, Path | None]]:
    if not folder.is_dir():
        return []
    pairs: list[tuple[Path, Path | None]] = []
    for given in sorted(folder.iterdir(), key=_by_number):
        if given.suffix == ".in":
            wanted = given.with_suffix(".out")
        elif given.suffix == ".txt" and given.name.startswith("input"):
            wanted = given.with_name("output" + given.name.removeprefix("input"))
        else:
            continue
        pairs.append((given, wanted if wanted.exists() else None))
    return pairs


def _by_number(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBER.split(path.name)]


def _object(value: Any, path: Path) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{path}: {type(value).__name__} where an object was expected")
    return value
