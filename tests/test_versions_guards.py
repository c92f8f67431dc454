"""What seldom goes wrong: each is told in words, and the tags stay right."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers import in_long_form, sha256
from made_tags import assigned_unchecked, registered_unchecked
from releases import Released, copied, refused, wrong

NEXT = ("register", "-m", "Once more")
TAG = "model@v1.2.0"


@pytest.fixture
def copy(two_versions: Released, tmp_path: Path) -> Released:
    """HEAD could be v1.2.0."""
    copy = copied(two_versions, tmp_path / "copy")
    copy.edit("README.md", "#", "##")
    copy.commit_anyway()
    return copy


def hook(copy: Released, name: str, script: str) -> None:
    path = copy.origin / "hooks" / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def test_a_lost_answer_of_the_git_remote_is_no_failure(copy: Released) -> None:
    """The tag is there, and only the word that it is did not come back."""
    hook(copy, "post-receive", "kill -9 $PPID")
    copy.model(*NEXT)
    assert copy.tag(TAG)
    assert copy.tag(TAG) in copy.state()["there"]


@in_long_form
def test_a_fetch_may_bring_the_tag_before_the_push_has_ended(copy: Released) -> None:
    fetch = f"git -C '{copy.path}' fetch --quiet --no-tags ../origin.git 'refs/tags/*:refs/tags/*'"
    hook(copy, "post-receive", f"unset $(git rev-parse --local-env-vars)\n{fetch}")
    copy.model(*NEXT)
    assert copy.tag(TAG)
    assert copy.tag(TAG) in copy.state()["there"]


def test_who_comes_second_is_told(copy: Released) -> None:
    """Somebody else's tag arrives between our look at the remote and our push."""
    hook(copy, "update", 'git update-ref "$1" "$(git rev-parse main)"')
    done = copy.model(*NEXT, check=False)
    assert done.returncode == 2
    assert f"somebody else was first: origin has a {TAG} already" in done.stderr
    assert copy.tag(TAG) == ""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("pl.col(features.categories), ", "", "v1.0.0 loads but does not pred"),
        (", *dates)", ", *dates).head(1)", "gives 1 values for 83 rows"),
    ],
)
def test_a_version_that_this_code_cannot_use_stays_out(
    copy: Released, old: str, new: str, told: str
) -> None:
    copy.edit("mlrepo/learning/features.py", old, new)
    refused(copy, "rollback", "--to", "v1", "-m", "Why", words=[told])
    refused(copy, "promote", "v1", "staging", "-m", "Why", words=[told])


def test_an_assignment_on_no_version_blocks_none_after_it(copy: Released) -> None:
    copy.run("git", "tag", "model#prod#4", "model@v1.0.0~1")
    copy.run("git", "push", "--quiet", "--no-verify", "origin", "model#prod#4")
    done = copy.model("promote", "v1", "prod", "-m", "Why")
    assert done.stdout == "v1.0.0 is in 'prod' (model#prod#5)\n"


def test_a_clock_that_runs_ahead_moves_nobody_elses_events(copy: Released) -> None:
    """What a machine of the year 2099 has made is not believed, and later events are of today."""
    assigned_unchecked(copy, "v1", "staging", at="2099-01-01T00:00:00+00:00")
    told = "model#staging#4 is not believed: it is dated 2099-01-01, which is still to come"
    assert told in wrong(copy, "v1.1", "--offline")["history"]
    assert told in copy.model("promote", "v1", "staging", "-m", "Why").stderr
    copy.model(*NEXT)
    newest = [(row["tag"], row["when"][:2]) for row in copy.json("history")][:3]
    assert newest == [(TAG, "20"), ("model#staging#5", "20"), ("model#staging#3", "20")]
    now = datetime.now(UTC).isoformat()
    assert [row["version"] for row in copy.json("at", now, "staging")] == ["v1.0.0"]
    assert copy.model("verify", "v1.2", "--offline").returncode == 0


def test_without_a_git_remote_the_tags_of_the_clone_count(copy: Released) -> None:
    copy.run("git", "remote", "remove", "origin")
    copy.model(*NEXT)
    said = copy.model("promote", "v1.2", "prod", "-m", "Why").stderr
    assert said.startswith("- no Git remote: the tags of this clone count\n")
    assert copy.model("verify", "prod").returncode == 0


