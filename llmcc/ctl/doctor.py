"""`llmcc-ctl doctor`: whether llmcc works here, and what to do if it does not."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import click

from llmcc.config import BadSetting, read_config
from llmcc.ctl.doctor_checks import Finding, State, check_compilers, check_llmcc
from llmcc.ctl.doctor_surroundings import check_surroundings
from llmcc.settings_files import Settings


@click.command()
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def doctor(settings: Settings, *, is_json: bool) -> None:
    """Check gcc, the programs in front of it, the sandbox, the model and the settings.

    Among others it compiles an empty unit by `llmcc`, to see that llmcc's assembler runs. Ends
    with 1 when something that is needed does not work.
    """
    findings = examine(settings)
    if is_json:
        record = [{**asdict(finding), "state": finding.state.value} for finding in findings]
        click.echo(json.dumps(record, indent=1))
    else:
        for finding in findings:
            advice = f" {finding.advice}" if finding.advice else ""
            click.echo(f"{finding.state.value:8} {finding.what}: {finding.detail}.{advice}")
    if any(finding.state is State.PROBLEM for finding in findings):
        sys.exit(1)


def examine(settings: Settings) -> list[Finding]:
    """Make all checks."""
    try:
        config = read_config()
    except BadSetting as error:
        return [Finding("settings", State.PROBLEM, str(error), "Change or unset it.")]
    return [
        *check_compilers(),
        *check_llmcc(config),
        *check_surroundings(config, settings, os.environ, Path.cwd()),
    ]
