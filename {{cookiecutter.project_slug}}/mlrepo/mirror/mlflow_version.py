"""A version as a model of MLflow: our file as it is, and all that its rows are checked with."""

import shutil
import tomllib
from collections.abc import Collection
from importlib.metadata import packages_distributions
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import mlrepo
from mlrepo.core import owner, yaml
from mlrepo.core.artifact import is_own, sidecar
from mlrepo.core.params import Data
from mlrepo.core.paths import in_project
from mlrepo.core.sections import parse
from mlrepo.learning import model_file
from mlrepo.pipeline.git import bytes_at, paths_at
from mlrepo.storage.store import Store
from mlrepo.tables.example import example
from mlrepo.tables.schema import Constraints, Field, Schema
from mlrepo.versions import fetch
from mlrepo.versions.bundle.code import Code
from mlrepo.versions.committed_code import CommittedCode, modules_in
from mlrepo.versions.records import old_records
from mlrepo.versions.registry import Version

_FILE = "model.skops"

_TYPES = {"string": "string", "number": "double"}


def file_of(version: Version) -> str:
    """Return where a version's file is within a model of MLflow."""
    path = Path(version.record["artifact"]["path"])
    # It may be called otherwise in dvc.yaml.
    return f"artifacts/{path.name if is_own(path) else _FILE}"


def save(version: Version, folder: Path, made: Any, run: str) -> None:
    """Write a model that MLflow can load, to ``folder/model``: ``made`` is its entry, of a run."""
    from mlflow import pyfunc
    from mlflow.models import Model

    file = fetch.fetch(version, folder / "fetched", Store())
    commit, own = version.tag.commit, is_own(file)
    trusted = [] if own else model_file.trusted_in(file)
    data = old_records.data_params(version.record)
    schema, code = folder / "schema.yaml", folder / "code"
    schema.write_bytes(bytes_at(commit, data.table_schema))
    package = CommittedCode(commit).write(code)
    library = Path(mlrepo.__path__[0])
    shutil.copytree(library, code / library.name, ignore=shutil.ignore_patterns("__pycache__"))
    known = parse(yaml.load(schema), Schema, data.table_schema)
    imports = Code.of(commit, file).own if own else trusted
    uses = modules_in(file, lambda: paths_at(commit))
    # The files may be called otherwise in dvc.yaml and params.yaml.
    fixed = file.rename(file.with_name(Path(file_of(version)).name))
    target, signature, row = folder / "model", *_input(known, data, version.record)
    pyfunc.save_model(
        target,
        mlflow_model=Model(made.artifact_location, run, model_id=made.model_id),
        python_model=str(Path(__file__).with_name("mlflow_model.py")),
        # One archive: MLflow would send and bring each module as a file of its own.
        artifacts={
            "model": str(fixed),
            "schema": str(schema),
            "code": shutil.make_archive(str(code), "zip", code),
            **({"beside": str(sidecar(fixed))} if own else {}),
        },
        signature=signature,
        input_example=row,
        model_config={
            "sha256": version.record["artifact"]["sha256"],
            "trusted": trusted,
            "version": version.name,
            "data": data.model_dump_json(by_alias=True),
            "package": package,
        },
        code_paths=_classes(commit, uses, folder / "classes"),
        # Named, since MLflow would find them out by loading the model in another process.
        pip_requirements=_requirements(imports),
        metadata=fetch.version_info(version),
    )
    _forget_folder(target, folder)


def _input(schema: Schema, data: Data, record: dict[str, Any]) -> tuple[Any, Any]:
    """Return the signature of a model, and a table of one row that obeys the schema.

    MLflow itself turns 181.7 into 181 where a signature says long, "no" into true where it says
    boolean, and 5 into 1970 where it says datetime. Such columns are of any type there, and what
    runs with the model refuses what is wrong.
    """
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec
    from mlflow.types import Schema as Columns
    from mlflow.types.schema import AnyType

    read = record["architecture"].get("features") or ()
    fields = [field for field in schema.read if field.name not in data.learned_from]
    columns = [
        ColSpec(
            _TYPES.get(field.type) or AnyType(),
            field.name,
            required=field.name in read and field.constraints.maxMissing == 0,
        )
        for field in fields
    ]
    kinds = {field.name: _TYPES.get(field.type) for field in schema.fields}
    kind = "double" if data.task == "regression" else kinds.get(data.target)
    # MLflow passes on no param that is not named.
    method = ParamSchema([ParamSpec("method", "string", "predict")])
    output = Columns([ColSpec(kind or AnyType(), data.target)])
    row = {field.name: example(_public(field)) for field in fields}
    return ModelSignature(Columns(columns), output, method), pd.DataFrame([row])


def _public(field: Field) -> Field:
    """Return what may be known of a column: a private one's limits are values of its cells."""
    return field.model_copy(update={"constraints": Constraints()}) if field.private else field


def _requirements(trusted: Collection[str]) -> list[str]:
    """Return the packages that the library needs, and those of the types in a model file."""
    from packaging.requirements import Requirement

    project = tomllib.loads(in_project(str(owner.PROJECT)).read_text("utf-8"))["project"]
    needed = [Requirement(line) for line in project["dependencies"]]
    names = {need.name for need in needed if not need.marker or need.marker.evaluate()}
    there = packages_distributions()
    names |= {name for each in trusted for name in there.get(each.partition(".")[0], [])[:1]}
    names -= {str(project["name"])}
    return [f"{name}=={installed(name)}" for name in sorted({"mlflow", "pandas", *names})]


def _classes(commit: str, named: Collection[str], folder: Path) -> list[str] | None:
    """Write the owner's package of a commit if a model file holds classes of it."""
    if not any(module.startswith(f"{owner.name()}.") for module in named):
        return None
    for path in paths_at(commit):
        if path.startswith(f"{owner.name()}/"):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(bytes_at(commit, path))
    return [str(folder / owner.name())]


def _forget_folder(model: Path, folder: Path) -> None:
    """Take the folder where it was made, which says nothing elsewhere, out of what MLflow wrote."""
    described = model / "MLmodel"
    text = described.read_text("utf-8").replace(f"{folder}/", "")
    described.write_text(text.replace(f"{Path(__file__).parent}/", ""), encoding="utf-8")
