"""The service follows its stage, and a version that cannot be loaded changes nothing."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.serving import follow
from mlrepo.serving.follow import Follower
from mlrepo.serving.served_version import Served
from mlrepo.serving.settings import Settings
from mlrepo.serving.telemetry import Meters

from . import tagging
from .serving import served, settings
from .test_prediction import chosen

WHO = ("-c", "user.name=Test", "-c", "user.email=test@example.com")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tiny: Any) -> set[str]:
    """Two versions, of which v1.0.0 is in production; loading is easy, but for those named here."""
    git.folder_in_repository.cache_clear()
    subprocess.run(["git", "init", "--quiet"], check=True)
    for version in ("v1.0.0", "v2.0.0"):
        command = ["git", *WHO, "commit", "--quiet", "--allow-empty", "--message", version]
        subprocess.run(command, check=True)
        tagging.version(version[1:])
    tagging.assign("1.0.0", "prod")
    wrong: set[str] = set()
    model = chosen()

    def load(settings: Settings, version: Any, tell: object) -> Served:
        if version.name in wrong:
            raise ProjectError(f"{version.name} is damaged")
        as_named = model.__class__(**{**vars(model), "version": version.name})
        made = served(as_named)
        return Served(settings, version, made.chosen, made.rows, "now")

    monkeypatch.setattr(follow, "load", load)
    return wrong


def follower(version: str | None = None, **changes: Any) -> tuple[Follower, Meters]:
    meters = Meters()
    stage = None if version else "prod"
    asked = settings(version=version, stage=stage, **changes)
    return Follower(asked, meters, lambda step: None), meters


def failures(meters: Meters) -> tuple[float, float]:
    lines = dict(
        line.rsplit(" ", 1)
        for line in generate_latest(meters).decode().splitlines()
        if not line.startswith("#")
    )
    return float(lines["model_switch_failures_total"]), float(lines["model_switch_failing"])


def test_it_goes_where_the_stage_goes(broken: set[str]) -> None:
    made, _ = follower()
    assert made.served.chosen.version == "v1.0.0"
    for version in ("v2.0.0", "v1.0.0"):
        tagging.assign(version[1:], "prod")
        made.look()
        assert made.served.chosen.version == version
    before = made.served
    tagging.assign("2.0.0", "staging")
    made.look()
    assert made.served is before  # nothing was loaded for another stage


def test_what_cannot_be_loaded_is_told_once_and_tried_again(
    broken: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    made, meters = follower(poll=0.0001)
    broken.add("v2.0.0")
    tagging.assign("2.0.0", "prod")
    for _ in range(3):
        made.look()
    assert made.served.chosen.version == "v1.0.0"
    assert failures(meters) == (3, 1)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [e["says"] for e in events if e["event"] == "switch_failed"] == ["v2.0.0 is damaged"]
    broken.clear()
    made.look()
    assert made.served.chosen.version == "v2.0.0"
    assert failures(meters) == (3, 0)


def test_tries_become_rare(broken: set[str]) -> None:
    made, meters = follower(poll=60.0)
    broken.add("v2.0.0")
    tagging.assign("2.0.0", "prod")
    for _ in range(5):
        made.look()
    assert failures(meters) == (1, 1)
    tagging.assign("1.0.0", "prod")  # a rollback does not wait
    made.look()
    assert failures(meters) == (1, 0)


def test_a_git_remote_that_is_away_is_no_reason_to_stop(
    broken: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "remote", "add", "origin", str(Path("nowhere"))], check=True)
    away, _ = follower(fetch=True)
    tagging.assign("2.0.0", "prod")
    away.look()
    away.look()
    assert away.served.chosen.version == "v2.0.0"
    assert capsys.readouterr().out.count("fetch_failed") == 1


def test_nothing_to_serve_is_a_mistake(broken: set[str]) -> None:
    with pytest.raises(ProjectError, match="has no version"):
        follower(version="v9")
    broken.add("v1.0.0")
    with pytest.raises(ProjectError, match="damaged"):
        follower()
