"""All stages, end to end, on a tiny table."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from {{ cookiecutter.__package_name }} import persist, score_tables
from {{ cookiecutter.__package_name }}.artifacts import MODEL
from {{ cookiecutter.__package_name }}.assess import evaluate
from {{ cookiecutter.__package_name }}.errors import ProjectError
from {{ cookiecutter.__package_name }}.fit import train
from {{ cookiecutter.__package_name }}.params import Params, load_params
from {{ cookiecutter.__package_name }}.partition import partition

from .conftest import TinyProject, tiny_table


def run(params: Params) -> dict[str, Any]:
    partition(params)
    train(params)
    evaluate(params)
    results: dict[str, Any] = json.loads(Path("metrics/evaluate.json").read_text(encoding="utf-8"))
    return results


def scores() -> list[dict[str, str]]:
    with Path("reports/scores.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_classifier_learns_and_is_scored(tiny: TinyProject) -> None:
    results = run(tiny.set({"evaluate.slices": ["colour"]}))
    assert results["test"]["accuracy"] > 0.7
    assert set(results["test"]) == set(results["train"])
    rows = scores()
    assert [row["metric"] for row in rows if not row["slice"]] == list(results["test"])
    assert {row["value"] for row in rows if row["slice"] == "colour"} >= {"blue", "green", "red"}
    for row in rows:
        if row["low"]:
            assert float(row["low"]) <= float(row["estimate"]) <= float(row["high"])
    _, *lines = score_tables.overall(rows, results["train"])
    assert [line[0] for line in lines] == list(results["test"])


def test_a_regressor_learns_and_is_scored(tiny: TinyProject) -> None:
    results = run(
        tiny.set(
            {
                "data.task": "regression",
                "data.target": "size",
                "train.estimator": "sklearn.tree.DecisionTreeRegressor",
                "train.arguments": {},
            }
        )
    )
    assert set(results["test"]) == {"rmse", "mae", "r2", "median_absolute_error"}
    assert results["train"]["rmse"] < 1e-9 < results["test"]["rmse"]


def test_two_runs_write_the_same_bytes(tiny: TinyProject) -> None:
    outputs = []
    for _ in range(2):
        run(load_params())
        folders = (Path("models"), Path("metrics"), Path("reports"))
        files = [path for folder in folders for path in folder.rglob("*")]
        outputs.append({str(path): path.read_bytes() for path in files if path.is_file()})
    assert outputs[0] == outputs[1]
    assert "models/model.skops" in {Path(name).as_posix() for name in outputs[0]}


@pytest.mark.parametrize(
    "split",
    [
        {"method": "random", "column": None},
        {"method": "group", "column": "herd"},
        {"method": "time", "column": "seen"},
    ],
)
def test_cross_validation_has_a_mean_over_the_folds(
    tiny: TinyProject, split: dict[str, Any]
) -> None:
    split = {"test_size": 0.3, "seed": 0, **split}
    params = tiny.set({"prepare.split": split, "train.cross_validation": 3})
    partition(params)
    train(params)
    found = json.loads(Path("metrics/cross_validation.json").read_text(encoding="utf-8"))
    assert 0.5 < found["cv"]["accuracy"] <= 1
    assert found["cv"]["accuracy_std"] >= 0


def test_a_failed_training_leaves_the_old_model(tiny: TinyProject) -> None:
    run(load_params())
    before = MODEL.read_bytes()
    params = tiny.set({"train.arguments": {"n_estimators": "many"}})
    with pytest.raises(ProjectError, match="n_estimators"):
        train(params)
    assert MODEL.read_bytes() == before


def test_a_category_that_only_test_has_is_told(
    tiny: TinyProject, capsys: pytest.CaptureFixture[str]
) -> None:
    colours = ["red"] * 60 + ["mauve"] * 20  # time split: the last 24 rows are the test
    tiny_table().with_columns(colour=np.array(colours)).write_csv("table.csv")
    tiny.propose()
    split = {"method": "time", "test_size": 0.3, "seed": 0, "column": "seen"}
    run(tiny.set({"prepare.split": split}))
    assert "20 test rows have a 'colour' that no train row has (mauve)" in capsys.readouterr().err


def test_a_slice_that_is_no_column_is_told(tiny: TinyProject) -> None:
    run(load_params())
    with pytest.raises(ProjectError, match=r"evaluate\.slices in params.yaml names 'color'"):
        evaluate(tiny.set({"evaluate.slices": ["color"]}))


def test_the_model_file_predicts_as_the_model_did(tiny: TinyProject) -> None:
    run(load_params())
    loaded = persist.load(MODEL)
    again = persist.load(MODEL)
    table = tiny_table().select("size", "weight", "colour")
    assert (loaded.predict_proba(table) == again.predict_proba(table)).all()
