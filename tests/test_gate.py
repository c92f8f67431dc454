"""The gate in a whole project: at a promotion, on a pull request, and in the records of both."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from releases import Released, copied, new_released, refused

FIVE_TREES = {"train.arguments": {"n_estimators": 5}}
# A tree that may not divide its rows says the same of all of them.
STUMP = {"train.arguments": {"n_estimators": 1, "min_samples_leaf": 200}}
REASON = "The old one is too slow"
PASSES = "pass: not worse by more than the margin\n"


@pytest.fixture(scope="module")
def first(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """Five trees as v1.0.0 in prod; a test changes a copy."""
    released = new_released(project, tmp_path_factory.mktemp("gate") / "released")
    released.model("register", "-m", "The first one")
    released.model("promote", "v1", "prod", "-m", "The first one")
    return released


@pytest.fixture
def copy(first: Released, tmp_path: Path) -> Released:
    return copied(first, tmp_path / "copy")


def in_tag(copy: Released, tag: str) -> Any:
    """Return the JSON in a tag."""
    return json.loads("{" + copy.git("cat-file", "tag", tag).partition("\n{")[2])


def test_a_worse_model_comes_in_by_an_override_alone(copy: Released) -> None:
    assert copy.record("v1")["gate"] is None
    assert in_tag(copy, "model#prod#1")["gate"]["reasons"] == ["first version in this stage"]

    copy.ready("A stump", STUMP)
    copy.model("register", "-m", "A stump")
    registered = copy.record("v1.1")["gate"]
    assert (registered["verdict"], registered["champion"]["name"]) == ("fail", "v1.0.0")
    promote = ("promote", "v1.1", "prod", "-m", "Faster")
    words = ["v1.1.0 does not pass the gate of 'prod'", "--override REASON"]
    refused(copy, *promote, words=words, code=1)

    done = copy.model(*promote, "--override", REASON)
    assert "- fail: worse by more than the margin\n" in done.stderr
    promoted = in_tag(copy, "model#prod#2")
    assert (promoted["override"], promoted["from"]) == (REASON, "v1.0.0")
    verdict = promoted["gate"]
    assert verdict["champion_has_seen_rows"] == 0
    assert verdict["challenger"]["name"] == "v1.1.0"
    # The version and the model of the folder are one file, on the same rows.
    registered["challenger"]["name"] = "v1.1.0"
    assert verdict == registered


def test_a_pull_request_is_told_by_the_exit_code(copy: Released) -> None:
    assert copy.model("gate").stdout.startswith(PASSES)

    copy.ready("A stump", STUMP)
    worse = copy.model("gate", "--json", check=False)
    verdict = json.loads(worse.stdout)
    assert (worse.returncode, verdict["verdict"]) == (1, "fail")
    assert (verdict["challenger"]["name"], verdict["champion"]["name"]) == ("this model", "v1.0.0")
    assert copy.json("gate", "--against", "staging")["champion"] is None

    # The other way round: the stump is in prod, and five trees come.
    copy.model("register", "-m", "A stump")
    copy.model("promote", "v1.1", "prod", "-m", "Faster", "--override", REASON)
    copy.set_params(FIVE_TREES)
    copy.repro()
    better = copy.model("gate")
    assert better.stdout.startswith(PASSES)
    assert better.stderr == ""

    copy.run("git", "remote", "set-url", "origin", "../nowhere.git")
    away = copy.model("gate")
    assert away.stdout == better.stdout
    assert away.stderr.startswith("- the tags of this clone count: ")
    assert copy.model("gate", "--against", "staging", check=False).returncode == 2

    copy.edit("versions.yaml", "max_size_mb: null", "max_size_mb: 0.001")
    large = copy.model("gate", check=False)
    assert large.returncode == 1
    assert large.stdout.startswith("fail: max_size_mb 0.")


def test_a_gate_that_cannot_work_keeps_no_version_from_its_number(copy: Released) -> None:
    """The champion's file is nowhere: that is on record, and a promotion is refused."""
    copy.ready("Another seed", {"train.seed": 1})
    md5 = copy.record("v1")["artifact"]["md5"]
    for place in (copy.path / ".dvc/cache", copy.storage):
        (place / "files/md5" / md5[:2] / md5[2:]).unlink()
    copy.model("register", "-m", "Another seed")
    verdict = copy.record("v1.1")["gate"]
    assert verdict["verdict"] == "inconclusive"
    assert "model.skops" in verdict["reasons"][0]
    refused(copy, "promote", "v1.1", "prod", "-m", "Newer", words=["model.skops"])
