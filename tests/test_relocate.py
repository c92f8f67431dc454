"""A project that began with a folder as its remote moves to S3 by one command."""

import shutil
from dataclasses import replace
from pathlib import Path

from conftest import Project
from helpers import Copy, own_environment
from servers import S3
from sharing import tree

MODEL = "models/model.skops"


def test_one_command_moves_a_project_from_a_folder_to_s3(
    project: Project, s3: S3, tmp_path: Path
) -> None:
    """In an environment of its own, to which the command adds DVC's plug-in."""
    s3.make_bucket("moved")
    own = own_environment(project, tmp_path / "penguins")
    path = own.path
    copy = Copy(path, replace(own, environment={**own.environment, **s3.variables}))
    before = copy.outputs()
    copy.run("uv", "run", "model", "push")
    stored = tree(tmp_path / "penguins-remote/files/md5")
    assert stored

    copy.run("uv", "run", "model", "remote", "s3://moved/penguins", "--endpoint", s3.url)
    changed = {line[3:] for line in copy.changed()}
    assert changed == {".dvc/config", "environment/dvc.lock", "pyproject.toml", "uv.lock"}
    assert copy.repro().ran == []
    copy.run("dvc", "status", "--quiet")
    copy.commit("To S3")
    assert tree(s3.folder / "moved/penguins/files/md5") == stored
    shutil.rmtree(path / ".dvc/cache")
    (path / MODEL).unlink()
    copy.run("uv", "run", "model", "pull")
    assert copy.outputs() == before

    wrong = copy.run("model", "remote", "ftp://moved", check=False)
    assert wrong.returncode == 2
    assert "ftp://moved is neither a folder nor an address of" in wrong.stderr
