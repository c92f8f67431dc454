"""Answers of the service are the model's own, and what it cannot use is refused by name."""

import json
import math
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.learning.features import Features, select
from mlrepo.serving.server import bind
from mlrepo.serving.settings import TOKEN, token_for

from .conftest import TinyProject, tiny_table
from .serving import MOST, running, served
from .test_prediction import NUMBERS, chosen

GOOD: dict[str, Any] = {"id": 1, "size": 50.0, "weight": 20, "colour": "red"}


def rows() -> list[dict[str, Any]]:
    """Return the tiny table without what is predicted and what the model does not read."""
    return tiny_table().select("size", "weight", "colour").to_dicts()


@pytest.fixture(autouse=True)
def in_tiny(tiny: TinyProject) -> None:
    """All of it happens in the tiny project; ranges end where its table's do not."""
    content = yaml.load(Path("schema.yaml"))
    for field in content["fields"]:
        if field["name"] == "weight":
            field["constraints"] = {"minimum": 0, "maximum": 100}
    Path("schema.yaml").write_text(yaml.dump(content), encoding="utf-8")


@pytest.mark.parametrize("estimator", [None, LogisticRegression(), LinearSVC()], ids=type)
def test_answers_are_scikit_learns_own(estimator: Any) -> None:
    by = chosen(estimator)
    x = select(tiny_table(), Features(NUMBERS, ("colour",)))
    with running(served(by)) as service, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda row: service.ask("/predict", row).json, rows()))
        batch = service.ask("/predict/batch", {"rows": rows()[:MOST]}).json
    assert [each["prediction"] for each in answers] == by.model.predict(x).tolist()
    assert {each["model_version"] for each in answers} == {"v1.0.0"}
    assert {each["model_sha256"] for each in answers} == {"ab" * 32}
    if hasattr(by.model, "predict_proba"):
        found = [[each["probabilities"][c] for c in ("big", "small")] for each in answers]
        assert np.allclose(found, by.model.predict_proba(x), atol=1e-12, rtol=0)
    named = ("model_version", "model_sha256")
    alone = [{k: v for k, v in each.items() if k not in named} for each in answers[:MOST]]
    assert [each["prediction"] for each in batch["predictions"]] == [
        each["prediction"] for each in alone
    ]
    assert batch["model_version"] == "v1.0.0"


def test_numbers_are_predicted(tiny: TinyProject) -> None:
    tiny.set({"data.task": "regression", "data.target": "weight"})
    tiny.set({"train.estimator": "sklearn.linear_model.LinearRegression", "train.arguments": {}})
    with running(served(chosen(LinearRegression()))) as service:
        answer = service.ask("/predict", {"size": 3, "colour": "red", "kind": "big"})
        assert answer.status == 200
        assert isinstance(answer.json["prediction"], float)
        assert "probabilities" not in answer.json


def test_columns_of_data_py_are_made_here_as_well() -> None:
    def add(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.with_columns(ratio=pl.col("size") / (pl.col("weight") + 1))

    by = served(chosen(add=add))
    assert by.rows.needed == {"size", "weight", "colour"}
    with running(by) as service:
        assert service.ask("/predict", GOOD).status == 200
        assert "'weight' is missing" in str(service.ask("/predict", {"size": 1.0}).json)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"weight": "20"}, "'weight': must be a valid number"),
    ({"weight": -1}, "'weight': must be greater than or equal to 0"),
    ({"weight": 101.5}, "'weight': must be less than or equal to 100"),
    ({"weight": math.nan}, "'weight': must be a finite number"),
    ({"weight": math.inf}, "'weight': must be a finite number"),
    ({"weight": None}, "'weight': must be a valid number"),
    ({"weight": True}, "'weight': must be a valid number"),
    ({"weight": [1]}, "'weight': must be a valid number"),
    ({"id": 1.5}, "'id': must be a valid integer"),
    ({"id": 10**30}, "'id'"),
    ({"colour": "pink"}, "'colour': must be one of 'blue', 'green', 'red'"),
    ({"colour": 1}, "'colour': must be one of 'blue', 'green', 'red'"),
    ({"kind": "big"}, "'kind' is what the model predicts: leave it out"),
    ({"colr": "red"}, "'colr' is no column of the schema: did you mean 'colour'?"),
]


@pytest.mark.parametrize(("change", "says"), BAD)
def test_a_bad_row_is_refused_by_the_name_of_its_column(change: dict[str, Any], says: str) -> None:
    with running(served(chosen())) as service:
        alone = service.ask("/predict", GOOD | change)
        batch = service.ask("/predict/batch", {"rows": [GOOD, GOOD | change]})
        assert service.ask("/predict", GOOD).status == 200
    assert alone.status == batch.status == 422
    assert alone.json["detail"][0]["msg"].startswith(says)
    assert batch.json["detail"][0]["msg"].startswith(f"row 2, {says}")
    assert batch.json["detail"][0]["loc"] == ["rows", 1, *change]


def test_a_bad_body_is_refused_and_kept_short() -> None:
    with running(served(chosen())) as service:
        for body in (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"size": NaN}', b"[" * 1900):
            assert service.ask("/predict", body).status == 422
            assert service.ask("/predict/batch", body).status == 422
        many = service.ask("/predict/batch", {"rows": [GOOD] * (MOST + 1)})
        assert (many.status, many.json["detail"][0]["loc"]) == (422, ["rows"])
        assert service.ask("/predict/batch", {"rows": []}).status == 422
        names = service.ask("/predict", GOOD | {f"n{n}": 1 for n in range(100)})
        assert len(names.json["detail"]) == 20
        assert service.ask("/predict", b" " * 2001).status == 413
        chunks = service.ask("/predict", GOOD, Content_Type="text/plain")
        assert chunks.status == 415
        assert service.ask("/predict", GOOD).status == 200


