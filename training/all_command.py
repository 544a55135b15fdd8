"""``llmcc-train all``: from nothing to a judged model in one command, called until it is done."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import click

from llmcc.training.presets import (
    PRESETS,
    loops_file,
    making_stages,
    sources_of_loops,
    training_stages,
)
from llmcc.training.stages import Ending, run_stages


@click.command(name="all")
@click.option("--preset", "name", type=click.Choice(sorted(PRESETS)), required=True, help="Sizes.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Folder of everything that is made. Default: runs/<preset>.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of all that is drawn.")
@click.option(
    "--minutes", type=float, default=None, help="Stop after this long. Default: the preset's."
)
def make_all(name: str, out: Path | None, seed: int, minutes: float | None) -> None:
    """Make a model: corpus, harvest, sft, rft, ppo, eval, export; call it again to go on."""
    preset = PRESETS[name]
    out = out or Path("runs") / name
    deadline_s = time.monotonic() + 60 * (minutes or preset.run_minutes)

    def remaining_s() -> float:
        return deadline_s - time.monotonic()

    done = out / "done"
    ending = run_stages(
        making_stages(preset, out), done=done, remaining_s=remaining_s, log=click.echo
    )
    if ending is Ending.COMPLETE:
        join_loops(out)
        ending = run_stages(
            training_stages(preset, out, seed=seed),
            done=done,
            remaining_s=remaining_s,
            log=click.echo,
        )
    if ending is Ending.TIME_OVER:
        click.echo(f"call `llmcc-train all --preset {name} --out {out}` again to go on")
    elif ending is Ending.FAILED:
        raise click.ClickException("a stage failed; what was made before it is kept")
    else:
        click.echo(f"the model is in {out / 'model'}, its figures in {out / 'eval'}")


def join_loops(out: Path) -> None:
    """Write the loops of all sources into one file, unless it is there."""
    target = loops_file(out)
    if target.exists():
        return
    temporary = target.with_name(target.name + ".tmp")
    with temporary.open("wb") as stream:
        for source in sources_of_loops(out):
            if source.exists():
                with source.open("rb") as lines:
                    shutil.copyfileobj(lines, stream)
    temporary.replace(target)
