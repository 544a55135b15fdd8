"""One row of the program environment: a C program, its assembly and its tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TESTS_MOST = 10  # the paper makes and scores ten tests a program (generate_io.py, metrics.py)


@dataclass(frozen=True, slots=True)
class Example:
    """One run of a program: what it reads on stdin and what it must print on stdout."""

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class Program:
    """A program as its source says: what rows are made from."""

    id: str
    c: str
    inputs: tuple[str, ...]
    outputs: tuple[str | None, ...]  # None: nobody says what to expect
    split: str = "test"


@dataclass(frozen=True, slots=True)
class Row:
    """A program with the baseline that a response has to beat.

    assembly: the complete file that gcc -O3 -S wrote. The scripts the paper's authors released put
        -O0 assembly here and call the field `unoptimized_assembly`; the data they released hold
        -O3. Rows that llmcc makes hold -O3, under a name that says nothing else.
    """

    id: str
    c: str
    assembly: str
    tests: tuple[Example, ...]
    split: str = "test"  # "train", "validation" or "test"


def to_line(row: Row) -> str:
    """Write a row as one line of JSON, newline included."""
    document = {
        "id": row.id,
        "split": row.split,
        "c": row.c,
        "assembly": row.assembly,
        "tests": [{"input": test.input, "output": test.output} for test in row.tests],
    }
    return json.dumps(document, ensure_ascii=False) + "\n"


def from_record(record: Mapping[str, Any], *, number: int) -> Row:
    """Read a row from either schema: ours (`to_line`) or the paper's.

    The paper's rows have prompt, reward_model and extra_info with c_code, inputs, outputs and
    unoptimized_assembly; in a CSV the nested values are JSON.

    Args:
        record: fields by name.
        number: which row of the file it is, from 0; names a row that has no id.

    Raises:
        ValueError: a field is missing or of another type.
    """
    try:
        return _of_paper(record, number) if "extra_info" in record else _of_ours(record, number)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f"row {number} is not a row of the program environment: {error}"
        ) from error


def _of_ours(record: Mapping[str, Any], number: int) -> Row:
    tests = _nested(record["tests"])
    return Row(
        id=str(record.get("id") or f"row-{number}"),
        c=_text(record["c"]),
        assembly=_text(record["assembly"]),
        tests=tuple(Example(_text(test["input"]), _text(test["output"])) for test in tests),
        split=str(record.get("split") or "test"),
    )


def _of_paper(record: Mapping[str, Any], number: int) -> Row:
    extra = _nested(record["extra_info"])
    if isinstance(extra, list):  # all_inference.py reads extra_info[0]
        extra = extra[0]
    inputs, outputs = list(extra["inputs"]), list(extra["outputs"])
    if len(inputs) != len(outputs):
        raise ValueError(f"{len(inputs)} inputs and {len(outputs)} outputs")
    split = str(extra.get("split") or record.get("data_source") or "test")
    return Row(
        id=str(extra.get("index", f"row-{number}")),
        c=_text(extra["c_code"]),
        assembly=without_fence(_text(extra["unoptimized_assembly"])),
        tests=tuple(
            Example(_text(given), _text(wanted))
            for given, wanted in zip(inputs, outputs, strict=True)
        ),
        split={"val": "validation"}.get(split, split),
    )


def without_fence(text: str) -> str:
    """Take the marks of a fenced block off, exactly as the paper does with every response.

    Source: `gen_res.replace('```assembly\\n', '').replace('```', '')` in test_benchmark.py.
    """
    return text.replace("```assembly\n", "").replace("```", "")


def _nested(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where text was expected")
    return value
