"""The service in a thread of this process, on a port of its own, with models made here."""

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import uvicorn

from mlrepo.prediction.predictor import Predictor
from mlrepo.serving.app import make_app
from mlrepo.serving.request_rows import Rows
from mlrepo.serving.served_version import Served
from mlrepo.serving.server import bind
from mlrepo.serving.settings import Settings
from mlrepo.serving.telemetry import Meters

from . import tagging

MOST = 5  # rows
JSON = {"Content-Type": "application/json"}


@dataclass
class Held:
    """What stands in for a stage: tests put another version into it."""

    served: Served


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Running:
    """A service that listens."""

    address: str
    held: Held
    server: uvicorn.Server

    def ask(self, path: str, content: Any = None, **headers: str) -> Answered:
        """Send content as JSON, or bytes as they are; nothing: GET."""
        body = content if content is None or isinstance(content, bytes) else as_bytes(content)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.address + path, body, JSON | named)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answered(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answered(error.code, error.headers, error.read())


def as_bytes(content: Any) -> bytes:
    return json.dumps(content).encode()


def served(chosen: Predictor) -> Served:
    """Return a model as if it were a version in production."""
    version = tagging.in_memory(chosen.version[1:], "1" * 40, {})
    return Served(settings(), version, chosen, Rows(chosen, MOST), "now")


def settings(**changes: Any) -> Settings:
    """Return settings for a test."""
    plain: dict[str, Any] = {
        "project": "herds",
        "model": "model",
        "version": None,
        "stage": "prod",
        "host": "127.0.0.1",
        "port": 0,
        "max_rows": MOST,
        "max_bytes": 2000,
        "poll": 0.1,
        "fetch": False,
        "log_values": False,
        "token": None,
    }
    return Settings(**(plain | changes))


@contextmanager
def running(first: Served, **changes: Any) -> Iterator[Running]:
    """Serve until the block ends."""
    asked, meters = settings(**changes), Meters()
    held = Held(replace(first, settings=asked))
    app = make_app(lambda: held.served, asked, meters)
    meters.serve(first.chosen.version, first.chosen.sha256)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    with bind("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        try:
            yield Running(f"http://127.0.0.1:{port}", held, server)
        finally:
            server.should_exit = True
            thread.join()
