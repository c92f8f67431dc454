"""What needs no cluster: the refusals, and that work which workers do is the same work."""

import json
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import MODEL, TRAIN
from mlrepo.learning.boosting import cluster
from mlrepo.learning.cluster import scheduler, session
from mlrepo.learning.estimator import make_estimator
from mlrepo.learning.features import Features
from mlrepo.learning.model_file import load
from mlrepo.learning.predictions import Predictions
from mlrepo.scoring import bootstrap
from mlrepo.scoring.intervals import intervals
from penguins.prepare import main as prepare
from penguins.train import main as train

from .conftest import TinyProject

NONE = Features((), ())


@pytest.fixture
def listener() -> Iterator[str]:
    """The address of something that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


def connect(address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what the refusal of an address says."""
    monkeypatch.setenv(scheduler.ADDRESS, address)
    with pytest.raises(ProjectError) as refused, session.connected(pinned=True):
        pass
    return str(refused.value)


def test_without_an_address_there_is_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(scheduler.ADDRESS, raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)  # importing it fails
    with session.connected(pinned=True):
        assert session.client() is None


@pytest.mark.parametrize("address", ["here", "tcp://127.0.0.1", "tcp://127.0.0.1:x"])
def test_what_is_no_address_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"no Dask scheduler answers at {address} (" in connect(address, monkeypatch)


def test_an_address_where_nobody_listens_is_refused(
    listener: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "CONNECT", 0.3)
    nobody = f"{listener.rpartition(':')[0]}:9"
    assert f"no Dask scheduler answers at {nobody} (" in connect(nobody, monkeypatch)


def test_a_missing_extra_is_named(listener: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "distributed is not installed: run `uv sync --extra cluster`" in connect(
        listener, monkeypatch
    )


def test_workers_draw_what_would_be_drawn_here(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=300)
    table = Predictions(truth, truth + rng.normal(size=300))
    memory = 7 * 8 * 300 * bootstrap.COPIES  # chunks of 7 resamples
    here = intervals("regression", table, 100, 0.95, seed=3, memory=memory)
    calls: list[Any] = []

    def map_on_workers(function: Any, data: object, wanted: list[tuple[Any, ...]]) -> list[Any]:
        calls.extend(wanted)
        found = [function(data, *call) for call in reversed(wanted)]  # in any order
        return found[::-1]

    monkeypatch.setattr(session, "client", object)
    monkeypatch.setattr(session, "map_on_workers", map_on_workers)
    assert intervals("regression", table, 100, 0.95, seed=3, memory=memory) == here
    assert len(calls) == 15


def test_work_that_was_lost_with_a_worker_is_done_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(scheduler, "wait_for_workers", lambda client: None)
    monkeypatch.setattr(scheduler, "count", lambda client: 1)
    failures = [CancelledError(), CancelledError()]

    def work() -> str:
        if failures:
            raise failures.pop()
        return "done"

    assert session.retry(work) == "done"
    assert capsys.readouterr().err == "a worker was lost: again with 1 workers\n" * 2
    failures.extend(CancelledError() for _ in range(9))
    with pytest.raises(CancelledError):
        session.retry(work)


def test_boosting_on_workers_says_what_it_needs(tiny: TinyProject) -> None:
    distributed = {"train.estimator": "xgboost.dask.DaskXGBClassifier"}
    needs: list[tuple[dict[str, Any], str]] = [
        ({}, "train.arguments.workers in params.yaml must say how many workers"),
        ({"train.arguments": {"workers": 2}}, "set train.batches.rows in params.yaml"),
        ({"train.batches.rows": 20}, "names none: see docs/cluster.md"),
    ]
    for changes, words in needs:
        params = tiny.set({**distributed, **changes})
        assert cluster.is_meant(params.train)
        with pytest.raises(ProjectError, match=words):
            cluster.fit(None, TRAIN, NONE, params)


@pytest.mark.parametrize("search", ["GridSearchCV", "HalvingGridSearchCV"])
def test_a_search_leaves_the_best_estimator(
    tiny: TinyProject, capsys: pytest.CaptureFixture[str], search: str
) -> None:
    params = tiny.set(
        {
            "train.estimator": f"sklearn.model_selection.{search}",
            "train.arguments": {
                "estimator": "sklearn.tree.DecisionTreeClassifier",
                "param_grid": {"max_depth": [1, 3]},
                "cv": 2,
            },
        }
    )
    prepare(params)
    train(params)
    assert "best of the search: {'max_depth': " in capsys.readouterr().out
    fitted: Any = load(MODEL)
    assert type(fitted[-1]).__name__ == "DecisionTreeClassifier"
    assert fitted[-1].random_state == params.train.seed


def test_an_inner_estimator_that_env_json_does_not_know_is_refused(tiny: TinyProject) -> None:
    params = tiny.set(
        {
            "train.estimator": "sklearn.model_selection.GridSearchCV",
            "train.arguments": {"estimator": "xgboost.XGBClassifier", "param_grid": {}},
        }
    )
    known: dict[str, dict[str, str]] = {"scikit-learn": {}, "estimator": {"scikit-learn": "1.9.1"}}
    Path("env.json").write_text(json.dumps({"closures": known}), encoding="utf-8")
    with pytest.raises(ProjectError, match=r"train\.arguments\.estimator .* `uv add xgboost`"):
        make_estimator(params.train, "classification")
    known["xgboost"] = {}
    Path("env.json").write_text(json.dumps({"closures": known}), encoding="utf-8")
    assert make_estimator(params.train, "classification")
