"""A run that is killed is made good by the next one, with the same bytes and no cleaning."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Project
from helpers import LONG, Copy, copy_again, quick_project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")

# What none of the cached runs had, so that every stage but the first runs and writes new files.
OTHER = {
    "prepare.split.seed": 1,
    "train.arguments": {"n_estimators": 40},
    "evaluate.intervals.resamples": 300,
}
TRIES = 5


@dataclass(frozen=True)
class After:
    """A part of the time between the line of the output that starts so and the one after it."""

    line: str
    part: float = 0.0


@dataclass(frozen=True)
class Change:
    """As soon as DVC writes below a path, after the line of the output that starts so."""

    line: str
    path: str


# One kill of each kind: a stage reads, works or writes, and DVC keeps what came out.
MOMENTS: dict[str, After | Change] = {
    "prepare starts": After("> python -m mlrepo prepare", 0.5),
    "train fits and writes": After("fitting", 0.3),
    "DVC caches the model": Change("fitting", ".dvc/cache/files/md5"),
    "evaluate writes": After("> python -m mlrepo evaluate", 0.8),
    "DVC writes dvc.lock": Change("> python -m mlrepo evaluate", "dvc.lock"),
}
MORE_MOMENTS: dict[str, After | Change] = {
    "DVC looks at what changed": After("", 0.7),
    "prepare ends": After("250 rows"),
    "DVC is about to start train": After("Running stage 'train'"),
    "train reads": After("> python -m mlrepo train", 0.6),
    "evaluate scores": After("> python -m mlrepo evaluate", 0.3),
    "DVC caches the plots": Change("> python -m mlrepo evaluate", ".dvc/cache/files/md5"),
}
_OF_DVC = r"\.[\w-]{20,}\.tmp"  # how it names a temporary file
if LONG:
    MOMENTS |= MORE_MOMENTS


@dataclass(frozen=True)
class Reference:
    """A project with changed params, what an undisturbed run gives, and when it said what."""

    before: Copy
    outputs: dict[str, str]
    changed: list[str]
    lines: list[tuple[str, float]]


@pytest.fixture(scope="module")
def reference(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("kill")
    before = quick_project(project, folder / "penguins")
    before.set_params(OTHER)
    undisturbed = copy_again(before, folder / "undisturbed")
    start, process = time.monotonic(), repro(undisturbed)
    lines = [("", 0.0), *((line, time.monotonic() - start) for line in said(process))]
    assert process.wait() == 0
    assert_whole(undisturbed)
    return Reference(before, undisturbed.outputs(), undisturbed.changed(), lines)


def repro(copy: Copy) -> subprocess.Popen[str]:
    """Start `dvc repro` as the leader of a process group, its output unbuffered."""
    environment = {**copy.project.active(), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [str(shutil.which("dvc", path=environment["PATH"])), "repro"],
        cwd=copy.path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def said(process: subprocess.Popen[str]) -> Iterator[str]:
    """Yield the lines of the output as they come."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip():
            yield line


def snapshot(path: Path) -> dict[str, int]:
    """Every file at or below a path, with the time of its last change."""
    found = {}
    for file in [path, *path.rglob("*")]:
        with suppress(FileNotFoundError):  # it was a temporary one
            if file.is_file():
                found[str(file)] = file.stat().st_mtime_ns
    return found


def killed_at(moment: After | Change, copy: Copy, lines: list[tuple[str, float]]) -> bool:
    """Run, kill at the moment, and say whether the kill came in it: not late, not after the end."""
    number = next(n for n, (line, _) in enumerate(lines) if line.startswith(moment.line))
    process = repro(copy)
    output = said(process)
    if moment.line:
        next(line for line in output if line.startswith(moment.line))
    if isinstance(moment, After):
        time.sleep((lines[number + 1][1] - lines[number][1]) * moment.part)
    else:
        path = copy.path / moment.path
        files = snapshot(path)
        while snapshot(path) == files and process.poll() is None:
            pass
    with suppress(ProcessLookupError):  # it has come to its end
        os.killpg(process.pid, signal.SIGKILL)
    later = list(output)  # to the end, which comes when the last process of the group is gone
    ended = process.wait()
    assert ended in (0, -signal.SIGKILL)
    return ended == -signal.SIGKILL and (isinstance(moment, Change) or not later)


def assert_whole(copy: Copy) -> None:
    """Nothing half-written is left, neither beside the outputs nor in the cache.

    But for DVC's own temporary files, which it never comes back to, and which Git ignores.
    """
    outs = set(copy.outputs()) | {"data/raw/penguins.csv"}
    for folder in ("data", "metrics", "models", "reports"):
        found = {path for path in (copy.path / folder).rglob("*") if path.is_file()}
        found = {path for path in found if not re.fullmatch(_OF_DVC, path.name)}
        names = {path.relative_to(copy.path).as_posix() for path in found}
        tracked = set(copy.git("ls-files", folder).splitlines())
        assert names <= outs | tracked
    cache = copy.path / ".dvc/cache/files/md5"
    objects = [path for path in cache.rglob("*") if path.is_file()]
    # Beside the folders of its objects, DVC tries with a file what links the disk allows.
    trials = [path for path in cache.glob(".*.tmp") if re.fullmatch(_OF_DVC, path.name)]
    objects = [path for path in objects if path not in trials]
    assert objects
    for path in objects:
        digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        assert path.parent.name + re.sub(r"\.dir$", "", path.name) == digest


@pytest.mark.parametrize("name", MOMENTS)
def test_the_run_after_a_kill_gives_the_same_bytes(
    name: str, reference: Reference, tmp_path: Path
) -> None:
    for attempt in range(TRIES):
        copy = copy_again(reference.before, tmp_path / f"{attempt}" / "penguins")
        if killed_at(MOMENTS[name], copy, reference.lines):
            break
    else:
        pytest.fail(f"in {TRIES} runs, no kill came in time")
    if name == "DVC writes dvc.lock":
        mend_the_lock(copy)
    copy.repro()
    assert_mended(copy, reference)


@pytest.mark.parametrize("size", [0, 20])
def test_a_half_written_lock_is_named_and_mended(
    size: int, reference: Reference, tmp_path: Path
) -> None:
    """DVC writes dvc.lock in place, so that a kill can leave a part of it."""
    copy = copy_again(reference.before, tmp_path / "penguins")
    path = copy.path / "dvc.lock"
    path.write_bytes(path.read_bytes()[:size])
    assert mend_the_lock(copy)
    copy.repro()
    assert_mended(copy, reference)


def mend_the_lock(copy: Copy) -> bool:
    """Do what docs/problems.md says where dvc.lock is broken; return whether it was."""
    status = copy.run("dvc", "status", check=False)
    broken = status.returncode != 0 and "dvc.lock" in status.stderr
    if broken:
        page = (copy.path / "docs/problems.md").read_text(encoding="utf-8")
        assert "`git checkout dvc.lock` first" in page
        copy.run("git", "checkout", "dvc.lock")
    return broken


def assert_mended(copy: Copy, reference: Reference) -> None:
    assert copy.outputs() == reference.outputs
    assert copy.changed() == reference.changed
    assert copy.run("dvc", "status", "--quiet").returncode == 0
    assert_whole(copy)
