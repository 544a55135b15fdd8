"""`llmcc-ctl lock`: pin the accepted fast paths of a project in a file of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from llmcc.config import read_config
from llmcc.files import write_atomically
from llmcc.native.identity import generation
from llmcc.settings_files import why_untrusted
from llmcc.store.keys import cpu_model
from llmcc.store.lock import (
    MOST_BYTES,
    BadLock,
    Lock,
    LockedPath,
    accepted_paths,
    parse_lock,
    render_lock,
)
from llmcc.store.unit_records import UnitRecord, UnitRecords, latest


@click.command()
@click.argument("path", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The lock file; llmcc.lock in PATH unless told.",
)
@click.option("--check", "is_check", is_flag=True, help="Write nothing; say what does not fit.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def lock(path: Path, *, output: Path | None, is_check: bool, is_json: bool) -> None:
    """Write all accepted fast paths of what was compiled in PATH or below into a lock file.

    Compiles below the folder of a file called llmcc.lock then take exactly these, on every machine,
    and try nothing: with the same gcc and llmcc the objects are the same. Without LLMCC_LOCK=0 such
    compiles find nothing new, so set that to optimise again.

    --check names the entries of the file that match no loop of the last compiles, and the fast
    paths of these that are not in the file; exit code 1 when there are any.
    """
    folder = path.absolute()
    file = folder / "llmcc.lock" if output is None else output
    records = [
        record
        for record in latest(UnitRecords(read_config().cache).all())
        if Path(record.folder).is_relative_to(folder)
    ]
    found = accepted_paths(records, cpu=cpu_model())
    if is_check:
        sys.exit(_check(file, records, found, is_json=is_json))
    kept = _as_written(file, found)
    write_atomically(file, render_lock(Lock(generation(), kept)))
    file.chmod(0o644)
    if is_json:
        click.echo(json.dumps({"file": str(file), "accepted": len(kept), "units": len(records)}))
    else:
        click.echo(f"{file}: {len(kept)} fast paths of {len(records)} units")


def _as_written(file: Path, found: Mapping[str, LockedPath]) -> dict[str, LockedPath]:
    """Keep entries as they are in the file when they say the same: who timed them where, too."""
    try:
        before = parse_lock(file.read_bytes()).paths
    except (OSError, BadLock):
        return dict(found)
    return {
        identity: old if (old := before.get(identity)) and _is_same(old, path) else path
        for identity, path in found.items()
    }


def _is_same(one: LockedPath, other: LockedPath) -> bool:
    return (one.isa, one.rewrite) == (other.isa, other.rewrite)


def _check(
    file: Path,
    records: Iterable[UnitRecord],
    found: Mapping[str, LockedPath],
    *,
    is_json: bool,
) -> int:
    try:
        locked = parse_lock(file.read_bytes())
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    except BadLock as error:
        raise click.ClickException(f"{file}: {error}. Compiles give gcc's output.") from error
    loops = {loop.identity for record in records for loop in record.loops}
    stale = [path for identity, path in locked.paths.items() if identity not in loops]
    missing = [
        path
        for identity, path in found.items()
        if identity not in locked.paths or not _is_same(locked.paths[identity], path)
    ]
    complaints = [
        *(f"matches no loop: {path.function} of {path.source}" for path in stale),
        *(f"not in the file: {path.function} of {path.source}" for path in missing),
    ]
    refusal = why_untrusted(file, most_bytes=MOST_BYTES)
    if refusal:
        complaints.append(f"compiles ignore the file: {refusal}")
    if locked.generation != generation():
        complaints.append("another version of llmcc wrote it")
    counts = {"accepted": len(locked.paths), "stale": len(stale), "missing": len(missing)}
    if is_json:
        click.echo(json.dumps({"file": str(file), **counts, "complaints": complaints}, indent=1))
    else:
        for complaint in complaints:
            click.echo(complaint)
        click.echo("{accepted} fast paths, {stale} stale, {missing} missing".format(**counts))
    return 1 if stale or missing or refusal else 0
