"""Tags that were moved, deleted, made again or made by hand: `model verify` names each."""

from pathlib import Path

import pytest
from releases import Released, copied, refused, remake, wrong


@pytest.fixture
def copy(two_versions: Released, tmp_path: Path) -> Released:
    return copied(two_versions, tmp_path / "copy")


def test_a_moved_version_is_found(copy: Released) -> None:
    """By what its record says of its commit, and by the tags that were made after it."""
    remake(copy, "model@v1.0.0", to=copy.git("rev-parse", "model@v1.0.0~1"))
    found = wrong(copy, "v1", "--offline")
    assert "its record says commit " in found["tag"]
    assert (
        "model@v1.0.0 was there when model#staging#1 was made, and is another" in (found["history"])
    )
    assert "model#staging#1 is set on a commit that has no version" in found["history"]
    assert "dvc.lock of the commit has other files than the record" in found["commit"]


def test_a_version_that_git_moved_has_no_record(copy: Released) -> None:
    copy.run("git", "tag", "--force", "model@v1.1.0", "model@v1.0.0^{}")
    assert "model@v1.1.0 holds no record" in wrong(copy, "v1.1", "--offline")["tag"]
    for command in (("promote", "v1.1", "prod", "-m", "Why"), ("get", "v1.1", "-o", "out")):
        assert copy.model(*command, check=False).returncode == 2


def test_a_deleted_version_is_missed_by_the_others(copy: Released) -> None:
    copy.run("git", "tag", "--delete", "model@v1.0.0")
    refused(copy, "verify", "v1", words=["model has no version v1.0.0; it has v1.1.0"])
    found = wrong(copy, "v1.1", "--offline")["history"].splitlines()
    assert "model@v1.0.0 was there when model#staging#1 was made, and is gone now" in found
    assert "model#staging#1 is set on a commit that has no version" in found


def test_a_version_made_again_is_found_by_those_after_it(copy: Released) -> None:
    """Its own claims all hold: only its words are others."""
    remake(copy, "model@v1.0.0", "The first one", "The best one")
    for version in ("v1", "v1.1"):
        found = wrong(copy, version, "--offline")
        assert found.keys() == {"history"}
        told = "model@v1.0.0 was there when model#staging#1 was made, and is another now"
        assert found["history"] == told


def test_the_last_tag_made_again_is_found_by_the_remote(copy: Released) -> None:
    remake(copy, "model#staging#3", "So that both are the same", "So be it")
    assert wrong(copy) == {"history": "origin has another model#staging#3"}
    refused(copy, "deprecate", "v1", "-m", "Why", words=["model#staging#3 differs here and at"])


def test_a_tag_that_was_never_pushed_is_found(copy: Released) -> None:
    copy.run("git", "push", "--quiet", "--no-verify", "origin", ":refs/tags/model@v1.1.0")
    assert wrong(copy) == {"history": "origin has no model@v1.1.0"}
    assert copy.model("verify", "--offline").returncode == 0


def test_a_deleted_assignment_leaves_a_gap(copy: Released) -> None:
    copy.run("git", "tag", "--delete", "model#prod#2")
    assert wrong(copy, "v1", "--offline")["history"].splitlines() == [
        "model#prod#2 was there when model#staging#3 was made, and is gone now",
        "the assignment number 2 is gone",
    ]


def test_a_moved_assignment_is_found(copy: Released) -> None:
    """Also the last one, which no later tag names."""
    remake(copy, "model#staging#3", to=copy.git("rev-parse", "model@v1.0.0^{}"))
    for version in ("v1", "v1.1"):
        told = "model#staging#3 is about v1.1.0 and set on v1.0.0"
        assert told in wrong(copy, version, "--offline")["history"]


def test_an_assignment_for_another_tag_of_the_version_is_found(copy: Released) -> None:
    remake(copy, "model#staging#3", version_tag="0" * 40)
    told = "model@v1.1.0 was there when model#staging#3 was made, and is another now"
    assert wrong(copy, "v1.1", "--offline") == {"history": told}


@pytest.mark.parametrize(("old", "new"), [("@v1.0.0", "@v3.0.0"), ("#staging#1", "#prod#4")])
def test_a_tag_under_another_name_is_found(copy: Released, old: str, new: str) -> None:
    """Its bytes, and so its signature, would be good."""
    copy.git("update-ref", f"refs/tags/model{new}", copy.tag(f"model{old}"))
    version = "v3" if "@" in new else "v1"
    told = f"it is the tag model{old} under another name"
    assert told in wrong(copy, version, "--offline")["signature"]


def test_an_assignment_on_no_version_is_found(copy: Released) -> None:
    copy.run("git", "tag", "model#prod#4", "HEAD~2")
    told = "model#prod#4 is set on a commit that has no version"
    assert wrong(copy, "v1.1", "--offline") == {"history": told}


def test_two_versions_on_one_commit_are_told_apart(copy: Released) -> None:
    """GTO reads no such repository again; a person who made the second by hand finds out here."""
    copy.run("git", "tag", "--annotate", "--message", "By hand", "model@v0.9.0", "model@v1.0.0^{}")
    copy.run("git", "tag", "model@v1.2.0")
    stages = {row["version"]: row["stages"] for row in copy.json("show")}
    assert stages == {
        "v1.2.0": [], "v1.1.0": ["staging", "prod"], "v1.0.0": [], "v0.9.0": [],
    }  # fmt: skip
    staged = {row["tag"]: row["version"] for row in copy.json("history", "--stage", "staging")}
    assert staged == {"model#staging#3": "v1.1.0", "model#staging#1": "v1.0.0"}
    for version in ("v0.9.0", "v1.2.0"):
        assert f"model@{version} holds no record" in wrong(copy, version, "--offline")["tag"]
        words = [f"model@{version} holds no record: it was not made by `model register`"]
        for command in (
            ("promote", version, "prod", "-m", "Why"),
            ("get", version, "-o", "out"),
            ("restore", version),
            ("record", version),
            ("diff", "v1", version),
        ):
            refused(copy, *command, words=words)
    assert copy.model("verify", "v1", "--offline").returncode == 0
