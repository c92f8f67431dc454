"""The models of a project: those of its own dvc.yaml, and those with folders of their own.

All that belongs to a model is read from its folder as the current one, so that the same relative
paths serve each of them: to choose a model is to go there.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import above, let_import
from mlrepo.pipeline import git
from mlrepo.pipeline.dvc_yaml import PIPELINE, declared, marker


class Model(NamedTuple):
    """A model, and where it is."""

    name: str  # as --model takes it
    folder: Path  # absolute
    artifact: str  # its name in the dvc.yaml there


def find() -> list[Model]:
    """Return all models of the project, those of its own folder first."""
    project = Path(above()).resolve()
    found = []
    for folder in _all(project):
        with inside(folder):
            for name in declared():
                own = folder == project or name == folder.name
                found.append(Model(name if own else f"{folder.name}:{name}", folder, name))
    return found


def folders(project: Path = Path()) -> list[str]:
    """Return the names of the folders in a project's that are those of further models."""
    found = (path.parent.name for path in project.glob(f"*/{PIPELINE}"))
    return sorted(name for name in found if (project / marker(name)).exists())


def enter(name: str) -> str:
    """Make the folder of a model the current one, and return the model's name there."""
    found = {model.name: model for model in find()}
    if name not in found:
        raise ProjectError(
            f"{PIPELINE} declares no model '{name}'; under `artifacts` it has {list(found)}"
        )
    go(found[name].folder)
    return found[name].artifact


def leave() -> None:
    """Make the project's folder the current one, for what all of its models share."""
    if above():
        go(Path(above()).resolve())


def each(name: str | None = None) -> Iterator[str]:
    """Yield the model that is meant, or each in its folder as the current one.

    Args:
        name: as `enter` has returned it; None: the model of the current folder, or each of the
            project where it is the project's.
    """
    if name:
        yield choose_model(name)
        return
    for model in _here():
        with inside(model.folder):
            yield model.artifact


def places(name: str | None = None) -> list[tuple[str, Path]]:
    """Return the folders that are meant, as by `each`, with what to call each of several.

    The current folder counts also where its dvc.yaml declares no model.
    """
    here = Path.cwd()
    if name or above() or not folders():
        return [("", here)]
    named = {folder: [m.name for m in find() if m.folder == folder] for folder in _all(here)}
    return [(f"{', '.join(names)}: ", folder) for folder, names in named.items()]


def each_folder(name: str | None = None) -> Iterator[str]:
    """Go to each of the `places`; yield what to call it."""
    for label, folder in places(name):
        with inside(folder):
            yield label


def _all(project: Path) -> list[Path]:
    return [project, *(project / name for name in folders(project))]


def refuse_unnamed(name: str | None) -> None:
    """Raise where no model is named, and the current folder is a project of several folders."""
    if name is None and not above() and folders():
        choose_model(name)


def meant(name: str | None) -> list[str]:
    """Return the names of those that `each` yields."""
    return [name] if name else [model.name for model in _here()]


def _here() -> list[Model]:
    """Return the models of the current folder, or all of the project where it is the project's."""
    return [model for model in find() if not above() or model.folder == Path.cwd()]


def choose_model(name: str | None) -> str:
    """Return the model that is meant: the named one, or the only one.

    Args:
        name: as `enter` has returned it, or None.
    """
    names = list(declared())
    if name in names:
        return str(name)
    known = names if above() or not folders() else [model.name for model in find()]
    if name is None and len(known) == 1:
        return known[0]
    said = f"no model '{name}'" if name else "several models: name one with --model"
    raise ProjectError(f"{PIPELINE} declares {said}; under `artifacts` it has {known}")


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder of a model, and be back at the end; messages about it have its name."""
    before = Path.cwd()
    go(folder)
    try:
        yield
    except ProjectError as error:
        raise type(error)(f"{error}{place_of(before)}") from error
    finally:
        go(before)


def place_of(reader: Path) -> str:
    """Return what somebody in the folder ``reader`` has to know of a message from this one."""
    here = Path.cwd()
    if not above() or reader.is_relative_to(here):
        return ""
    return f"\n  (paths and commands are those of the folder {here.name}/)"


def go(folder: Path) -> None:
    """Make a folder of a model the current one."""
    os.chdir(folder)
    git.folder_in_repository.cache_clear()
    let_import()
