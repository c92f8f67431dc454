"""Repositories unlike the usual clone: no remote called origin, a submodule of another one."""

from pathlib import Path

import pytest
from conftest import Project
from helpers import Copy, Stages, in_long_form
from releases import Released, copied, new_released

TREES = "train.arguments.n_estimators"


def tags_at(copy: Copy, remote: str) -> set[str]:
    """The tags that a Git remote has."""
    lines = copy.git("ls-remote", "--tags", "--refs", remote).splitlines()
    return {line.split("refs/tags/")[1] for line in lines}


def test_versions_go_to_the_only_remote_whatever_its_name(project: Project, tmp_path: Path) -> None:
    copy = new_released(project, tmp_path / "copy")
    copy.run("git", "remote", "rename", "origin", "upstream")
    copy.model("register", "-m", "The first one")
    assert tags_at(copy, "upstream") == {"model@v1.0.0"}
    copy.model("promote", "v1", "staging", "-m", "To try it")
    assert tags_at(copy, "upstream") == {"model@v1.0.0", "model#staging#1"}

    # Of two, none is taken by chance: not here and not there.
    copy.run("git", "init", "--quiet", "--bare", "../fork.git")
    copy.run("git", "remote", "add", "fork", "../fork.git")
    before = copy.run("git", "show-ref").stdout
    for command in (["promote", "v1", "prod"], ["register"]):
        done = copy.model(*command, "-m", "Why", check=False)
        assert done.returncode == 2
        assert "none of the Git remotes fork, upstream is origin" in done.stderr
        assert "Traceback" not in done.stderr
    assert copy.run("git", "show-ref").stdout == before
    assert tags_at(copy, "upstream") == {"model@v1.0.0", "model#staging#1"}
    assert tags_at(copy, "fork") == set()

    copy.run("git", "config", "remote.pushDefault", "upstream")  # what it said to do
    copy.model("promote", "v1", "prod", "-m", "Why")
    assert tags_at(copy, "upstream") == {"model@v1.0.0", "model#staging#1", "model#prod#2"}
    assert tags_at(copy, "fork") == set()


@pytest.fixture
def submodule(two_versions: Released, tmp_path: Path) -> Released:
    """The project in a repository around it, where its own .git is a file."""
    copy = copied(two_versions, tmp_path / "around")
    around = copy.path.parent
    copy.path.rename(tmp_path / "elsewhere")
    for command in (
        ["git", "init", "--quiet"],
        ["git", "-c", "protocol.file.allow=always", "submodule", "add", "./origin.git", "penguins"],
    ):
        copy.project.run(*command, cwd=around)
    (copy.path / ".venv").symlink_to(copy.project.path / ".venv", target_is_directory=True)
    exclude = Path(copy.git("rev-parse", "--path-format=absolute", "--git-path", "info/exclude"))
    exclude.write_text("/.venv\n", encoding="utf-8")
    assert (copy.path / ".git").is_file()
    copy.run("dvc", "pull", "--quiet")
    return copy


@in_long_form
def test_experiments_rebuilds_and_tags_work_in_a_submodule(submodule: Released) -> None:
    head = submodule.git("rev-parse", "HEAD")
    ran = submodule.run("dvc", "exp", "run", "--temp", "--name", "seven", "-S", f"{TREES}=7")
    assert Stages.of(ran.stdout).ran == ["train", "evaluate", "card"]
    assert submodule.run("dvc", "exp", "list", "--name-only").stdout.split() == ["seven"]
    said = submodule.json("verify", "v1", "--rebuild")
    assert said["ok"]
    assert said["rebuild"]["verdict"] == "identical"
    submodule.model("note", "v1", "-m", "Seen in a submodule")
    assert "model+note#4" in tags_at(submodule, "origin")
    assert submodule.git("rev-parse", "HEAD") == head
    assert submodule.changed() == []
