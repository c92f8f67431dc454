"""When a model that was made again counts as the recorded one though its bytes differ."""

from types import SimpleNamespace
from typing import Any

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.scoring.equivalence import numbers_agree
from mlrepo.versions.rebuild import METRICS_TOLERANCE, judge, rebuild


@pytest.mark.parametrize(
    ("agree", "off", "same_machine", "verdict", "why"),
    [
        (False, [], False, "different", "predicts otherwise"),
        (True, ["metrics/evaluate.json"], False, "different", "numbers in metrics/evaluate.json"),
        (True, [], True, "different", "bytes should be equal"),
        (True, [], False, "equivalent", "a machine that computes otherwise"),
    ],
)
def test_verdict(agree: bool, off: list[str], same_machine: bool, verdict: str, why: str) -> None:
    found = judge(agree, off, same_machine)
    assert found[0] == verdict
    assert why in found[1]


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ('{"accuracy": 0.5}', '{"accuracy": 0.5000001}', True),
        ('{"accuracy": 0.5}', '{"accuracy": 0.50001}', False),
        ('{"accuracy": 0.5}', '{"recall": 0.5}', False),
        ("a,1e-9\nb,-2\n", "a,1.5e-9\nb,-2.0\n", True),
        ('{"rmse": 51234567.890123456}', '{"rmse": 51234567.890126456}', True),  # 6e-14 of it
        ('{"rmse": 51234567.0}', '{"rmse": 51234667.0}', False),
        ("a,1\nb,-2\n", "a,1\nb,2\n", False),
        ("a,1\n", "a,1\na,1\n", False),
    ],
)
def test_texts_by_their_numbers(before: str, after: str, same: bool) -> None:
    assert numbers_agree(before, after, METRICS_TOLERANCE) == same


def test_a_version_that_needs_a_cluster_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    record = {"architecture": {"estimator": "xgboost.dask.DaskXGBRegressor"}}
    version: Any = SimpleNamespace(name="v1.0.0", record=record)
    says = "made by xgboost.dask.DaskXGBRegressor on a Dask cluster.* set DASK_SCHEDULER_ADDRESS"
    with pytest.raises(ProjectError, match=says):
        rebuild(version, print)
