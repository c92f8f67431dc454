"""Scores as people read them: also those of a target whose unit makes them small."""

import pytest

from mlrepo.commands import contents
from mlrepo.learning.metrics import functions
from mlrepo.page import report, write_page
from mlrepo.scoring import card, score_report
from penguins.metrics import CLASSIFICATION

ROW = {
    **{"slice": "", "value": "", "rows": "40", "metric": "rmse", "estimate": "0.00012345"},
    **{"low": "0.0001", "high": "0.00015", "method": "order statistics", "constant": "0.012345"},
}


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("accuracy", 0.04321, "0.043"),
        ("r2", -2.2e-16, "-0.000"),
        ("brier", 0.0, "0.000"),
        ("rmse", 250.1234, "250.123"),
        ("rmse", 0.12345, "0.123"),
        ("rmse", 0.0432149, "0.0432"),
        ("mape", "9.8e-9", "9.80e-09"),
        ("mae", 0, "0.000"),
        ("euros", -0.0012, "-0.00120"),
    ],
)
def test_a_small_score_in_the_unit_of_the_target_has_digits(
    metric: str, value: float | str, text: str
) -> None:
    assert score_report.shown(metric, value) == text


def test_the_metrics_with_a_scale_are_those_of_classes_and_r2() -> None:
    assert set(CLASSIFICATION) < score_report._SCALED
    assert all(hasattr(functions, name) for name in score_report._SCALED)


def test_no_table_shows_a_small_score_as_nothing() -> None:
    between = "0.000100 to 0.000150"
    [_, line] = score_report.overall([ROW], {"rmse": 4e-5})
    assert line == ["rmse", "0.000123", between, "0.0123", "4.00e-05"]
    [_, line] = score_report.by_slice([{**ROW, "slice": "colour", "value": "red"}])
    assert line[-1] == f"0.000123 ({between}) / 0.0123"
    assert report._score(ROW) == ["40", "rmse", "0.000123", between, "0.0123"]
    assert write_page._score(ROW) == f"rmse 0.000123 (interval {between})"
    changes = {"metrics": {"metrics/evaluate.json.test.rmse": [0.00012, 0.00011]}}
    said = contents._describe_changes(changes)
    assert said.endswith("test.rmse  0.0001200 -> 0.0001100  (-1.000e-05)")


def test_large_slices_without_the_metric_are_told_with_the_worst() -> None:
    rows = [{**ROW, "metric": name, "better": "smaller"} for name in ("rmse", "mae")]
    red, blue = ([{**row, "slice": "colour", "value": name} for row in rows] for name in "rb")
    assert "colour r, 0.000123. After each" in card._slices([*rows, *red, *blue])[1]
    assert (
        "colour r, 0.000123. It is undefined in 1 of that size. After"
        in card._slices([*rows, *red, *blue[1:]])[1]
    )
