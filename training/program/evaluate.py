"""``llmcc-train program-eval``: the paper's table for a set of responses, under both protocols."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from llmcc.training.program.fence import refuse_network
from llmcc.training.program.judging import PROTOCOLS, Protocol, Result, judge
from llmcc.training.program.metrics import Summary, summarise
from llmcc.training.program.prompting import assembly_of
from llmcc.training.program.readers import read_rows
from llmcc.training.program.responses import (
    NoAnswer,
    Server,
    ask_all,
    copies,
    read_responses,
    response_line,
)
from llmcc.training.program.rows import Row
from llmcc.training.program.running import Limits
from llmcc.training.program.timing import find_hyperfine


@click.command("program-eval")
@click.argument("rows_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--responses",
    "responses_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help='JSON lines of {"id": …, "response": …}.',
)
@click.option("--model", default=None, help='"openai:URL" (up to /v1) or "copy".')
@click.option("--name", default="default", show_default=True, help="The server's model.")
@click.option("--split", default=None, help="Only rows of this split.")
@click.option("--limit", type=click.IntRange(min=1), default=None, help="Only so many rows.")
@click.option("--seed", type=int, default=0, show_default=True, help="Order of the pairs.")
@click.option(
    "--protocol",
    "protocols",
    type=click.Choice(PROTOCOLS),
    multiple=True,
    default=PROTOCOLS,
    show_default=True,
    help="How to time; may be given twice.",
)
@click.option(
    "--limit-s",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Longest run of a program, in seconds (the paper waits 120).",
)
@click.option(
    "--save-responses",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Keep the server's responses in this file.",
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Write figures and single results to this file.",
)
def program_eval(
    rows_file: Path,
    responses_file: Path | None,
    model: str | None,
    name: str,
    split: str | None,
    limit: int | None,
    seed: int,
    protocols: tuple[Protocol, ...],
    limit_s: float,
    save_responses: Path | None,
    json_file: Path | None,
) -> None:
    """Judge responses to ROWS_FILE (.jsonl, .csv, .parquet); one row says A/A, by both protocols.

    Responses are hostile code that runs as you: see docs/training.md for what protects.
    """
    try:
        rows = [row for row in read_rows(rows_file) if split in (None, row.split)][:limit]
        responses = _responses(rows, responses_file, model, name, save_responses)
    except (ValueError, NoAnswer) as error:
        raise click.ClickException(str(error)) from error
    if not rows:
        raise click.ClickException(f"{rows_file} has no such rows")
    # Only now, since a model was asked through the network.
    is_fenced = refuse_network()
    limits = Limits(wall_s=limit_s, cpu_s=int(limit_s) + 1)
    judged: list[Result] = []
    same: list[Result] = []
    for row in track(rows, description="programs", transient=True):
        answer = assembly_of(responses.get(row.id, ""))
        judged.append(judge(row, answer, protocols=protocols, seed=seed, limits=limits))
        same.append(
            judge(
                row,
                row.assembly,
                protocols=protocols,
                seed=seed + 1,
                limits=limits,
                times_copies=True,
            )
        )
    sets = {"A/A (the baseline again)": same, _label(responses_file, model, name): judged}
    summaries = {
        label: [summarise(results, protocol) for protocol in protocols]
        for label, results in sets.items()
    }
    _print(summaries, is_fenced=is_fenced)
    if json_file is not None:
        document = {
            "rows": str(rows_file),
            "hyperfine": str(find_hyperfine() or "own copy"),
            "summaries": {k: [asdict(s) for s in v] for k, v in summaries.items()},
            "results": {k: [_to_json(result) for result in v] for k, v in sets.items()},
        }
        json_file.write_text(json.dumps(document, indent=1) + "\n")


def _responses(
    rows: list[Row], path: Path | None, model: str | None, name: str, keep: Path | None
) -> dict[str, str]:
    if (path is None) == (model is None):
        raise ValueError("give either --responses or --model")
    if path is not None:
        return read_responses(path)
    if model == "copy":
        return copies(rows)
    if model is None or not model.startswith("openai:"):
        raise ValueError(f'--model is "copy" or "openai:URL", not {model!r}')
    server = Server(model.removeprefix("openai:"), name)
    responses = {}
    for identity, response in track(
        ask_all(server, rows), total=len(rows), description="responses", transient=True
    ):
        responses[identity] = response
        if keep is not None:
            with keep.open("a", encoding="utf-8") as stream:
                stream.write(response_line(identity, response))
    return responses


def _label(path: Path | None, model: str | None, name: str) -> str:
    if path is not None:
        return path.name
    return "copy" if model == "copy" else name


def _print(summaries: dict[str, list[Summary]], *, is_fenced: bool) -> None:
    table = Table(title="Responses to whole programs; ratios over 1 are faster than gcc -O3")
    for heading in ("responses", "timed by", "n", "compile", "pass", "copies", "identical*"):
        table.add_column(heading, no_wrap=True)
    for heading in ("faster", "mean", "geomean", "p25/50/75", "floored"):
        table.add_column(heading, no_wrap=True)
    for label, row in summaries.items():
        for summary in row:
            table.add_row(
                label,
                summary.protocol,
                str(summary.count),
                *(
                    f"{share:.1%}"
                    for share in (
                        summary.compile_pass,
                        summary.test_pass,
                        summary.copies,
                        summary.identical_by_paper,
                        summary.shown_faster,
                    )
                ),
                f"{summary.mean:.3f}",
                f"{summary.geomean:.3f}",
                "/".join(f"{value:.3f}" for value in summary.percentiles),
                "/".join(f"{value:.3f}" for value in summary.floored_percentiles),
            )
    console = Console(width=None if Console().is_terminal else 160)
    console.print(table)
    tool = find_hyperfine()
    console.print(
        "* by the paper's check of the raw text. paper: 3 + 10 runs a test, mean over mean, each "
        "test at least 1.0, by " + (str(tool) if tool else "llmcc's copy of what hyperfine does")
    )
    if not is_fenced:
        console.print("No seccomp here: the programs could reach the network.")


def _to_json(result: Result) -> dict[str, object]:
    document = asdict(result)
    document["tested"]["outcome"] = result.tested.outcome.name
    return document
