"""What `git push` sends, DVC's remote has first, or the push ends with the reason."""

import io
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.storage import push_hook, transfer
from mlrepo.storage.remote_errors import FolderError

# Of pygtrie, which DVC calls in an old way.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

CONFIG = """\
[core]
    analytics = false
    check_update = false
    remote = storage
['remote "storage"']
    url = {}
"""
# Stands for the hook, and keeps what Git tells it.
LISTENS = "#!/bin/sh\ncat > ../told\n"


class Clone:
    """The current folder as a Git repository, with a bare one beside it as `origin`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("init", "--quiet", "--bare", "../origin.git")
        self.git("remote", "add", "origin", "../origin.git")
        hook = folder / ".git/hooks/pre-push"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(LISTENS, encoding="utf-8", newline="\n")
        hook.chmod(0o755)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, check=True, capture_output=True, encoding="utf-8"
        )
        return done.stdout.strip()

    def commit(self, text: str, name: str = "dvc.lock") -> str:
        """Write a file, commit everything and return the commit."""
        (self.folder / name).write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", text)
        return self.git("rev-parse", "HEAD")

    def to_send(self, *references: str) -> set[str]:
        """Return what `git push origin REFERENCES` would have to bring first."""
        self.git("push", "--quiet", "--dry-run", "origin", *references)
        told = (self.folder.parent / "told").read_text(encoding="utf-8").splitlines()
        commits = push_hook.commits_to_send("origin", told)
        assert len(commits) == len(set(commits))
        return set(commits)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    for name in [name for name in os.environ if name.startswith(("GIT_", "DVC_"))]:
        monkeypatch.delenv(name)
    for name in ("GLOBAL_CONFIG_DIR", "SYSTEM_CONFIG_DIR", "SITE_CACHE_DIR"):
        monkeypatch.setenv(f"DVC_{name}", str(tmp_path / name))
    settings = tmp_path / "gitconfig"
    settings.write_text("[user]\nname = Test\nemail = test@example.com\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Clone(folder)


def test_a_new_branch_sends_each_commit_that_changes_a_pointer(clone: Clone) -> None:
    first = clone.commit("one")
    clone.commit("words", "README.md")
    second = clone.commit("two", "table.csv.dvc")
    third = clone.commit("back")
    fourth = clone.commit("one")
    assert clone.to_send("main") == {first, second, third, fourth}


def test_what_the_remote_has_is_not_sent_again(clone: Clone) -> None:
    clone.commit("one")
    clone.git("push", "--quiet", "origin", "main")
    assert clone.to_send("main:again") == set()
    clone.commit("words", "README.md")
    assert clone.to_send("main") == set()
    second = clone.commit("two")
    assert clone.to_send("main") == {second}


def test_what_another_remote_has_is_sent(clone: Clone) -> None:
    first = clone.commit("one")
    clone.git("init", "--quiet", "--bare", "../fork.git")
    clone.git("remote", "add", "origin-fork", "../fork.git")
    clone.git("push", "--quiet", "origin-fork", "main")
    assert clone.to_send("main") == {first}


def test_a_merge_sends_both_sides_and_what_it_made_of_them(clone: Clone) -> None:
    clone.commit("base")
    clone.git("push", "--quiet", "origin", "main")
    clone.git("checkout", "--quiet", "-b", "side")
    theirs = clone.commit("theirs")
    clone.git("checkout", "--quiet", "main")
    ours = clone.commit("ours")
    clone.git("merge", "--quiet", "--no-commit", "--strategy=ours", "side")
    merge = clone.commit("both")
    assert clone.to_send("main") == {theirs, ours, merge}


def test_a_tag_sends_its_commit(clone: Clone) -> None:
    first = clone.commit("one")
    clone.git("tag", "--annotate", "v1", "--message", "One")
    assert clone.to_send("v1") == {first}


def test_deleted_and_experiment_references_send_nothing(clone: Clone) -> None:
    clone.commit("one")
    clone.git("push", "--quiet", "origin", "main", "main:old")
    second = clone.commit("two")
    for reference in ("refs/exps/1a/2b/tries", "refs/dvc/stash"):
        clone.git("update-ref", reference, second)
        assert clone.to_send(f"{reference}:{reference}") == set()
    assert clone.to_send(":old") == set()
    assert clone.to_send(":old", "refs/exps/1a/2b/tries:refs/exps/1a/2b/tries", "main") == {second}


def test_with_nothing_to_send_dvc_is_not_asked(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """There is no DVC repository here that it could ask."""
    clone.commit("one")
    clone.git("push", "--quiet", "origin", "main")
    clone.to_send(":main")
    monkeypatch.setattr(sys, "argv", ["push", "origin", "../origin.git"])
    monkeypatch.setattr(sys, "stdin", io.StringIO(Path("../told").read_text(encoding="utf-8")))
    capfd.readouterr()
    push_hook.main()
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def table(clone: Clone) -> str:
    """A commit with a table and a folder that DVC has in its cache."""
    from dvc.repo import Repo  # type: ignore[import-untyped]

    (clone.folder / ".dvc").mkdir()
    (clone.folder / ".dvc/.gitignore").write_text("/tmp\n/cache\n", encoding="utf-8")
    (clone.folder / ".dvc/config").write_text(CONFIG.format("../../storage"), encoding="utf-8")
    (clone.folder / "table.csv").write_bytes(b"a\n1\n")
    (clone.folder / "parts").mkdir()
    (clone.folder / "parts/1.csv").write_bytes(b"b\n2\n")
    with Repo() as repo:
        repo.add(["table.csv", "parts"])
    return clone.commit("words", "README.md")


def stored(folder: Path) -> dict[bytes, Path]:
    """Return content -> file below a folder; a list that DVC makes of a folder is left out."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".dir"]
    return {path.read_bytes(): path for path in files}


