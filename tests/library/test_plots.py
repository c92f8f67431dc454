"""Plot data against scikit-learn's curves; the same files whatever the task."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.calibration import calibration_curve
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import auc, confusion_matrix, precision_recall_curve, roc_auc_score
from sklearn.svm import SVC

from mlrepo.learning.predictions import Predictions
from mlrepo.scoring import plots
from mlrepo.scoring.importance import importance

from .conftest import PROJECT

TEMPLATES = PROJECT / ".dvc/plots"
CLOSE = 10.0 ** (1 - plots.DIGITS)  # what rounding may change


def classified(classes: int = 3, rows: int = 200, seed: int = 0) -> Predictions:
    rng = np.random.default_rng(seed)
    names = np.array([f"class {i:03}" for i in range(classes)], dtype=object)
    true = np.concatenate([np.arange(classes), rng.integers(0, classes, rows - classes)])
    shares = rng.dirichlet(np.ones(classes), rows) + np.eye(classes)[true] / 2
    shares /= shares.sum(axis=1, keepdims=True)
    return Predictions(names[true], names[shares.argmax(axis=1)], names, shares)


def scores_of(data: Predictions, index: int) -> np.ndarray:
    assert data.probabilities is not None
    return np.asarray(data.probabilities[:, index])


def measured(rows: int) -> Predictions:
    truth = np.random.default_rng(0).normal(size=rows)
    return Predictions(truth, truth + np.random.default_rng(1).normal(size=rows))


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_every_file_exists_for_every_task(task: str, tmp_path: Path) -> None:
    data = classified() if task == "classification" else measured(30)
    tables = plots.plot_tables(task, data)
    assert [*tables, "importance"] == list(plots.SCHEMAS)
    filled = {name for name, frame in tables.items() if len(frame)}
    assert filled == (set(tables) - {"residuals"} if task == "classification" else {"residuals"})
    for name, frame in tables.items():
        frame.write_csv(tmp_path / "plot.csv")
        header, *rows = (tmp_path / "plot.csv").read_text(encoding="utf-8").splitlines()
        assert header.split(",") == list(plots.SCHEMAS[name])
        assert len(rows) == len(frame)
        assert not any(word in row for row in rows for word in ("NaN", "inf"))


def test_confusion_equals_scikit_learn() -> None:
    data = classified()
    found = plots.confusion(data)
    wanted = confusion_matrix(data.truth, data.predicted)
    assert found["rows"].to_list() == wanted.ravel().tolist()
    assert found["actual"].to_list() == [label for label in data.labels for _ in range(3)]
    shares = (wanted / wanted.sum(axis=1, keepdims=True)).ravel()
    np.testing.assert_allclose(found["share"].to_numpy(), shares, rtol=CLOSE)


def test_a_label_that_is_only_predicted_has_no_share() -> None:
    data = Predictions(np.array([0, 0]), np.array([0, 1]), np.array([0, 1]))
    assert plots.confusion(data).rows() == [
        ("0", "0", 1, 0.5),
        ("0", "1", 1, 0.5),
        ("1", "0", 0, None),
        ("1", "1", 0, None),
    ]


def test_many_labels_are_joined_and_no_row_is_lost() -> None:
    data = classified(classes=120, rows=2000)
    found = plots.confusion(data)
    assert len(found) == plots.LABELS**2
    assert found["rows"].sum() == 2000
    assert found["actual"].to_list()[-1] == plots.OTHERS
    shown = found.filter(pl.col("actual") != plots.OTHERS)
    for name, rows in shown.group_by("actual").agg(pl.col("rows").sum()).iter_rows():
        assert rows == (data.truth == name).sum()


@pytest.mark.parametrize("classes", [2, 3])
def test_roc_holds_the_area_of_each_class(classes: int) -> None:
    data = classified(classes)
    found = plots.roc(data)
    names = [f"class {i:03}" for i in range(classes)]
    assert found["class"].unique(maintain_order=True).to_list() == names[classes == 2 :]
    for index in range(int(classes == 2), classes):
        curve = found.filter(pl.col("class") == names[index])
        area = auc(curve["false_positive_rate"].to_numpy(), curve["true_positive_rate"].to_numpy())
        wanted = roc_auc_score(data.truth == names[index], scores_of(data, index))
        assert area == pytest.approx(wanted, abs=1e-4)
        assert curve["threshold"].null_count() == 1


def test_precision_and_recall_equal_scikit_learn() -> None:
    data = classified(2)
    found = plots.precision_recall(data)
    positive = data.truth == "class 001"
    precision, recall, threshold = precision_recall_curve(
        positive, scores_of(data, 1), drop_intermediate=True
    )
    np.testing.assert_allclose(found["precision"].to_numpy(), precision, rtol=CLOSE)
    np.testing.assert_allclose(found["recall"].to_numpy(), recall, rtol=CLOSE)
    assert found["threshold"].null_count() == 1
    # Between the scores of two rows, and not above the one from which on rows are counted.
    between = found["threshold"].to_numpy()[:-1]
    assert (between <= threshold).all()
    assert (between[1:] > threshold[:-1]).all()
    np.testing.assert_allclose(found["reference"].to_numpy(), positive.mean(), rtol=CLOSE)


def test_calibration_equals_scikit_learn() -> None:
    data = classified(2)
    found = plots.calibration(data)
    observed, predicted = calibration_curve(
        data.truth == "class 001", scores_of(data, 1), n_bins=10, strategy="quantile"
    )
    np.testing.assert_allclose(found["predicted"].to_numpy(), predicted, rtol=CLOSE)
    np.testing.assert_allclose(found["observed"].to_numpy(), observed, rtol=CLOSE)
    assert found["rows"].sum() == len(data)


def test_curves_are_bounded_and_keep_their_ends() -> None:
    found = plots.roc(classified(3, rows=20_000))
    assert 900 <= len(found) <= plots.CURVE_POINTS
    for _, curve in found.group_by("class"):
        assert curve["true_positive_rate"].to_list()[0] == 0
        assert curve["true_positive_rate"].to_list()[-1] == 1
    many = plots.roc(classified(60, rows=3000))
    assert many["class"].n_unique() == plots.CURVES
    assert len(many) <= plots.CURVE_POINTS


def test_a_class_without_rows_has_no_curve() -> None:
    data = classified(3)
    found = plots.roc(data.rows(data.truth != "class 001"))
    assert found["class"].unique(maintain_order=True).to_list() == ["class 000", "class 002"]
    assert len(plots.roc(data.rows(data.truth == "class 001"))) == 0


def test_decision_values_give_curves_but_no_calibration() -> None:
    rng = np.random.default_rng(0)
    truth, features = rng.integers(0, 2, 60), rng.normal(size=(60, 2))
    tables = plots.plot_tables(
        "classification", Predictions.of(SVC().fit(features, truth), features, truth)
    )
    assert {name for name, frame in tables.items() if len(frame)} == {
        "confusion",
        "roc",
        "precision_recall",
    }


def test_residuals_are_bounded() -> None:
    found = plots.residuals(measured(50))
    np.testing.assert_allclose(
        found["residual"].to_numpy(),
        found["actual"].to_numpy() - found["predicted"].to_numpy(),
        atol=1e-4,
    )
    assert len(found) == 50
    assert len(plots.residuals(measured(10_000))) == plots.POINTS


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_importance_equals_scikit_learn(task: str) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(120, 4))
    measure = features @ [0.0, 3.0, 1.0, 0.0] + rng.normal(size=120)
    classified = task == "classification"
    truth: np.ndarray = measure > 0 if classified else measure
    model = (LogisticRegression() if classified else LinearRegression()).fit(features, truth)
    frame = pl.DataFrame(features, schema=["none", "much", "some", "noise"])

    def score(table: pl.DataFrame, _: object) -> float:
        return float(model.score(table.to_numpy(), truth))

    found = importance(score, frame, repeats=4, seed=7)
    wanted = permutation_importance(model, features, truth, n_repeats=4, random_state=7)
    assert found["feature"].to_list()[:2] == ["much", "some"]
    order = [frame.columns.index(name) for name in found["feature"]]
    np.testing.assert_allclose(
        found["mean"].to_numpy(), wanted.importances_mean[order], rtol=CLOSE, atol=1e-12
    )
    np.testing.assert_allclose(
        found["std"].to_numpy(), wanted.importances_std[order], rtol=CLOSE, atol=1e-12
    )


COLUMNS = {
    "curve": {"class", "reference"},
    "matrix": {"rows", "share"},
    "dots": {"residual"},
    "bars": {"mean", "std"},
    "scores": {"slice", "value", "low", "high", "metric"},
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_template_reads_columns_that_its_file_has(name: str) -> None:
    """Vega draws nothing, and says nothing, where a column has another name."""
    text = (TEMPLATES / f"{name}.json").read_text(encoding="utf-8")
    needed = COLUMNS[name]
    assert all(column in text for column in needed - {"metric"})
    assert "<DVC_METRIC_DATA>" in text
    assert json.loads(text)["$schema"].endswith("/v5.json")
    if name != "scores":
        assert any(needed <= set(columns) for columns in plots.SCHEMAS.values())
