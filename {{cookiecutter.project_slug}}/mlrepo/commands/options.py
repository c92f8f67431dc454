"""What several commands share: arguments, how they print, and how they end."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from mlrepo.core.errors import EXIT_DOES_NOT_HOLD, ProjectError
from mlrepo.pipeline import git, models
from mlrepo.pipeline.models import choose_model
from mlrepo.versions import tags
from mlrepo.versions.registry import Registry


def _enter(name: str | None) -> str | None:
    """Go to the folder of a named model before the command begins, and return its name there."""
    return name and models.enter(name)


Model = Annotated[
    str | None,
    Option(
        "--model",
        metavar="NAME",
        is_eager=True,
        callback=_enter,
        help="Name of the model, if the project has more than one.",
    ),
]
Json = Annotated[bool, Option("--json", help="Print JSON, for programs.")]
Why = Annotated[str, Option("-m", "--message", help="Why. The tag keeps it.")]
Sign = Annotated[bool, Option("--sign", help="Sign the tag with your Git key.")]
Override = Annotated[
    str | None, Option(help="Go on though a check refuses it; the tag keeps this reason.")
]
AllVersions = Annotated[
    bool, Option("--all", help="The files of every version, not of this commit alone.")
]
WithoutMissing = Annotated[
    bool,
    Option(
        "--without-missing",
        help="Go on without files that are nowhere; without this option they are listed.",
    ),
]
Offline = Annotated[
    bool, Option("--offline", help="Do not connect to the Git remote or DVC's remote.")
]
OutputFolder = Annotated[Path, Option("-o", "--output", help="The folder to write to.")]
VersionName = Annotated[str, Argument(metavar="VERSION", help="v1.2.0; v1 is short for v1.0.0.")]
VersionOrStage = Annotated[
    str,
    Argument(
        metavar="VERSION|STAGE", help="A version such as v1.2.0, or a stage for the version in it."
    ),
]
Newest = Annotated[
    str | None, Argument(metavar="[VERSION|STAGE]", help="By default the newest version.")
]


def announce(step: str) -> None:
    """Print a step of the work, apart from its result."""
    print(f"- {step}", file=sys.stderr)


@contextmanager
def opened(model: str | None) -> Iterator[Registry]:
    """Yield the versions of the model; tags that are not believed are named, with exit code 1.

    Raises:
        ProjectError: if this clone has no tag of it, and the Git remote has some or cannot tell.
    """
    registry = _open(choose_model(model))
    yield registry
    end(not registry.chain.doubts)


@contextmanager
def each_opened(model: str | None) -> Iterator[Iterator[Registry]]:
    """Do as `opened` for the model, or for each where none is meant, in the folder of each."""
    seen: list[Registry] = []

    def registries() -> Iterator[Registry]:
        for name in models.each(model):
            seen.append(_open(name))
            yield seen[-1]

    yield registries()
    end(not any(registry.chain.doubts for registry in seen))


def _open(model: str) -> Registry:
    registry = Registry.load(model)
    for name, why in registry.chain.doubts.items():
        print(f"not believed: {name}: {why}; see docs/auditors.md", file=sys.stderr)
    _refuse_none_here(registry.model)
    return registry


def _refuse_none_here(model: str) -> None:
    """Raise if this clone has no tag of the model, and the Git remote has some or is silent."""
    remote = git.origin()
    if remote and not tags.read(model):
        there = git.ask("ls-remote", "--refs", remote, *tags.references(model))
        if there != "":
            what = "has versions" if there else "cannot be asked for versions"
            raise ProjectError(
                f"this clone has no tag of {model}, and {remote} {what}: "
                f"`git fetch --tags {remote}` brings them"
            )


def end(ok: bool) -> None:
    """End the command with exit code 1 unless all is ``ok``."""
    if not ok:
        raise typer.Exit(EXIT_DOES_NOT_HOLD)


def pin() -> None:
    """Compute as the stages do; must come before numpy is imported."""
    from mlrepo.core import numerics
    from mlrepo.core.owner import load_params

    if load_params().numerics.pinned:
        numerics.pin()
