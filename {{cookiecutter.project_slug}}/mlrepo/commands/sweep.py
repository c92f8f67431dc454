"""`model sweep`: many experiments, and the best of them proven."""

import os
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Context, Option

from mlrepo.commands.options import Model, announce, end
from mlrepo.pipeline.models import refuse_unnamed
from mlrepo.sweep import PATH

commands = typer.Typer(rich_markup_mode=None, invoke_without_command=True)

File = Annotated[Path, Option("-f", "--file", help="The file that says what to try.")]


@commands.callback()
def sweep(context: Context, file: File = PATH, model: Model = None) -> None:
    """Run the trials of sweep.yaml, or go on with them.

    Each trial is a DVC experiment. Exit code 1: every trial failed.
    """
    if file != PATH:
        file = Path(os.path.relpath(context.obj / file))
    context.obj = file  # for `apply`
    if context.invoked_subcommand is None:
        refuse_unnamed(model)
    if context.invoked_subcommand is None:
        from mlrepo.sweep.start import start

        raise typer.Exit(start(file, announce))


@commands.command()
def apply(
    context: Context,
    experiment: Annotated[
        str | None, Argument(metavar="[EXPERIMENT]", help="By default the best one.")
    ] = None,
    model: Model = None,
) -> None:
    """Put an experiment into this folder, and run it again.

    Exit code 1: the outputs are not the recorded ones.
    """
    from mlrepo.sweep.experiments import apply as brought

    refuse_unnamed(model)
    name, differing = brought(context.obj, experiment, announce)
    if differing:
        print("\n".join(f"{path} differs from the recorded one" for path in differing))
    else:
        print(f"identical: {name} is in this folder, and every output has the recorded bytes")
    end(not differing)
