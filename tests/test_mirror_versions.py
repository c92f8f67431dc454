"""Versions and stages in MLflow follow what Git says."""

import json
from pathlib import Path
from typing import Any

import releases
from conftest import Project
from helpers import in_long_form
from trackers import Database

REGISTRY = """
import json
import mlflow
import polars as pl

client, name = mlflow.MlflowClient(), "penguins.model"
raw = pl.read_csv("data/raw/penguins.csv", null_values=["", "NA"]).to_pandas()
prod = mlflow.pyfunc.load_model(f"models:/{name}@prod")
try:
    prod.predict(raw.assign(flipper_length_mm=181.7))
except mlflow.MlflowException as error:
    refused = str(error)
aliases = client.get_registered_model(name).aliases
print(json.dumps({
    "aliases": {alias: client.get_model_version(name, number).tags["version"]
                for alias, number in aliases.items()},
    "versions": {each.tags["version"]: dict(each.tags)
                 for each in client.search_model_versions(f"name = '{name}'")},
    "prod": prod.predict(raw).tolist(),
    "refused": refused,
}))
"""


@in_long_form
def test_versions_and_aliases_follow_what_git_says(mlflow_project: Project, tmp_path: Path) -> None:
    """Without a server, in the database of the project itself."""
    new = releases.two_versions(mlflow_project, tmp_path)
    at: dict[str, Any] = {"MLFLOW_TRACKING_URI": f"sqlite:///{new.path}/mlflow.db"}

    def registry() -> Any:
        new.model("mirror")
        done = new.run("python", "-c", REGISTRY, MLFLOW_DISABLE_TELEMETRY="true", **at)
        return json.loads(done.stdout.splitlines()[-1])

    def predicted(version: str) -> list[str]:
        new.model("predict", releases.RAW, "-o", "../predicted.csv", "--version", version)
        lines = (tmp_path / "predicted.csv").read_text(encoding="utf-8").splitlines()
        return [line.split(",")[1] for line in lines[1:]]

    first = registry()
    assert first["aliases"] == {"prod": "v1.1.0", "staging": "v1.1.0"}
    assert first["versions"]["v1.1.0"]["stages"] == "staging, prod"
    assert first["prod"] == predicted("v1.1")
    assert (
        "'flipper_length_mm': 344 of 344 values are no integer, such as 181.7" in first["refused"]
    )
    digests = {name: tags["model.sha256"] for name, tags in first["versions"].items()}
    assert digests == {v: new.record(v)["artifact"]["sha256"] for v in ("v1.0.0", "v1.1.0")}

    new.model("rollback", "staging", "-m", "To see the alias go back")
    new.model("promote", "v1", "prod", "-m", "The first one", "--override", "A test")
    new.model("deprecate", "v1.1", "-m", "Too many trees")
    then = registry()
    assert then["aliases"] == {"prod": "v1.0.0", "staging": "v1.0.0"}
    assert then["versions"]["v1.1.0"]["deprecated"] == "Too many trees"
    assert then["prod"] == predicted("v1")
    labels = {t["version"]: t["stages"] for t in Database(new.path / "mlflow.db").runs().values()}
    assert labels == {"": "", "v1.0.0": "staging, prod", "v1.1.0": ""}

    new.model("retire", "staging", "-m", "Nobody tries it")
    assert registry()["aliases"] == {"prod": "v1.0.0"}
    labels = {t["version"]: t["stages"] for t in Database(new.path / "mlflow.db").runs().values()}
    assert labels["v1.0.0"] == "prod"
    assert new.changed() == []

    for version in ("v1", "v1.1"):
        new.model("from-mlflow", version, "-o", f"../from-{version}")
        new.model("get", version, "-o", f"../got-{version}")
        came = (tmp_path / f"from-{version}/model.skops").read_bytes()
        assert came == (tmp_path / f"got-{version}/model.skops").read_bytes()
    for file in (new.path / "mlruns").rglob("model.skops"):
        releases.flip(file)
    refused = new.model("from-mlflow", "v1", "-o", "../never", check=False)
    assert refused.returncode == 2
    assert "does not hold v1.0.0" in refused.stderr
    assert not (tmp_path / "never").exists()
