"""Versions of the model, from their record to their release and back.

Exit codes: 0 done; 1 a check failed (verify, gate, doctor); 2 a mistake, told in one message.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..output import Table

app = typer.Typer(
    name="model",
    help=__doc__,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

HERE = Path.cwd()  # where the command was given; it runs in the folder of the project

Model = Annotated[str | None, typer.Option("--model", help="Which one, if dvc.yaml has several.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Why = Annotated[str, typer.Option("-m", "--message", help="Why; it is kept in the tag.")]
Sign = Annotated[bool, typer.Option("--sign", help="Sign the tag with your Git key.")]
Override = Annotated[
    str | None, typer.Option(help="The reason to go on in spite of the gate or a signature.")
]
AllVersions = Annotated[
    bool, typer.Option("--all", help="Of every tagged version, not of this commit alone.")
]
VersionName = Annotated[str, typer.Argument(metavar="VERSION", help="v1.2.0, or v1 for v1.0.0.")]


def tell(step: str) -> None:
    """Print a step of the work, apart from its result."""
    print(f"- {step}", file=sys.stderr)


def show_table(table: Table, as_json: bool) -> None:
    """Print rows for people or for programs."""
    print(table.json() if as_json else table.text())


def pin() -> None:
    """Compute as the stages do; must come before numpy is imported."""
    from .. import numerics
    from ..params import load_params

    if load_params().numerics.pinned:
        numerics.pin()
