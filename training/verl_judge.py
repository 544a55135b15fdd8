"""Judge one response for `verl_hook`: a question in JSON on stdin, an answer in JSON on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from llmcc.outcome import Outcome
from llmcc.training.judgement import Judgement
from llmcc.training.judging import Case, JudgePool
from llmcc.training.program.copies import is_copy
from llmcc.training.program.fence import refuse_network
from llmcc.training.program.judging import Protocol, judge
from llmcc.training.program.prompting import assembly_of
from llmcc.training.program.rows import from_record
from llmcc.training.regions_json import from_json
from llmcc.training.rewards import REWARDS, is_about_proposal
from llmcc.training.verl_rows import PROGRAM, read_document


def answer(question: Mapping[str, Any]) -> dict[str, float]:
    """Judge a response; the keys of `verl_hook.KEYS`.

    Raises:
        ValueError, KeyError: the question or the problem's file is not of that form.
        OSError: the problem's file cannot be read.
    """
    document = read_document(Path(question["problems"]) / question["problem"])
    text = assembly_of(question["response"])
    judgement, is_copied = (
        _program(document, text, question["protocol"])
        if question["data_source"] == PROGRAM
        else _region(document, text)
    )
    is_judged = is_about_proposal(judgement)
    return {
        "score": REWARDS[question["reward"]](judgement) if is_judged else 0.0,
        "is_judged": float(is_judged),
        "is_built": float(not judgement.outcome.name.startswith(("GATE_", "NO_PROPOSAL"))),
        "is_right": float(judgement.is_right),
        "is_faster": float(judgement.is_faster),
        "is_copy": float(is_copied),
        "tests_passed": judgement.tests_passed,
        "ratio": judgement.ratio or 0.0,
    }


def _program(document: Mapping[str, Any], text: str, protocol: Protocol) -> tuple[Judgement, bool]:
    refuse_network()
    result = judge(from_record(document, number=0), text, protocols=(protocol,))
    return result.judgement(protocol), result.is_copy


def _region(document: Mapping[str, Any], text: str) -> tuple[Judgement, bool]:
    region = from_json(document["region"])
    with JudgePool(jobs=1, seed=0) as pool:
        (judgement,) = pool.judge([Case(region, document["isa"], text)])
    is_copied = judgement.outcome is Outcome.IDENTICAL or is_copy(text, region.text)
    return judgement, is_copied


def main() -> None:
    """Answer the one question on stdin."""
    json.dump(answer(cast("dict[str, Any]", json.load(sys.stdin))), sys.stdout)


if __name__ == "__main__":
    main()
