"""DVC's remote moves with all versions, and a push or a pull that is not whole says so."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import Project
from releases import MODEL, Released, copied, flip, push_first
from servers import S3
from sharing import md5s, share


@pytest.fixture
def copy(two_versions: Released, tmp_path: Path) -> Released:
    new = copied(two_versions, tmp_path / "all")
    push_first(new)
    return new


def fresh(copy: Released, name: str = "fresh") -> Released:
    """Clone the Git remote beside the copy, with an empty cache."""
    folder = copy.path.parent / name
    copy.run("git", "push", "--quiet", "--no-verify", "--tags", "origin", "HEAD")
    copy.run("git", "clone", "--quiet", str(copy.origin), str(folder))
    (folder / ".venv").symlink_to(copy.project.path / ".venv", target_is_directory=True)
    with (folder / ".git/info/exclude").open("a", encoding="utf-8") as exclude:
        exclude.write("/.venv\n")
    return Released(folder, copy.project)


def stored(folder: Path) -> set[str]:
    """Return the objects of a remote, each of which is whole."""
    return set(md5s(folder / "files/md5"))


def failed(copy: Released, *command: str) -> str:
    """Run `model`, which refuses with one message."""
    done = copy.model(*command, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.partition("error: ")[2]


def url(copy: Released) -> str:
    return (copy.path / ".dvc/config").read_text(encoding="utf-8").partition("url = ")[2].strip()


def test_every_version_moves_from_a_clone_that_has_none_of_them(copy: Released) -> None:
    new, there = copy.path.parent / "new", stored(copy.storage)
    clone = fresh(copy)
    done = clone.model("remote", "../new")
    assert "objects copied and checked, 0 were there before" in done.stdout
    assert "commit that" in done.stdout
    assert stored(new) == there
    # Only the lists of folders, which tell what is in them, came to the cache, if any did.
    assert not list((clone.path / ".dvc/cache").glob("files/md5/??/*"))
    assert url(clone) == "../../new"
    clone.commit("Another remote")
    clone.run("git", "push", "--quiet", "--no-verify", "origin", "HEAD")
    shutil.rmtree(copy.storage)

    last = fresh(clone, "last")
    last.model("pull", "--all")
    for version in ("v1.0.0", "v1.1.0"):
        last.model("verify", version)
    sent = {path: path.stat().st_mtime_ns for path in new.rglob("*") if path.is_file()}
    clone.model("remote", "../new")
    last.model("push", "--all")
    assert {path: path.stat().st_mtime_ns for path in new.rglob("*") if path.is_file()} == sent


def test_what_is_nowhere_is_named_with_its_versions_and_nothing_moves(copy: Released) -> None:
    lost = copy.storage / copy.object(MODEL)
    lost.chmod(0o644)
    lost.unlink()
    clone = fresh(copy)
    said = failed(clone, "remote", "../new")
    assert f"{MODEL}: model@v1.1.0" in said
    assert "v1.0.0" not in said
    assert "`--without-missing`" in said
    assert url(clone) == "../../penguins-remote"
    done = clone.model("remote", "../new", "--without-missing")
    assert f"{MODEL}: model@v1.1.0" in done.stdout
    assert url(clone) == "../../new"
    assert stored(copy.path.parent / "new") == stored(copy.storage)
    # Who has it in the cache brings it again.
    assert "copied and checked" in copy.model("remote", "../new").stdout
    assert len(stored(copy.path.parent / "new")) == len(stored(copy.storage)) + 1


def test_what_is_damaged_at_either_end_is_not_taken_for_whole(copy: Released) -> None:
    new, there = copy.path.parent / "new", stored(copy.storage)
    shutil.copytree(copy.storage, new)
    flip(new / copy.object(MODEL))
    flip(copy.storage / copy.object(MODEL))
    assert f"{MODEL}: model@v1.1.0" in failed(fresh(copy), "remote", "../new")
    assert (
        f"1 objects copied and checked, {len(there) - 1} were"
        in copy.model("remote", "../new").stdout
    )
    assert stored(new) == there


def test_a_move_that_is_killed_leaves_the_old_address_and_goes_on(copy: Released) -> None:
    large = copy.path / "data/raw/large"
    large.mkdir()
    for number in range(300):
        (large / f"{number}.bin").write_bytes(bytes([number % 256, number // 256]) * 200_000)
    copy.run("dvc", "add", "--quiet", str(large))
    copy.commit("Many files")
    copy.push()
    there, new = stored(copy.storage), copy.path.parent / "new"
    clone = fresh(copy)
    command = [
        str(copy.project.path / ".venv/bin/python"),
        "-m",
        "mlrepo.commands",
        "remote",
        "../new",
    ]
    with subprocess.Popen(
        command, cwd=clone.path, env=copy.project.active(), stdout=subprocess.DEVNULL
    ) as work:
        while work.poll() is None and len(list(new.glob("files/md5/??/*"))) < 50:
            time.sleep(0.01)
        work.send_signal(signal.SIGKILL)
    assert 50 <= len(list(new.glob("files/md5/??/*"))) < len(there)
    assert url(clone) == "../../penguins-remote"
    clone.run("dvc", "pull", "--quiet")
    assert "copied and checked" in clone.model("remote", "../new").stdout
    assert stored(new) == there


def test_a_gone_remote_is_left_with_what_the_cache_has_only_if_asked(copy: Released) -> None:
    copy.run("dvc", "remote", "modify", "storage", "url", "ssh://127.0.0.1:1/none")
    copy.commit("A remote that is gone")
    assert "So nothing has moved" in failed(copy, "remote", "../new")
    assert "ssh://" in url(copy)
    copy.model("remote", "../new", "--without-missing")
    assert stored(copy.path.parent / "new") >= stored(copy.storage)


def test_before_the_first_push_nothing_is_copied(
    project: Project, two_versions: Released, tmp_path: Path
) -> None:
    copy = copied(two_versions, tmp_path / "all")
    shutil.rmtree(copy.storage)
    copy.git("remote", "set-url", "origin", "../nowhere.git")
    done = copy.model("remote", "../new")
    assert "nothing was at the old address" in done.stdout
    assert stored(copy.path.parent / "new") == set()
    assert url(copy) == "../../new"


def test_a_remote_by_its_name_has_settings_of_its_own(
    s3_project: Project, s3: S3, tmp_path: Path
) -> None:
    """From S3 into a folder and to another bucket, past a cache that is empty."""
    mine = share(s3_project, tmp_path, s3, "by-address")
    mine.manage("many")
    mine.run("model", "push")
    mine.run("git", "push", "--quiet", "origin", "main")
    there = mine.objects().keys()
    clone = mine.clone("clone")
    s3.make_bucket("by-name")
    clone.run("dvc", "remote", "add", "cloud", "s3://by-name/penguins")
    clone.run("dvc", "remote", "modify", "--local", "cloud", "endpointurl", s3.url)
    done = clone.run("model", "remote", "cloud")
    assert "DVC's remote 'cloud' is s3://by-name/penguins" in done.stdout
    assert f"{len(there)} objects copied and checked" in done.stdout
    assert md5s(s3.folder / "by-name/penguins/files/md5").keys() == there
    assert all(path.name.endswith(".dir") for path in clone.cached().values())
    assert "remote = cloud" in (clone.path / ".dvc/config").read_text(encoding="utf-8")
    clone.run("dvc", "remote", "add", "disk", "../disk")
    clone.run("model", "remote", "disk")
    assert stored(tmp_path / "disk") == there


@pytest.mark.parametrize("everything", [[], ["--all"]])
def test_a_push_or_a_pull_that_is_not_whole_fails_and_names_the_versions(
    copy: Released, everything: list[str]
) -> None:
    lost = copy.storage / copy.object(MODEL)
    lost.chmod(0o644)
    lost.unlink()
    clone = fresh(copy)
    for verb in ("push", "pull"):
        said = failed(clone, verb, *everything)
        assert f"{MODEL}: " in said
        assert ("model@v1.1.0" if everything else "this folder") in said
        assert "whoever has these sends them by `model push --all`" in said
    assert (clone.path / "data/raw/penguins.csv").exists()  # what could be brought is there
    copy.model("push", *everything)
    clone.model("pull", *everything)
    assert (clone.path / MODEL).exists()


def test_an_old_version_that_is_gone_concerns_only_those_who_ask_for_it(copy: Released) -> None:
    old = copy.record("v1")["files"][MODEL]["md5"]
    for folder in (copy.storage, copy.path / ".dvc/cache"):
        path = folder / "files/md5" / old[:2] / old[2:]
        path.chmod(0o644)
        path.unlink()
    copy.model("push")
    copy.model("pull")
    for verb in ("push", "pull"):
        said = failed(copy, verb, "--all")
        assert f"{MODEL}: model@v1.0.0" in said
        assert "v1.1.0" not in said


def test_a_push_sends_what_a_folder_lacks_though_its_list_is_there(copy: Released) -> None:
    folder = copy.path / "data/raw/many"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text(str(number), encoding="utf-8")
    copy.run("dvc", "add", "--quiet", str(folder))
    copy.commit("Many")
    copy.model("push")
    there = stored(copy.storage)
    part = copy.storage / "files/md5/c4/ca4238a0b923820dcc509a6f75849b"  # of "1"
    part.chmod(0o644)
    part.unlink()
    copy.model("push")
    assert stored(copy.storage) == there
