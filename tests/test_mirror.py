"""What Git and DVC hold stands in MLflow, in its own words, beside the classic example."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any
from urllib.parse import quote

import pytest
import releases
import yaml
from browser import opened, texts
from conftest import Project, Tool
from helpers import OWN_CARD, Copy, sha256
from mlflow_scripts import CLASSIC, COMPARE, IRIS, SHOWN
from releases import MODEL, Released
from trackers import serve_mlflow, serve_model

EXPERIMENT = "iris_classifier_project"


# The cells of MLflow's pages that are of what we have none of.
EMPTY = {"Registered prompts"}


@pytest.fixture(scope="module")
def server(mlflow_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real `mlflow server`."""
    with serve_mlflow(mlflow_project, tmp_path_factory.mktemp("server")) as (address, _):
        yield address


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
    head = new.git("rev-parse", "HEAD")
    for name in ("sweep-0000", "sweep-0001"):  # as `model sweep` names them
        made = new.git("commit-tree", "-p", head, "-m", name, f"{head}^{{tree}}")
        new.git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{name}", made)
    return new


@pytest.fixture(scope="module")
def at(iris: Released, server: str) -> dict[str, Any]:
    """The variables that lead to MLflow, where the quick example stands beside ours."""
    variables: dict[str, Any] = {
        "MLFLOW_TRACKING_URI": server,
        "MLFLOW_EXPERIMENT_NAME": EXPERIMENT,
    }
    variables["MLFLOW_DISABLE_TELEMETRY"] = "true"
    [log] = [block for block in code(iris, "python") if "skops_trusted_types" in block]
    before = iris.state()
    # Without an address of its own MLflow puts models into the folder where it is called.
    iris.run("python", "-c", CLASSIC.replace("LOG", indent(log, "    ")), **variables)
    said = iris.model("mirror", **variables).stdout
    assert said.startswith("runs written: 5, there before: 0\n")
    again = iris.model("mirror", **variables)
    assert again.stdout.startswith("runs written: 0, there before: 5\n")
    assert "v1.0.0 goes to MLflow" not in again.stderr
    assert iris.state() == before
    return variables


