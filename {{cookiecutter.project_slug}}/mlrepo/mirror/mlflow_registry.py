"""Versions and stages of Git in MLflow's registry, and a version's model back from there."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlrepo.core import owner
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import atomic
from mlrepo.mirror import mlflow_entities, mlflow_runs, mlflow_version, runs
from mlrepo.mirror.runs import Source
from mlrepo.pipeline.output import Tell
from mlrepo.storage.store import Store, hashes
from mlrepo.versions.fetch import write_sidecar
from mlrepo.versions.registry import Registry, Version


def name_of(model: str) -> str:
    """Return the name that a model has in MLflow's registry, which all projects share."""
    return f"{owner.project_name()}.{model}"


def publish(
    client: Any, experiment: str, registry: Registry, complete: dict[str, Source], tell: Tell
) -> None:
    """Make the versions that MLflow lacks, in their order, and let the aliases follow the stages.

    ``complete`` has the commit of each run that is complete.
    """
    if not registry.versions:
        return
    name, run_of = name_of(registry.model), {each.commit: run for run, each in complete.items()}
    if not client.search_registered_models(f"name = '{name}'"):
        *_, last = registry.versions.values()
        client.create_registered_model(name, description=last.record["artifact"].get("desc", ""))
    there = numbers(client, name)
    for version in registry.versions.values():
        run = run_of.get(version.tag.commit)
        if version.name in there or run is None:
            continue
        tell(f"{version.name} goes to MLflow's registry")
        try:
            model_id = _logged(client, experiment, version, run, complete[run])
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


def _logged(client: Any, experiment: str, version: Version, run: str, source: Source) -> str:
    """Return the id of a version's model in MLflow, which is made if there is no whole one."""
    from mlflow.entities import LoggedModelOutput

    sha256 = version.record["artifact"]["sha256"]
    query = f"source_run_id = '{run}' and tags.`model.sha256` = '{sha256}'"
    for each in client.search_logged_models([experiment], query):
        if str(each.status) == "READY":
            return str(each.model_id)
        client.delete_logged_model(each.model_id)  # cut short by a kill
    known = runs.read(source, version.record["model"])
    if known is None:
        raise ProjectError("its commit does not make the model")
    tags = {**mlflow_entities.tags(known), "model.sha256": sha256, "version": version.name}
    name = f"model-{version.name}".replace(".", "_").replace("+", "_")  # as MLflow takes it
    kind, given = version.record["architecture"]["estimator"], mlflow_entities.params(known)
    made = client.create_logged_model(experiment, name, run, tags, given, kind)
    with TemporaryDirectory() as folder:
        mlflow_version.save(version, Path(folder), made, run)
        client.log_model_artifacts(made.model_id, str(Path(folder, "model")))
    client.log_batch(run, mlflow_entities.metrics(known, made.model_id))
    client.log_outputs(run, [LoggedModelOutput(made.model_id, 0)])
    client.finalize_logged_model(made.model_id, "READY")
    return str(made.model_id)


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
        found = Path(
            artifacts.download_artifacts(artifact_uri=uri, dst_path=scratch),
            mlflow_version.file_of(version),
        )
        sha256 = hashes(found)["sha256"] if found.is_file() else "nothing"
        if sha256 != expected:
            raise ProjectError(
                f"{uri} does not hold {version.name}: its SHA-256 is {sha256[:12]}..., recorded "
                f"is {expected[:12]}...; `model get {version.name}` takes it from DVC"
            )
        target = folder / Path(version.record["artifact"]["path"]).name
        with atomic(target) as partial:
            partial.write_bytes(found.read_bytes())
        write_sidecar(version, target, Store())
    return target
