"""A model in use: clients, the registry and MLflow go together from v1 to v2 and back."""

import json
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from helpers import in_long_form, sha256
from releases import RAW, Released, new_released
from serving import Call, Calls, Service, rows, serving
from trackers import Database

CLIENTS = 4
PAUSE = 0.02  # seconds between two calls of a client: the pipeline runs on the same cores
WEAK = {"train.arguments": {"n_estimators": 1, "max_depth": 1}}
BETTER = {"train.arguments": {"n_estimators": 100, "min_samples_leaf": 1}}
# What the files say without any code of the project.
SKLEARN = """
import json, sys
import polars as pl
import skops.io

table = pl.read_csv(sys.argv[1], null_values=["", "NA"])
found = []
for path in sys.argv[2:]:
    model = skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    x = table.select(
        pl.col(name).cast(pl.Float64).fill_null(float("nan"))
        if table.schema[name].is_numeric() else pl.col(name)
        for name in map(str, model.feature_names_in_)
    )
    shares = model.predict_proba(x).tolist()
    labels = model.classes_.tolist()
    found.append([
        {"prediction": label, "probabilities": dict(zip(labels, row, strict=True))}
        for label, row in zip(model.predict(x).tolist(), shares, strict=True)
    ])
print(json.dumps(found))
"""
REGISTRY = """
import json
import mlflow

client = mlflow.MlflowClient()
print(json.dumps({
    "prod": {model.name: model.aliases.get("prod") for model in client.search_registered_models()},
    "tags": {each.version: dict(each.tags) for each in client.search_model_versions()},
}))
"""


@dataclass(frozen=True)
class Mirror:
    """MLflow, which learns of something when it is told and never else."""

    copy: Released
    database: Database

    def prod(self) -> dict[str, str] | None:
        """Return the tags of the MLflow version that has the alias, None before there is one."""
        said = self._run("python", "-c", REGISTRY)
        found = json.loads(said.splitlines()[-1])
        number = found["prod"].get("penguins.model")
        return found["tags"][str(number)] if number else None

    def follow(self) -> None:
        """Run `model mirror`."""
        self._run("python", "-m", "mlrepo.commands", "mirror")

    def _run(self, *command: str) -> str:
        # Of these commands alone: the hook that mirrors each commit has an address of its own.
        at = {"MLFLOW_TRACKING_URI": self.database.url, "MLFLOW_DISABLE_TELEMETRY": "true"}
        return self.copy.run(*command, check=True, **at).stdout


@pytest.fixture
def copy(mlflow_project: Project, tmp_path: Path) -> Released:
    """A weak model as v1.0.0 in prod."""
    new = new_released(mlflow_project, tmp_path)
    new.ready("One question", WEAK)
    new.model("register", "-m", "One question")
    new.model("promote", "v1", "prod", "-m", "The first one")
    return new


def expected_tags(copy: Released, version: str) -> dict[str, str]:
    """Return what MLflow must say of the version in prod, by Git and by the registry's record."""
    pointer = copy.git("show", f"model@{version}:{RAW}.dvc")
    [md5] = [line.split()[-1] for line in pointer.splitlines() if "md5: " in line]
    return {
        "version": version,
        "commit": copy.git("rev-parse", f"model@{version}^{{}}"),
        "model.sha256": copy.record(version)["artifact"]["sha256"],
        "data.md5": md5,
        "stages": "prod",
    }


def assert_follows(mirror: Mirror, old: str | None, new: str) -> None:
    """The alias is where it was until `model mirror` runs, then where Git's stage is."""
    before = mirror.prod()
    assert (before and before["version"]) == old
    mirror.follow()
    tags = mirror.prod()
    assert tags is not None
    expected = expected_tags(mirror.copy, new)
    assert {name: tags.get(name) for name in expected} == expected


def wait_for_all(service: Service, calls: Calls, version: str) -> None:
    """Wait until each client has been answered with a version, twenty times more than now."""
    start = len(calls.answers)

    def answered() -> bool:
        assert calls.failed == []
        new = [c.client for c in calls.answers[start:] if c.answer["model_version"] == version]
        return all(new.count(number) >= 20 for number in range(CLIENTS))

    service.wait_for(answered)


def learned(copy: Released, versions: list[str]) -> dict[tuple[str, str], Any]:
    """Return (version, SHA-256 in its record) -> what scikit-learn says of each row."""
    files = []
    for version in versions:
        copy.model("get", version, "-o", f"../got-{version}")
        files.append(copy.path.parent / f"got-{version}" / "model.skops")
    hashes = [copy.record(version)["artifact"]["sha256"] for version in versions]
    assert [sha256(file) for file in files] == hashes
    said = copy.run("python", "-c", SKLEARN, RAW, *map(str, files)).stdout
    return dict(zip(zip(versions, hashes, strict=True), json.loads(said), strict=True))


def assert_right(calls: list[Call], truth: dict[tuple[str, str], Any]) -> None:
    for call in calls:
        assert call.status == 200
        answer = call.answer
        expected = truth[answer["model_version"], answer["model_sha256"]][call.row]
        assert {name: answer[name] for name in expected} == expected


@in_long_form
def test_clients_the_registry_and_mlflow_go_to_a_better_model_and_back(
    copy: Released, tmp_path: Path
) -> None:
    mirror = Mirror(copy, Database(tmp_path / "story.db"))
    with serving(copy, "--stage", "prod") as service:
        calls = Calls(service, CLIENTS, rows(copy), PAUSE)
        try:
            assert_follows(mirror, None, "v1.0.0")
            wait_for_all(service, calls, "v1.0.0")

            copy.ready("A hundred trees", BETTER)
            gate = copy.json("gate")
            assert (gate["verdict"], gate["champion"]["name"]) == ("pass", "v1.0.0")
            copy.model("register", "--bump", "major", "-m", "A hundred trees")
            assert copy.record("v2")["gate"]["verdict"] == "pass"
            wait_for_all(service, calls, "v1.0.0")

            copy.model("promote", "v2", "prod", "-m", "It passes the gate")
            wait_for_all(service, calls, "v2.0.0")
            assert_follows(mirror, "v1.0.0", "v2.0.0")

            copy.model("rollback", "-m", "To see everybody go back")
            wait_for_all(service, calls, "v1.0.0")
            assert_follows(mirror, "v2.0.0", "v1.0.0")
        finally:
            calls.end()
        assert service.stop() == 0
    assert calls.failed == []
    assert_right(calls.answers, learned(copy, ["v1.0.0", "v2.0.0"]))
    for number in range(CLIENTS):
        told = [call.answer["model_version"] for call in calls.answers if call.client == number]
        assert [version for version, _ in groupby(told)] == ["v1.0.0", "v2.0.0", "v1.0.0"]
    assert copy.changed() == []
