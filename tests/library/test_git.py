"""What the last commit must hold, copies of a commit, and commits without a known author."""

import os
import subprocess
from pathlib import Path

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git


def run(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, encoding="utf-8")
    return done.stdout.strip()


@pytest.fixture(params=["", "a project"])
def project(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A project at the top of a repository, or in a folder of one, as the current folder."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    folder = tmp_path / "top" / str(request.param)
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "top")
    run("init", "--quiet")
    run("config", "user.useConfigOnly", "true")
    monkeypatch.chdir(folder)
    git.folder_in_repository.cache_clear()
    return folder


def commit(message: str = "One") -> None:
    run("add", "--all")
    git.commit(message, lambda: ("A Team", "team@example.com"))


def test_a_folder_with_a_commit_and_no_change_is_clean(project: Path) -> None:
    with pytest.raises(ProjectError, match="there is no commit yet: `git add"):
        git.require_clean_commit()
    Path("params.yaml").write_text("a", encoding="utf-8")
    commit()
    assert git.require_clean_commit() == run("rev-parse", "HEAD")
    assert run("log", "-1", "--format=%an <%ae> %s") == "A Team <team@example.com> One"


def test_what_is_not_committed_is_named(project: Path) -> None:
    for name in ("params.yaml", "sweep.yaml"):
        Path(name).write_text("a", encoding="utf-8")
    commit()
    Path("params.yaml").write_text("b", encoding="utf-8")
    Path("näw.py").write_text("b", encoding="utf-8")
    with pytest.raises(ProjectError) as refused:
        git.require_clean_commit()
    assert str(refused.value).splitlines() == [
        "not all is committed: commit or `git stash` it first",
        "   M params.yaml",
        "  ?? näw.py",
    ]
    run("checkout", "params.yaml")
    assert git.require_clean_commit(untracked=False) == run("rev-parse", "HEAD")
    Path("sweep.yaml").write_text("b", encoding="utf-8")
    besides = Path("sweep.yaml").resolve()
    assert git.require_clean_commit(besides, untracked=False) == run("rev-parse", "HEAD")
    with pytest.raises(ProjectError, match=r"M sweep\.yaml"):
        git.require_clean_commit(untracked=False)
    for number in range(9):
        Path(f"{number}.py").touch()
    with pytest.raises(ProjectError, match=r"0\.py(\n.*){3}\n  \.\.\.$"):
        git.require_clean_commit()


def test_a_clone_is_of_the_commit_and_no_branch(project: Path, tmp_path: Path) -> None:
    Path("params.yaml").write_text("a", encoding="utf-8")
    commit()
    first = run("rev-parse", "HEAD")
    Path("params.yaml").write_text("b", encoding="utf-8")
    commit("Two")
    copy = git.clone(first, tmp_path / "copy")
    assert (copy / "params.yaml").read_text(encoding="utf-8") == "a"
    assert run("-C", str(copy), "rev-parse", "--abbrev-ref", "HEAD") == "HEAD"


def test_a_commit_that_a_hook_refuses_is_told(project: Path) -> None:
    hook = Path(run("rev-parse", "--absolute-git-dir")) / "hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    Path("params.yaml").touch()
    with pytest.raises(ProjectError, match="Git refused the commit: fix what it says"):
        commit()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("remotes", "settings", "chosen"),
    [
        ([], {}, None),
        (["upstream"], {}, "upstream"),
        (["fork", "origin"], {"remote.pushDefault": "fork"}, "origin"),
        (["fork", "team"], {"branch.work.remote": "team"}, "team"),
        (["fork", "team"], {"branch.work.remote": "team", "remote.pushDefault": "fork"}, "fork"),
        (
            ["fork", "team"],
            {"branch.work.pushRemote": "team", "remote.pushDefault": "fork"},
            "team",
        ),
        (["fork", "team"], {"branch.other.remote": "team"}, "refused"),
        (["fork", "team"], {"branch.work.remote": "."}, "refused"),
    ],
)
def test_versions_are_shared_through_origin_or_where_git_pushes_or_nowhere(
    remotes: list[str], settings: dict[str, str], chosen: str | None
) -> None:
    run("symbolic-ref", "HEAD", "refs/heads/work")
    for name in remotes:
        run("remote", "add", name, f"../{name}.git")
    for key, value in settings.items():
        run("config", key, value)
    if chosen != "refused":
        assert git.origin() == chosen
        return
    with pytest.raises(ProjectError, match="none of the Git remotes fork, team is origin") as said:
        git.origin()
    assert "`git config remote.pushDefault NAME`" in str(said.value)
    run("config", "remote.pushDefault", "team")
    assert git.origin() == "team"


def test_a_folder_outside_of_git_has_no_remote_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError, match=r"not a git repository.*: `python bootstrap.py` makes"):
        git.origin()
