"""Show what happened in a tracker."""

import sys
from importlib.util import find_spec
from typing import Annotated

from typer import Context, Option

from mlrepo.commands.options import Model, OutputFolder, VersionOrStage, announce, end, opened
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import models


def mirror(
    watch: Annotated[
        bool, Option("--watch", help="Keep running, and write what comes, until Ctrl-C.")
    ] = False,
    model: Model = None,
) -> None:
    """Write commits, experiments and versions to the tracker.

    Exit code 1: something could not be written.
    """
    from mlrepo.mirror import catch_up

    def once() -> bool:
        found = [catch_up.catch_up(name, announce) for name in models.each(model)]
        for done in found:
            print(f"runs written: {done.written}, there before: {done.there}")
            if done.passed:
                print(f"{done.passed} commits do not make the model and have no run")
            for line in done.tells:
                print(line, flush=True)
            for lacking in done.lacking:
                print(f"not complete: {lacking}", file=sys.stderr)
        return not any(done.lacking for done in found)

    if watch:
        catch_up.watch(once, announce)
    end(once())


def from_mlflow(
    context: Context, version: VersionOrStage, output: OutputFolder, model: Model = None
) -> None:
    """Write MLflow's copy of a version to a folder.

    Refused if its SHA-256 is not the recorded one.
    """
    if find_spec("mlflow") is None:
        raise ProjectError("mlflow is not installed: `uv add --dev mlflow` adds it")
    from mlrepo.mirror.mlflow_registry import restore

    with opened(model) as registry:
        chosen = registry.resolve(version)
        print(f"{chosen.name} is in {restore(chosen, registry.model, context.obj / output)}")
