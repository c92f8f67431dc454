"""All stages, end to end, on a tiny table."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import metrics as sk
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.inspection import permutation_importance

from mlrepo.core.errors import ProjectError
from mlrepo.core.owner import load_params
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import MODEL, TEST, TRAIN
from mlrepo.learning import metrics, model_file, predictions
from mlrepo.learning.predictions import Predictions
from mlrepo.scoring import score_report
from penguins.evaluate import main as evaluate
from penguins.prepare import main as prepare
from penguins.train import main as train

from .conftest import TinyProject, tiny_table


def run(params: LibraryParams) -> dict[str, Any]:
    prepare(params)
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
    overall = [row["metric"] for row in rows if not row["slice"]]
    assert (overall[0], sorted(overall)) == ("roc_auc", sorted(results["test"]))
    assert {row["value"] for row in rows if row["slice"] == "colour"} >= {"blue", "green", "red"}
    for row in rows:
        if row["low"]:
            assert float(row["low"]) <= float(row["estimate"]) <= float(row["high"])
    _, *lines = score_report.overall(rows, results["train"])
    assert [line[0] for line in lines] == overall


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
    split = {"test_size": 0.3, "seed": 0, "equal_features": "apart", **split}
    params = tiny.set({"prepare.split": split, "train.cross_validation": 3})
    prepare(params)
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
    split = {
        "method": "time",
        "test_size": 0.3,
        "seed": 0,
        "column": "seen",
        "equal_features": "apart",
    }
    run(tiny.set({"prepare.split": split}))
    assert "20 test rows have a 'colour' that no train row has ('mauve')" in capsys.readouterr().err


def test_a_slice_that_is_no_column_is_told(tiny: TinyProject) -> None:
    run(load_params())
    with pytest.raises(ProjectError, match=r"evaluate\.slices in params.yaml names 'color'"):
        evaluate(tiny.set({"evaluate.slices": ["color"]}))


def test_the_model_file_predicts_as_the_model_did(tiny: TinyProject) -> None:
    run(load_params())
    loaded = model_file.load(MODEL)
    again = model_file.load(MODEL)
    table = tiny_table().select("size", "weight", "colour")
    assert (loaded.predict_proba(table) == again.predict_proba(table)).all()


def test_evaluate_in_batches_says_the_same(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = tiny.set({})
    run(params)
    once = {path: path.read_bytes() for path in Path("reports").rglob("*.csv")}
    assert Path("reports/scores.csv") in once
    monkeypatch.setattr(predictions, "PREDICT", 7)
    evaluate(params)
    assert {path: path.read_bytes() for path in once} == once


def test_a_constant_stands_beside_each_score(tiny: TinyProject) -> None:
    """By scikit-learn's dummies, on the same rows; in slices as well."""
    for changes, dummy in (
        ({"evaluate.slices": ["colour"]}, DummyClassifier(strategy="prior")),
        (
            {
                "data.task": "regression",
                "data.target": "size",
                "train.estimator": "sklearn.tree.DecisionTreeRegressor",
                "train.arguments": {},
            },
            DummyRegressor(),
        ),
    ):
        params = tiny.set(changes)
        run(params)
        train, test = pl.read_parquet(TRAIN), pl.read_parquet(TEST)
        target, task = params.data.target, params.data.task
        dummy.fit(np.zeros((train.height, 1)), train[target].to_numpy())
        for row in scores():
            there = pl.lit(True)
            if row["slice"]:
                there = pl.col(row["slice"]).fill_null("(missing)") == row["value"]
            truth = test.filter(there)[target].to_numpy()
            of_dummy = Predictions.of(dummy, np.zeros((len(truth), 1)), truth)
            wanted = metrics.scores(task, of_dummy).get(row["metric"])
            said = float(row["constant"]) if row["constant"] else None
            assert said == (None if wanted is None else pytest.approx(wanted, rel=1e-9))


def test_a_slice_of_one_row_says_so(tiny: TinyProject) -> None:
    colours = ["red", "green"] * 40
    run(tiny.set({}))
    test = pl.read_parquet(TEST)
    test.with_columns(colour=pl.Series(["blue", *colours][: test.height])).write_parquet(TEST)
    evaluate(tiny.set({"evaluate.slices": ["colour"]}))
    assert {row["method"] for row in scores() if row["value"] == "blue"} == {"one row"}


def test_the_metric_that_params_name_leads(tiny: TinyProject) -> None:
    """The scores, the importance and the worst slice go by it."""
    tiny_table(300).write_csv("table.csv")
    tiny.propose()
    names = ["size", "weight"]
    params = tiny.set(
        {
            "data.features": {"include": names, "exclude": []},
            "evaluate.metric": "log_loss",
            "evaluate.slices": ["colour"],
            "train.arguments": {"n_estimators": 40},
        }
    )
    run(params)
    assert scores()[0]["metric"] == "log_loss"
    assert next(r["metric"] for r in scores() if r["value"] == "red") == "log_loss"

    test = pl.read_parquet(TEST)
    model: Any = model_file.load(MODEL)
    inputs = pd.DataFrame({name: test[name].to_numpy() for name in names})
    truth = test["kind"].to_numpy()
    by = {"scoring": "neg_log_loss", "n_repeats": 2, "random_state": 0}
    drops = permutation_importance(model, inputs, truth, **by).importances_mean
    found = dict(pl.read_csv("reports/plots/importance.csv").select("feature", "mean").iter_rows())
    for name, mean in zip(names, drops, strict=True):
        assert found[name] == pytest.approx(float(f"{mean:.6g}"), rel=1e-9)

    losses = {}
    for colour in ("red", "green", "blue"):
        there = (test["colour"] == colour).fill_null(value=False).to_numpy()
        assert there.sum() >= score_report.SMALLEST_SLICE
        losses[colour] = sk.log_loss(truth[there], model.predict_proba(inputs[there]))
    worst = score_report.worst_slice(scores())
    assert worst is not None
    assert (worst["metric"], worst["value"]) == ("log_loss", max(losses, key=losses.__getitem__))
    assert float(worst["estimate"]) == pytest.approx(max(losses.values()), rel=1e-9)
