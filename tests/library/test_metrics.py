"""Each metric of the template against scikit-learn, on the table and on resamples of it."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import SVC

from mlrepo.core.errors import ProjectError
from mlrepo.learning import metrics
from mlrepo.learning.metrics import functions
from mlrepo.learning.metrics.aggregates import from_sklearn
from mlrepo.learning.predictions import Predictions
from mlrepo.scoring.bootstrap import draw
from penguins import metrics as owners_metrics
from penguins.metrics import CLASSIFICATION, REGRESSION

NAMES = {
    "strings": np.array(["ja", "nein", "vielleicht", "weiß nicht"], dtype=object),
    "integers": np.array([3, 7, 20, 100]),
    "booleans": np.array([False, True]),
}


RANKING = {"roc_auc", "average_precision"}  # what rows ranked by a score are needed for


def classified(
    labels: str = "strings", classes: int = 2, rows: int = 60, ties: bool = False, seed: int = 0
) -> Predictions:
    rng = np.random.default_rng(seed)
    names = NAMES[labels][:classes]
    true = np.concatenate([np.arange(classes), rng.integers(0, classes, rows - classes)])
    shares = rng.dirichlet(np.ones(classes), rows) + 0.4 * np.eye(classes)[true]
    shares = (np.round(shares * 4) if ties else shares) + 1e-3
    shares /= shares.sum(axis=1, keepdims=True)
    return Predictions(names[true], names[shares.argmax(axis=1)], names, shares)


def measured(rows: int = 41, seed: int = 0) -> Predictions:
    rng = np.random.default_rng(seed)
    truth = 1e4 + rng.normal(size=rows).round(1)
    return Predictions(truth, truth + rng.normal(size=rows).round(1))


def expected(name: str, data: Predictions, weights: np.ndarray | None) -> float:
    """Score with scikit-learn, from the arrays and sample weights."""
    shares, classes = data.probabilities, data.classes
    plain: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
        "accuracy": (sk.accuracy_score, {}),
        "balanced_accuracy": (sk.balanced_accuracy_score, {}),
        "f1_macro": (sk.f1_score, {"average": "macro"}),
        "rmse": (sk.root_mean_squared_error, {}),
        "mae": (sk.mean_absolute_error, {}),
        "r2": (sk.r2_score, {}),
        "median_absolute_error": (sk.median_absolute_error, {}),
    }
    if name in plain:
        function, options = plain[name]
        return float(function(data.truth, data.predicted, sample_weight=weights, **options))
    assert shares is not None
    assert classes is not None
    if name == "log_loss":
        return float(sk.log_loss(data.truth, shares, labels=classes, sample_weight=weights))
    two = len(classes) == 2
    if name == "brier":
        arguments: dict[str, Any] = {"pos_label": classes[1]} if two else {"labels": classes}
        chosen = shares[:, 1] if two else shares
        return float(sk.brier_score_loss(data.truth, chosen, sample_weight=weights, **arguments))
    ranking = {"roc_auc": sk.roc_auc_score, "average_precision": sk.average_precision_score}[name]
    areas = [
        ranking(data.truth == classes[index], shares[:, index], sample_weight=weights)
        for index in ([1] if two else range(len(classes)))
    ]
    return float(np.mean(areas))


CASES = {
    "two": classified(),
    "two_with_ties": classified(ties=True),
    "booleans": classified("booleans"),
    "integers": classified("integers", classes=4, rows=90),
    "several_with_ties": classified(classes=3, rows=80, ties=True),
    "many_rows": classified(classes=3, rows=3000),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", CLASSIFICATION)
def test_classification_equals_scikit_learn(name: str, case: str) -> None:
    data = CASES[case]
    assert metrics.scores("classification", data)[name] == pytest.approx(
        expected(name, data, None), abs=1e-12, rel=1e-12
    )
    # Whole numbers from 1 to 4: each row stays, so that sample weights and copies agree.
    weights = np.random.default_rng(1).integers(1, 5, size=(7, len(data))).astype(float)
    found = owners_metrics.CLASSIFICATION[name](data, weights)
    wanted = [expected(name, data, row) for row in weights]
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rows", [2, 3, 41, 3000])
@pytest.mark.parametrize("name", REGRESSION)
def test_regression_equals_scikit_learn(name: str, rows: int) -> None:
    data = measured(rows)
    assert metrics.scores("regression", data)[name] == pytest.approx(
        expected(name, data, None), abs=1e-12, rel=1e-12
    )
    weights = np.random.default_rng(1).integers(1, 5, size=(7, rows)).astype(float)
    found = owners_metrics.REGRESSION[name](data, weights)
    wanted = [expected(name, data, row) for row in weights]
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_resample_scores_like_its_rows(task: str) -> None:
    """Rows that are not drawn must not count, not even as a label with a recall of 0."""
    data = classified(classes=3, rows=12) if task == "classification" else measured(12)
    weights = draw(np.random.default_rng(3), 60, 12)
    for name, metric in metrics.of_task(task).items():
        found = metric(data, weights)
        for value, counts in zip(found, weights, strict=True):
            drawn = data.rows(np.repeat(np.arange(12), counts.astype(int)))
            assert value == pytest.approx(
                metrics.scores(task, drawn).get(name, float("nan")), rel=1e-12, nan_ok=True
            )
            missing_class = name in RANKING and len(set(drawn.truth)) < 3
            if not missing_class:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)  # a predicted label not drawn
                    assert value == pytest.approx(expected(name, drawn, None), rel=1e-12)
            else:
                assert np.isnan(value)


def test_a_slice_with_one_class_ranks_nothing_and_has_no_nan() -> None:
    data = CASES["two"]
    one = data.rows(data.truth == "ja")
    assert set(metrics.scores("classification", one)) == set(CLASSIFICATION) - RANKING
    assert metrics.scores("classification", one)["balanced_accuracy"] == pytest.approx(
        np.mean(one.predicted == "ja")
    )


def test_a_constant_target_has_no_r2() -> None:
    data = Predictions(np.full(3, 0.1), np.array([0.1, 0.2, 0.3]))
    assert set(metrics.scores("regression", data)) == {"rmse", "mae", "median_absolute_error"}


def test_a_label_unknown_to_the_model_counts_as_wrong() -> None:
    known = CASES["two"]
    truth = known.truth.copy()
    truth[0] = "neu"
    scores = metrics.scores(
        "classification", Predictions(truth, known.predicted, known.classes, known.probabilities)
    )
    assert set(scores) == {"accuracy", "balanced_accuracy", "f1_macro"}
    assert scores["accuracy"] == sk.accuracy_score(truth, known.predicted)
    assert scores["f1_macro"] == sk.f1_score(truth, known.predicted, average="macro")


@pytest.mark.parametrize("classes", [2, 3])
def test_decision_values_give_what_needs_ranks_alone(classes: int) -> None:
    rng = np.random.default_rng(0)
    truth = NAMES["strings"][rng.integers(0, classes, 60)]
    features = rng.normal(size=(60, 2)) + (truth == "ja")[:, np.newaxis]
    data = Predictions.of(SVC().fit(features, truth), features, truth)
    scores = metrics.scores("classification", data)
    assert set(scores) == {"accuracy", "balanced_accuracy", "f1_macro", *RANKING}
    decisions = SVC().fit(features, truth).decision_function(features)
    columns = decisions.reshape(60, -1)
    for name, ranking in (
        ("roc_auc", sk.roc_auc_score),
        ("average_precision", sk.average_precision_score),
    ):
        wanted = [
            ranking(truth == NAMES["strings"][1 if classes == 2 else index], column)
            for index, column in enumerate(columns.T)
        ]
        assert scores[name] == pytest.approx(np.mean(wanted), rel=1e-12)


def test_one_against_one_decisions_rank_no_class() -> None:
    rng = np.random.default_rng(0)
    truth, features = rng.integers(0, 3, 60), rng.normal(size=(60, 2))
    model = SVC(decision_function_shape="ovo").fit(features, truth)
    assert model.decision_function(features).shape == (60, 3)
    assert "roc_auc" not in metrics.scores("classification", Predictions.of(model, features, truth))


def test_predictions_of_a_model_hold_what_it_offers() -> None:
    rng = np.random.default_rng(0)
    features, truth = rng.normal(size=(30, 2)), rng.integers(0, 2, 30).astype(bool)
    classifier = LogisticRegression().fit(features, truth)
    data = Predictions.of(classifier, features, truth)
    np.testing.assert_array_equal(data.probabilities, classifier.predict_proba(features))
    assert set(metrics.scores("classification", data)) == set(CLASSIFICATION)
    regressor = LinearRegression().fit(features, truth.astype(float))
    assert Predictions.of(regressor, features, truth.astype(float)).classes is None


def test_float32_probabilities_are_clipped_as_in_scikit_learn() -> None:
    shares = np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32)
    data = Predictions(np.array([0, 1, 1]), np.array([0, 1, 0]), np.array([0, 1]), shares)
    assert metrics.scores("classification", data)["log_loss"] == pytest.approx(
        sk.log_loss(data.truth, shares), rel=1e-6
    )


def test_a_metric_of_scikit_learn_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    added = {"matthews": from_sklearn(sk.matthews_corrcoef)}
    monkeypatch.setattr(owners_metrics, "CLASSIFICATION", owners_metrics.CLASSIFICATION | added)
    data = CASES["integers"]
    assert metrics.scores("classification", data)["matthews"] == sk.matthews_corrcoef(
        data.truth, data.predicted
    )
    weights = draw(np.random.default_rng(0), 3, len(data))
    wanted = [sk.matthews_corrcoef(data.truth, data.predicted, sample_weight=w) for w in weights]
    np.testing.assert_allclose(added["matthews"](data, weights), wanted, rtol=1e-12)


def test_a_metric_of_the_wrong_task_is_named() -> None:
    metric = from_sklearn(sk.mean_squared_error)
    with pytest.raises(ProjectError, match=r"mean_squared_error.*metrics\.py"):
        metric(CASES["two"], np.ones((1, 60)))


def test_predictions_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ProjectError, match="predicted values hold NaN or infinity"):
        Predictions(np.array([1.0, 2.0]), np.array([1.0, np.inf]))


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_truth_itself_is_better_than_a_guess(task: str) -> None:
    """Which of two models is better depends on SMALLER_IS_BETTER: every metric must be right."""
    assert (
        set(metrics.of_task("classification") | owners_metrics.REGRESSION)
        > owners_metrics.SMALLER_IS_BETTER
    )
    truth: Any = np.arange(20.0)
    best, worse = Predictions(truth, truth), Predictions(truth, truth[::-1])
    if task == "classification":
        truth, names = np.array(["no", "yes"] * 10), np.array(["no", "yes"])
        sure = 0.8 * (truth[:, np.newaxis] == names) + 0.1
        best = Predictions(truth, truth, names, sure)
        worse = Predictions(truth, np.roll(truth, 1), names, sure[:, ::-1])
    good, bad = metrics.scores(task, best), metrics.scores(task, worse)
    for name in metrics.of_task(task):
        assert (good[name] < bad[name]) == (name in owners_metrics.SMALLER_IS_BETTER), name


def test_no_rows_are_refused() -> None:
    with pytest.raises(ProjectError, match="no rows"):
        Predictions(np.array([]), np.array([]))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_weighted_forms_equal_scikit_learn(case: str, weighted: bool) -> None:
    data = CASES[case]
    assert data.classes is not None
    assert data.probabilities is not None
    w = np.random.default_rng(4).exponential(size=len(data)) if weighted else np.ones(len(data))
    found = {
        metric.__name__: metric(data, w[np.newaxis])[0]
        for metric in (
            functions.f1_weighted,
            functions.roc_auc_weighted,
            functions.average_precision_weighted,
        )
    }
    f1 = sk.f1_score(data.truth, data.predicted, average="weighted", sample_weight=w)
    assert found["f1_weighted"] == pytest.approx(f1, rel=1e-9)
    hits = data.truth[:, np.newaxis] == data.classes
    shares = data.probabilities
    if len(data.classes) == 2:
        hits, shares = hits[:, 1], shares[:, 1]
    area = sk.roc_auc_score(hits, shares, average="weighted", sample_weight=w)
    precision = sk.average_precision_score(hits, shares, average="weighted", sample_weight=w)
    assert found["roc_auc_weighted"] == pytest.approx(area, rel=1e-9)
    assert found["average_precision_weighted"] == pytest.approx(precision, rel=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_mape_and_pinball_equal_scikit_learn(weighted: bool) -> None:
    data = measured(200)
    w = np.random.default_rng(4).exponential(size=200) if weighted else np.ones(200)
    pair = data.truth, data.predicted
    share = sk.mean_absolute_percentage_error(*pair, sample_weight=w)
    assert functions.mape(data, w[np.newaxis])[0] == pytest.approx(share, rel=1e-9)
    for quantile in (0.1, 0.9):
        wanted = sk.mean_pinball_loss(*pair, alpha=quantile, sample_weight=w)
        assert functions.pinball(quantile)(data, w[np.newaxis])[0] == pytest.approx(
            wanted, rel=1e-9
        )


def test_a_quantile_in_percent_is_refused() -> None:
    with pytest.raises(ProjectError, match="a quantile is between 0 and 1"):
        functions.pinball(90)
