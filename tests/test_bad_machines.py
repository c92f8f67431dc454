"""A machine that refuses to write: one message, the old files intact, and no half-written one."""

import subprocess
from pathlib import Path

import pytest
from conftest import Project, Tool, lack
from helpers import LONG, Copy, copy_again, quick_project, sha256

# Each stage, with every folder that it writes to.
PLACES = [
    ("prepare", "data/prepared"),
    ("prepare", "metrics"),
    ("train", "models"),
    ("train", "metrics"),
    ("evaluate", "reports"),
    ("evaluate", "reports/plots"),
    ("evaluate", "metrics"),
]
# With these, each stage would write other bytes than the ones that are there.
OTHER = {
    "prepare.split.seed": 1,
    "train.arguments": {"n_estimators": 6},
    "evaluate.intervals.confidence": 0.9,
}
# Of what it writes, this must differ.
CHANGED = {
    "prepare": {"data/prepared/train.parquet", "data/prepared/test.parquet"},
    "train": {"models/model.skops", "models/model.skops.sha256"},
    "evaluate": {"reports/scores.csv"},
}

# Both take the folder and the stage, and end with the exit code of the stage.
READ_ONLY = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
python -m mlrepo "$2"
"""
# The third argument is a folder for copies of all outputs, as the disk goes with its namespace:
# `full` after the stage, `room` after a second run with room on the disk. The fourth says how many
# bytes are left free at first: with a page, a file can be begun.
FULL = """
set -e
cp -a "$1" "$3/old"
mount -t tmpfs -o size=1m tmpfs "$1"
cp -a "$3/old/." "$1"
cat /dev/zero > "$1/.fill" 2>/dev/null || true
truncate -s "-$4" "$1/.fill"
code=0
python -m mlrepo "$2" || code=$?
rm "$1/.fill"
mkdir "$3/full" "$3/room"
cp -a --parents data/prepared models metrics reports "$3/full"
python -m mlrepo "$2" >/dev/null
cp -a --parents data/prepared models metrics reports "$3/room"
exit $code
"""


@pytest.fixture(scope="session")
def namespace(tool: Tool, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command before a script that mounts disks, which no other process sees."""
    unshare = [tool("unshare", "apt-get install util-linux"), "--map-root-user", "--mount"]
    disk = str(tmp_path_factory.mktemp("disk"))
    mounted = subprocess.run(
        [*unshare, "mount", "-t", "tmpfs", "tmpfs", disk], capture_output=True, text=True
    )
    if mounted.returncode:
        lack(f"nothing can be mounted here ({mounted.stderr.strip()}): run the tests as root")
    return [*unshare, "sh", "-c"]


@pytest.fixture(scope="module")
def small(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    copy = quick_project(project, tmp_path_factory.mktemp("machines") / "penguins")
    copy.set_params(OTHER)
    return copy


@pytest.fixture
def copy(small: Copy, tmp_path: Path) -> Copy:
    return copy_again(small, tmp_path / "penguins")


def outputs(folder: Path) -> dict[str, str]:
    """SHA-256 of every file where stages write to, also of hidden and half-written ones."""
    places = {place for _, place in PLACES}
    files = [path for place in places for path in (folder / place).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): sha256(path) for path in files}


def assert_one_message(result: subprocess.CompletedProcess[str], *says: str) -> None:
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert not [words for words in says if words not in result.stderr], result.stderr
    assert ".partial" not in result.stderr, "that file is gone"


@pytest.mark.parametrize(("stage", "place"), PLACES)
def test_a_folder_that_nobody_may_write_to(
    copy: Copy, namespace: list[str], stage: str, place: str
) -> None:
    """Not even root, to whom the permissions of a file mean nothing."""
    before = outputs(copy.path)
    result = copy.run(*namespace, READ_ONLY, "sh", place, stage, check=False)
    assert_one_message(result, f"{place}/", "Read-only file system", "check owner and permissions")
    assert outputs(copy.path) == before


@pytest.mark.parametrize(
    ("stage", "path"),
    [
        ("prepare", "data/prepared/test.parquet"),
        ("train", "models/model.skops"),
        ("evaluate", "reports/scores.csv"),
    ],
)
def test_a_file_that_nobody_may_replace(copy: Copy, tool: Tool, stage: str, path: str) -> None:
    chattr = tool("chattr", "apt-get install e2fsprogs")
    if copy.run(chattr, "+i", path, check=False).returncode:
        lack("no file can be made immutable here: run the tests as root, on ext4 or xfs")
    before = outputs(copy.path)
    try:
        result = copy.run("python", "-m", "mlrepo", stage, check=False)
    finally:
        copy.run(chattr, "-i", path)
    assert_one_message(result, path, "Operation not permitted", "check owner and permissions")
    assert outputs(copy.path).keys() == before.keys()
    assert outputs(copy.path)[path] == before[path]


@pytest.mark.parametrize(("stage", "place"), PLACES if LONG else PLACES[::2])
def test_a_full_disk(
    copy: Copy, namespace: list[str], stage: str, place: str, tmp_path: Path
) -> None:
    """No file of the stage is replaced, in whatever folder; with room the next run is right."""
    before = outputs(copy.path)
    free = "0" if place == "metrics" else "4096"  # a page would hold these files
    result = copy.run(*namespace, FULL, "sh", place, stage, str(tmp_path), free, check=False)
    assert_one_message(result, "no space left on the disk", f"{place}/", "free some space")
    assert outputs(tmp_path / "full") == before

    copy.run("python", "-m", "mlrepo", stage)
    after = outputs(copy.path)
    assert outputs(tmp_path / "room") == after
    assert {name for name in after if after[name] != before[name]} >= CHANGED[stage]
