"""The edges of the service: methods, encodings, slow clients, how it ends, what it logs."""

import http.client
import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.prediction import write
from mlrepo.serving import app, server
from mlrepo.serving.settings import TOKEN, token_for

from .conftest import PROJECT, TinyProject, tiny_table
from .serving import Running, running, served
from .test_prediction import chosen

GOOD: dict[str, Any] = {"id": 1, "size": 50.0, "weight": 20, "colour": "red"}
PAGES = ("/health", "/ready", "/version", "/metrics", "/docs", "/openapi.json")


@pytest.fixture(autouse=True)
def in_tiny(tiny: TinyProject) -> None:
    """All of it happens in the tiny project, whose schema has an example of a weight."""
    content = yaml.load(Path("schema.yaml"))
    for field in content["fields"]:
        if field["name"] == "weight":
            field |= {"constraints": {"minimum": 0, "maximum": 100}, "example": 17.25}
    Path("schema.yaml").write_text(yaml.dump(content), encoding="utf-8")


def asked(service: Running, method: str, path: str, **headers: str) -> tuple[Any, bytes]:
    """Return what comes back, and its body."""
    connection = http.client.HTTPConnection(service.address.removeprefix("http://"), timeout=60)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer, answer.read()


@contextmanager
def half_a_body(service: Running) -> Iterator[socket.socket]:
    """Yield the connection of a client that says less than it has announced."""
    host, _, port = service.address.removeprefix("http://").partition(":")
    head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        yield connection


