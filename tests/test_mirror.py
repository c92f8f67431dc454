"""What Git and DVC hold stands in MLflow: the classic example beside ours, versions and stages."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import releases
import yaml
from conftest import Project
from helpers import LONG, OWN_CARD, sha256
from releases import MODEL, Released
from trackers import Database, serve_mlflow

EXPERIMENT = "iris_classifier_project"

IRIS = """
import polars as pl
from sklearn.datasets import load_iris

iris = load_iris()
names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
table = pl.DataFrame(iris.data, schema=names)
species = pl.Series("species", iris.target_names[iris.target].tolist())
table.with_columns(species).write_csv("data/raw/iris.csv")
"""
# MLflow's quick example. It learns from the same rows, so that the results can be compared.
CLASSIC = """
import mlflow
import polars as pl
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score

train, test = (pl.read_parquet(f"data/prepared/{side}.parquet") for side in ("train", "test"))
names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
mlflow.set_experiment("iris_classifier_project")
with mlflow.start_run(run_name="classic"):
    model = RandomForestClassifier(n_estimators=100, random_state=0)
    model.fit(train[names].to_numpy(), train["species"].to_list())
    accuracy = accuracy_score(test["species"].to_list(), model.predict(test[names].to_numpy()))
    mlflow.log_param("n_estimators", 100)
    mlflow.log_metric("accuracy", accuracy)
    trusted = ["numpy.dtype", "sklearn.tree._tree.Tree"]
    mlflow.sklearn.log_model(model, name="model", skops_trusted_types=trusted)
"""
COMPARE = """
import json, sys
from pathlib import Path
import mlflow
import polars as pl
from mlrepo.learning import features, model_file

found = mlflow.search_runs(experiment_names=["iris_classifier_project"], output_format="list")
[classic] = [run for run in found if run.info.run_name == "classic"]
[ours] = [run for run in found if run.data.tags.get("version") == "v1.0.0"]
test = pl.read_parquet("data/prepared/test.parquet")
own = model_file.load(Path("models/model.skops"))
x = features.select(test, features.fitted(own, test.schema))
restored = mlflow.pyfunc.load_model("models:/penguins.model@prod")
probabilities = restored.predict(test.to_pandas(), params={"method": "predict_proba"})
assert (probabilities == own.predict_proba(x)).all()
names = [str(name) for name in own.feature_names_in_]
predictions = {
    "classic": mlflow.sklearn.load_model(f"runs:/{classic.info.run_id}/model").predict(
        test[names].to_numpy()
    ),
    "dvc": own.predict(x),
    "mlflow": restored.predict(test.to_pandas()),
    "file": model_file.load(Path(sys.argv[1])).predict(x),
}
print(json.dumps({
    "classic": {**classic.data.params, **classic.data.metrics},
    "ours": {**ours.data.params, **ours.data.metrics, **ours.data.tags},
    "files": sorted(
        each.path for each in mlflow.MlflowClient().list_artifacts(ours.info.run_id)
    ),
    "predictions": {key: value.tolist() for key, value in predictions.items()},
}))
"""
REGISTRY = """
import json
import mlflow
import polars as pl

client, name = mlflow.MlflowClient(), "penguins.model"
raw = pl.read_csv("data/raw/penguins.csv", null_values=["", "NA"])
aliases = client.get_registered_model(name).aliases
print(json.dumps({
    "aliases": {alias: client.get_model_version(name, number).tags["version"]
                for alias, number in aliases.items()},
    "versions": {each.tags["version"]: dict(each.tags)
                 for each in client.search_model_versions(f"name = '{name}'")},
    "prod": mlflow.pyfunc.load_model(f"models:/{name}@prod").predict(raw).tolist(),
}))
"""


@pytest.fixture(scope="module")
def server(
    mlflow_project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Database]]:
    """A real `mlflow server`."""
    with serve_mlflow(mlflow_project, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def iris(mlflow_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """The project with the table of the quick example, as a version in prod."""
    new = releases.new_released(mlflow_project, tmp_path_factory.mktemp("iris"))
    new.run("python", "-c", IRIS)
    new.run("dvc", "add", "--quiet", "data/raw/iris.csv")
    new.set_params(
        {
            **OWN_CARD,
            "data.path": "data/raw/iris.csv",
            "data.target": "species",
            "evaluate.slices": [],
            "train.arguments": {"n_estimators": 100},
        }
    )
    new.run("model", "schema", "--force")
    new.ready("Iris")
    new.model("register", "-m", "The quick example")
    new.model("promote", "v1", "prod", "-m", "To compare it")
    return new


@pytest.mark.parametrize("kind", ["server", *(["database"] if LONG else [])])
def test_the_quick_example_and_the_same_through_the_mirror(
    iris: Released, server: tuple[str, Database], tmp_path: Path, kind: str
) -> None:
    address = server[0] if kind == "server" else Database(tmp_path / "mlflow.db").url
    at: dict[str, Any] = {"MLFLOW_TRACKING_URI": address, "MLFLOW_EXPERIMENT_NAME": EXPERIMENT}
    at["MLFLOW_DISABLE_TELEMETRY"] = "true"
    before = iris.state()
    # Without an address of its own MLflow puts models into the folder where it is called.
    iris.run("python", "-c", CLASSIC, **at)
    said = iris.model("mirror", **at).stdout
    assert said.startswith("runs written: 3, there before: 0\n")
    assert "v1.0.0 goes to MLflow" not in iris.model("mirror", **at).stderr
    restored = tmp_path / "restored"
    iris.model("from-mlflow", "prod", "-o", str(restored), **at)
    assert (restored / "model.skops").read_bytes() == (iris.path / MODEL).read_bytes()

    script = iris.run("python", "-c", COMPARE, str(restored / "model.skops"), **at)
    found = json.loads(script.stdout.splitlines()[-1])
    classic, ours = found["classic"], found["ours"]
    assert classic["n_estimators"] == ours["train.arguments.n_estimators"] == "100"
    assert classic["accuracy"] == ours["test.accuracy"] > 0.9
    assert ours["test.accuracy.low"] <= ours["test.accuracy"] <= ours["test.accuracy.high"]
    predictions = found["predictions"]
    assert len(predictions["dvc"]) > 20
    assert all(each == predictions["dvc"] for each in predictions.values())

    pointer = yaml.safe_load((iris.path / "data/raw/iris.csv.dvc").read_text(encoding="utf-8"))
    expected = {
        "commit": iris.git("rev-parse", "HEAD"),
        "data.md5": pointer["outs"][0]["md5"],
        "model.sha256": sha256(iris.path / MODEL),
        "version": "v1.0.0",
        "stages": "prod",
        "mirrored": "yes",
    }
    assert {key: ours[key] for key in expected} == expected
    assert {"MODEL_CARD.md", "dvc.lock", "metrics", "models", "reports"} <= set(found["files"])
    assert iris.state() == before


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