def code(copy: Copy, language: str) -> list[str]:
    """Return the blocks of code of docs/trackers.md."""
    text = (copy.path / "docs/trackers.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def answer(iris: Released, script: str, at: dict[str, Any], *arguments: str) -> Any:
    """Return what a script prints as its last line."""
    return json.loads(iris.run("python", "-c", script, *arguments, **at).stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def shown(iris: Released, at: dict[str, Any]) -> Any:
    """What MLflow has of our run, as its client says it."""
    return answer(iris, SHOWN, at)


def test_the_quick_example_and_the_same_through_the_mirror(
    iris: Released, at: dict[str, Any], tmp_path: Path
) -> None:
    restored = tmp_path / "restored"
    iris.model("from-mlflow", "prod", "-o", str(restored), **at)
    assert (restored / "model.skops").read_bytes() == (iris.path / MODEL).read_bytes()

    found = answer(iris, COMPARE, at, str(restored / "model.skops"))
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
        "mirrored": "2",
    }
    assert {key: ours[key] for key in expected} == expected
    assert {"MODEL_CARD.md", "dvc.lock", "metrics", "models", "reports"} <= set(found["files"])


def test_mlflow_has_its_own_concepts_filled(iris: Released, shown: Any) -> None:
    head, tags = iris.git("rev-parse", "HEAD"), shown["tags"]
    assert shown["user"] == tags["mlflow.user"] == "Test"
    assert tags["mlflow.source.type"] == "PROJECT"
    assert (tags["mlflow.source.name"], tags["mlflow.source.git.commit"]) == ("penguins", head)
    assert tags["mlflow.note.content"].startswith("# penguins\n\nTo test.")
    assert shown["milliseconds"] > 1000  # of stages that ran
    outs = {out["path"]: out["md5"] for s in iris.lock()["stages"].values() for out in s["outs"]}
    rows = iris.read("metrics/prepare.json")["rows"]
    for use, side in (("training", "train"), ("evaluation", "test")):
        path = f"data/prepared/{side}.parquet"
        told = [f"{side}.parquet", outs[path], {"uri": path}, {"num_rows": rows[side]}]
        assert shown["tables"][use] == told
    assert shown["tables"]["raw"][:2] == ["iris.csv", tags["data.md5"]]
    assert {"plots/confusion.png", "plots/roc.png", "plots/scores.png"} <= set(shown["pictures"])

    assert shown["model_params"] == shown["params"]
    assert shown["model_metrics"] == shown["metrics"]
    assert shown["model_tables"] == ["test.parquet", "train.parquet"]
    assert shown["model_tags"]["version"] == "v1.0.0"
    assert shown["notes"] == "The quick example"
    names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    assert shown["inputs"] == [[name, "double", True] for name in names]
    assert shown["outputs"] == [["species", "string"]]
    assert shown["of_example"][0] in {"setosa", "versicolor", "virginica"}
    assert {name for name, _ in shown["parents"]} == {f"sweep on {head[:7]}"}
    assert len(shown["parents"]) == 2
    for place in (iris.path, iris.project.path):
        assert str(place) not in shown["library"]
    for text in (*shown["all"], *model_texts(Path(shown["folder"]))):
        assert str(iris.path.parent) not in text
        assert tempfile.gettempdir() not in text


def model_texts(folder: Path) -> list[str]:
    """Return the texts that MLflow keeps beside a model."""
    return [
        path.read_text(encoding="utf-8")
        for path in folder.iterdir()
        if path.is_file() and path.name != "registered_model_meta"
    ]


def test_a_model_behind_mlflows_server_refuses_what_the_schema_refuses(
    iris: Released, at: dict[str, Any], shown: Any, tmp_path: Path
) -> None:
    row = dict(shown["example"][0])
    rows = [row, row | {"petal_length": 1.4, "petal_width": 0.2}]
    table = tmp_path / "rows.csv"
    table.write_text("\n".join([",".join(row), *(",".join(map(str, r.values())) for r in rows)]))
    iris.model("predict", str(table), "-o", str(tmp_path / "out.csv"), "--version", "v1")
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[1:]
    with serve_model("models:/penguins.model@prod", iris, tmp_path, at) as ask:
        status, said = ask({"dataframe_records": rows})
        assert (status, said["predictions"]) == (200, [line.split(",")[1] for line in lines])
        split = {"columns": list(row), "data": [list(row.values())]}
        status, said = ask({"dataframe_split": split, "params": {"method": "predict_proba"}})
        assert (status, len(said["predictions"][0])) == (200, 3)
        text = {"petal_width": str(row["petal_width"]), "petal_colour": "violet"}
        assert ask({"dataframe_records": [row | text]})[0] == 200  # as the page says of MLflow
        for change, why in (
            ({"petal_width": -5}, "'petal_width': 1 of 2 values are below"),
            ({"petal_width": 1e30}, "'petal_width': 1 of 2 values are above"),
            ({"petal_width": None}, "'petal_width': 1 of 2 values are missing"),
            ({"petal_width": "wide"}, "petal_width"),
        ):
            status, said = ask({"dataframe_records": [row, row | change]})
            assert (status, why in said["message"]) == (400, True), said
        del row["petal_width"]
        status, said = ask({"dataframe_records": [row]})
        assert (status, "petal_width" in said["message"]) == (400, True)


def test_mlflows_pages_have_every_cell_filled(
    server: str, shown: Any, tool: Tool, tmp_path: Path
) -> None:
    chromium = tool("chromium", "apt-get install chromium")
    of, runs = f"experiments/{shown['experiment']}", [run for _, run in shown["parents"]]
    listed = quote(json.dumps(runs)), quote(json.dumps([shown["experiment"]]))
    for place, labels in (
        (
            f"{of}/runs/{shown['run']}",
            "Created at,Created by,Experiment ID,Status,Run ID,Duration,Source,Datasets,Tags,"
            "Registered models",
        ),
        (
            f"{of}/models/{shown['model']}",
            "Created at,Created by,Status,Model ID,Source run,Source run ID,Logged from,"
            "Datasets used,Model versions",
        ),
        (
            "compare-runs?runs={}&experiments={}".format(*listed),
            "Run ID:,Run Name:,Start Time:,End Time:,Duration:,train.seed,test.accuracy",
        ),
    ):
        address, profile = f"{server}/#/{place}", tmp_path / "profile"
        page = texts(opened(chromium, address, "--dump-dom", profile))
        empty = {page[n - 1] for n, text in enumerate(page) if text in ("-", "—")}
        assert empty <= EMPTY, (place, empty)
        for label in labels.split(","):
            assert label in page, (place, label)
            value = page[len(page) - page[::-1].index(label)]  # behind its last place
            assert value not in ("-", "—", "", *labels.split(",")), (place, label)
