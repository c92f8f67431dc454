"""What only looks leaves DVC's remote and cache as they are, whatever has happened to them.

DVC itself deletes an object of a folder that is not what its name says, and what it tells of it.
"""

import shutil
from pathlib import Path

import pytest
from helpers import in_long_form, sha256
from releases import MODEL, RAW, Released, copied, refused

PLOTS = "reports/plots"  # a folder: its object lists its files
LOOKS = [
    ("doctor",),
    ("status",),
    ("verify", "v1.1"),
    ("register", "-m", "As it was"),
    ("promote", "v1.1", "prod", "-m", "Why"),
    ("rollback", "-m", "Why"),
    ("get", "v1.1", "-o", "../out"),
]
COMING = [command for command in LOOKS if command[0] in ("promote", "rollback", "get")]


@pytest.fixture(scope="module")
def released(two_versions: Released, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """v1.1.0 can come back into prod by each way, and HEAD could be a version."""
    copy = copied(two_versions, tmp_path_factory.mktemp("untouched") / "copy")
    copy.model("promote", "v1", "prod", "-m", "So that there is something to take back")
    copy.edit("README.md", "#", "##")
    copy.commit("Words")
    copy.run("git", "push", "--quiet", "origin", "HEAD")
    return copy


@pytest.fixture
def copy(released: Released, tmp_path: Path) -> Released:
    return copied(released, tmp_path / "copy")


def listing(*folders: Path) -> dict[str, tuple[str, int]]:
    """Return SHA-256 and mode of each file."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path): (sha256(path), path.stat().st_mode) for path in files}


def swap(path: Path, mode: int) -> None:
    """Put other bytes in the place of an object, as a tool does that knows nothing of DVC."""
    path.chmod(0o644)
    path.write_bytes(b"swapped" + path.read_bytes()[7:])
    path.chmod(mode)


def assert_untouched(copy: Released, commands: list[tuple[str, ...]]) -> str:
    """Run each command, however it ends, and return all that they say."""
    folders = copy.storage, copy.path / ".dvc/cache/files"
    before, said = listing(*folders), []
    for command in commands:
        done = copy.model(*command, check=False)
        assert listing(*folders) == before, command
        assert "Traceback" not in done.stderr, done.stderr
        said.append(done.stdout + done.stderr)
    return "\n".join(said)


@pytest.mark.parametrize(
    ("path", "mode"),
    [(PLOTS, 0o444), *(pytest.param(p, 0o644, marks=in_long_form) for p in (MODEL, RAW))],
)
def test_what_was_swapped_at_the_remote_stays_and_is_named(
    copy: Released, path: str, mode: int
) -> None:
    shutil.rmtree(copy.path / ".dvc/cache/files")
    there = copy.storage / copy.object(path)
    swap(there, mode)
    doctor = copy.model("doctor", check=False)
    assert doctor.returncode == 1
    assert f"{path} is damaged in remote 'storage' (" in doctor.stdout
    assert f"{there} holds other bytes. Move it away" in doctor.stdout
    said = assert_untouched(copy, LOOKS)
    assert "As it was" not in copy.git("tag", "--list", "--format=%(subject)")
    if path == RAW:
        said = assert_untouched(copy, [("verify", "v1.1", "--rebuild")])
    assert f"{path} is damaged in remote 'storage' (" in said

    # As it says: DVC takes an object that is there for a good one.
    there.rename(copy.path.parent / "evidence")
    copy.run("dvc", "commit", "--force", "--quiet")
    copy.model("push", "--all")
    assert "damaged" not in copy.model("doctor", check=False).stdout
    assert there.exists()


@pytest.mark.parametrize(
    "path", [MODEL, *(pytest.param(p, marks=in_long_form) for p in (RAW, PLOTS))]
)
def test_what_was_swapped_in_the_cache_stays_and_is_named(copy: Released, path: str) -> None:
    here = copy.path / ".dvc/cache" / copy.object(path)
    swap(here, 0o644)
    said = assert_untouched(copy, LOOKS)
    assert f"{copy.object(path)} is damaged: delete it" in said


def test_looking_brings_nothing_into_an_empty_cache(copy: Released) -> None:
    shutil.rmtree(copy.path / ".dvc/cache/files")
    said = assert_untouched(copy, [*LOOKS, ("verify", "v1.1", "--rebuild")])
    assert "damaged" not in said
    assert not (copy.path / ".dvc/cache/files").exists()


@pytest.mark.parametrize(
    "mount_point",
    [pytest.param(False, marks=in_long_form), True],
    ids=["no folder", "nothing mounted"],
)
def test_a_folder_that_is_gone_is_told_and_not_made(copy: Released, mount_point: bool) -> None:
    shutil.rmtree(copy.path / ".dvc/cache/files")
    copy.storage.rename(copy.storage.with_name("away"))
    if mount_point:
        copy.storage.mkdir()
    words = [f"DVC's remote 'storage' ({copy.storage}) cannot be reached", "mount the drive"]
    for command in COMING:
        assert "whoever has it" not in refused(copy, *command, words=words)
    said = assert_untouched(copy, [*LOOKS, ("verify", "v1.1", "--rebuild")])
    # All but `status`; `verify` needs it for the record, and for data and model.
    assert said.count(words[0]) >= len(LOOKS)
    assert copy.storage.exists() == mount_point
    assert not mount_point or not list(copy.storage.iterdir())

    # The first push makes it, which a rollback then needs no cache for.
    copy.run("dvc", "commit", "--force", "--quiet")
    copy.model("push")
    shutil.rmtree(copy.path / ".dvc/cache/files")
    words = [
        "is neither in DVC's cache nor in remote 'storage' (",
        "whoever has it runs `model push --all`",
    ]
    refused(copy, "get", "v1", "-o", "../out", words=words)
    copy.model("get", "v1.1", "-o", "../out")
