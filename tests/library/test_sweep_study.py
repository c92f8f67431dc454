"""A sweep tries each combination once, and the same again after a kill."""

from pathlib import Path
from typing import Any

import pytest
from optuna import TrialPruned

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline.dvc_yaml import load_pipeline
from mlrepo.sweep import interrupt
from mlrepo.sweep import study as studies
from mlrepo.sweep.recorder import Recorder, replace_entry
from mlrepo.sweep.stages import reached, run_all
from mlrepo.sweep.start import alone
from mlrepo.sweep.study import Study, Trial
from mlrepo.sweep.worker import attempt

from .conftest import OWNER, OWNERS, TinyProject, render_yaml
from .test_sweep_space import LEAF, TREES, sweep


def value(params: dict[str, Any]) -> float:
    return float(abs(params[TREES] - 120) / 400 + abs(params[LEAF] - 0.1))


def go_on(study: Study, most: int = 1000) -> list[dict[str, Any]]:
    """Give trials their values, at most so many, and return their params."""
    tried: list[dict[str, Any]] = []
    for trial in study.trials():
        if len(tried) == most:
            return tried  # and leave this one as a kill would
        tried.append(trial.params)
        trial.complete("loss", value(trial.params))
    return tried


@pytest.mark.parametrize("sampler", ["tpe", "random"])
@pytest.mark.parametrize("cut", [0, 1, 7, 12])
def test_an_interrupted_sweep_tries_the_same(tmp_path: Path, sampler: str, cut: int) -> None:
    whole = go_on(Study(sweep(sampler=sampler), tmp_path / "whole", smaller_is_better=True))
    assert len(whole) == 15
    parts = go_on(Study(sweep(sampler=sampler), tmp_path / "parts", True), most=cut)
    file = tmp_path / "parts"
    with file.open("ab") as log:  # what a killed process leaves: half a line, and a lock
        log.write(b'{"op_code":5,"wor')
    Path(f"{file}.lock").symlink_to(file)
    parts += go_on(Study(sweep(sampler=sampler), file, True))
    assert parts == whole
    best = min(range(15), key=lambda number: value(whole[number]))
    assert Study(sweep(sampler=sampler), file, True).best == (best, value(whole[best]))


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_no_combination_is_tried_twice(tmp_path: Path, sampler: str) -> None:
    few = {TREES: {"int": [1, 3]}, LEAF: {"choice": [0.1, 0.2, 0.3]}}
    study = Study(sweep(sampler=sampler, space=few), tmp_path / "log", True)
    for number, trial in enumerate(study.trials()):
        assert trial.number == number
        trial.fail("no")
    assert study.failures == {"no": list(range(9))}
    tried = go_on(Study(sweep(sampler=sampler, space=few), tmp_path / "other", True))
    assert len({tuple(params.values()) for params in tried}) == 9
    more = Study(sweep(sampler=sampler, space=few, trials=99), tmp_path / "other", True)
    assert go_on(more) == []
    assert more.counts == {"COMPLETE": 9}


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_sampler_that_proposes_the_same_is_helped_on(tmp_path: Path, sampler: str) -> None:
    """A small space draws it to a few combinations soon."""
    some = {TREES: {"int": [100, 120]}, LEAF: {"float": [0.1, 0.3], "step": 0.1}}
    asked = sweep(sampler=sampler, space=some, trials=60)
    tried = go_on(Study(asked, tmp_path / "log", True))
    assert len({(params[TREES], round(params[LEAF], 6)) for params in tried}) == 60
    parts = go_on(Study(asked, tmp_path / "parts", True), most=45)
    assert parts + go_on(Study(asked, tmp_path / "parts", True)) == tried


def test_a_larger_number_of_trials_goes_on(tmp_path: Path) -> None:
    first = go_on(Study(sweep(trials=5), tmp_path / "log", True))
    assert sweep(trials=5).same_but_for_trials(sweep(trials=12))
    assert not sweep(trials=5).same_but_for_trials(sweep(seed=1))
    second = go_on(Study(sweep(trials=12), tmp_path / "log", True))
    assert first + second == go_on(Study(sweep(trials=12), tmp_path / "whole", True))


@pytest.mark.parametrize("pruner", ["median", "wilcoxon"])
def test_the_pruner_ends_what_is_worse_fold_by_fold(tmp_path: Path, pruner: str) -> None:
    study = Study(sweep(pruner=pruner, trials=20), tmp_path / "log", True)
    ended = 0
    for number, trial in enumerate(study.trials()):
        folds = [0.2 + number / 100 + 0.01 * fold for fold in range(8)]
        try:
            for last in range(len(folds)):
                trial.report(folds[: last + 1])
        except TrialPruned:
            trial.prune()
            ended += 1
        else:
            trial.complete("loss", sum(folds) / len(folds))
    assert 0 < ended < 20
    assert study.counts == {"COMPLETE": 20 - ended, "PRUNED": ended}


