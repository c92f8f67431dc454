"""Work with the model of this project: make it, check it, keep its versions, use it.

A version is a Git tag that records all that made the model; a stage, such as prod, is where a
version is in use. `model COMMAND --help` says more.
"""

import sys
from pathlib import Path

import typer

from mlrepo.commands import (
    ci,
    contents,
    mirror,
    page,
    project,
    prove,
    release,
    review,
    sweep,
    use,
    versions,
)
from mlrepo.core.errors import ProjectError, exit_with_message
from mlrepo.core.paths import in_project, refuse_other_code
from mlrepo.pipeline import models

# What a \\b stands before is printed as it is.
_EXIT_CODES = """
Exit codes:

\b
  0    done, and what was checked holds
  1    what was checked does not hold, or the gate or the approvals refuse a
       version: the help of a command says where it can end so. What reads
       versions ends so where it does not believe a tag.
  2    a mistake; one message says what is wrong and how to fix it
  130  interrupted by Ctrl-C
  141  nobody read on: what it printed into was closed
"""

app = typer.Typer(
    help=f"{__doc__}{_EXIT_CODES}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _command in (  # as the help lists them
    project.doctor,
    project.start,
    project.add,
    project.schema,
    project.status,
    project.scores,
    project.push,
    project.pull,
    project.remote,
    project.links,
    project.gc,
    versions.show,
    versions.history,
    versions.at,
    contents.diff,
    contents.card,
    contents.record,
    contents.get,
    contents.report,
    page.page,
    release.register,
    release.promote,
    release.rollback,
    release.retire,
    release.deprecate,
    review.approve,
    review.reject,
    review.note,
    review.countersign,
    release.restore,
    prove.verify,
    prove.seal,
    release.gate,
    use.predict,
    use.serve,
    mirror.mirror,
    mirror.from_mlflow,
):
    app.command()(_command)
app.command(hidden=True)(release.compare)
app.add_typer(sweep.commands, name="sweep")
app.add_typer(ci.commands, name="ci")


def main() -> None:
    """Run the command from anywhere inside the project, which becomes the current folder."""

    def run() -> None:
        typed_in = Path.cwd()
        models.go(_project(typed_in))
        _refuse_other_code()
        try:
            app(prog_name="model", obj=typed_in)
        except ProjectError as error:
            raise type(error)(f"{error}{models.place_of(typed_in)}") from error
        except SystemExit as end:  # Typer's, which says nothing after a Ctrl-C or a closed pipe
            if isinstance(end.__context__, BrokenPipeError):
                raise end.__context__ from None
            if end.__context__ and isinstance(end.__context__.__cause__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            raise

    exit_with_message(run)


def _refuse_other_code() -> None:
    """Raise if this folder was copied or moved with its environment, which has the old place."""
    if Path(sys.prefix).parent.resolve() == in_project("").resolve():
        refuse_other_code("whose .venv was made there: run `uv sync` here")


def _project(here: Path) -> Path:
    """Return the nearest folder around ``here`` with two of three files: one may be lost."""
    for folder in (here, *here.parents):
        files = ("dvc.yaml", "params.yaml", "pyproject.toml")
        if sum((folder / name).exists() for name in files) >= 2:
            return folder
    raise ProjectError(f"{here} is in no project: go to a folder with dvc.yaml and params.yaml")
