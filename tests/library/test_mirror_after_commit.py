"""What a dead tracker means for who commits."""

import os
import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from mlrepo.mirror import mlflow_runs


class Refusing(BaseHTTPRequestHandler):
    """Asks for a password, which is an answer."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers["Host"])
        self.send_error(401)

    def log_message(self, *_: object) -> None:
        pass


def test_a_password_in_the_address_is_no_part_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://somebody:secret@127.0.0.1:{server.server_port}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        mlflow_runs.Tracker.refuse_silent()
        server.shutdown()
    assert Refusing.asked == [f"127.0.0.1:{server.server_port}"]


def test_after_a_commit_a_dead_server_is_told_and_nothing_fails(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://somebody:secret@127.0.0.1:{free.getsockname()[1]}"
    done = subprocess.run(
        [sys.executable, "-m", "mlrepo.mirror.catch_up"],
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_TRACKING_URI": address},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "does not answer" in done.stderr
    assert "secret" not in done.stderr
