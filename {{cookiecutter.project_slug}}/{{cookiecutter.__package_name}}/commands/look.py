"""Look at versions, at stages and at what happened; get a version out."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .. import listings
from ..declared import choose_model
from ..git import file_at
from ..output import as_json, changes
from ..results import read_text
from ..versions.registry import Registry
from .app import HERE, Json, Model, VersionName, app, show_table

CARD = Path("MODEL_CARD.md")


@app.command()
def show(json: Json = False, model: Model = None) -> None:
    """List the versions, and which of them is in which stage."""
    show_table(listings.versions(choose_model(model)), json)


@app.command()
def history(
    stage: Annotated[str | None, typer.Option(help="Of this stage alone.")] = None,
    json: Json = False,
    model: Model = None,
) -> None:
    """List every registration, promotion and rollback, newest first."""
    show_table(listings.history(choose_model(model), stage), json)


@app.command()
def at(
    date: Annotated[str, typer.Argument(help="2026-03-01 (its end, here) or 2026-03-01T12:00Z.")],
    stage: str,
    json: Json = False,
    model: Model = None,
) -> None:
    """Say what was in a stage at a date."""
    show_table(listings.at(choose_model(model), date, stage), json)


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A version or a stage.")],
    b: Annotated[str, typer.Argument(metavar="B")],
    json: Json = False,
    model: Model = None,
) -> None:
    """Say what changed from one version to another, in all that a version is made of."""
    from ..versions.diff import diff as compared

    registry = Registry.load(choose_model(model))
    found = compared(registry.resolve(a), registry.resolve(b))
    print(as_json(found) if json else changes(found))


@app.command()
def card(
    version: Annotated[str | None, typer.Argument(metavar="[VERSION|STAGE]")] = None,
    model: Model = None,
) -> None:
    """Print the model card of a version, or of this folder."""
    if version is None:
        print(read_text(CARD), end="")
        return
    commit = Registry.load(choose_model(model)).resolve(version).tag.commit
    print(file_at(commit, CARD.as_posix()), end="")


@app.command()
def record(
    version: VersionName,
    form: Annotated[Literal["json", "slsa", "cyclonedx"], typer.Option("--format")] = "json",
    model: Model = None,
) -> None:
    """Print all that is recorded of a version, also as SLSA provenance or CycloneDX ML-BOM."""
    from ..exports.render import render

    print(render(Registry.load(choose_model(model)).resolve(version), form))


@app.command()
def get(
    version: Annotated[str, typer.Argument(metavar="VERSION|STAGE")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A folder.")],
    model: Model = None,
) -> None:
    """Write a version's model, its SHA-256 and VERSION.json to a folder, proven."""
    from ..versions import deliver

    chosen = Registry.load(choose_model(model)).resolve(version)
    print(f"{chosen.name} is in {deliver.fetch(chosen, HERE / output)}")
