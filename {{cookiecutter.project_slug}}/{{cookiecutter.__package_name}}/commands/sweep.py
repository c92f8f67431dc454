"""`model sweep`: many experiments, and the best of them proven."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ..sweep import PATH
from .app import HERE, app, tell

sweeps = typer.Typer(rich_markup_mode=None, invoke_without_command=True)
app.add_typer(sweeps, name="sweep")

File = Annotated[Path, typer.Option("-f", "--file", help="What to try.")]


@sweeps.callback()
def sweep(context: typer.Context, file: File = PATH) -> None:
    """Try what sweep.yaml says on the last commit, each trial a DVC experiment; goes on if stopped.

    Exit code 1: every trial failed.
    """
    context.obj = _place(file)
    if context.invoked_subcommand is None:
        from ..sweep.start import start

        raise typer.Exit(start(context.obj, tell))


@sweeps.command()
def apply(
    context: typer.Context,
    experiment: Annotated[str | None, typer.Argument(metavar="[EXPERIMENT]")] = None,
) -> None:
    """Bring the best experiment, or a named one, here; DVC makes it again to compare."""
    from ..sweep.apply import apply as brought

    name, differing = brought(context.obj, experiment, tell)
    if differing:
        print("\n".join(f"{path} differs from the recorded one" for path in differing))
        raise typer.Exit(1)
    print(f"identical: {name} is in this folder, and every output has the recorded bytes")


def _place(file: Path) -> Path:
    return file if file == PATH else Path(os.path.relpath(HERE / file))
