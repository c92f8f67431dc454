"""The same commit gives the same bytes, and only what changed runs again."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import TEMPLATE, Project, run
from cookiecutter.main import cookiecutter
from helpers import LONG, QUICK, Copy, clone, copy_project, quick_project, sha256

MODEL = "models/model.skops"
ALL = ["environment", "prepare", "train", "evaluate", "card"]

# Whatever of a machine could leak into a result. The tables here are too small for threads to
# matter to OpenBLAS; its routines for another processor change a logistic regression all the more.
MACHINES = [
    {
        "PYTHONHASHSEED": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "POLARS_MAX_THREADS": "1",
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
    },
    {
        "PYTHONHASHSEED": "2",
        "OMP_NUM_THREADS": "8",
        "OPENBLAS_NUM_THREADS": "2",
        "POLARS_MAX_THREADS": "2",
        "TZ": "America/St_Johns",
        "LANG": "de_DE.UTF-8",
    },
    {
        "PYTHONHASHSEED": "3",
        "OMP_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "8",
        "OPENBLAS_CORETYPE": "Nehalem",
        "POLARS_MAX_THREADS": "4",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
    },
]

# Arithmetic of other kinds, and so of other libraries, in the short form as well.
SHORT = ("default", "logistic regression")
SCALED = {"train.preprocessing.numbers.scale": "standard"}
ESTIMATORS: dict[str, dict[str, object]] = {
    "default": {},
    "forest of two jobs": {"train.arguments": {"n_estimators": 20, "n_jobs": 2}},
    "boosting": {
        "train.estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
        "train.arguments": {"max_iter": 20},
    },
    "logistic regression": {
        "train.estimator": "sklearn.linear_model.LogisticRegression",
        "train.arguments": {},
        **SCALED,
    },
    "network": {
        "train.estimator": "sklearn.neural_network.MLPClassifier",
        "train.arguments": {"hidden_layer_sizes": [20], "max_iter": 30},
        **SCALED,
    },
}


@pytest.fixture
def copy(project: Project, tmp_path: Path) -> Copy:
    return copy_project(project, tmp_path / "penguins")


@pytest.fixture
def quick(project: Project, tmp_path: Path) -> Copy:
    return quick_project(project, tmp_path / "penguins")


def test_two_generations_are_identical(project: Project, tmp_path: Path) -> None:
    """The second one in a folder with other characters, set up from nothing but uv.lock.

    The lock is copied, because a release between the two would give it other versions.
    """
    folder = tmp_path / "wo anders é"
    config = project.environment["COOKIECUTTER_CONFIG"]
    path = Path(
        cookiecutter(str(TEMPLATE), no_input=True, output_dir=str(folder), config_file=config)
    )
    shutil.copyfile(project.path / "uv.lock", path / "uv.lock")
    run(sys.executable, "bootstrap.py", cwd=path, environment=project.environment)

    second = Copy(path, replace(project, path=path))
    first = Copy(project.path, project)
    assert second.outputs() == first.outputs()
    assert second.git("ls-tree", "-r", "HEAD") == first.git("ls-tree", "-r", "HEAD")


@pytest.mark.parametrize("name", ESTIMATORS if LONG else SHORT)
def test_forced_runs_are_identical(copy: Copy, name: str) -> None:
    estimator, quick = ESTIMATORS[name], {**QUICK, "train.cross_validation": 2}
    copy.set_params({**quick, **estimator} if estimator else {})
    copy.repro(**MACHINES[0])
    outputs = copy.outputs()
    assert MODEL in outputs
    for machine in MACHINES[1:]:
        stages = copy.repro("--force", **machine)
        assert stages.ran == ALL, "the run cache would prove nothing"
        assert copy.outputs() == outputs, machine


def test_a_second_run_does_nothing(copy: Copy) -> None:
    done = copy.run("dvc", "repro")
    assert "Data and pipelines are up to date." in done.stdout
    assert "Running stage" not in done.stdout
    assert copy.changed() == []


def test_a_changed_train_param_runs_what_follows(quick: Copy) -> None:
    before = quick.outputs()
    quick.set_params({"train.arguments": {"n_estimators": 6}})
    assert quick.repro().ran == ["train", "evaluate", "card"]
    assert quick.outputs()[MODEL] != before[MODEL]

    quick.git("checkout", "params.yaml")
    back = quick.repro()
    assert back.ran == ["card"], "DVC keeps no run of a stage whose output is in Git"
    assert back.restored == ["train", "evaluate"]
    assert quick.outputs() == before
    assert quick.changed() == []


def test_a_changed_evaluate_param_leaves_the_model(quick: Copy) -> None:
    before = quick.outputs()
    quick.set_params({"evaluate.intervals.confidence": 0.9})
    assert quick.repro().ran == ["evaluate", "card"]
    assert quick.outputs()[MODEL] == before[MODEL]
    assert quick.outputs()["reports/scores.csv"] != before["reports/scores.csv"]


def test_a_changed_limit_writes_the_card_alone(copy: Copy) -> None:
    before = copy.outputs()
    copy.set_params({"card.limits": ["Not for chicks."]})
    assert copy.repro().ran == ["card"]
    after = copy.outputs()
    changed = {path for path in before if after[path] != before[path]}
    assert changed == {"dvc.lock", "MODEL_CARD.md"}
    assert "Not for chicks." in (copy.path / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_a_clone_pulls_everything(copy: Copy, tmp_path: Path) -> None:
    copy.run("dvc", "push")
    other = clone(copy, tmp_path / "clone")
    assert not (other.path / MODEL).exists()

    other.run("dvc", "pull")
    assert other.run("dvc", "status", "--quiet").returncode == 0
    assert other.outputs() == copy.outputs()
    assert sha256(other.path / "data/raw/penguins.csv") == sha256(
        copy.path / "data/raw/penguins.csv"
    )
    assert other.repro().ran == []
    assert other.changed() == []


def test_an_earlier_commit_restores_its_model(copy: Copy, tmp_path: Path) -> None:
    """In the project itself and in a clone that pulls it."""
    first, outputs = copy.git("rev-parse", "HEAD"), copy.outputs()
    copy.set_params(QUICK)
    copy.repro()
    copy.commit("A small model")
    assert copy.outputs()[MODEL] != outputs[MODEL]

    copy.run("git", "checkout", "--quiet", first)
    copy.run("dvc", "checkout")
    assert copy.outputs() == outputs
    assert copy.run("dvc", "status", "--quiet").returncode == 0

    copy.run("dvc", "push")
    other = clone(copy, tmp_path / "clone")
    other.run("git", "checkout", "--quiet", first)
    other.run("dvc", "pull")
    assert other.outputs() == outputs
