"""Versions and stages of Git in MLflow's registry, and a version's model back from there."""

import json
import re
import warnings
import zipfile
from importlib.metadata import version as installed
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlrepo.core import owner
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import atomic
from mlrepo.learning.model_file import trusted_types
from mlrepo.mirror import mlflow_runs
from mlrepo.pipeline.git import bytes_at, paths_at
from mlrepo.pipeline.output import Tell
from mlrepo.storage.store import Store, hashes
from mlrepo.versions import fetch
from mlrepo.versions.registry import Registry, Version

_FILE = "artifacts/model.skops"  # within a model of MLflow
_REQUIRED = ("mlflow", "pandas", "polars", "scikit-learn", "skops")


def name_of(model: str) -> str:
    """Return the name that a model has in MLflow's registry, which all projects share."""
    return f"{owner.project_name()}.{model}"


def publish(
    client: Any, experiment: str, registry: Registry, run_of: dict[str, str], tell: Tell
) -> None:
    """Make the versions that MLflow lacks, in their order, and let the aliases follow the stages.

    ``run_of`` has the run of each commit.
    """
    if not registry.versions:
        return
    name = name_of(registry.model)
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    there = numbers(client, name)
    for version in registry.versions.values():
        run = run_of.get(version.tag.commit)
        if version.name in there or run is None:
            continue
        tell(f"{version.name} goes to MLflow's registry")
        try:
            model_id = _logged(client, experiment, version, run)
        except ProjectError as error:  # of one version: its file is nowhere, or its classes are
            tell(f"{version.name} is not registered there: {error}")
            continue
        client.create_model_version(
            name,
            f"models:/{model_id}",
            run,
            tags=_tags(version),
            description=version.tag.notes,
            model_id=model_id,
        )
        there = numbers(client, name, delete_doubles=True)
    _follow(client, name, registry, there)


def numbers(client: Any, name: str, delete_doubles: bool = False) -> dict[str, Any]:
    """Return version as we call it -> MLflow's; the first of two that clones made at once."""
    found: dict[str, Any] = {}
    listed = client.search_model_versions(f"name = '{name}'", max_results=10_000)
    for each in sorted(listed, key=lambda each: int(each.version)):
        called = each.tags.get("version")
        if called in found and delete_doubles:
            client.delete_model_version(name, each.version)
        elif called:
            found.setdefault(called, each)
    return found


def _follow(client: Any, name: str, registry: Registry, there: dict[str, Any]) -> None:
    aliases = client.get_registered_model(name).aliases
    for stage in registry.stages:
        if stage not in registry.in_use and (alias := _alias(stage)) in aliases:
            client.delete_registered_model_alias(name, alias)
    for version in registry.versions.values():
        if version.name not in there:
            continue
        number, tags = there[version.name].version, there[version.name].tags
        stages = [stage for stage, used in registry.in_use.items() if used is version]
        for stage in stages:
            if str(aliases.get(_alias(stage))) != str(number):
                client.set_registered_model_alias(name, _alias(stage), number)
        bad = registry.bad(version)
        says = {"stages": ", ".join(stages), "deprecated": bad.tag.notes if bad else ""}
        for key, value in says.items():
            if tags.get(key, "") != value:
                client.set_model_version_tag(name, number, key, value)


def _alias(stage: str) -> str:
    return "stage-latest" if stage == "latest" else stage  # MLflow's own word


def _tags(version: Version) -> dict[str, str]:
    record = version.record
    return {
        "version": version.name,
        "tag": version.tag.name,
        "commit": version.tag.commit,
        "model.sha256": record["artifact"]["sha256"],
        "data.md5": record["data"]["md5"],
        "data.sha256": record["data"].get("sha256", ""),
    }


