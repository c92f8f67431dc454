"""Make versions, and bring them into stages and back."""

from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from mlrepo.commands.options import (
    Json,
    Model,
    Override,
    Sign,
    VersionName,
    Why,
    announce,
    end,
    opened,
    pin,
)
from mlrepo.pipeline.models import choose_model
from mlrepo.pipeline.output import as_json


def register(
    message: Annotated[str, Option("-m", "--message", help="What is new in the version.")],
    bump: Annotated[
        Literal["major", "minor", "patch"],
        Option(help="Which part of the highest version number to raise."),
    ] = "minor",
    version: Annotated[
        str | None, Option(help="Use exactly this version number, such as 2.0.0.")
    ] = None,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Make this commit a version: v1.0.0, then v1.1.0 and so on."""
    pin()
    from mlrepo.versions.register import register

    made = register(choose_model(model), bump, version, message, sign, announce)
    print(f"{made.tag.name} is commit {made.tag.commit[:7]}")


def promote(
    version: VersionName,
    stage: Annotated[
        str, Argument(metavar="STAGE", help="A stage of versions.yaml, such as prod.")
    ],
    message: Why,
    override: Override = None,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Bring a version into a stage.

    Exit code 1: the gate refuses it, or it has too few approvals.
    """
    pin()
    from mlrepo.versions.promotion import Order, promote

    done = promote(choose_model(model), version, stage, Order(message, override, sign, announce))
    print(f"{done.version.name} is in '{stage}' ({done.tag.name})")


def rollback(
    message: Why,
    stage: Annotated[
        str | None, Argument(metavar="[STAGE]", help="By default the last stage of versions.yaml.")
    ] = None,
    to: Annotated[
        str | None, Option(help="The version to go back to; by default the one before.")
    ] = None,
    override: Annotated[
        str | None,
        Option(
            help="Go on though approvals or a signature are missing; the tag keeps this reason."
        ),
    ] = None,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Bring back the version that was in a stage before.

    Exit code 1: the version was never in the stage, and has too few approvals for it.
    """
    pin()
    from mlrepo.versions.promotion import Order, rollback

    done = rollback(choose_model(model), stage, to, Order(message, override, sign, announce))
    print(f"{done.version.name} is in '{done.stage}' again ({done.tag.name})")


def retire(
    stage: Annotated[str, Argument(metavar="STAGE", help="The stage to empty.")],
    message: Why,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Empty a stage; `model rollback` brings back what was in it."""
    from mlrepo.versions.promotion import Order, retire

    done = retire(choose_model(model), stage, Order(message, None, sign, announce))
    print(f"nothing is in '{stage}' now; {done.version.name} was ({done.tag.name})")


def deprecate(version: VersionName, message: Why, sign: Sign = False, model: Model = None) -> None:
    """Mark a version as bad: it cannot come into a stage again."""
    from mlrepo.versions.promotion import Order, deprecate

    done = deprecate(choose_model(model), version, Order(message, None, sign, announce))
    print(f"{done.version.name} is marked bad ({done.tag.name})")


def restore(version: VersionName, model: Model = None) -> None:
    """Put params, code and locks of a version on a new branch."""
    from mlrepo.versions.restore import restore

    with opened(model) as registry:
        branch, paths = restore(registry.resolve(version))
        print(f"{len(paths)} files came back on the branch {branch}:")
        print("\n".join(f"  {path}" for path in paths))
        print("`model pull` brings its data and model")


def gate(
    against: Annotated[
        str | None, Option(help="The stage to compare with; by default the last of versions.yaml.")
    ] = None,
    json: Json = False,
    model: Model = None,
) -> None:
    """Compare the model in this folder with that in a stage.

    Exit code 1: the gate refuses it.
    """
    pin()
    from mlrepo.versions.gate import verdict
    from mlrepo.versions.rules.policy import load_settings

    found = verdict.against(choose_model(model), against, announce)
    print(as_json(found) if json else verdict.describe(found))
    end(verdict.opens(found, load_settings().gate))


def compare(
    before: Annotated[Path, Argument(help="A model file.")],
    after: Annotated[Path, Argument(help="The other model file.")],
    rows: Annotated[Path, Argument(help="A prepared table, as Parquet.")],
) -> None:
    """Compare two model files by what they predict, as JSON."""
    pin()
    from mlrepo.scoring.equivalence import compare

    print(as_json(compare(before, after, rows)))
