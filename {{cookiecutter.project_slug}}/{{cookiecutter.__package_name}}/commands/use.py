"""Use a model."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ..declared import choose_model
from ..errors import ProjectError
from ..versions.registry import Registry
from .app import HERE, Model, app, pin, tell


@app.command()
def predict(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="CSV, Parquet, or a folder.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A .csv or .parquet file.")],
    version: Annotated[str | None, typer.Option(help="With this version.")] = None,
    stage: Annotated[str | None, typer.Option(help="With what is in this stage.")] = None,
    bad_rows: Annotated[
        Literal["refuse", "set-aside"], typer.Option(help="What becomes of a bad row.")
    ] = "refuse",
    model: Model = None,
) -> None:
    """Predict for the rows of a table, with the model of this folder or of a version."""
    if version and stage:
        raise ProjectError("name a version or a stage, not both")
    pin()
    from ..prediction import chosen, run

    name = choose_model(model)
    if version or stage:
        registry = Registry.load(name)
        picked = registry.version(version) if version else registry.resolve(str(stage))
        found = chosen.of_version(picked, tell)
    else:
        found = chosen.of_folder(name)
    counts = run.predict(found, HERE / source, HERE / output, bad_rows == "set-aside", tell)
    print(f"{counts.predicted} rows predicted by {found.version} ({found.sha256[:12]}) in {output}")
    if counts.bad:
        print(f"{counts.bad} rows break the schema: {run.bad_rows(output)}")
