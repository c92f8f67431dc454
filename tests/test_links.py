"""Large data once on the disk: files that are hard links to DVC's cache, and copies again."""

import os
from pathlib import Path

import pytest
from conftest import Project, lack
from helpers import QUICK, Copy, copy_project, in_long_form

TABLE, MODEL = "data/raw/penguins.csv", "models/model.skops"


@pytest.fixture
def copy(project: Project, tmp_path: Path) -> Copy:
    return copy_project(project, tmp_path / "penguins")


def linked(copy: Copy, name: str) -> bool:
    """Whether a file is one of DVC's cache, not only equal to it."""
    cache = (copy.path / ".dvc/cache/files").rglob("*")
    return (copy.path / name).stat().st_ino in {file.stat().st_ino for file in cache}


def test_links_there_and_back(copy: Copy) -> None:
    before = copy.outputs()
    assert not linked(copy, TABLE)
    said = copy.run("model", "links", "hardlinks").stdout
    assert said == (
        "files that DVC has are links: replace one, or `dvc unprotect FILE` before an edit\n"
    )
    assert linked(copy, TABLE)
    assert linked(copy, MODEL)
    assert not (copy.path / TABLE).stat().st_mode & 0o222
    assert copy.changed() == []
    assert copy.outputs() == before

    # Stages replace their outputs, so the earlier ones in the cache stay as they were.
    copy.set_params(QUICK)
    copy.repro()
    assert linked(copy, MODEL)
    copy.run("dvc", "status", "--quiet")
    copy.run("git", "checkout", "--quiet", ".")
    copy.run("dvc", "checkout", "--quiet")
    assert copy.outputs() == before
    copy.run("model", "doctor", "--offline")

    copy.run("dvc", "unprotect", TABLE)
    assert not linked(copy, TABLE)
    lines = (copy.path / TABLE).read_text(encoding="utf-8").splitlines()
    (copy.path / TABLE).write_text("\n".join([*lines, lines[-1], ""]), encoding="utf-8")
    refused = copy.run("model", "links", "copies", check=False)
    assert refused.returncode == 2
    assert "`dvc repro` or `dvc add` those that have changed" in (refused.stderr)
    copy.run("dvc", "add", "--quiet", TABLE)
    assert copy.run("model", "links", "copies").stdout == "files that DVC has are copies\n"
    assert not linked(copy, TABLE)
    assert not linked(copy, MODEL)
    assert (copy.path / TABLE).stat().st_mode & 0o200


@in_long_form
def test_experiments_and_versions_leave_the_linked_cache_alone(copy: Copy) -> None:
    copy.run("model", "links", "hardlinks")
    copy.set_params(QUICK)
    copy.repro()
    copy.commit("Five trees")
    copy.run("model", "push")
    copy.run("model", "register", "-m", "Five trees")
    copy.run(
        "dvc", "exp", "run", "--quiet", "--name", "six", "-S", "train.arguments.n_estimators=6"
    )
    copy.run("git", "checkout", "--quiet", ".")
    copy.run("dvc", "checkout", "--quiet")
    said = copy.run("model", "verify", "v1", "--rebuild").stdout
    assert "identical: all outputs have the recorded bytes" in said
    assert linked(copy, MODEL)


def test_a_cache_on_another_disk_is_refused(copy: Copy, tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm")  # a file system of its own on Linux
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        lack("a folder on another file system: mount one at /dev/shm")
    cache = elsewhere / f"cache-{os.getpid()}"
    copy.run("dvc", "cache", "dir", "--local", str(cache))
    try:
        refused = copy.run("model", "links", "hardlinks", check=False)
    finally:
        for path in sorted(cache.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        cache.rmdir()
    assert refused.returncode == 2
    assert f"DVC's cache {cache}/files/md5 cannot be linked to this folder" in refused.stderr
    assert "`dvc cache dir --local FOLDER` moves it to another" in refused.stderr
    assert "cache.type" not in (copy.path / ".dvc/config.local").read_text(encoding="utf-8")