def test_whole_numbers_may_be_written_with_a_point() -> None:
    with running(served(chosen())) as service:
        assert service.ask("/predict", GOOD | {"id": 7.0}).status == 200


def test_a_token_is_asked_for() -> None:
    with running(served(chosen()), token="öffne") as service:
        for path, content in (("/predict", GOOD), ("/version", None), ("/metrics", None)):
            assert service.ask(path, content).status == 401
            for wrong in ("Bearer wrong", "Bearer", "Bearer ", "Basic wrong", "wrong"):
                assert service.ask(path, content, Authorization=wrong).status == 401
            right = "Bearer öffne".encode().decode("latin-1")
            assert service.ask(path, content, Authorization=right).status == 200
        assert service.ask("/health").status == service.ask("/ready").status == 200


def test_nobody_learns_without_the_token_which_paths_there_are() -> None:
    with running(served(chosen()), token="sesame") as service:
        for path, status in (("/docs", 200), ("/openapi.json", 200), ("/made-up", 404)):
            assert service.ask(path).status == 401
            assert service.ask(path, Authorization="Bearer sesame").status == status


def test_without_a_token_nobody_else_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        assert token_for(host) is None
    for host in ("0.0.0.0", "::", "example.com"):
        with pytest.raises(ProjectError, match=TOKEN):
            token_for(host)
    monkeypatch.setenv(TOKEN, "a secret of many letters")
    assert token_for("0.0.0.0") == "a secret of many letters"


def test_a_taken_port_is_told() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(ProjectError, match="choose --host and --port"),
    ):
        bind("127.0.0.1", taken.getsockname()[1])


def test_each_request_is_logged_without_its_values(capfd: pytest.CaptureFixture[str]) -> None:
    with running(served(chosen())) as service:
        name = service.ask("/predict", GOOD, X_Request_ID="mine").headers["X-Request-ID"]
        service.ask("/predict/batch", {"rows": [GOOD, GOOD]})
    with running(served(chosen()), log_values=True) as service:
        service.ask("/predict", GOOD)
    first, second, third = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert name == first["id"] == "mine"
    assert (first["model_version"], first["model_sha256"]) == ("v1.0.0", "ab" * 32)
    assert len(first["predictions"]) == 1
    assert len(second["predictions"]) == 2
    assert "rows" not in first
    assert third["rows"] == [GOOD]


def test_what_happens_is_counted() -> None:
    with running(served(chosen())) as service:
        service.ask("/predict", GOOD)
        service.ask("/predict/batch", {"rows": [GOOD, GOOD]})
        service.ask("/predict", {})
        service.ask("/made-up")
        text = service.ask("/metrics").body.decode()
    for line in (
        'model_requests_total{path="/predict",status="200"} 1.0',
        'model_requests_total{path="/predict",status="422"} 1.0',
        'model_requests_total{path="other",status="404"} 1.0',
        'model_predictions_total{version="v1.0.0"} 3.0',
        "model_batch_rows_sum 3.0",
        f'sha256="{"ab" * 32}",version="v1.0.0"',
    ):
        assert line in text


def test_the_page_shows_the_columns() -> None:
    by = served(chosen())
    with running(by) as service:
        document = service.ask("/openapi.json").json
        assert service.ask("/docs").status == 200
        for path, methods in document["paths"].items():
            [method] = methods
            found = service.ask(path, GOOD if method == "post" else None).status
            assert found == (422 if path == "/predict/batch" else 200)
        row = document["components"]["schemas"]["Row"]
        assert list(row["properties"]) == [field.name for field in by.rows.fields]
        assert "kind" not in row["properties"]
        assert row["properties"]["weight"]["maximum"] == 100
        values, nothing = row["properties"]["colour"]["anyOf"]
        assert (values["enum"], nothing) == (["blue", "green", "red"], {"type": "null"})
        assert set(row["required"]) == {"weight"}
        asked = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
        [example] = asked["examples"].values()
        assert example == {"value": by.rows.example()}
        assert service.ask("/predict", example["value"]).status == 200


def test_a_request_is_answered_by_the_version_that_checked_it() -> None:
    first, second = served(chosen()), served(chosen(LogisticRegression()))
    other = second.chosen.__class__(**{**vars(second.chosen), "version": "v2.0.0"})
    with running(first) as service, ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(service.ask, "/predict", GOOD) for _ in range(40)]
        service.held.served = served(other)
        answers = [each.result() for each in asked]
        assert {each.status for each in answers} == {200}
        assert service.ask("/predict", GOOD).json["model_version"] == "v2.0.0"
        assert service.ask("/openapi.json").json["info"]["version"] == "v2.0.0"


class Picky(LogisticRegression):  # type: ignore[misc]
    """Refuses small numbers."""

    def predict(self, X: Any) -> Any:
        """Predict, or raise as scikit-learn does for a value that it cannot use."""
        if (np.asarray(X)[:, 0] < 1).any():
            raise ValueError("too small")
        return super().predict(X)


def test_nobody_gets_a_refusal_for_what_another_one_sent() -> None:
    with running(served(chosen(Picky()))) as service, ThreadPoolExecutor(8) as pool:
        sent = [GOOD if n % 3 else GOOD | {"size": 0.0} for n in range(60)]
        found = list(pool.map(lambda row: service.ask("/predict", row).status, sent))
    assert found[1::3] == found[2::3] == [200] * 20
    assert found[::3] == [422] * 20
