"""The S3 server goes away in the middle: that is told in seconds, and the next run completes."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Project
from helpers import PATIENCE, in_long_form
from servers import S3, serve_s3
from sharing import IN_SECONDS, MANY, Sharer, one_line, share, tree

BUCKET = "killed"
BEGUN = 200  # of MANY files are through when the server is killed


@pytest.fixture
def sharer(s3_project: Project, tmp_path: Path) -> Iterator[Sharer]:
    """A copy with a folder of many files that its server, still there, has not got yet."""
    with serve_s3(tmp_path / "s3", "unused") as server:
        new = share(s3_project, tmp_path, server, BUCKET)
        new.run("model", "push")
        new.manage("many")
        new.run("git", "push", "--quiet", "--no-verify", "origin", "main")
        yield new


def kill_in_the_middle(server: S3, work: subprocess.Popen[str], count: Callable[[], int]) -> str:
    """Kill the server once enough files are through; return the one line that tells of it."""
    end = time.monotonic() + PATIENCE
    while count() < BEGUN:
        assert work.poll() is None, work.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.02)
    server.process.kill()
    said, _ = work.communicate(timeout=IN_SECONDS)
    assert work.returncode in (1, 2), said  # 1 is that of Git
    line = one_line(said)
    assert "cannot be reached" in line
    assert "run this again, what is done stays done" in line
    return said


def files(folder: Path) -> int:
    """Return how many files there are while others come."""
    return sum(1 for path in folder.glob("??/*") if path.name.isalnum())


def test_a_push_whose_server_is_killed_is_told_and_completed_by_the_next(sharer: Sharer) -> None:
    there = sharer.s3.folder / BUCKET / "penguins/files/md5"
    before, here = sharer.objects().keys(), sharer.cached()
    work = sharer.start("model", "push")
    kill_in_the_middle(sharer.s3, work, lambda: files(there) - len(before))
    assert 0 < len(sharer.objects()) - len(before) < MANY
    assert sharer.cached() == here

    with serve_s3(sharer.s3.folder, port=sharer.s3.port):
        sharer.run("model", "push")
        assert len(sharer.objects()) == len(before) + MANY + 1  # and the list of the folder
        assert sharer.cached() == here
        clone = sharer.clone("clone")
        clone.run("model", "pull")
        clone.run("dvc", "status", "--quiet")
        assert tree(clone.path / "data/raw/many") == tree(sharer.path / "data/raw/many")


@in_long_form
def test_the_hook_tells_of_a_server_that_is_killed_while_it_sends(sharer: Sharer) -> None:
    sharer.run("git", "update-ref", "-d", "refs/remotes/origin/main")
    shutil.rmtree(sharer.origin)
    sharer.run("git", "init", "--quiet", "--bare", "--initial-branch=main", str(sharer.origin))
    there = sharer.s3.folder / BUCKET / "penguins/files/md5"
    before = len(sharer.objects())
    work = sharer.start("git", "push", "origin", "main")
    work_said = kill_in_the_middle(sharer.s3, work, lambda: files(there) - before)
    assert "`git push --no-verify` goes on without it" in work_said
    assert not sharer.run("git", "ls-remote", "origin").stdout

    with serve_s3(sharer.s3.folder, port=sharer.s3.port):
        sharer.run("git", "push", "--quiet", "origin", "main")
        assert len(sharer.objects()) == before + MANY + 1


@in_long_form
def test_a_pull_whose_server_is_killed_is_told_and_completed_by_the_next(sharer: Sharer) -> None:
    sharer.run("model", "push")
    there = sharer.objects().keys()
    clone = sharer.clone("clone")
    work = clone.start("model", "pull")
    kill_in_the_middle(sharer.s3, work, lambda: files(clone.path / ".dvc/cache/files/md5"))
    assert 0 < len(clone.cached()) < MANY
    assert clone.changed() == []

    with serve_s3(sharer.s3.folder, port=sharer.s3.port):
        clone.run("model", "pull")
        clone.run("dvc", "status", "--quiet")
        assert clone.cached().keys() == there == sharer.objects().keys()
        assert tree(clone.path / "data/raw/many") == tree(sharer.path / "data/raw/many")
        assert clone.outputs() == sharer.outputs()
