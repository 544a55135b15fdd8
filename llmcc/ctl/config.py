"""`llmcc-ctl config`: every setting, where it comes from, and what of the files does not count."""

from __future__ import annotations

import json
from dataclasses import dataclass

import click

from llmcc.config import BadSetting, read_config
from llmcc.settings_files import Settings

# Shown as set or not set.
_SECRETS = frozenset({"remote_secret"})


@dataclass(frozen=True, slots=True)
class Row:
    """One setting as it is shown."""

    key: str
    variable: str
    value: str
    origin: str  # "environment", "default" or the path of a file
    project_may_set: bool


@click.command()
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def config(settings: Settings, *, is_json: bool) -> None:
    """Print every setting with its origin.

    The environment comes first, then llmcc.toml of the project, then the user's config.toml.
    """
    rows = _rows(settings)
    problem = _problem()
    if is_json:
        record = {
            "settings": [
                {name: getattr(row, name) for name in Row.__dataclass_fields__} for row in rows
            ],
            "ignored": [
                {"path": str(one.path), "line": one.line, "why": one.why}
                for one in settings.ignored
            ],
            "problem": problem,
        }
        click.echo(json.dumps(record, indent=1))
        return
    width = max(len(row.key) for row in rows)
    values = max(len(row.value) for row in rows)
    for row in rows:
        click.echo(f"{row.key:{width}}  {row.value:{values}}  {row.origin}")
    for one in settings.ignored:
        click.echo(f"ignored: {one.place()}: {one.why}")
    if problem:
        click.echo(f"wrong: {problem}")


def _rows(settings: Settings) -> list[Row]:
    return [
        Row(
            key=value.setting.key,
            variable=value.setting.variable,
            value="(hidden)" if value.setting.key in _SECRETS and value.text else value.text,
            origin=value.origin,
            project_may_set=value.setting.is_projects,
        )
        for value in settings.values
    ]


def _problem() -> str:
    """Return what read_config says against the settings as a whole; "" when nothing."""
    try:
        read_config()
    except BadSetting as error:
        return str(error)
    return ""
