"""Set-up where the folder or its repository is not ours to use, and stages beside their code."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlrepo.core import environment, yaml
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.pipeline.dvc import dvc_in_silence, run_in_silence
from mlrepo.pipeline.output import findings
from mlrepo.storage import doctor, setup

from .conftest import PROJECT
from .repository import commit


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in a repository whose owner is somebody else, as Git is made to think."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path)
    git.folder_in_repository.cache_clear()
    subprocess.run(["git", "init", "--quiet"], check=True)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def test_a_repository_of_another_user_is_told_in_the_words_of_git(folder: Path) -> None:
    with pytest.raises(ProjectError) as refused:
        git.folder_in_repository()
    assert str(refused.value).startswith(f"Git refuses the repository of {folder / 'project'}:")
    assert f"git config --global --add safe.directory {folder}" in str(refused.value)
    assert "safe.directory" in "".join(findings(doctor._hooks()))


def test_set_up_makes_no_repository_inside_one_that_git_refuses(folder: Path) -> None:
    with pytest.raises(ProjectError, match=r"safe\.directory"):
        setup.repository()
    assert list((folder / "project").iterdir()) == []


def test_a_submodule_is_a_repository_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GIT_TEST_ASSUME_DIFFERENT_OWNER")
    monkeypatch.chdir(folder)
    inner = ("git", "-c", "user.name=A", "-c", "user.email=a@b", "-C", "inner")
    for command in (
        ("git", "init", "--quiet", "inner"),
        (*inner, "commit", "--quiet", "--allow-empty", "--message", "One"),
        (
            "git",
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            "./inner",
            "sub",
        ),
    ):
        subprocess.run(command, check=True)
    monkeypatch.chdir(folder / "sub")
    setup.repository()
    assert Path(".git").is_file()
    assert git.git("config", "core.hooksPath") == ".githooks\n"
    assert git.ask("-C", "..", "config", "core.hooksPath") is None


def test_no_reason_is_empty(folder: Path) -> None:
    """Also of a command that fails without a word."""
    with pytest.raises(ProjectError, match=r"failed: it said nothing, and ended with 1$"):
        git.git("config", "no.such")
    with pytest.raises(ProjectError, match=r"^no:\n.*nothing, and ended with 1\n  Fix that, and"):
        run_in_silence([sys.executable, "-c", "exit(1)"], "no", dict(os.environ))


def test_a_folder_that_cannot_be_written_to_is_one_message(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "bootstrap.py", tmp_path)
    (tmp_path / ".dvc").touch()  # in the way, to root as well
    command = [sys.executable, "bootstrap.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "error: Not a directory: .dvc/tmp: free space, or move away what is there; then run "
        "this again\n"
    )


def test_a_stage_does_not_run_the_code_of_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Python would with this variable, where DVC runs an experiment in a copy of the folder."""
    shutil.copytree(PROJECT / "mlrepo", tmp_path / "mlrepo")
    command = [sys.executable, "-m", "mlrepo", "train"]
    monkeypatch.chdir(tmp_path)
    own = subprocess.run(command, capture_output=True, text=True, check=False)
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert own.returncode == other.returncode == 2
    assert "PYTHONSAFEPATH" not in own.stderr
    assert other.stderr == (
        f"error: this would run the code in {PROJECT} and not that of this folder, in which Python "
        "does not look where PYTHONSAFEPATH is set: unset it\n"
    )


def test_a_refused_stage_leaves_its_last_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DVC takes them away before the stage can refuse anything."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(PROJECT / "mlrepo", tmp_path / "mlrepo")
    subprocess.run(["git", "init", "--quiet"], check=True)
    dvc_in_silence("init", "--quiet")
    outs = {"outs": ["model"], "metrics": [{"score": {"cache": False}}]}
    train = {"cmd": "echo 1 > model && echo 2 > score", **outs}
    Path("dvc.yaml").write_text(yaml.dump({"stages": {"train": train}}), encoding="utf-8")
    dvc_in_silence("repro")
    commit()
    for name in ("model", "score"):
        Path(name).unlink()

    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    monkeypatch.setenv("DVC_STAGE", "train")
    command = [sys.executable, "-m", "mlrepo", "train"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.startswith(f"error: this would run the code in {PROJECT}")
    assert [Path(name).read_text("utf-8") for name in ("model", "score")] == ["1\n", "2\n"]


def test_packages_by_pythonpath_are_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy-0.1.dist-info").mkdir()
    locked = tmp_path / "env.json"
    minor = "{}.{}".format(*sys.version_info)
    locked.write_text(f'{{"python": "{minor}", "closures": {{"numpy": {{"numpy": "2.0"}}}}}}')
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    environment._found.cache_clear()
    try:
        with pytest.raises(ProjectError, match="PYTHONPATH is set, and its packages come first"):
            environment.check(locked)
        monkeypatch.delenv("PYTHONPATH")
        with pytest.raises(ProjectError, match=r"numpy 0\.1 is installed") as refused:
            environment.check(locked)
    finally:
        environment._found.cache_clear()
    assert "PYTHONPATH" not in str(refused.value)
