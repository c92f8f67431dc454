"""A running `model serve` of a copy, asked as clients ask it."""

import csv
import http.client
import itertools
import json
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import Project
from once import once
from releases import RAW, Released, two_versions

JSON = {"Content-Type": "application/json"}
KINDS = {"bill_length_mm": float, "bill_depth_mm": float} | dict.fromkeys(
    ("flipper_length_mm", "body_mass_g", "year"), int
)
GOOD: dict[str, Any] = {
    "species": "Adelie",
    "island": "Biscoe",
    "bill_length_mm": 40.1,
    "bill_depth_mm": 18.2,
    "flipper_length_mm": 181,
    "body_mass_g": 4000,
    "year": 2007,
}


@pytest.fixture(scope="session")
def served_versions(mlflow_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """v1.0.0 and v1.1.0; change only copies."""
    return once(tmp_path_factory, "served", lambda at: two_versions(mlflow_project, at))


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection that stays open; another one takes its place when the service ends it."""

    def __init__(self, port: int, token: str | None = None) -> None:
        self._headers = JSON | ({"Authorization": f"Bearer {token}"} if token else {})
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, path: str, content: Any = None, **headers: str) -> Answer:
        """Send content as JSON, or bytes as they are; nothing: GET."""
        body = content if content is None or isinstance(content, bytes) else as_bytes(content)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        method = "GET" if body is None else "POST"
        self._connection.request(method, path, body, self._headers | named)
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def close(self) -> None:
        self._connection.close()


@dataclass
class Service:
    """The process, its log and where it listens."""

    process: "subprocess.Popen[bytes]"
    copy: Released
    port: int

    def log(self) -> list[dict[str, Any]]:
        """Return the events that it wrote so far."""
        text = (self.copy.path.parent / "serve.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def client(self, token: str | None = None) -> Client:
        return Client(self.port, token)

    def meter(self, name: str) -> float:
        """Return the value of a line of /metrics."""
        text = self.client().ask("/metrics").body.decode()
        return sum(float(v) for v in re.findall(rf"^{name}(?:\{{.*)? (\S+)$", text, re.MULTILINE))

    def wait_for(self, moment: Any) -> None:
        """Wait until ``moment()`` is true."""
        end = time.monotonic() + 120
        while not moment():
            assert self.process.poll() is None
            assert time.monotonic() < end, self.log()[-5:]
            time.sleep(0.1)

    def stop(self) -> int:
        """Tell it to stop and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@dataclass
class Call:
    """What a client got for a row, by their numbers."""

    client: int
    row: int
    status: int
    answer: Any


class Calls:
    """Clients that ask all the time, each on a connection of its own, for one row after another."""

    def __init__(
        self,
        service: Service,
        clients: int,
        rows: Sequence[dict[str, Any]] = (GOOD,),
        pause: float = 0,
    ) -> None:
        self.answers: list[Call] = []
        self.failed: list[BaseException] = []
        self._rows, self._pause = rows, pause
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=[service.client(), number])
            for number in range(clients)
        ]
        for thread in self._threads:
            thread.start()

    def _ask(self, client: Client, number: int) -> None:
        try:
            for row, content in itertools.cycle(enumerate(self._rows)):
                if self._ended.wait(self._pause):
                    return
                answer = client.ask("/predict", content)
                self.answers.append(Call(number, row, answer.status, answer.json))
        except BaseException as error:
            self.failed.append(error)

    def end(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


def started(copy: Released, *options: str, **variables: str) -> "subprocess.Popen[bytes]":
    """Return the process of `model serve`, which writes to serve.log and serve.err."""
    beside = copy.path.parent
    with (beside / "serve.log").open("wb") as out, (beside / "serve.err").open("wb") as err:
        return subprocess.Popen(
            ["python", "-m", "mlrepo.commands", "serve", "--poll", "0.5", *options],
            cwd=copy.path,
            env={**copy.project.active(), "PYTHONUNBUFFERED": "1", **variables},
            executable=str(copy.project.path / ".venv" / "bin" / "python"),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )


@contextmanager
def serving(copy: Released, *options: str, **variables: str) -> Iterator[Service]:
    """Run `model serve` on a free port until the block ends."""
    process = started(copy, "--port", "0", *options, **variables)
    service = Service(process, copy, 0)
    try:
        service.wait_for(lambda: any(line["event"] == "start" for line in service.log()))
        [start] = (line for line in service.log() if line["event"] == "start")
        service.port = start["port"]
        service.wait_for(lambda: _alive(service))
        yield service
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _alive(service: Service) -> bool:
    try:
        return service.client().ask("/ready").status == 200
    except OSError:
        return False


def rows(copy: Released) -> list[dict[str, Any]]:
    """Return the raw table as a client would send it."""
    with (copy.path / RAW).open(encoding="utf-8", newline="") as file:
        return [_row(line) for line in csv.DictReader(file)]


def predicted(copy: Released, *options: str) -> list[dict[str, str]]:
    """Return what `model predict` says of the raw table."""
    copy.model("predict", RAW, "-o", "../predicted.csv", *options)
    with (copy.path.parent / "predicted.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_bytes(content: Any) -> bytes:
    return json.dumps(content).encode()


def _row(line: dict[str, str]) -> dict[str, Any]:
    return {
        name: None if text in ("", "NA") else KINDS.get(name, str)(text)
        for name, text in line.items()
        if name != "sex"
    }