def test_stages_run_in_this_process_and_tell_each_fold(tiny: TinyProject, tmp_path: Path) -> None:
    tiny.set({"train.cross_validation": 3, "numerics.pinned": False})
    render_yaml("dvc.yaml", "environment/dvc.yaml")
    Path(OWNER).symlink_to(OWNERS / OWNER, target_is_directory=True)
    stages = reached(load_pipeline(), ["prepare.split.seed"])
    told: list[int] = []
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        run_all(stages[:2], lambda values: told.append(len(values["log_loss"])), log)
    assert told == [1, 2, 3]
    assert (tmp_path / "models/model.skops").exists()
    assert "fitting sklearn" in (tmp_path / "log").read_text(encoding="utf-8")


class Kept(Recorder):
    """Keeps names in place of experiments."""

    def __init__(self) -> None:
        self.saved: dict[str, dict[str, float]] = {}
        self.full = False

    def set_params(self, values: dict[str, Any]) -> None:
        TinyProject(Path()).set(dict(values))

    def scores_of(self, name: str) -> dict[str, float] | None:
        return self.saved.get(name)

    def save(self, name: str) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.saved[name] = {}


def attempts(study: Study, recorder: Kept, log: Path) -> list[tuple[int, str]]:
    def once(trial: Trial) -> tuple[int, str]:
        with log.open("a", encoding="utf-8") as opened:
            return trial.number, attempt(trial, ["log_loss"], [], recorder, opened)

    return [once(trial) for trial in study.trials()]


def test_what_the_machine_fails_is_tried_again_and_what_was_kept_counts(
    tiny: TinyProject, tmp_path: Path
) -> None:
    Path("metrics").mkdir()
    Path("metrics/cross_validation.json").write_text('{"cv": {"log_loss": 0.3}}', encoding="utf-8")
    study, recorder = Study(sweep(trials=3), tmp_path / "study", True), Kept()
    recorder.saved["s-0001"] = {"log_loss": 0.2}  # kept, and killed before it was told
    recorder.full = True
    with pytest.raises(OSError, match="No space"):
        attempts(study, recorder, tmp_path / "log")
    recorder.full = False
    study = Study(sweep(trials=3), tmp_path / "study", True)
    assert attempts(study, recorder, tmp_path / "log") == [(0, "0.3"), (1, "0.2"), (2, "0.3")]
    assert sorted(recorder.saved) == ["s-0000", "s-0001", "s-0002"]


def test_a_trial_that_a_ctrl_c_disturbed_is_tried_again(
    tiny: TinyProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what it ended with, nor what went wrong after that, counts."""
    for disturbed in ('{"cv": {"log_loss": 0.3}}', '{"cv": {}}'):
        Path("metrics").mkdir(exist_ok=True)
        Path("metrics/cross_validation.json").write_text(disturbed, encoding="utf-8")
        study, recorder = Study(sweep(trials=3), tmp_path / "study", True), Kept()
        monkeypatch.setattr(interrupt, "_noted", True)
        with pytest.raises(KeyboardInterrupt):
            attempts(study, recorder, tmp_path / "log")
        assert (recorder.saved, study.counts.total()) == ({}, 0)


def test_a_failed_trial_says_why_and_the_sweep_goes_on(tiny: TinyProject, tmp_path: Path) -> None:
    Path("metrics").mkdir()
    Path("metrics/cross_validation.json").write_text('{"cv": {}}', encoding="utf-8")
    study = Study(sweep(trials=3), tmp_path / "study", True)
    assert [said for _, said in attempts(study, Kept(), tmp_path / "log")] == ["failed"] * 3
    why = "log_loss is undefined in a fold of the cross-validation: name another in evaluate."
    why += "metric of params.yaml"
    assert study.failures == {why: [0, 1, 2]}


def test_an_entry_of_a_lock_is_replaced_alone() -> None:
    locked = "schema: '2.0'\nstages:\n  a:\n    cmd: x\n  b:\n    cmd: y\n    deps:\n    - path\n"
    new = replace_entry(locked, "b", "  b:\n    cmd: z\n")
    assert yaml.parse(new, "new")["stages"] == {"a": {"cmd": "x"}, "b": {"cmd": "z"}}
    assert replace_entry(locked, "a", "  a:\n    cmd: x\n") == locked


def test_no_question_about_trials_walks_through_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep of many small trials would cost the square of their number."""
    asked: list[Any] = []
    own = studies._key

    def key(params: Any) -> Any:
        asked.append(params)
        return own(params)

    monkeypatch.setattr(studies, "_key", key)
    grid = {TREES: {"int": [1, 20]}, LEAF: {"choice": [0.1, 0.2, 0.3, 0.4, 0.5]}}
    assert (
        len(go_on(Study(sweep(sampler="grid", space=grid, trials=100), tmp_path / "log", True)))
        == 100
    )
    assert len(asked) <= 4 * 100


def test_two_do_not_work_at_once(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with alone(file, sweep()), pytest.raises(ProjectError, match="the sweep 's' is at work"):
        alone(file, sweep())
    with alone(file, sweep()):
        assert file.exists()