def test_what_the_remote_lacks_is_sent_and_nothing_more(
    clone: Clone, table: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (clone.folder / "table.csv").write_bytes(b"a\n3\n")
    storage = clone.folder.parent / "storage"
    assert not storage.exists()
    transfer.send([table])
    assert set(stored(storage)) == {b"a\n1\n", b"b\n2\n"}
    assert "3 files sent to DVC's remote" in capfd.readouterr().err

    # A clone that pulled nothing pushes commits of others.
    shutil.rmtree(clone.folder / ".dvc/cache")
    transfer.send([table])
    assert capfd.readouterr().err == ""


def test_a_file_that_is_nowhere_ends_the_push(clone: Clone, table: str) -> None:
    stored(clone.folder / ".dvc/cache")[b"a\n1\n"].unlink()
    with pytest.raises(ProjectError) as refused:
        transfer.send([table])
    first, *rest = str(refused.value).splitlines()
    assert first.startswith("neither in DVC's cache nor in its remote 'storage'")
    assert rest == [
        f"  table.csv: commit {table[:7]}",
        "  Nothing is pushed; `git push --no-verify` goes on without it",
    ]


def test_a_remote_that_takes_nothing_ends_the_push(clone: Clone, table: str) -> None:
    (clone.folder.parent / "storage").write_text("no folder", encoding="utf-8")
    with pytest.raises(
        FolderError, match=r"DVC's remote 'storage' .* is no folder .*: mount the drive.*\n.*--no-v"
    ):
        transfer.send([table])


def test_a_remote_that_is_not_set_ends_the_push(clone: Clone, table: str) -> None:
    (clone.folder / ".dvc/config").write_text("[core]\n    analytics = false\n", encoding="utf-8")
    with pytest.raises(
        ProjectError,
        match=r"DVC has no default remote: `dvc remote add --default .*\n.*--no-verify",
    ):
        transfer.send([table])


def test_a_dead_remote_is_waited_for_only_so_long(clone: Clone, table: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as dead:  # takes the call and never answers
        address = f"http://127.0.0.1:{dead.getsockname()[1]}/"
        (clone.folder / ".dvc/config").write_text(CONFIG.format(address), encoding="utf-8")
        begun = time.monotonic()
        with pytest.raises(ProjectError, match=r"does not answer for 2 seconds: .*\n.*--no-verify"):
            transfer.send([table], patience=2)
    assert 2 <= time.monotonic() - begun < 20
