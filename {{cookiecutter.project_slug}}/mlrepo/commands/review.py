"""Say more of a version after it was registered: nothing that was said changes."""

from typing import Annotated

from typer import Option

from mlrepo.commands.options import Model, Sign, VersionName, Why, announce
from mlrepo.pipeline.models import choose_model

ForStage = Annotated[
    str, Option("--for", metavar="STAGE", help="A stage of versions.yaml, such as prod.")
]


def approve(version: VersionName, stage: ForStage, message: Why, model: Model = None) -> None:
    """Approve a version for a stage, with your signature.

    If you rejected it before, this takes it back.
    """
    _judge("approve", version, stage, message, model)


def reject(version: VersionName, stage: ForStage, message: Why, model: Model = None) -> None:
    """Reject a version for a stage, until you approve it yourself."""
    _judge("reject", version, stage, message, model)


def _judge(act: str, version: str, stage: str, message: str, model: str | None) -> None:
    from mlrepo.versions import acts

    print(*acts.judge(choose_model(model), act, version, stage, message, announce), sep="\n")


def note(
    version: VersionName,
    message: Why,
    link: Annotated[
        list[str] | None, Option(help="The address of a ticket or a report; can be repeated.")
    ] = None,
    sign: Sign = False,
    model: Model = None,
) -> None:
    """Add a note to a version, with links to tickets or reports."""
    from mlrepo.versions import acts

    registry = acts.latest(choose_model(model), announce)
    chosen = registry.version(version)
    name = acts.say(registry, "note", chosen, message, sign, links=link or [])
    print(f"{chosen.name} has one more note ({name})")


def countersign(message: Why, model: Model = None) -> None:
    """Sign for older tags without a signature, now required."""
    from mlrepo.versions import acts

    name, vouched = acts.countersign(choose_model(model), message, announce)
    print(f"{name} vouches for {', '.join(vouched)}")
