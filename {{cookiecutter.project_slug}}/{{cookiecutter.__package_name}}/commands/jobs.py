"""`model ci ...`: check, report, train, verify, release, deploy."""

from typing import Annotated

import typer

from ..declared import choose_model
from .app import Model, app, pin

jobs = typer.Typer(
    help="The jobs of continuous integration, the same here and there.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(jobs, name="ci")

Tag = Annotated[str, typer.Argument(metavar="TAG")]


@jobs.command()
def check() -> None:
    """Lint, types, tests, locks, and whether all data is at DVC's remote; tells all that fails."""
    from ..ci.check import check

    _end(check())


@jobs.command()
def report(
    base: Annotated[str | None, typer.Option(help="A branch; the target's, if unsaid.")] = None,
    model: Model = None,
) -> None:
    """Reproduce what changed, hold it against the gate, and tell all differences as Markdown."""
    pin()
    from ..ci.report import report

    _end(report(choose_model(model), base))


@jobs.command()
def train(
    params: Annotated[
        list[str] | None, typer.Option("-S", "--set-param", help="key=value, as often as needed.")
    ] = None,
    branch: Annotated[str | None, typer.Option(help="Its name; a new one, if unsaid.")] = None,
    pull_request: Annotated[bool, typer.Option(help="Open one, where a token is there.")] = True,
) -> None:
    """Reproduce, push data and model, and offer the result as a branch with a pull request."""
    from ..ci.train import train

    train([word for each in params or [] for word in each.split()], branch, pull_request)


@jobs.command()
def verify(
    stage: Annotated[list[str] | None, typer.Option(help="The last one, if unsaid.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every stage that has a version.")] = False,
    model: Model = None,
) -> None:
    """Make what is in a stage again from its commit, and write the verdicts to a file."""
    from ..ci.proof import verify

    _end(verify(choose_model(model), stage or [], every))


@jobs.command()
def release(tag: Tag) -> None:
    """Prove a version (model@v1.2.0) and put all that belongs to it into a folder and a release."""
    from ..ci.release import release

    _end(release(tag))


@jobs.command()
def deploy(
    tag: Tag,
    stage: Annotated[str | None, typer.Option(help="Refuse a tag of another stage.")] = None,
) -> None:
    """Prove what came into a stage (model#prod#7) and hand it to deploy.py."""
    from ..ci.deploy import deploy

    _end(deploy(tag, stage))


def _end(ok: bool) -> None:
    if not ok:
        raise typer.Exit(1)
