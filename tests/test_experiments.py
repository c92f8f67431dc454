"""Experiments run what they say, in any clone, and leave what is not theirs as it was."""

import hashlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from helpers import LONG, PATIENCE, Copy, Stages, copy_again, in_long_form, quick_project
from spoil import swap
from typed import LOSE

MODEL = "models/model.skops"
CODE = "penguins/model.py"
TREES = "train.arguments.n_estimators"
TRAIN = ["train", "evaluate", "card"]

# Another preprocessing step: columns that say where a number was imputed.
REBUILD = swap(CODE, r"strategy=numbers\.impute", "strategy=numbers.impute, add_indicator=True")
# Code that cannot even be imported.
BREAK = swap(CODE, r"\A", "raise RuntimeError('this is the file of the workspace')\n")


@pytest.fixture(scope="module")
def origin(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A project that was pushed: its commits to a bare repository, its files to the DVC remote."""
    copy = quick_project(project, tmp_path_factory.mktemp("experiments") / "penguins")
    copy.run("git", "init", "--quiet", "--bare", "../origin.git")
    copy.run("git", "remote", "add", "origin", str(copy.path.parent / "origin.git"))
    copy.run("git", "push", "--quiet", "--set-upstream", "origin", "main")
    return copy


def pulled(origin: Copy, name: str) -> Copy:
    """A clone of the bare repository with all data and the model, beside the project.

    The DVC remote is relative to it.
    """
    copy = Copy(origin.path.parent / name, origin.project)
    origin.run("git", "clone", "--quiet", "../origin.git", str(copy.path))
    copy.run("dvc", "pull")
    return copy


@pytest.fixture(params=["clone", *(["project"] if LONG else [])])
def copy(origin: Copy, tmp_path: Path, request: pytest.FixtureRequest) -> Copy:
    """The project itself, or a clean clone after `dvc pull`."""
    if request.param == "project":
        return copy_again(origin, tmp_path / "penguins")
    return pulled(origin, tmp_path.name)


def experiments(copy: Copy) -> dict[str, dict[str, Any]]:
    """What `dvc exp show` says of each experiment on the current commit, by its name."""
    shown = copy.json("dvc", "exp", "show", "--json")
    head = next(row for row in shown if row["name"] == "main")
    runs = [experiment["revs"][0] for experiment in head["experiments"] or []]
    assert not [run for run in runs if run["error"]]
    return {run["name"]: run["data"] for run in runs}


def trees(data: dict[str, Any]) -> int:
    return int(data["params"]["params.yaml"]["data"]["train"]["arguments"]["n_estimators"])


def model_of(data: dict[str, Any]) -> str:
    return str(data["outs"][MODEL]["hash"])


def model_in(copy: Copy) -> str:
    """The hash of the model file, as DVC has it."""
    return hashlib.md5((copy.path / MODEL).read_bytes(), usedforsecurity=False).hexdigest()


def test_an_experiment_in_the_workspace(copy: Copy) -> None:
    committed = copy.outputs()
    ran = copy.run("dvc", "exp", "run", "--name", "seven", "-S", f"{TREES}=7")
    assert Stages.of(ran.stdout).ran == TRAIN
    seven = experiments(copy)["seven"]
    assert trees(seven) == 7
    assert model_of(seven) == model_in(copy)
    metrics = seven["metrics"]["metrics/evaluate.json"]["data"]
    assert metrics == copy.read("metrics/evaluate.json")
    outputs = copy.outputs()

    copy.run("git", "checkout", "--quiet", ".")
    copy.run("dvc", "checkout")
    assert copy.outputs() == committed
    difference = copy.json("dvc", "exp", "diff", "HEAD", "seven", "--json")
    assert difference["params"]["params.yaml"] == {TREES: {"old": 5, "new": 7, "diff": 2}}
    assert "metrics/evaluate.json" in difference["metrics"]

    copy.run("dvc", "exp", "apply", "seven")
    assert copy.outputs() == outputs
    assert copy.repro().ran == []
    assert copy.outputs() == outputs


def test_queued_and_temporary_runs_use_their_own_code(copy: Copy, tmp_path: Path) -> None:
    baseline, committed = model_in(copy), copy.outputs()
    copy.run("dvc", "exp", "run", "--queue", "--name", "seven", "-S", f"{TREES}=7")
    REBUILD(copy.path)
    temporary = copy.run("dvc", "exp", "run", "--temp", "--name", "temporary")
    assert Stages.of(temporary.stdout).ran == TRAIN
    copy.run("dvc", "exp", "run", "--queue", "--name", "queued")
    # From here on, nothing can come from the file in the workspace.
    BREAK(copy.path)
    broken = copy.changed()
    copy.run("dvc", "exp", "run", "--run-all")
    assert copy.changed() == broken
    assert copy.outputs() == committed

    other = copy_again(copy, tmp_path / "other")
    other.run("git", "checkout", "--quiet", CODE)
    REBUILD(other.path)
    assert other.repro("--force").ran == ["environment", "prepare", *TRAIN]
    rebuilt = model_in(other)
    models = {name: model_of(data) for name, data in experiments(copy).items()}
    assert models["queued"] == models["temporary"] == rebuilt
    assert len({baseline, rebuilt, models["seven"]}) == 3

    copy.run("git", "checkout", "--quiet", CODE)
    copy.run("dvc", "exp", "apply", "queued")
    assert copy.outputs() == other.outputs()
    assert copy.lines(CODE) == other.lines(CODE)
    assert copy.repro().ran == []


def test_a_key_is_added_and_values_wait_as_the_docs_say(copy: Copy) -> None:
    page = (copy.path / "docs/experiments.md").read_text(encoding="utf-8")
    added, queued = "+train.arguments.max_depth=4", "train.arguments.n_estimators=100,200"
    assert f"`-S {added}`" in page
    assert f"`-S '{queued}'` with `--queue`" in page
    copy.run("dvc", "exp", "run", "--temp", "--name", "deep", "-S", added)
    [data] = experiments(copy).values()
    assert data["params"]["params.yaml"]["data"]["train"]["arguments"]["max_depth"] == 4
    copy.run("dvc", "exp", "run", "--queue", "-S", queued)
    assert copy.run("dvc", "queue", "status").stdout.count("Queued") == 2
    copy.run("dvc", "queue", "remove", "--queued")


def test_after_a_failed_run_the_command_of_the_docs_brings_everything_back(copy: Copy) -> None:
    committed = copy.outputs()
    bad = ["-S", "prepare.split.seed=1", "-S", f"{TREES}=-1"]
    failed = copy.run("dvc", "exp", "run", *bad, check=False)
    assert failed.returncode != 0
    assert "RandomForestClassifier cannot be fitted" in failed.stdout + failed.stderr
    assert " M params.yaml" in copy.changed()
    assert copy.outputs() == committed  # it was refused before the first step wrote

    page = (copy.path / "docs/problems.md").read_text(encoding="utf-8")
    line = re.search(r"When a run fails,.*?`(git checkout [^`]+)`", page, re.DOTALL)
    assert line
    copy.run(*LOSE.split())  # as a run that was cut short may
    for command in line[1].replace("uv run ", "").split(" && "):
        copy.run(*command.split())
    assert copy.outputs() == committed
    assert copy.changed() == []
    assert copy.run("dvc", "status", "--quiet").returncode == 0
    assert experiments(copy) == {}


def test_a_queue_whose_stage_fails_ends_and_names_it_as_the_docs_say(copy: Copy) -> None:
    page = " ".join((copy.path / "docs/experiments.md").read_text(encoding="utf-8").split())
    assert "it names what failed, and ends with exit code 0 all the same" in page
    committed = copy.outputs()
    copy.run("dvc", "exp", "run", "--queue", "--name", "bad", "-S", f"{TREES}=-1")
    done = subprocess.run(
        [str(copy.project.path / ".venv/bin/dvc"), "exp", "run", "--run-all"],
        cwd=copy.path,
        env=copy.project.active(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0
    said = done.stdout + done.stderr
    assert "RandomForestClassifier cannot be fitted" in said
    assert "Failed to reproduce experiment(s) 'bad'\n" in said
    assert re.search(r"bad .*Failed\n", copy.run("dvc", "queue", "status").stdout)
    assert copy.run("dvc", "exp", "list", "--name-only").stdout == ""
    assert copy.outputs() == committed
    assert copy.changed() == []


@in_long_form
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal to send")
def test_a_queue_whose_process_is_lost_goes_on_as_the_docs_say(copy: Copy) -> None:
    copy.run("dvc", "exp", "run", "--queue", "--name", "bad", "-S", f"{TREES}=-1")
    copy.run("dvc", "exp", "run", "--queue", "--name", "good", "-S", f"{TREES}=7")
    waits = subprocess.Popen(
        [str(copy.project.path / ".venv/bin/dvc"), "exp", "run", "--run-all"],
        cwd=copy.path,
        env=copy.project.active(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert waits.stdout
    for line in waits.stdout:
        if line.startswith("Reproducing experiment 'bad'"):
            os.kill(copy.read(".dvc/tmp/exps/celery/dvc-exp-worker-1.json")["pid"], signal.SIGKILL)
        if line.startswith("ERROR: failed to reproduce 'train'"):
            break
    with pytest.raises(subprocess.TimeoutExpired):  # why the page says a word about it
        waits.communicate(timeout=10)
    waits.send_signal(signal.SIGINT)
    waits.communicate(timeout=60)

    said = copy.run("dvc", "queue", "status").stdout
    assert re.search(r"bad .*Running\n", said)
    assert "Worker status: 0 active" in said
    page = (copy.path / "docs/experiments.md").read_text(encoding="utf-8")
    for command in ("dvc queue kill NAME", "dvc exp run --run-all"):
        assert f"`{command}`" in page
        copy.run(*command.replace("NAME", "bad").split())
    assert copy.run("dvc", "exp", "list", "--name-only").stdout.split() == ["good"]


def test_an_experiment_goes_from_one_clone_to_another(origin: Copy) -> None:
    here, there = pulled(origin, "here"), pulled(origin, "there")
    here.run("dvc", "exp", "run", "--name", "shared", "-S", f"{TREES}=7")
    here.run("dvc", "exp", "push", "origin", "shared")
    assert experiments(there) == {}

    assert "shared" in there.run("dvc", "exp", "list", "origin").stdout
    there.run("dvc", "exp", "pull", "origin", "shared")
    there.run("dvc", "exp", "apply", "shared")
    assert there.outputs() == here.outputs()
    assert there.repro().ran == []
