"""Make versions, bring them into stages and back."""

from typing import Annotated, Literal

import typer

from ..declared import choose_model
from ..versions.registry import Registry
from .app import Model, Override, Sign, VersionName, Why, app, pin, tell


@app.command()
def register(
    message: Annotated[str, typer.Option("-m", "--message", help="What is new in it.")],
    bump: Annotated[Literal["major", "minor", "patch"], typer.Option()] = "minor",
    version: Annotated[str | None, typer.Option(help="The number itself.")] = None,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Make this commit a version of the model: v1.0.0 first, then the next minor number."""
    pin()
    from ..versions.register import register

    made = register(choose_model(model), bump, version, message, sign)
    print(f"{made.tag.name} is commit {made.tag.commit[:7]}")


@app.command()
def promote(
    version: VersionName,
    stage: Annotated[str, typer.Argument(help="A stage of versions.yaml.")],
    message: Why,
    override: Override = None,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Bring a version into a stage, once it has passed what the stage demands."""
    pin()
    from ..versions.stages import Order, promote

    done = promote(choose_model(model), version, stage, Order(message, override, sign, tell))
    print(f"{done.version.name} is in '{stage}' ({done.tag.name})")


@app.command()
def rollback(
    message: Why,
    stage: Annotated[str | None, typer.Argument(help="The last one, unless said.")] = None,
    to: Annotated[str | None, typer.Option(help="The version, if not the one before.")] = None,
    override: Override = None,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Bring the version back that was in a stage before, after a check of its bytes."""
    pin()
    from ..versions.stages import Order, rollback

    done = rollback(choose_model(model), stage, to, Order(message, override, sign, tell))
    print(f"{done.version.name} is in '{done.stage}' again ({done.tag.name})")


@app.command()
def deprecate(version: VersionName, message: Why, sign: Sign = False, model: Model = None) -> None:
    """Mark a version bad, so that nothing brings it into a stage again."""
    from ..versions.stages import Order, deprecate

    done = deprecate(choose_model(model), version, Order(message, None, sign, tell))
    print(f"{done.version.name} is marked bad ({done.tag.name})")


@app.command()
def restore(version: VersionName, model: Model = None) -> None:
    """Bring a version's params, code and locks back on a new branch, ready for review."""
    from ..versions.restore import restore

    branch, paths = restore(Registry.load(choose_model(model)).resolve(version))
    print(f"{len(paths)} files came back on the branch {branch}:")
    print("\n".join(f"  {path}" for path in paths))
    print("`dvc checkout` or `dvc pull` brings its data and model")
