"""Tags that were moved, deleted, made again or made by hand: each is named, none is believed."""

import json
from pathlib import Path

import pytest
from made_tags import remake
from releases import MODEL, Released, copied, refused, wrong


@pytest.fixture
def copy(two_versions: Released, tmp_path: Path) -> Released:
    """v1.0.0, in staging by #1; v1.1.0, in prod by #2 and in staging by #3."""
    return copied(two_versions, tmp_path / "copy")


def believed(copy: Released) -> dict[str, list[str]]:
    """Return what the lists still say, which must end with exit code 1: version -> stages."""
    shown = copy.model("show", "--json", check=False)
    assert shown.returncode == 1
    assert "not believed: " in shown.stderr
    return {row["version"]: row["stages"] for row in json.loads(shown.stdout)}


def test_a_moved_version_ends_all_that_was_built_on_it(copy: Released) -> None:
    remake(copy, "model@v1.0.0", to=copy.git("rev-parse", "model@v1.0.0~1"))
    told = "it was there when model#staging#1 was made, and is another now"
    found = wrong(copy, "v1", "--offline")
    assert "its record says commit " in found["tag"]
    assert f"model@v1.0.0 is not believed: {told}" in found["history"]
    assert f"its record says files.{MODEL}.sha256 '" in found["commit"]
    after = "model#prod#2: it came after a tag that is not believed"
    refused(copy, "verify", words=["no version of model is believed", told, after])
    refused(copy, "get", "prod", "-o", "out", words=["nothing is in the stage 'prod'", told])
    assert believed(copy) == {}


def test_a_version_that_git_moved_has_no_record(copy: Released) -> None:
    copy.run("git", "tag", "--force", "model@v1.1.0", "model@v1.0.0^{}")
    assert "model@v1.1.0 holds no record" in wrong(copy, "v1.1", "--offline")["tag"]
    refused(copy, "get", "v1.1", "-o", "out", words=["model@v1.1.0 is not believed"])
    words = ["model@v1.1.0 differs here and at origin: somebody has made the tag again"]
    refused(copy, "promote", "v1.1", "prod", "-m", "Why", words=words)
    assert believed(copy) == {"v1.0.0": ["staging"]}


def test_a_deleted_version_is_missed_by_the_others(copy: Released) -> None:
    copy.run("git", "tag", "--delete", "model@v1.0.0")
    gone = "model@v1.0.0: it was there when model#staging#1 was made, and is gone now"
    assert f"not believed: {gone}" in copy.model("show", check=False).stderr
    assert believed(copy) == {}


@pytest.mark.parametrize("name", ["model@v1.0.0", "model#staging#1", "model@v1.1.0"])
def test_a_tag_made_again_is_found_by_those_after_it(copy: Released, name: str) -> None:
    """Its own claims all hold: only its words are others."""
    remake(copy, name, copy.git("tag", "--list", "--format=%(subject)", name), "The best one")
    for command in (["show"], ["history"], ["at", "2099-01-01", "prod"]):
        done = copy.model(*command, check=False)
        assert done.returncode == 1
        assert f"not believed: {name}: it was there when " in done.stderr
        assert "The best one" not in done.stdout
    assert copy.model("predict", "data/raw/penguins.csv", "--stage", "prod", "-o", "p.csv",
                      check=False).returncode == 2  # fmt: skip


def test_the_last_tag_made_again_is_found_by_the_remote(copy: Released) -> None:
    remake(copy, "model#staging#3", "So that both are the same", "So be it")
    assert wrong(copy) == {"history": "origin has another model#staging#3"}
    refused(copy, "deprecate", "v1", "-m", "Why", words=["model#staging#3 differs here and at"])


def test_a_tag_that_was_never_pushed_is_found(copy: Released) -> None:
    copy.run("git", "push", "--quiet", "--no-verify", "origin", ":refs/tags/model@v1.1.0")
    sent = "`git push origin model@v1.1.0` sends it"
    assert wrong(copy) == {"history": f"origin has no model@v1.1.0: {sent}"}
    assert copy.model("verify", "--offline").returncode == 0


def test_a_deleted_assignment_ends_what_came_after_it(copy: Released) -> None:
    copy.run("git", "tag", "--delete", "model#prod#2")
    assert wrong(copy, "v1", "--offline")["history"].splitlines() == [
        "model#prod#2 is not believed: it was there when model#staging#3 was made, and is gone now",
        "model#staging#3 is not believed: it came after a tag that is not believed",
    ]
    assert believed(copy) == {"v1.1.0": [], "v1.0.0": ["staging"]}
    copy.run("git", "fetch", "--quiet", "--tags")
    assert copy.model("verify", "v1").returncode == 0


def test_the_last_tag_that_is_gone_here_is_known_by_the_remote(copy: Released) -> None:
    copy.run("git", "tag", "--delete", "model#staging#3")
    told = "this clone lacks model#staging#3: `git fetch --tags` brings it"
    assert wrong(copy, "v1.1") == {"history": told}


