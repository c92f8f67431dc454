"""`model ci ...`: check, report, train, verify, release, deploy, mirror."""

from typing import Annotated

import typer
from typer import Argument, Option

from mlrepo.commands.options import Model, end, pin
from mlrepo.pipeline.dvc_yaml import choose_model

commands = typer.Typer(
    help="The jobs of continuous integration; they do the same on this machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@commands.command()
def check() -> None:
    """Check style, types, imports, tests, both locks, and that all data is in DVC's remote."""
    from mlrepo.ci.check import check

    end(check())


@commands.command()
def report(
    base: Annotated[
        str | None, Option(help="The branch to compare with; by default, where a merge would go.")
    ] = None,
    model: Model = None,
) -> None:
    """Reproduce what changed, ask the gate, and write every difference as Markdown."""
    pin()
    from mlrepo.ci.report import report

    end(report(choose_model(model), base))


@commands.command()
def train(
    change: Annotated[
        list[str] | None, Option("-S", "--set-param", help="key=value; repeat it for more.")
    ] = None,
    changes: Annotated[
        str, Option("--params", help="The same for several: 'a.b=1 \"c.d=Two words\"'.")
    ] = "",
    branch: Annotated[str | None, Option(help="Its name; by default, one with the time.")] = None,
    pull_request: Annotated[bool, Option(help="Open one, if the job has a token.")] = True,
) -> None:
    """Reproduce, push data and model, and offer the result as a branch with a pull request."""
    from mlrepo.ci.train import several, train

    train([*(change or []), *several(changes)], branch, pull_request)


@commands.command()
def verify(
    stage: Annotated[
        list[str] | None, Option(help="By default the last of versions.yaml; repeat it for more.")
    ] = None,
    every: Annotated[bool, Option("--all", help="Every stage that has a version.")] = False,
    model: Model = None,
) -> None:
    """Rebuild what is in a stage from its commit, and write the verdicts to a file."""
    from mlrepo.ci.verify import verify

    end(verify(choose_model(model), stage or [], every))


@commands.command()
def release(
    tag: Annotated[str, Argument(metavar="TAG", help="Of a version: model@v1.2.0.")],
) -> None:
    """Verify a version, and put all that belongs to it into a folder and a release."""
    from mlrepo.ci.release import release

    end(release(tag))


@commands.command()
def deploy(
    tag: Annotated[str, Argument(metavar="TAG", help="Of a stage: model#prod#7.")],
    stage: Annotated[str | None, Option(help="Refuse a tag of any other stage.")] = None,
) -> None:
    """Verify the version that came into a stage, and run deploy.py with it."""
    from mlrepo.ci.release import deploy

    end(deploy(tag, stage))


@commands.command()
def mirror() -> None:
    """Show what the Git remote holds in the tracker, if one is set; failing at it fails nothing."""
    from mlrepo.ci.mirror import mirror

    mirror()
