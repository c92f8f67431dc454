"""What dvc.lock pins of data in a bucket makes a stage stale when it changes, and nothing else."""

import copy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlrepo.pipeline import status

SPEC = {"name": "prices", "url": "s3://lake/prices", "type": "url"}
PINNED = SPEC | {"meta": {"isdir": True}, "files": [{"relpath": "1", "meta": {"version_id": "a"}}]}
PIPELINE: dict[str, Any] = {
    "datasets": [SPEC],
    "stages": {"extract": {"cmd": "true", "deps": ["ds://prices"]}},
}
READ = {"path": "ds://prices", "hash": "dataset", "dataset": copy.deepcopy(PINNED)}
RUN = {"cmd": "true", "deps": [READ]}
LOCK: dict[str, Any] = {"schema": "2.0", "datasets": [PINNED], "stages": {"extract": RUN}}

NOTHING = "is pinned to no version of its address: `dvc dataset update prices`"
CHANGES: dict[str, tuple[Callable[[Any, Any], object], str]] = {
    "another version": (
        lambda _, lock: lock["datasets"][0]["files"][0]["meta"].update(version_id="b"),
        "has changed",
    ),
    "another address": (lambda spec, _: spec["datasets"][0].update(url="s3://sea"), NOTHING),
    "not pinned": (lambda _, lock: lock.pop("datasets"), NOTHING),
    "not there": (
        lambda spec, _: spec.pop("datasets"),
        "is no dataset of dvc.yaml: `dvc dataset add` makes one",
    ),
}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, Any], None]:
    """Write both files into the current folder."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)

    def both(pipeline: Any, lock: Any) -> None:
        Path("dvc.yaml").write_text(yaml.dump(pipeline), encoding="utf-8")
        Path("dvc.lock").write_text(yaml.dump(lock), encoding="utf-8")

    return both


def test_what_is_pinned_is_up_to_date(write: Callable[[Any, Any], None]) -> None:
    write(PIPELINE, LOCK)
    assert status.report() == status.Report()


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_is_named(write: Callable[[Any, Any], None], change: str) -> None:
    pipeline, lock = copy.deepcopy(PIPELINE), copy.deepcopy(LOCK)
    act, expected = CHANGES[change]
    act(pipeline, lock)
    write(pipeline, lock)
    assert status.report().stale == [f"extract: ds://prices {expected}"]


def test_an_address_is_set_aside(write: Callable[[Any, Any], None]) -> None:
    dep = "s3://lake/prices"
    stage = {"cmd": "true", "deps": [dep]}
    run = {"cmd": "true", "deps": [{"path": dep, "etag": "1a2b"}]}
    write({"stages": {"extract": stage}}, {"schema": "2.0", "stages": {"extract": run}})
    assert status.report() == status.Report(absent={dep})
