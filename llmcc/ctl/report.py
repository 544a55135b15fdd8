"""`llmcc-ctl report`: one HTML page about a build: what was tried, what won, and why not more."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from llmcc.config import read_config
from llmcc.ctl.builds import is_below, last_build, resolved_source, source_of, summarise
from llmcc.store.unit_records import UnitRecord, UnitRecords, latest, loop_to_json


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default="llmcc-report.html",
    show_default=True,
    help="Where to write the page.",
)
@click.option(
    "--last/--all",
    "is_last",
    default=True,
    show_default=True,
    help="The last build, or each source and command as it was compiled last.",
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON, write no page.")
def report(path: Path | None, *, output: Path, is_last: bool, is_json: bool) -> None:
    """Write a page about a build: what was tried, what won, and why not more.

    Of units compiled from PATH, a source or a folder, when it is given. The page is one file that
    loads nothing. Units that came whole from the store are not in it: they leave no record.
    """
    records = UnitRecords(read_config().cache).all()
    if path is not None:
        records = [record for record in records if is_below(record, path)]
    units = last_build(records) if is_last else latest(records)
    if is_json:
        click.echo(json.dumps(_described(units), indent=1))
        return
    if not units:
        where = f" of {path}" if path is not None else ""
        raise click.ClickException(f"no units{where} yet. Compile something with llmcc.")
    # The template engine is loaded only for a page.
    from llmcc.ctl.report_page import render

    base = Path(os.path.realpath(path)) if path is not None else _common_folder(units)
    page = render(units, base=base, now_s=time.time())
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(
            f"{output}: {error.strerror}. Name another with --output."
        ) from None
    click.echo(f"{output}: {summarise(units).loops} loops of {len(units)} units")


def _common_folder(units: Sequence[UnitRecord]) -> Path:
    """Return the folder that holds all sources whose place is known; `/` when none is."""
    folders = [source.parent for unit in units if (source := resolved_source(unit))]
    return Path(os.path.commonpath(folders)) if folders else Path("/")


def _described(units: Sequence[UnitRecord]) -> dict[str, object]:
    return {
        "summary": asdict(summarise(units)),
        "units": [
            {
                "source": str(source_of(unit)),
                "folder": unit.folder,
                "command": list(unit.command),
                "key": unit.key,
                "summary": asdict(summarise([unit])),
                "loops": [loop_to_json(loop) for loop in unit.loops],
            }
            for unit in units
        ],
    }
