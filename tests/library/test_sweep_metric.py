"""By which metric models are compared, and trials before there is a model."""

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mlrepo.core.files import read_json
from mlrepo.core.paths import FOLDS
from mlrepo.learning import metrics
from mlrepo.learning.predictions import Predictions
from mlrepo.page import trials
from mlrepo.pipeline import git
from mlrepo.pipeline.dvc_yaml import load_pipeline
from mlrepo.sweep import experiments
from mlrepo.sweep.experiments import comparable, namespace, ranked
from mlrepo.sweep.stages import reached
from mlrepo.sweep.study import Study
from mlrepo.sweep.worker import attempt
from penguins import metrics as owners_metrics

from . import repository
from .conftest import OWNER, OWNERS, TinyProject, render_yaml
from .test_sweep_space import sweep
from .test_sweep_study import Kept

VOTING = "train.arguments.voting"
ALL = [*owners_metrics.CLASSIFICATION]


def without_scores() -> Predictions:
    truth = np.array(["no"] * 99 + ["yes"])
    return Predictions(truth, np.full(100, "no"), np.array(["no", "yes"]))


def with_scores() -> Predictions:
    plain = without_scores()
    shares = np.linspace(0, 1, 100)
    return Predictions(plain.truth, plain.predicted, plain.classes, np.c_[1 - shares, shares])


@pytest.mark.parametrize(
    ("names", "asked", "first", "sure", "unsure"),
    [
        (ALL, None, ["roc_auc", "balanced_accuracy"], "roc_auc", "balanced_accuracy"),
        (ALL, "log_loss", ["log_loss"], "log_loss", "log_loss"),
        (ALL, "accuracy", ["accuracy"], "accuracy", "accuracy"),
        (ALL[:1] + ALL[2:3], None, ["f1_macro", "accuracy"], "f1_macro", "f1_macro"),
        # Who keeps none of the usual ones has not asked for accuracy.
        (["accuracy", "brier"], None, ["brier", "accuracy"], "brier", "accuracy"),
        (["accuracy"], None, ["accuracy"], "accuracy", "accuracy"),
    ],
)
def test_one_metric_leads(
    tiny: TinyProject,
    monkeypatch: pytest.MonkeyPatch,
    names: list[str],
    asked: str | None,
    first: list[str],
    sure: str,
    unsure: str,
) -> None:
    table = {name: owners_metrics.CLASSIFICATION[name] for name in names}
    monkeypatch.setattr(owners_metrics, "CLASSIFICATION", table)
    params = tiny.set({"evaluate.metric": asked})
    assert metrics.expected(params)[: len(first)] == first
    assert metrics.leading(params, with_scores()) == sure
    assert metrics.leading(params, without_scores()) == unsure
    # A study has one direction, before it has scores.
    smaller = [name in owners_metrics.SMALLER_IS_BETTER for name in comparable(params)]
    assert len(set(smaller)) == 1
    assert comparable(params)[0] == first[0]


@pytest.mark.parametrize("remote", [None, "team"])
def test_an_experiment_is_sent_where_there_is_a_git_remote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remote: str | None
) -> None:
    monkeypatch.setattr(experiments, "ranked", lambda *_: ("accuracy", {"sweep-0003": 0.9}))
    monkeypatch.setattr(experiments, "_table", lambda *_: "the table")
    monkeypatch.setattr(git, "origin", lambda: remote)
    study = SimpleNamespace(counts=Counter(COMPLETE=1), failures={})
    said = experiments.summary(sweep(), "accuracy", study, "0" * 40).splitlines()  # type: ignore[arg-type]
    commands = [line for line in said if line.startswith("uv run ")]
    assert commands[2:] == ([f"uv run dvc exp push {remote} sweep-0003"] if remote else [])


def test_of_regression_it_is_the_root_of_the_squared_error(tiny: TinyProject) -> None:
    params = tiny.set({"data.task": "regression", "data.target": "size"})
    assert metrics.expected(params)[0] == "rmse"
    assert comparable(params) == ["rmse", "mae", "median_absolute_error"]


class KeptScores(Kept):
    def __init__(self, tiny: TinyProject) -> None:
        super().__init__()
        self._tiny = tiny

    def set_params(self, values: dict[str, Any]) -> None:
        self._tiny.set(values)

    def save(self, name: str) -> None:
        self.saved[name] = read_json(FOLDS)["cv"]


