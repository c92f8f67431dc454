"""The job that mirrors: when it does, and that a tracker without an answer fails nothing."""

import os
import subprocess

import pytest

from mlrepo.ci import mirror


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The modules that were started, with their arguments; each ends with exit code $CODE."""
    started: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        started.append(command[2:])
        return subprocess.CompletedProcess(command, int(os.environ.get("CODE", "0")))

    for name in (*mirror.SETTINGS, "CODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(mirror, "begin", lambda: started.append(["begin"]))
    monkeypatch.setattr(subprocess, "run", run)
    return started


def test_without_a_tracker_nothing_is_asked(
    ran: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # as GitHub sets what it does not know
    mirror.mirror()
    assert ran == []
    assert "Neither MLFLOW_TRACKING_URI nor WANDB_API_KEY is set" in capsys.readouterr().out


def test_mlflow_is_brought_up_to_date(
    ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "")
    mirror.mirror()
    assert ran == [["begin"], ["mlrepo.commands", "mirror"]]
    assert "MLFLOW_TRACKING_TOKEN" not in os.environ


def test_what_is_written_for_wandb_is_sent(
    ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "key")
    mirror.mirror()
    assert ran == [["begin"], ["mlrepo.commands", "mirror"], ["wandb", "sync", "--yes"]]


def test_a_tracker_that_fails_is_told_and_fails_nothing(
    ran: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "key")
    monkeypatch.setenv("CODE", "1")
    mirror.mirror()
    assert ran == [["begin"], ["mlrepo.commands", "mirror"]]
    assert "The tracker is not complete" in capsys.readouterr().out