def test_a_moved_assignment_is_found(copy: Released) -> None:
    """Also the last one, which no later tag names."""
    remake(copy, "model#staging#3", to=copy.git("rev-parse", "model@v1.0.0^{}"))
    told = "model#staging#3 is not believed: it is not set on v1.1.0 as that was when it was made"
    for version in ("v1", "v1.1"):
        assert wrong(copy, version, "--offline") == {"history": told}
    assert believed(copy) == {"v1.1.0": ["prod"], "v1.0.0": ["staging"]}


def test_an_assignment_for_another_tag_of_the_version_is_found(copy: Released) -> None:
    remake(copy, "model#staging#3", version_tag="0" * 40)
    told = "model#staging#3 is not believed: it is not set on v1.1.0 as that was when it was made"
    assert wrong(copy, "v1.1", "--offline") == {"history": told}


@pytest.mark.parametrize(("old", "new"), [("@v1.0.0", "@v3.0.0"), ("#staging#1", "#prod#4")])
def test_a_tag_under_another_name_is_found(copy: Released, old: str, new: str) -> None:
    """Its bytes, and so its signature, would be good."""
    copy.git("update-ref", f"refs/tags/model{new}", copy.tag(f"model{old}"))
    told = f"model{new} is not believed: it is the tag model{old} under another name"
    assert wrong(copy, "v1.1", "--offline") == {"history": told}
    assert believed(copy) == {"v1.1.0": ["staging", "prod"], "v1.0.0": []}


@pytest.mark.parametrize("how", [[], ["--annotate", "--message", "By hand"]])
def test_an_assignment_by_hand_is_not_believed(copy: Released, how: list[str]) -> None:
    """A lightweight tag, or one of plain Git with a date of three weeks ago."""
    command = ("git", "tag", *how, "model#prod#4", "model@v1.0.0^{}")
    copy.run(*command, GIT_COMMITTER_DATE="2026-01-05T12:00:00+0000")
    told = "model#prod#4 is not believed: it holds no record that can be read: "
    assert wrong(copy, "v1.1", "--offline")["history"].startswith(told)
    assert copy.model("at", "2026-01-06", "prod", check=False).stdout.startswith("nothing was in")
    done = copy.model("get", "prod", "-o", "out", check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("v1.1.0 is in ")
    words = ["model#prod#4 is not believed: it holds no record"]
    refused(copy, "ci", "deploy", "model#prod#4", words=words)
    assert believed(copy) == {"v1.1.0": ["staging", "prod"], "v1.0.0": []}
    # The next tag names it as not believed, and there is peace.
    assert told.partition(" is")[0] in copy.model("promote", "v1", "prod", "-m", "Why").stderr
    assert [row["stages"] for row in copy.json("show")] == [["staging"], ["prod"]]
    assert copy.model("verify", "prod", "--offline").returncode == 0


def test_versions_by_hand_are_not_believed(copy: Released) -> None:
    copy.run("git", "tag", "--annotate", "--message", "By hand", "model@v0.9.0", "model@v1.0.0^{}")
    copy.run("git", "tag", "model@v1.2.0")
    assert believed(copy) == {"v1.1.0": ["staging", "prod"], "v1.0.0": []}
    for version in ("v0.9.0", "v1.2.0"):
        words = [f"model@{version} is not believed: it holds no record"]
        for command in (
            ("promote", version, "prod", "-m", "Why"),
            ("get", version, "-o", "out"),
            ("restore", version),
            ("record", version),
            ("diff", "v1", version),
        ):
            refused(copy, *command, words=words)
    words = ["model@v1.2.0 is taken: a version never changes"]
    copy.edit("README.md", "#", "##")
    copy.commit_anyway()
    refused(copy, "register", "-m", "Why", "--version", "v1.2", words=words)


def test_a_clone_without_tags_does_not_say_that_there_is_nothing(copy: Released) -> None:
    for how in (["--no-tags"], ["--no-tags", "--depth", "1"]):
        folder = copy.path.parent / "-".join(how)
        copy.run("git", "clone", "--quiet", *how, f"file://{copy.origin}", str(folder))
        clone = Released(folder, copy.project)
        told = "this clone has no tag of model, and origin has versions: `git fetch --tags origin`"
        for command in (["show"], ["history"], ["at", "2026-01-01", "prod"], ["card", "v1"]):
            done = clone.model(*command, check=False)
            assert (done.returncode, done.stdout) == (2, "")
            assert told in done.stderr
    clone.run("git", "fetch", "--quiet", "--tags", "origin")
    assert [row["version"] for row in clone.json("show")] == ["v1.1.0", "v1.0.0"]
    clone.run("git", "tag", "--delete", *clone.git("tag", "--list").splitlines())
    clone.run("git", "remote", "set-url", "origin", "nowhere")
    told = "this clone has no tag of model, and origin cannot be asked for versions"
    assert told in clone.model("show", check=False).stderr
