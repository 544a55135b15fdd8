"""`llmcc-ctl clean`: make the store smaller, or empty."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict

import click

from llmcc.config import BadSetting, read_config
from llmcc.store.evict import Trimmed, trim, wipe
from llmcc.store.generation import bump_generation

_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def _age_s(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    form = re.fullmatch(r"([0-9]+)([smhdw])", value or "0s", re.ASCII)
    if form is None:
        raise click.BadParameter(f"{value!r} is not an age like 12h or 30d")
    return None if value is None else float(int(form[1]) * _UNIT_S[form[2]])


def _size_bytes(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Read a size as LLMCC_CAP is read."""
    try:
        return None if value is None else read_config({"LLMCC_CAP": value}).cap_bytes
    except BadSetting:
        raise click.BadParameter(f"{value!r} is not a size like 500M or 1G") from None


@click.command()
@click.option(
    "--all", "is_all", is_flag=True, help="Forget everything, what you have refused as well."
)
@click.option(
    "--older-than",
    "age_s",
    callback=_age_s,
    metavar="AGE",
    help="Remove what was not used for so long, e.g. 12h or 30d.",
)
@click.option(
    "--max-size",
    "cap_bytes",
    callback=_size_bytes,
    metavar="SIZE",
    help="Keep at most so much, e.g. 500M.  [default: LLMCC_CAP]",
)
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def clean(*, is_all: bool, age_s: float | None, cap_bytes: int | None, is_json: bool) -> None:
    """Remove from the store what was used longest ago, until it is below its cap.

    Compiles do so by themselves; this does it now. Rewrites that a test or you have refused stay
    refused, and what waits for `llmcc-ctl optimize` keeps waiting, unless --all is given. Compiled
    programs of llmcc and its log are never removed.
    """
    config = read_config()
    if is_all and (age_s is not None or cap_bytes is not None):
        raise click.UsageError("--all removes everything: --older-than and --max-size say less.")
    try:
        done = _clean(is_all, age_s, config.cap_bytes if cap_bytes is None else cap_bytes)
    except OSError as error:
        raise click.ClickException(f"{config.cache}: {error.strerror}.") from None
    if done is None:
        raise click.ClickException("another process is cleaning the store. Try again.")
    if is_json:
        click.echo(json.dumps(asdict(done), indent=1))
        return
    click.echo(
        f"{done.removed} entries removed ({_in_mb(done.removed_bytes)}), "
        f"{done.kept} kept ({_in_mb(done.kept_bytes)})"
    )


def _clean(is_all: bool, age_s: float | None, cap_bytes: int) -> Trimmed | None:
    cache = read_config().cache
    if not cache.is_dir():
        return Trimmed(0, 0, 0, 0, 0)
    done = (
        wipe(cache)
        if is_all
        else trim(cache, cap_bytes=cap_bytes, now_s=time.time(), unused_for_s=age_s)
    )
    if done and done.removed:
        bump_generation(cache)
    return done


def _in_mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"
