"""A sweep makes real experiments: as DVC's own, once each, also when it is killed."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import LONG, PATIENCE, Copy, clone, copy_again, in_long_form
from spoil import swap
from sweeping import IMPUTE, TREES, write
from test_experiments import BREAK, experiments, model_in, model_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")

NAMES = [f"sweep-{number:04d}" for number in range(8)]


def ref(copy: Copy, name: str) -> str:
    head = copy.git("rev-parse", "HEAD")
    return f"refs/exps/{head[:2]}/{head[2:]}/{name}"


def trees(copy: Copy) -> dict[str, str]:
    """Return experiment -> the Git tree of all its files."""
    names = experiments(copy)
    return {name: copy.git("rev-parse", f"{ref(copy, name)}^{{tree}}") for name in names}


def start(copy: Copy) -> subprocess.Popen[str]:
    """Start a sweep as a terminal does: in a process group of its own, which Ctrl-C reaches.

    Whoever runs the tests by `&` of a script, or `nohup`, has made this process ignore it.
    """
    return subprocess.Popen(
        [str(copy.path / ".venv/bin/model"), "sweep"],
        cwd=copy.path,
        env=copy.project.active(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def assert_clean(copy: Copy) -> None:
    assert copy.changed() == []
    assert copy.run("dvc", "status", "--quiet").returncode == 0
    assert not list((copy.path / ".dvc/tmp/sweep").glob("*/copy"))


def test_each_trial_is_an_experiment_and_the_folder_stays_as_it_is(swept: Copy) -> None:
    assert sorted(experiments(swept)) == NAMES
    assert_clean(swept)
    again = swept.run("model", "sweep").stdout
    assert ": 8 experiments\n" in again
    assert sorted(experiments(swept)) == NAMES
    assert swept.git("fsck", "--no-dangling", "--connectivity-only") == ""


def test_an_experiment_says_when_its_trial_began(swept: Copy) -> None:
    dates = swept.git(
        "for-each-ref", "--format=%(authordate:unix) %(committerdate:unix)", "refs/exps"
    )
    took = [int(kept) - int(begun) for begun, kept in map(str.split, dates.splitlines())]
    assert min(took) >= 0
    assert sum(took) > 0  # each takes most of a second


def test_an_experiment_is_the_one_that_dvc_makes(swept: Copy, tmp_path: Path) -> None:
    """All of its files, byte by byte."""
    copy = copy_again(swept, tmp_path / "penguins")
    params = experiments(copy)["sweep-0005"]["params"]["params.yaml"]["data"]["train"]
    change = [f"{TREES}={params['arguments']['n_estimators']}"]
    change += [f"{IMPUTE}={params['preprocessing']['numbers']['impute']}"]
    copy.run("dvc", "exp", "run", "--temp", "--name", "own", "-S", change[0], "-S", change[1])
    found = trees(copy)
    assert found["own"] == found["sweep-0005"]
    assert len({found[name] for name in NAMES}) == len(NAMES)


def test_the_best_is_applied_and_made_again_with_the_same_bytes(
    swept: Copy, tmp_path: Path
) -> None:
    copy = copy_again(swept, tmp_path / "penguins")
    losses = {
        name: data["metrics"]["metrics/cross_validation.json"]["data"]["cv"]["log_loss"]
        for name, data in experiments(copy).items()
    }
    best = min(losses, key=lambda name: (losses[name], name))
    said = copy.run("model", "sweep", "apply").stdout
    assert said.startswith(f"identical: {best} is in this folder")
    assert copy.run("dvc", "status", "--quiet").returncode == 0
    assert copy.repro().ran == []
    assert copy.run("git", "diff", "--quiet", ref(copy, best)).returncode == 0
    refused = copy.run("model", "sweep", "apply", check=False)
    assert (refused.returncode, "not all is committed" in refused.stderr) == (2, True)


def test_apply_names_an_output_that_cannot_be_made_again(unswept: Copy, tmp_path: Path) -> None:
    copy = copy_again(unswept, tmp_path / "penguins")
    write(copy, trials=1)
    # Other numbers in each process.
    swap("penguins/evaluate.py", r"^from mlrepo.core.files", "import os\n\n\\g<0>")(copy.path)
    here = r"        put_json\(new\(METRICS\), {"
    run = '        run = {"run": os.getpid()}\n        put_json(new(METRICS), run | {'
    swap("penguins/evaluate.py", here, run)(copy.path)
    copy.repro()
    copy.commit("Scores that never come again")
    copy.run("model", "sweep")
    said = copy.run("model", "sweep", "apply", check=False)
    assert said.returncode == 1
    assert said.stdout == "metrics/evaluate.json differs from the recorded one\n"


def test_dvc_compares_pushes_and_pulls_the_experiments(swept: Copy, tmp_path: Path) -> None:
    here = copy_again(swept, tmp_path / "here")
    shown = here.json("dvc", "exp", "diff", "--json", "sweep-0000", "sweep-0001")
    assert "params.yaml" in shown["params"]
    here.run("git", "init", "--quiet", "--bare", "../origin.git")
    here.run("git", "remote", "add", "origin", "../origin.git")
    here.run("git", "push", "--quiet", "origin", "main")
    here.run("dvc", "exp", "push", "origin", "sweep-0003")
    there = clone(here, tmp_path / "there")
    there.run("git", "remote", "set-url", "origin", "../origin.git")
    there.run("dvc", "exp", "pull", "origin", "sweep-0003")
    assert list(experiments(there)) == ["sweep-0003"]
    there.run("dvc", "pull")
    there.run("dvc", "exp", "apply", "sweep-0003")
    assert there.repro().ran == []
    assert model_in(there) == model_of(experiments(here)["sweep-0003"])


def wait_for(copy: Copy, name: str, process: subprocess.Popen[str]) -> None:
    """Wait until an experiment is there, while the sweep works."""
    file, end = copy.path / ".git" / ref(copy, name), time.monotonic() + PATIENCE
    while not file.exists():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.002)


def kill_after(copy: Copy, seconds: float, process: subprocess.Popen[str]) -> None:
    """Kill the sweep after a while, or before its last trial where the machine is fast."""
    last, end = copy.path / ".git" / ref(copy, NAMES[-2]), time.monotonic() + seconds
    while time.monotonic() < end and not last.exists():
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("seed", range(3 if LONG else 1))
def test_killed_again_and_again_it_ends_with_the_same_experiments(
    unswept: Copy, swept: Copy, tmp_path: Path, seed: int
) -> None:
    """Once while it starts, then at or soon after the moment that one is recorded."""
    copy, chance = copy_again(unswept, tmp_path / "penguins"), random.Random(seed)
    for name in (None, NAMES[0], NAMES[2], NAMES[4]) if LONG else (None, NAMES[1]):
        process = start(copy)
        if name:
            wait_for(copy, name, process)
        kill_after(copy, chance.uniform(0, 0.6 if name else 9), process)
        assert copy.changed() == []
        assert set(experiments(copy)) < set(NAMES)
    copy.run("model", "sweep")
    assert trees(copy) == trees(swept)
    assert_clean(copy)
    assert copy.git("fsck", "--no-dangling", "--connectivity-only") == ""


@in_long_form
def test_neither_edits_nor_a_second_sweep_get_into_one_under_way(
    unswept: Copy, swept: Copy, tmp_path: Path
) -> None:
    copy = copy_again(unswept, tmp_path / "penguins")
    process = start(copy)
    wait_for(copy, NAMES[0], process)

    def second() -> bool:
        done = copy.run("model", "sweep", check=False)
        return done.returncode == 2 and "the sweep 'sweep' is at work already" in done.stderr

    assert second()
    # Whatever becomes of the command, its worker works on.
    process.kill()
    process.wait()
    assert second()
    BREAK(copy.path)
    process.communicate()  # which ends with the worker, as that has its output
    copy.run("git", "checkout", "--quiet", "penguins")
    assert trees(copy) == trees(swept)
    assert ": 8 experiments\n" in copy.run("model", "sweep").stdout
    assert_clean(copy)


@in_long_form
def test_it_works_beside_the_queue(unswept: Copy, tmp_path: Path) -> None:
    copy = copy_again(unswept, tmp_path / "penguins")
    write(copy, trials=3)
    copy.commit("Three")
    copy.run("dvc", "exp", "run", "--queue", "--name", "queued", "-S", f"{TREES}=7")
    process = start(copy)
    wait_for(copy, NAMES[0], process)
    copy.run("dvc", "exp", "run", "--run-all")
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert sorted(experiments(copy)) == ["queued", *NAMES[:3]]
    assert copy.changed() == []
