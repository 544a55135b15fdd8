"""The reward that verl calls. It runs in verl's environment, so it imports nothing of llmcc.

Each call starts llmcc's own Python, which judges one response and answers in JSON. It never raises,
and answers with the same keys every time: verl takes the keys of the first sample for all.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

KEYS = (
    "score",
    "is_judged",
    "is_built",
    "is_right",
    "is_faster",
    "is_copy",
    "tests_passed",
    "ratio",
)


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: Any = None,
    *,
    python: str,
    problems: str,
    reward: str,
    protocol: str,
    timeout_s: float,
    **_: Any,
) -> dict[str, float]:
    """Judge one response.

    Args:
        data_source: which environment, see verl_rows.py.
        solution_str: the response.
        ground_truth: name of the problem's file.
        extra_info: not used.
        python: llmcc's Python.
        problems: folder of the problems' files.
        reward: "lcb", "cgs" or "so".
        protocol: "ours" or "paper": how a program is timed.
        timeout_s: how long a judgement may take.

    Returns `KEYS`, all numbers; ratio is 0.0 when nothing was timed. A response that could not be
    judged (the machine's fault, not its own) has is_judged 0.0 and score 0.0: verl cannot leave a
    sample out.
    """
    question = {
        "data_source": data_source,
        "response": solution_str,
        "problem": ground_truth,
        "problems": problems,
        "reward": reward,
        "protocol": protocol,
    }
    try:
        answer = subprocess.run(
            [python, "-m", "llmcc.training.verl_judge"],
            input=json.dumps(question),
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=True,
        )
        found = json.loads(answer.stdout)
        return {key: float(found[key]) for key in KEYS}
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError):
        return dict.fromkeys(KEYS, 0.0)


def _environment() -> dict[str, str]:
    # Ray points Python at verl's packages, which are other versions than llmcc's.
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
