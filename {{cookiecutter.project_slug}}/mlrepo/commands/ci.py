"""`model ci ...`: check, report, train, verify, release, deploy, page, mirror."""

from typing import Annotated

import typer
from typer import Argument, Option

from mlrepo.commands.options import Model, end, pin
from mlrepo.pipeline import models

commands = typer.Typer(
    help="Run a job of continuous integration here.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@commands.command()
def check() -> None:
    """Check style, types, tests and locks, and that data is pushed.

    Exit code 1: one of them fails.
    """
    models.leave()
    from mlrepo.ci.check import check

    end(check())


@commands.command()
def report(
    base: Annotated[
        str | None, Option(help="The branch to compare with; by default the one to merge into.")
    ] = None,
    model: Model = None,
) -> None:
    """Reproduce, ask the gate, and write a report in Markdown.

    Exit code 1: the gate refuses the model.
    """
    pin()
    from mlrepo.ci.report import report

    end(report(model, base))


@commands.command()
def train(
    change: Annotated[
        list[str] | None,
        Option("-S", "--set-param", help="KEY=VALUE of params.yaml; can be repeated."),
    ] = None,
    changes: Annotated[
        str, Option("--params", help="Several in one text: 'a.b=1 \"c.d=Two words\"'.")
    ] = "",
    branch: Annotated[
        str | None, Option(help="Name of the new branch; by default one with the time.")
    ] = None,
    pull_request: Annotated[
        bool, Option(help="Open a pull request, if the job has a token.")
    ] = True,
    model: Model = None,
) -> None:
    """Reproduce, push, and open a pull request with the result."""
    from mlrepo.ci.train import several, train

    train([*(change or []), *several(changes)], branch, pull_request, model)


@commands.command()
def verify(
    stage: Annotated[
        list[str] | None,
        Option(help="A stage; by default the last of versions.yaml. Can be repeated."),
    ] = None,
    every: Annotated[bool, Option("--all", help="Every stage that has a version.")] = False,
    model: Model = None,
) -> None:
    """Rebuild the version that is in a stage.

    The verdict goes to a file. Exit code 1: the version does not hold.
    """
    from mlrepo.ci.verify import verify

    end(verify(model, stage or [], every))


@commands.command()
def release(
    tag: Annotated[
        str, Argument(metavar="TAG", help="The tag of a version, such as model@v1.2.0.")
    ],
) -> None:
    """Verify a version, and publish it as a release.

    Exit code 1: the version does not hold.
    """
    models.leave()
    from mlrepo.ci.release import release

    end(release(tag))


@commands.command()
def deploy(
    tag: Annotated[str, Argument(metavar="TAG", help="The tag of a stage, such as model#prod#7.")],
    stage: Annotated[str | None, Option(help="The stage that the tag must be of.")] = None,
) -> None:
    """Verify the version of a stage, and run deploy.py with it.

    Exit code 1: the version does not hold.
    """
    models.leave()
    from mlrepo.ci.release import deploy

    end(deploy(tag, stage))


@commands.command()
def page() -> None:
    """Write the page of all models to reports/ci/page/index.html."""
    models.leave()
    from mlrepo.ci.page import page

    page()


@commands.command()
def mirror() -> None:
    """Write what the Git remote has to the tracker, if one is set.

    Where that fails the job goes on.
    """
    models.leave()
    from mlrepo.ci.mirror import mirror

    mirror()
