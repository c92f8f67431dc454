"""The service of a generated project: right answers, a hot switch, refusals before it starts."""

import json
import os
import re
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from browser import opened
from conftest import Tool
from made_tags import assigned_unchecked
from releases import MODEL, Released, copied, flip
from serving import GOOD, Calls, predicted, rows, serving, started


@pytest.fixture
def copy(served_versions: Released, tmp_path: Path) -> Released:
    return copied(served_versions, tmp_path / "copy")


# Less of a body than was announced.
HALF = (
    b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 100\r\n\r\n{"
)


def refused(copy: Released, *options: str, **variables: str) -> str:
    """Start the service, which must end at once with one message; return that."""
    done = copy.model("serve", "--port", "0", *options, check=False, **variables)
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""  # nothing is logged before it is known that it can serve
    assert done.stderr.count("error: ") == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_its_page_shows_the_columns_without_the_internet(
    copy: Released, tool: Tool, tmp_path: Path
) -> None:
    chromium = tool("chromium", "apt-get install chromium")
    with serving(copy, "--version", "v1") as service:
        address = f"http://127.0.0.1:{service.port}/docs"
        page = opened(chromium, address, "--dump-dom", tmp_path / "browser")
    for word in ("/predict/batch", "bill_length_mm", "v1.0.0"):
        assert word in page
    assert not re.search(r"""(src|href)=["']https?://(?!127\.0\.0\.1)""", page)


def test_answers_are_those_of_model_predict(copy: Released) -> None:
    expected = predicted(copy, "--version", "v1")
    table = rows(copy)
    with serving(copy, "--version", "v1") as service:
        client = service.client()
        alone = [client.ask("/predict", row).json for row in table]
        batch = client.ask("/predict/batch", {"rows": table}).json
        assert service.stop() == 0
        assert service.log()[-1]["event"] == "stop"
    shas = {each["model_sha256"] for each in expected}
    assert {each["model_sha256"] for each in [*alone, batch]} == shas
    assert {each["model_version"] for each in [*alone, batch]} == {"v1.0.0"}
    for said in (alone, batch["predictions"]):
        for answer, line in zip(said, expected, strict=True):
            assert answer["prediction"] == line["prediction"]
            for label, share in answer["probabilities"].items():
                assert abs(share - float(line[f"probability_{label}"])) < 1e-12
    log = [line for line in service.log() if line["event"] == "prediction"]
    assert [line["predictions"] for line in log[: len(alone)]] == [
        [each["prediction"]] for each in alone
    ]
    assert {line["model_sha256"] for line in log} == shas
    assert not [line for line in log if "Biscoe" in json.dumps(line)]


def test_its_commands_do_what_its_page_says(copy: Released) -> None:
    text = (copy.path / "docs/service.md").read_text(encoding="utf-8")
    [row] = re.findall("```json\n(.*)\n```", text)
    for name, content in (("row", row), ("rows", f'{{"rows": [{row}]}}')):
        (copy.path / f"{name}.json").write_text(content, encoding="utf-8")
    [options] = re.findall(r"\$ uv run model serve (.*)", text)
    asked = re.findall(r"\$ (curl .*)\n(.*)", text)
    with serving(copy, *options.split()) as service:
        for command, shown in asked:
            line = command.replace(":8000", f":{service.port}")
            said = json.loads(copy.run("sh", "-c", line).stdout)
            assert list(said) == list(json.loads(shown))
    assert len(asked) == 2


def test_it_starts_with_nothing_that_is_wrong(copy: Released) -> None:
    assert "not both" in refused(copy, "--version", "v1", "--stage", "prod")
    assert "v9" in refused(copy, "--version", "v9")
    assert "'live' is no stage: versions.yaml has" in refused(copy, "--stage", "live")
    assert "fewer than 16" in refused(copy, MODEL_SERVE_TOKEN="x")
    assert "MODEL_SERVE_TOKEN" in refused(copy, "--host", "0.0.0.0")
    with serving(copy) as service:
        assert "in use: choose --host and --port" in refused(copy, "--port", str(service.port))
    flip(copy.storage / copy.object(MODEL))
    flip(copy.path / ".dvc/cache" / copy.object(MODEL))
    assert "is not the recorded file" in refused(copy)


def test_a_wrong_token_opens_nothing(copy: Released) -> None:
    with serving(copy, "--host", "0.0.0.0", MODEL_SERVE_TOKEN="open sesame open") as service:
        paths = ["/predict", "/predict/batch", "/metrics", "/version", "/docs", "/openapi.json"]
        for token in (None, "open", "open sesame open!", "Open Sesame Open"):
            for path in [*paths, "/", "/predict/"]:
                answer = service.client(token).ask(path, GOOD if "predict" in path else None)
                assert answer.status == 401, (token, path)
                assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert service.client().ask("/health").status == 200
        assert service.client("open sesame open").ask("/predict", GOOD).status == 200


def test_it_goes_over_to_what_is_promoted_and_drops_no_request(copy: Released) -> None:
    shares = {}
    for version in ("v1", "v1.1"):
        with serving(copy, "--version", version) as service:
            answer = service.client().ask("/predict", GOOD).json
            shares[answer["model_version"], answer["model_sha256"]] = answer["probabilities"]
    assert len(shares) == 2
    copy.model("promote", "v1", "staging", "-m", "Back")
    with serving(copy, "--stage", "staging") as service:
        calls = Calls(service, 8)

        def now(version: str) -> bool:
            found: str = service.client().ask("/version").json["model_version"]
            return found == version

        for turn, version in enumerate(["v1.1.0", "v1.0.0", "v1.1.0"], start=1):
            copy.model("promote", version, "staging", "-m", "The other one")
            service.wait_for(lambda version=version: now(version))
            assert service.meter("model_switches_total") == turn
        time.sleep(1)
        calls.end()
        assert service.stop() == 0
    assert calls.failed == []
    assert {call.status for call in calls.answers} == {200}
    for answer in (call.answer for call in calls.answers):
        found = shares[answer["model_version"], answer["model_sha256"]]
        assert answer["probabilities"] == pytest.approx(found, abs=1e-12)
    order = [call.answer["model_version"] for call in calls.answers]
    assert order[0] == "v1.0.0"
    assert order[-1] == "v1.1.0"


def test_what_cannot_be_loaded_changes_nothing(copy: Released) -> None:
    copy.git("checkout", "--quiet", "model@v1.0.0")
    first = copy.object(MODEL)
    copy.git("checkout", "--quiet", "main")
    for place in (copy.storage, copy.path / ".dvc/cache"):
        flip(place / first)
    with serving(copy, "--stage", "staging") as service:
        assigned_unchecked(copy, "v1", "staging")
        service.wait_for(lambda: service.meter("model_switch_failing") == 1)
        assert service.client().ask("/predict", GOOD).json["model_version"] == "v1.1.0"
        told = [line for line in service.log() if line["event"] == "switch_failed"]
        assert len(told) == 1
        assert "is not the recorded file" in told[0]["says"]
        for place in (copy.storage, copy.path / ".dvc/cache"):
            flip(place / first)
        service.wait_for(lambda: service.meter("model_switch_failing") == 0)
        assert service.client().ask("/version").json["model_version"] == "v1.0.0"


def test_a_version_that_was_named_stays(copy: Released) -> None:
    with serving(copy, "--version", "v1") as service:
        assigned_unchecked(copy, "v1.1", "prod")
        time.sleep(2)
        assert service.client().ask("/version").json["model_version"] == "v1.0.0"


def test_what_others_promote_is_fetched(copy: Released) -> None:
    other = copy.path.parent / "other"
    copy.run("git", "clone", "--quiet", str(copy.origin), str(other))
    with serving(copy, "--stage", "staging", "--fetch") as service:
        there = Released(other, copy.project)
        assigned_unchecked(there, "v1", "staging")
        service.wait_for(lambda: service.client().ask("/version").json["model_version"] == "v1.0.0")


def test_what_is_in_flight_is_answered_before_it_stops(copy: Released) -> None:
    table = rows(copy) * 2
    with serving(copy, "--version", "v1") as service:
        found: list[int] = []

        def ask() -> None:
            with suppress(ConnectionRefusedError):  # of who came after the signal
                found.append(service.client().ask("/predict/batch", {"rows": table}).status)

        threads = [threading.Thread(target=ask) for _ in range(20)]
        before = service.meter("model_batch_rows_count")
        with socket.create_connection(("127.0.0.1", service.port), timeout=60) as slow:
            slow.sendall(HALF)
            for thread in threads:
                thread.start()
            service.wait_for(lambda: service.meter("model_batch_rows_count") > before)
            os.kill(service.process.pid, signal.SIGTERM)
            for thread in threads:
                thread.join()
            said = b"".join(iter(lambda: slow.recv(65536), b""))
        assert service.process.wait(60) == 0
    assert found
    assert set(found) == {200}
    assert said.startswith(b"HTTP/1.1 408 ")  # it had its time, as when nobody stops the service
    assert (copy.path.parent / "serve.err").read_text(encoding="utf-8") == ""


def test_it_ends_while_it_loads_as_well(copy: Released) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = started(copy, "--port", str(port))
    while True:  # it has the port before it has a model
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            break
        assert process.poll() is None
        time.sleep(0.01)
    process.terminate()
    assert process.wait(60) == 0
    assert (copy.path.parent / "serve.err").read_text(encoding="utf-8") == ""