def tried(tiny: TinyProject, votes: list[str], recorder: Kept) -> Study:
    """Try votes of estimators, and go on with the rest in another process as after a kill."""
    parts = [
        ["naive", "sklearn.naive_bayes.GaussianNB"],
        ["tree", "sklearn.tree.DecisionTreeClassifier"],
    ]
    tiny.set(
        {
            "train.estimator": "sklearn.ensemble.VotingClassifier",
            "train.arguments": {"estimators": parts, "voting": "hard"},
            "train.cross_validation": 2,
            "numerics.pinned": False,
        }
    )
    asked = sweep(sampler="grid", trials=2, space={VOTING: {"choice": votes}}, pruner="median")
    wanted = comparable(tiny.set({}))
    stages = reached(load_pipeline(), ["prepare.split.seed"])[:2]
    for _ in range(2):
        study = Study(asked, Path("study"), smaller_is_better=False)
        with Path("log").open("a", encoding="utf-8") as log:
            attempt(next(study.trials()), wanted, stages, recorder, log)
    return Study(asked, Path("study"), smaller_is_better=False)


@pytest.fixture
def pipeline(tiny: TinyProject) -> TinyProject:
    render_yaml("dvc.yaml", "environment/dvc.yaml")
    Path(OWNER).symlink_to(OWNERS / OWNER, target_is_directory=True)
    return tiny


def test_a_model_without_scores_is_compared_by_its_classes(pipeline: TinyProject) -> None:
    """And so are all trials after it: two metrics say nothing of which is better."""
    recorder = KeptScores(pipeline)
    study = tried(pipeline, ["hard", "soft"], recorder)
    assert study.counts == {"COMPLETE": 2}
    assert study.metric == "balanced_accuracy"
    assert "roc_auc" not in recorder.saved["s-0000"]
    assert "roc_auc" in recorder.saved["s-0001"]
    values = [recorder.saved[name]["balanced_accuracy"] for name in ("s-0000", "s-0001")]
    assert [trial.value for trial in study._ended] == values
    # The folds of the first are known too, once its metric is.
    assert all(len(trial.intermediate_values) == 2 for trial in study._ended)


def test_a_model_that_lacks_the_metric_of_those_before_says_so(pipeline: TinyProject) -> None:
    study = tried(pipeline, ["soft", "hard"], KeptScores(pipeline))
    assert (study.metric, study.counts) == ("roc_auc", {"COMPLETE": 1, "FAIL": 1})
    [why] = study.failures
    assert why.startswith("roc_auc is undefined in a fold of the cross-validation")


def experiment(commit: str, name: str, scores: dict[str, Any]) -> None:
    """Make an experiment of a commit, as DVC keeps one."""
    FOLDS.parent.mkdir(exist_ok=True)
    FOLDS.write_text(json.dumps({"cv": scores}), encoding="utf-8")
    made = repository.commit()
    repository.git("update-ref", f"{namespace(commit)}/{name}", made)
    repository.git("reset", "--quiet", "--hard", commit)


def test_the_best_experiment_is_that_by_what_all_of_them_have(tiny: TinyProject) -> None:
    repository.git("init", "--quiet")
    base = repository.commit()
    both = {"roc_auc": 0.9, "roc_auc_std": 0.1, "balanced_accuracy": 0.6, "accuracy": 0.95}
    experiment(base, "s-0000", {"balanced_accuracy": 0.7, "accuracy": 0.9})
    experiment(base, "s-0001", both)
    experiment(base, "s-0002", {"balanced_accuracy": 0.8, "accuracy": 0.8})
    experiment(base, "other-0000", {"f1_macro": 1.0})
    wanted = comparable(tiny.set({}))
    metric, found = ranked(base, "s", wanted)
    assert metric == "balanced_accuracy"
    assert list(found.items()) == [("s-0002", 0.8), ("s-0000", 0.7), ("s-0001", 0.6)]
    assert ranked(base, "other", wanted) == ("f1_macro", {"other-0000": 1.0})
    assert ranked(base, "s", ["roc_auc"]) == ("roc_auc", {"s-0001": 0.9})
    assert ranked(base, "none", wanted) == ("roc_auc", {})
    repository.git("update-ref", "-d", f"{namespace(base)}/other-0000")
    [shown] = trials.of_all(several=False)
    assert shown["leading"] == "balanced_accuracy"