def read_all(connection: socket.socket) -> str:
    """Return all that comes until the other side ends the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer "])
def test_the_scheme_of_the_token_is_taken_in_any_case(scheme: str) -> None:
    with running(served(chosen()), token="open sesame open") as service:
        said = service.ask("/predict", GOOD, Authorization=f"{scheme} open sesame open")
        assert said.status == 200
        assert (
            service.ask("/predict", GOOD, Authorization=f"{scheme} Open sesame open").status == 401
        )


def test_head_is_get_without_the_body() -> None:
    with running(served(chosen())) as service:
        for path in PAGES:
            head, body = asked(service, "HEAD", path)
            assert (head.status, body) == (200, b"")
            assert (
                head.headers["Content-Type"]
                == asked(service, "GET", path)[0].headers["Content-Type"]
            )
        head, _ = asked(service, "HEAD", "/predict")
        assert (head.status, head.headers["Allow"]) == (405, "POST")
    with running(served(chosen()), token="open sesame open") as service:
        assert [asked(service, "HEAD", p)[0].status for p in PAGES] == [200, 200, *[401] * 4]


def test_the_first_page_leads_to_the_others_under_the_projects_name() -> None:
    with running(served(chosen())) as service:
        first, _ = asked(service, "GET", "/")
        assert (first.status, first.headers["Location"]) == (307, "docs")
        assert b"<title>herds" in service.ask("/").body
    with running(served(chosen()), token="open sesame open") as service:
        assert asked(service, "GET", "/")[0].status == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Encoding": "gzip"}, 415),
        ({"Content_Encoding": "br"}, 415),
        ({"Content_Encoding": "identity"}, 200),
        ({"Content_Type": "application/json; charset=utf-16"}, 415),
        ({"Content_Type": "application/json; charset=latin-1"}, 415),
        ({"Content_Type": 'application/json; charset="UTF-8"'}, 200),
        ({"Content_Type": "Application/JSON;charset=utf-8"}, 200),
        ({"Content_Type": "application/x-ndjson"}, 415),
    ],
)
def test_other_encodings_are_refused_as_such(headers: dict[str, str], status: int) -> None:
    with running(served(chosen())) as service:
        said = service.ask("/predict", GOOD, **headers)
    assert said.status == status
    if "Content_Encoding" in headers and status == 415:
        assert said.headers["Accept-Encoding"] == "identity"
        assert "without Content-Encoding" in said.json["detail"]


BAD: list[tuple[str, Any, str]] = [
    ("weight", -1, "must be greater than or equal to 0, not -1"),
    ("weight", 101.5, "must be less than or equal to 100, not 101.5"),
    ("weight", "20", "must be a valid number, not '20'"),
    ("weight", None, "must be a valid number, not null"),
    ("weight", True, "must be a valid number, not true"),
    ("id", 1.5, "must be a valid integer, not 1.5"),
    ("colour", "pink", "must be one of 'blue', 'green', 'red', not 'pink'"),
    ("colour", "x" * 500, f"must be one of 'blue', 'green', 'red', not '{'x' * 59}..."),
]


@pytest.mark.parametrize(("column", "value", "says"), BAD)
def test_a_refusal_has_row_column_rule_and_value(column: str, value: Any, says: str) -> None:
    with running(served(chosen())) as service:
        rows = [GOOD, GOOD, GOOD | {column: value}]
        [mistake] = service.ask("/predict/batch", {"rows": rows}).json["detail"]
    assert mistake["msg"] == f"row 3, '{column}': {says}"
    assert mistake["loc"] == ["rows", 2, column]  # as JSON counts


def test_rows_have_the_numbers_that_predict_gives_them() -> None:
    table = tiny_table()[:4]
    table[2, "weight"] = 101.5
    table.write_csv("new.csv")
    with pytest.raises(ProjectError, match=r"above 100, such as '101\.5' in row 3"):
        write.predict(chosen(), Path("new.csv"), Path("out.csv"), False, print)
    rows = table.select("size", "weight", "colour").to_dicts()
    with running(served(chosen())) as service:
        [mistake] = service.ask("/predict/batch", {"rows": rows}).json["detail"]
    assert mistake["msg"].startswith("row 3, 'weight': ")


def test_the_page_has_the_schemas_example_and_the_models_answer() -> None:
    by = served(chosen())
    with running(by) as service:
        page = service.ask("/openapi.json").json
        taken = page["paths"]["/predict"]["post"]
        asks = taken["requestBody"]["content"]["application/json"]["examples"]["example"]["value"]
        assert asks["weight"] == 17.25
        answer = taken["responses"]["200"]["content"]["application/json"]["example"]
        assert answer == service.ask("/predict", asks).json
        many = page["paths"]["/predict/batch"]["post"]
        asks = many["requestBody"]["content"]["application/json"]["examples"]["example"]["value"]
        answer = many["responses"]["200"]["content"]["application/json"]["example"]
        assert answer == service.ask("/predict/batch", asks).json
        assert page["info"]["title"] == "herds"


def test_the_page_asks_for_a_token_where_there_is_one() -> None:
    for token, schemes in ((None, 0), ("open sesame open", 1)):
        with running(served(chosen()), token=token) as service:
            page = service.ask("/openapi.json", Authorization=f"Bearer {token}").json
        assert len(page["components"].get("securitySchemes", {})) == schemes
        for route in page["paths"]["/predict"].values():
            assert ("401" in route["responses"], "security" in route) == (bool(token),) * 2


def test_a_slow_body_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "_PATIENCE", 0.3)
    with running(served(chosen())) as service, half_a_body(service) as slow:
        assert service.ask("/predict", GOOD).status == 200  # others do not wait
        said = read_all(slow)
    assert said.startswith("HTTP/1.1 408 ")
    assert "connection: close" in said.lower()
    assert "did not come within 0.3 seconds" in said


def test_a_body_that_is_too_large_is_told_so_though_it_does_not_end() -> None:
    with running(served(chosen())) as service:
        host, _, port = service.address.removeprefix("http://").partition(":")
        head = "POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            begin = time.monotonic()
            connection.sendall(head.encode() + b"bb8\r\n" + b"x" * 3000 + b"\r\n")
            said = read_all(connection)
    assert time.monotonic() - begin < app._PATIENCE / 2
    assert said.startswith("HTTP/1.1 413 ")
    assert "the body has more than 2000 bytes: send fewer rows" in said


def test_the_page_says_how_long_it_waits() -> None:
    [page] = (PROJECT / "docs").glob("*service.md*")
    said = " ".join(page.read_text(encoding="utf-8").split())
    assert f"| 408 | the body did not come within {app._PATIENCE} seconds |" in said
    assert f"answers what is in flight, for up to {server._GRACE} seconds" in said
    assert app._PATIENCE < server._GRACE  # so that a slow body ends before the service does


def test_it_ends_while_a_body_comes_slowly(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), running(served(chosen())) as service:
        service.server.config.timeout_graceful_shutdown = 1
        with half_a_body(service) as slow:
            time.sleep(0.3)
            service.server.should_exit = True
            said = read_all(slow)
    assert said.startswith("HTTP/1.1 503 ")
    assert "the service stops" in said
    assert [record for record in caplog.records if record.exc_info] == []


def test_refusals_are_logged_without_what_was_sent(capfd: pytest.CaptureFixture[str]) -> None:
    bad = GOOD | {"colour": "a secret colour"}
    with running(served(chosen())) as service:
        service.ask("/predict", bad, X_Request_ID="mine")
        service.ask("/predict", b"x" * 3000)
        service.ask("/made-up" + "x" * 500)
    with running(served(chosen()), token="open sesame open") as service:
        service.ask("/predict", bad)
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {line["event"] for line in lines} == {"refused"}
    told = [(line["path"][:8], line["status"]) for line in lines]
    assert told == [("/predict", 422), ("/predict", 413), ("/made-up", 404), ("/predict", 401)]
    assert lines[0]["id"] == "mine"
    assert lines[0]["why"] == [{"loc": ["colour"], "type": "literal_error"}]
    assert len(lines[2]["path"]) == 100
    with running(served(chosen()), log_values=True) as service:
        service.ask("/predict", bad)
    assert "a secret colour" in capfd.readouterr().out


@pytest.mark.parametrize("token", ["x", "fifteen letters", "  "])
def test_a_token_that_can_be_guessed_is_refused(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, token)
    for host in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(
            ProjectError, match=f"has {len(token.strip())} letters, and fewer than 16"
        ):
            token_for(host)
    monkeypatch.setenv(TOKEN, "sixteen letters.")
    assert token_for("0.0.0.0") == "sixteen letters."
