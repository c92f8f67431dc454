"""What a model must keep to, with a champion and without."""

from itertools import accumulate
from typing import Any

import polars as pl
import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.versions.gate import bounds
from mlrepo.versions.gate import verdict as gate

from .conftest import TinyProject
from .ring import ROWS, Ring


@pytest.fixture
def ring(tiny: TinyProject) -> Ring:
    return Ring(tiny)


def regions(ring: Ring, **wrong: int) -> None:
    """Let the model `good` be wrong in so many rows of each region, and right in all others."""
    right = (ring.test["answer"] == "yes").cast(pl.Float64)
    row = pl.int_range(pl.len()).over("region")
    limit = pl.col("region").replace_strict(wrong, default=0)
    ring.test = ring.test.with_columns(good=right).with_columns(
        good=pl.when(row < limit).then(1 - pl.col("good")).otherwise(pl.col("good"))
    )


def test_the_worst_slice_is_named_and_held_against_its_bound(ring: Ring) -> None:
    regions(ring, north=6, south=27, tiny=5)
    for bound, verdict in ((0.8, "pass"), (0.81, "fail")):
        found = ring.judge("good", None, worst_slice=bound)
        assert found["verdict"] == verdict
        assert found["bounds"]["worst_slice"] == {
            "value": pytest.approx(0.8),
            "bound": bound,
            "holds": verdict == "pass",
            "where": "region = south, 135 rows",
        }
    assert found["reasons"] == ["worst_slice 0.8 (region = south, 135 rows) breaks 0.81"]


def test_the_worst_slice_is_the_largest_where_smaller_is_better(ring: Ring) -> None:
    ring.regress()
    ring.test = ring.test.with_columns(
        close=pl.col("amount") + pl.when(pl.col("region") == "north").then(3.0).otherwise(1.0)
    )
    for bound, holds in ((3.01, True), (2.99, False)):
        found = ring.judge("close", None, worst_slice=bound)["bounds"]["worst_slice"]
        assert found["value"] == pytest.approx(3)
        assert (found["holds"], found["where"]) == (holds, "region = north, 60 rows")


def test_a_slice_of_ten_rows_counts(ring: Ring) -> None:
    """`tiny` is wrong throughout, but its five rows say little; ten would."""
    regions(ring, tiny=ROWS)
    assert ring.judge("good", None, worst_slice=0.9)["verdict"] == "pass"
    others, tiny = ring.test.filter(pl.col("region") != "tiny"), ring.test.filter(region="tiny")
    for more, verdict in ((4, "pass"), (5, "fail")):
        ring.test = pl.concat([others, tiny, tiny[:more]])
        assert ring.judge("good", None, worst_slice=0.9)["verdict"] == verdict


def test_a_slice_without_the_metric_does_not_count(ring: Ring) -> None:
    """A region of one class has no ROC AUC."""
    one_class = (pl.col("region") != "north") | (pl.col("answer") == "yes")
    ring.test = ring.test.filter(one_class)
    found = ring.judge("near", None, metric="roc_auc", worst_slice=0.5)["bounds"]["worst_slice"]
    assert found["where"].startswith("region = south")


def test_a_bound_on_slices_that_none_has_is_broken(ring: Ring) -> None:
    ring.set({"evaluate.slices": []})
    found = ring.judge("good", None, worst_slice=0.0)
    assert found["verdict"] == "fail"
    assert found["bounds"]["worst_slice"]["value"] is None
    assert found["reasons"][0].startswith("worst_slice undefined (no slice of evaluate.slices")


def test_a_slice_that_is_no_column_is_told(ring: Ring) -> None:
    ring.set({"evaluate.slices": ["colour"]})
    with pytest.raises(ProjectError, match=r"evaluate\.slices .*'colour'"):
        ring.judge("good", None, worst_slice=0.5)
    assert ring.judge("good", None)["verdict"] == "pass"


def test_the_size_is_that_of_the_file(ring: Ring) -> None:
    size = ring.model("good").stat().st_size / 1e6
    assert ring.judge("good", None, max_size_mb=size)["verdict"] == "pass"
    found = ring.judge("good", None, max_size_mb=size - 1e-6)
    assert found["verdict"] == "fail"
    assert found["bounds"]["max_size_mb"]["value"] == size
    assert found["reasons"][0].startswith("max_size_mb 0.0")


class Clock:
    """A model, and the time that it takes: a slow start and one slow moment."""

    def __init__(self, column: str) -> None:
        self.feature_names_in_ = [column]
        self.ticks = accumulate([0.0, 9.0, 0, 0.003, 0, 0.004, 0, 0.001, 0, 7.0, 0, 0.002])
        self.heights: list[int] = []

    def predict(self, inputs: pl.DataFrame) -> None:
        self.heights.append(inputs.height)


def test_the_time_is_the_median_for_a_thousand_rows_after_a_warm_up(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Clock("good")
    monkeypatch.setattr(bounds, "perf_counter", lambda: next(model.ticks))
    assert bounds._milliseconds(model, ring.test) == pytest.approx(3)
    assert model.heights == [1000] * 6


@pytest.mark.parametrize(("bound", "verdict"), [(1e-6, "fail"), (1e6, "pass")])
def test_the_time_is_measured_here(ring: Ring, bound: float, verdict: str) -> None:
    found = ring.judge("good", None, max_milliseconds_per_1000_rows=bound)
    assert found["verdict"] == verdict
    assert found["bounds"]["max_milliseconds_per_1000_rows"]["value"] > 0
    assert "(this machine)" in "".join([*found["reasons"], gate.describe(found)])


BROKEN: dict[str, Any] = {"max_size_mb": 1e-6}


def test_a_broken_bound_fails_whoever_the_champion_is(ring: Ring) -> None:
    better = ring.judge("good", "bad", **BROKEN)
    assert better["verdict"] == "fail"
    assert len(better["reasons"]) == 1, "that it is better is no reason to fail"
    unclear = ring.judge("near", "good", **BROKEN)
    assert unclear["verdict"] == "fail"
    assert unclear["reasons"][1:] == ["these rows cannot tell"]
    elsewhere = ring.judge("good", ring.champion("good", "what nobody knows"), **BROKEN)
    assert elsewhere["verdict"] == "fail"
    assert "cannot be scored" in elsewhere["reasons"][1]