def _logged(client: Any, experiment: str, version: Version, run: str) -> str:
    """Return the id of a version's model in MLflow, which is made if there is no whole one."""
    sha256 = version.record["artifact"]["sha256"]
    query = f"source_run_id = '{run}' and tags.`model.sha256` = '{sha256}'"
    for each in client.search_logged_models([experiment], query):
        if str(each.status) == "READY":
            return str(each.model_id)
        client.delete_logged_model(each.model_id)  # cut short by a kill
    tags = {"model.sha256": sha256, "commit": version.tag.commit}
    name = f"model-{version.name}".replace(".", "_").replace("+", "_")  # as MLflow takes it
    made = client.create_logged_model(experiment, name, run, tags)
    with TemporaryDirectory() as folder:
        _save(version, Path(folder), made, run)
        client.log_model_artifacts(made.model_id, str(Path(folder, "model")))
    client.finalize_logged_model(made.model_id, "READY")
    return str(made.model_id)


def _save(version: Version, folder: Path, made: Any, run: str) -> None:
    """Write a model that MLflow can load, around our own file as it is."""
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ParamSchema, ParamSpec

    method = ParamSpec("method", "string", "predict")  # MLflow passes on no param that is not named
    file = fetch.fetch(version, folder / "fetched", Store())
    with zipfile.ZipFile(file) as archive:
        schema = archive.read("schema.json").decode()
    own = re.search(rf'"__module__": *"(?:{owner.name()}|mlrepo)\.', schema)
    # The file may be called otherwise in dvc.yaml.
    fixed = file.rename(file.with_name(Path(_FILE).name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it wants an example of the input, which is the table
        pyfunc.save_model(
            folder / "model",
            mlflow_model=Model(made.artifact_location, run, model_id=made.model_id),
            python_model=str(Path(__file__).with_name("mlflow_model.py")),
            artifacts={"model": str(fixed)},
            signature=ModelSignature(params=ParamSchema([method])),
            model_config={
                "sha256": version.record["artifact"]["sha256"],
                "trusted": trusted_types.trusted_types(json.loads(schema)),
            },
            code_paths=_code(version, folder) if own else None,
            # Named, since MLflow would find them out by loading the model in another process.
            pip_requirements=[f"{each}=={installed(each)}" for each in _REQUIRED],
            metadata=fetch.version_info(version),
        )


def _code(version: Version, folder: Path) -> list[str]:
    """Write the packages of a version, which a model with classes of its own needs."""
    # A commit of before the library was a package of its own has the first alone.
    packages = (f"{owner.name()}/", "mlrepo/")
    for path in paths_at(version.tag.commit):
        if path.startswith(packages):
            target = folder / "code" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(bytes_at(version.tag.commit, path))
    return [str(path) for path in sorted((folder / "code").iterdir())]


def restore(version: Version, model: str, folder: Path) -> Path:
    """Write the model of a version, as MLflow has it, to ``folder`` if its bytes are recorded."""
    expected = version.record["artifact"]["sha256"]
    mlflow_runs.Tracker.refuse_silent()
    client, name = mlflow_runs.connect(), name_of(model)
    with mlflow_runs.told(), TemporaryDirectory() as scratch:
        from mlflow import artifacts

        there = numbers(client, name)
        if version.name not in there:
            raise ProjectError(f"MLflow has no {version.name} of {name}: `model mirror` brings it")
        uri = f"models:/{name}/{there[version.name].version}"
        found = Path(artifacts.download_artifacts(artifact_uri=uri, dst_path=scratch), _FILE)
        sha256 = hashes(found)["sha256"] if found.is_file() else "nothing"
        if sha256 != expected:
            raise ProjectError(
                f"{uri} does not hold {version.name}: its SHA-256 is {sha256[:12]}..., recorded "
                f"is {expected[:12]}...; `model get {version.name}` takes it from DVC"
            )
        target = folder / Path(version.record["artifact"]["path"]).name
        with atomic(target) as partial:
            partial.write_bytes(found.read_bytes())
        with atomic(target.with_name(f"{target.name}.sha256")) as partial:
            partial.write_text(f"{expected}  {target.name}\n", encoding="utf-8", newline="\n")
    return target
