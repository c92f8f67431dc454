"""`model gc` deletes what it has listed, and never what a commit or a colleague needs."""

import os
import pty
import subprocess
import time
from pathlib import Path

import pytest
from helpers import sha256
from releases import MODEL, Released, copied, push_first
from sharing import md5, md5s

NOW = ("--older-than", "0", "--yes")


@pytest.fixture
def copy(two_versions: Released, tmp_path: Path) -> Released:
    new = copied(two_versions, tmp_path / "all")
    push_first(new)
    new.run("git", "push", "--quiet", "--no-verify", "--tags", "origin", "HEAD")
    return new


def add(copy: Released, name: str) -> str:
    """Give DVC a file and a folder, push them, and return the MD5 of the file."""
    place = copy.path / "data/raw" / name
    place.mkdir()
    (place / "part.txt").write_text(f"part of {name}", encoding="utf-8")
    (place.parent / f"{name}.txt").write_text(name, encoding="utf-8")
    copy.run("dvc", "add", "--quiet", f"data/raw/{name}.txt", f"data/raw/{name}")
    copy.model("push")
    return md5(place.parent / f"{name}.txt")


def forget(copy: Released) -> None:
    """Leave what is not committed."""
    copy.run("git", "reset", "--quiet", "--hard")
    copy.run("git", "clean", "--quiet", "--force", "-d")


def here(copy: Released) -> dict[str, Path]:
    return md5s(copy.path / ".dvc/cache/files/md5")


def there(copy: Released) -> dict[str, Path]:
    return md5s(copy.storage / "files/md5")


def age(copy: Released, days: float) -> None:
    """Let all objects of the remote be of some days ago."""
    for path in there(copy).values():
        os.utime(path, (time.time() - days * 86_400,) * 2)


def test_what_a_colleague_has_pushed_before_git_stays(copy: Released) -> None:
    everything = there(copy).keys()
    age(copy, 40)
    clone = Released(copy.path.parent / "clone", copy.project)
    copy.run("git", "clone", "--quiet", str(copy.origin), str(clone.path))
    young = add(copy, "young")

    done = clone.model("gc", "--cloud", "--yes")
    assert "nothing can go; 3 more are too young" in done.stdout
    assert there(copy).keys() > everything
    age(copy, 29)
    clone.model("gc", "--cloud", "--yes")
    assert young in there(copy)
    age(copy, 31)
    done = clone.model("gc", "--cloud", "--yes")
    assert ": 3 objects, " in done.stdout
    assert there(copy).keys() == everything


def test_it_lists_first_and_asks(copy: Released) -> None:
    before = add(copy, "junk")
    assert before in here(copy).keys() & there(copy).keys()
    forget(copy)
    listed = here(copy).keys(), there(copy).keys()
    gone = 12  # in the cache, nine of them from before this project was a copy

    def untouched() -> bool:
        return (here(copy).keys(), there(copy).keys()) == listed

    done = copy.model("gc", "--cloud", "--older-than", "0", "--dry-run")
    day = time.strftime("%Y-%m-%d", time.gmtime())
    said = done.stdout.splitlines()
    assert said[0].startswith("DVC's cache (")
    assert f": {gone} objects, " in said[0]
    assert said[1].startswith("DVC's remote 'storage' (")
    assert said[1].endswith(f": 3 objects, 84 bytes, of {day} to {day}")
    assert untouched()
    done = copy.model("gc", check=False)
    assert done.returncode == 2
    assert "no terminal to ask in, so give --yes" in done.stderr
    assert untouched()
    assert "nothing is deleted" in asked(copy, "n", "gc")
    assert untouched()
    assert "Delete these?" in asked(copy, "y", "gc")
    assert len(here(copy)) == len(listed[0]) - gone
    assert there(copy).keys() == listed[1]
    copy.model("gc", "--cloud", *NOW)
    assert len(there(copy)) == len(listed[1]) - 3
    assert "nothing can go" in copy.model("gc", "--cloud", "--older-than", "0").stdout


def asked(copy: Released, answer: str, *command: str) -> str:
    """Run `model` on a terminal of its own, answer the question, return what it said."""
    ours, its = pty.openpty()
    python = str(copy.project.path / ".venv/bin/python")
    with subprocess.Popen(
        [python, "-m", "mlrepo.commands", *command],
        cwd=copy.path,
        env=copy.project.active(),
        stdin=its,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as work:
        os.write(ours, f"{answer}\n".encode())
        said, _ = work.communicate(timeout=60)
    os.close(ours)
    os.close(its)
    assert work.returncode == 0, said
    return said


def test_every_commit_has_all_its_files_afterwards(copy: Released) -> None:
    """Those of branches, stashes and experiments of others, too; their folders' parts as well."""
    kept = set(there(copy))
    for name in ("branch", "experiment", "stash", "staged"):
        add(copy, name)
        if name == "stash":
            copy.run("git", "add", "--all")
            copy.run("git", "stash", "--quiet")
        elif name != "staged":
            copy.run("git", "checkout", "--quiet", "-b", name)
            copy.commit(name)
            where = {"branch": "refs/heads/branch", "experiment": f"refs/exps/ab/{'c' * 38}/mine"}
            copy.run("git", "push", "--quiet", "--no-verify", "origin", f"HEAD:{where[name]}")
            copy.run("git", "checkout", "--quiet", "main")
            copy.run("git", "branch", "--quiet", "-D", name)
            copy.run("git", "update-ref", "-d", f"refs/remotes/origin/{name}")
    kept |= set(there(copy))
    copy.model("gc", "--cloud", *NOW)
    assert there(copy).keys() == kept
    forget(copy)
    copy.run("git", "stash", "pop", "--quiet")
    copy.run("dvc", "pull", "--quiet", "--force")

    clone = Released(copy.path.parent / "clone", copy.project)
    copy.run("git", "clone", "--quiet", str(copy.origin), str(clone.path))
    for commit in clone.git("rev-list", "--all", "origin/branch").split():
        clone.run("git", "checkout", "--quiet", commit)
        clone.run("dvc", "pull", "--quiet")
    clone.model("verify", "v1.0.0")
    assert sha256(clone.path / MODEL)


def test_a_folder_whose_list_is_nowhere_stops_it(copy: Released) -> None:
    add(copy, "lost")
    copy.commit("A folder")
    for objects in (here(copy), there(copy)):
        path = next(each for each in objects.values() if b"part.txt" in each.read_bytes()[:200])
        path.chmod(0o644)
        path.unlink()
    before = here(copy).keys(), there(copy).keys()
    done = copy.model("gc", "--cloud", *NOW, check=False)
    assert done.returncode == 2
    assert f"data/raw/lost: commit {copy.git('rev-parse', '--short=7', 'HEAD')}" in done.stderr
    assert (here(copy).keys(), there(copy).keys()) == before
    copy.model("gc", "--cloud", *NOW, "--without-missing")
    assert len(there(copy)) == len(before[1]) - 1  # the part that no list names