def test_before_the_first_version_there_is_none(copy: Released) -> None:
    names = copy.git("tag", "--list").splitlines()
    copy.run("git", "tag", "--delete", *names)
    copy.run("git", "push", "--quiet", "--no-verify", "origin", "--delete", *names)
    words = ["model has no version yet: `model register` makes one"]
    refused(copy, "verify", words=words)
    refused(copy, "get", "v1", "-o", "out", words=["no version v1.0.0; it has none"])
    assert copy.model("show").stdout.startswith("model has no version yet")
    assert copy.model("history").stdout == "nothing has happened to model yet\n"
    assert copy.json("at", "2026-01-01", "prod") == []


def test_a_version_without_a_card_says_so(copy: Released) -> None:
    copy.run("git", "rm", "--quiet", "MODEL_CARD.md")
    commit = copy.commit_anyway()
    registered_unchecked(copy, "3.0.0")
    refused(copy, "card", "v3", words=[f"the commit {commit[:7]} has no MODEL_CARD.md"])


def test_without_git_or_dvc_it_says_what_is_missing(copy: Released) -> None:
    scripts = str(copy.path / ".venv/bin")
    done = copy.model("show", check=False, PATH=scripts)
    assert (done.returncode, done.stderr) == (
        2,
        "error: git is not installed: see https://git-scm.com\n",
    )

    copy.run("git", "rm", "-r", "--quiet", "--cached", ".dvc")
    (copy.path / ".dvc").rename(copy.path.parent / "elsewhere")
    copy.commit_anyway()
    refused(copy, *NEXT, words=[".dvc/config does not exist", "`git log --"])

    (copy.path / ".git").rename(copy.path.parent / "git")
    done = copy.model("show", check=False)
    assert done.returncode == 2
    assert "is in no Git repository" in done.stderr


def test_outside_of_a_project_it_says_so(copy: Released, tmp_path: Path) -> None:
    done = copy.project.run(
        "python",
        "-m",
        "mlrepo.commands",
        "show",
        cwd=tmp_path,
        check=False,
        PYTHONPATH=str(copy.path),
    )
    assert done.returncode == 2
    assert "is in no project: go to a folder with dvc.yaml and params.yaml" in done.stderr


@pytest.mark.parametrize("name", ["deprecated", "pre prod", "a#b"])
def test_a_stage_needs_a_name_that_tags_can_hold(copy: Released, name: str) -> None:
    copy.edit("versions.yaml", "  staging:", f'  "{name}":')
    words = ["versions.yaml", f"'{name}' is no stage: use letters, digits"]
    refused(copy, "promote", "v1", "prod", "-m", "Why", words=words)


def test_what_a_stage_demands_is_committed(copy: Released) -> None:
    """Else an edit that is undone after a release would open the gate and leave no trace."""
    commit = copy.git("ls-remote", "origin", "HEAD").split()[0]
    copy.edit("versions.yaml", "prod: {gate: true", "prod: {gate: false")
    for command in (("promote", "v1", "prod"), ("rollback", "staging"), ("deprecate", "v1")):
        words = ["what a stage demands is not committed (M versions.yaml): commit it"]
        refused(copy, *command, "-m", "Why", words=words)
    copy.git("checkout", "--quiet", "versions.yaml")
    (copy.path / ".allowed_signers").write_text("mine", encoding="utf-8")
    words = ["what a stage demands is not committed (?? .allowed_signers)"]
    refused(copy, "promote", "v1", "prod", "-m", "Why", words=words)
    (copy.path / ".allowed_signers").unlink()
    copy.model("promote", "v1", "prod", "-m", "Why")
    demands = {"commit": commit, "sha256": sha256(copy.path / "versions.yaml")}
    record = copy.git("cat-file", "tag", "model#prod#4").partition("\n{\n")[2]
    assert json.loads("{" + record)["policy"] == demands


def test_a_bad_version_that_is_in_use_is_told(copy: Released) -> None:
    said = copy.model("deprecate", "v1.1", "-m", "Wrong for chicks").stderr
    for stage in ("prod", "staging"):
        told = f"- v1.1.0 is still in '{stage}': `model rollback {stage} -m WHY`"
        assert told in said


def test_one_identity_is_needed_to_tag(copy: Released) -> None:
    for command in (NEXT, ("deprecate", "v1", "-m", "Why")):
        refused(copy, *command, words=["GIT_COMMITTER_IDENT", "ident name"], GIT_COMMITTER_NAME="")
