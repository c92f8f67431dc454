"""The model that predicts, with the schema, params and code of columns that belong to it."""

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import polars as pl

from .. import data as columns_of_this_folder
from .. import freshness, git, persist
from ..declared import declared
from ..errors import ProjectError
from ..output import Tell
from ..params import Data, load_params
from ..schema import Schema, load_schema
from ..settings import load_settings
from ..versions import deliver, signatures
from ..versions.registry import Registry, Version, recorded

UNREGISTERED = "unregistered"

_PACKAGE = (__package__ or "").partition(".")[0]


@dataclass(frozen=True)
class Chosen:
    """A fitted model, and how a raw table becomes the columns that it reads."""

    model: Any
    version: str  # v1.2.0, or UNREGISTERED
    sha256: str
    data: Data
    schema: Schema
    add_features: Callable[[pl.LazyFrame], pl.LazyFrame]


def of_folder(name: str) -> Chosen:
    """Return the model of this folder, whose params and code must be those that it was made with.

    Raises:
        ProjectError: if dvc.lock is stale, or the model is missing or was changed.
    """
    mend = f"{freshness.MEND}, or name a version: --version"
    freshness.report().refuse_stale("the model is not of these params and code:", mend)
    file = Path(declared()[name]["path"])
    model, params = persist.load(file), load_params()
    sha256, commit = persist.sha256(file), git.ask("rev-parse", "HEAD")
    versions = [v for v in Registry.load(name).versions.values() if v.tag.commit == commit]
    same = (v.name for v in versions if v.tag.record.get("artifact", {}).get("sha256") == sha256)
    schema = load_schema(Path(params.data.table_schema))
    add_features = columns_of_this_folder.add_features
    return Chosen(model, next(same, UNREGISTERED), sha256, params.data, schema, add_features)


def of_version(version: Version, tell: Tell) -> Chosen:
    """Return the model of a version, with the schema, params and `data.py` of its commit.

    Raises:
        ProjectError: if its bytes are not the recorded ones, its signature is bad, or it needs
            code that this folder has changed.
    """
    signatures.refuse_bad(version.tag, load_settings().signing)
    record = recorded(version)
    data = deliver.data_params(version)
    with TemporaryDirectory() as folder:
        file = deliver.fetch(version, Path(folder))
        _refuse_other_code(version, file)
        model = persist.load(file)
        schema = Path(folder) / "schema.yaml"
        schema.write_bytes(git.bytes_at(version.tag.commit, data.table_schema))
        known = load_schema(schema)
    then = record["environment"]["packages"].get("scikit-learn", {}).get("scikit-learn")
    now = installed("scikit-learn")
    if then != now:
        tell(f"{version.name} was fitted with scikit-learn {then}; this is {now}")
    sha256, code = record["artifact"]["sha256"], _module_at(version.tag.commit, "data")
    return Chosen(model, version.name, sha256, data, known, code.add_features)


def _refuse_other_code(version: Version, file: Path) -> None:
    """Refuse a model with classes of the project's own whose code is another in this folder."""
    with zipfile.ZipFile(file) as archive:
        types = archive.read("schema.json").decode()
    if not re.search(rf'"__module__": *"{_PACKAGE}\.', types):
        return
    for path, entry in recorded(version)["files"].items():
        here = Path(path)
        if here == Path(_PACKAGE, "model.py") and persist.sha256(here) != entry["sha256"]:
            raise ProjectError(
                f"{version.name} holds classes of {path}, which is another file here: "
                f"`git worktree add ../{version.name} {version.tag.name}` and predict there"
            )


def _module_at(commit: str, name: str) -> Any:
    """Return a module of this package as it is in ``commit``; what it imports is of this folder."""
    path = f"{_PACKAGE}/{name}.py"
    module = ModuleType(f"{_PACKAGE}.{name}")
    module.__package__ = _PACKAGE
    exec(compile(git.file_at(commit, path), f"{commit[:7]}:{path}", "exec"), module.__dict__)
    return module
