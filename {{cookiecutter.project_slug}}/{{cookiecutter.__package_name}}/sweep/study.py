"""The trials of a sweep, as Optuna keeps them: which came out how, and which comes next."""

import itertools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from .space import Knob, Scalar, Sweep

# So many proposals in a row that were tried already are the end of a sweep.
_PATIENCE = 200
_WHY, _TWICE = "why", "tried before as"
_PRUNERS = {
    "none": optuna.pruners.NopPruner,
    "median": optuna.pruners.MedianPruner,
    "wilcoxon": optuna.pruners.WilcoxonPruner,
}

optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass(frozen=True)
class Counts:
    """How many trials came out how."""

    complete: int
    pruned: int
    failed: int

    @property
    def all(self) -> int:
        """How many were tried."""
        return self.complete + self.pruned + self.failed


class Study:
    """A sweep's trials in a file, which a killed process leaves whole but for its last line.

    Which params a trial has follows from the seed, its number and the trials before it alone: a
    sweep that was interrupted tries the same as one that was not.
    """

    def __init__(self, sweep: Sweep, file: Path, smaller_is_better: bool) -> None:
        """Open the file, or begin it; nobody else may have it open."""
        self._sweep = sweep
        _mend(file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study = optuna.create_study(
                storage=optuna.storages.JournalStorage(JournalFileBackend(str(file))),
                study_name=sweep.name,
                direction="minimize" if smaller_is_better else "maximize",
                pruner=_PRUNERS[sweep.pruner](),
                load_if_exists=True,
            )
        self._space = {key: _distribution(knob) for key, knob in sweep.space.items()}
        self._sign = 1 if smaller_is_better else -1

    @property
    def counts(self) -> Counts:
        """How many trials came out how."""
        states = [trial.state for trial in self._ended()]
        kinds = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        return Counts(*(states.count(kind) for kind in kinds))

    @property
    def complete(self) -> list[FrozenTrial]:
        """The trials that have a value, the best first."""
        found = [trial for trial in self._ended() if trial.state == TrialState.COMPLETE]
        return sorted(found, key=lambda trial: (self._sign * float(trial.value or 0), trial.number))

    @property
    def failures(self) -> dict[str, list[int]]:
        """Why trials failed -> which."""
        found: dict[str, list[int]] = {}
        for trial in self._ended():
            if trial.state == TrialState.FAIL:
                found.setdefault(str(trial.user_attrs.get(_WHY)), []).append(trial.number)
        return found

    def trials(self) -> Iterator["Trial"]:
        """Yield what is still to be tried, first what a killed process has left unfinished."""
        twice = 0
        while self.counts.all < self._sweep.trials and twice < _PATIENCE:
            trial = self._next()
            if trial is None:
                return
            earlier = self._earlier(trial.params)
            if earlier is None:
                twice = 0
                yield Trial(trial, self._study, by_fold=self._sweep.pruner == "wilcoxon")
            else:
                # To the sampler, which passes over it, a failed one.
                trial.set_user_attr(_TWICE, earlier)
                self._study.tell(trial, state=TrialState.FAIL)
                twice += 1

    def _next(self) -> optuna.Trial | None:
        open_trials = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        known = self._study.get_trials(deepcopy=False)
        number = open_trials[0].number if open_trials else len(known)
        size = self._sweep.size
        if size is not None and self.counts.all >= size:
            return None
        self._study.sampler = self._sampler(number, 0)
        trial = (
            optuna.Trial(self._study, open_trials[0]._trial_id)
            if open_trials
            else self._study.ask()
        )
        for position, (key, distribution) in enumerate(self._space.items()):
            # Its own seed for each, so that it does not matter which were drawn before a kill.
            self._study.sampler = self._sampler(number, position)
            trial._suggest(key, distribution)
        return trial

    def _sampler(self, number: int, position: int) -> BaseSampler:
        seeds = np.random.SeedSequence([self._sweep.seed, number, position])
        seed = int(seeds.generate_state(1)[0])
        if self._sweep.sampler == "tpe":
            return optuna.samplers.TPESampler(seed=seed)
        if self._sweep.sampler == "grid":
            # Optuna's own ends a study that it does not run itself with an exception.
            return optuna.samplers.PartialFixedSampler(
                self._grid_point(number), optuna.samplers.RandomSampler(seed=seed)
            )
        return optuna.samplers.RandomSampler(seed=seed)

    def _grid_point(self, number: int) -> dict[str, Any]:
        values = [knob.values or [] for knob in self._sweep.space.values()]
        point = next(itertools.islice(itertools.product(*values), number, None))
        return dict(zip(self._sweep.space, point, strict=True))

    def _ended(self) -> list[FrozenTrial]:
        """Return what came to an end, without what was tried before."""
        trials = self._study.get_trials(deepcopy=False)
        return [
            trial
            for trial in trials
            if trial.state.is_finished() and _TWICE not in trial.user_attrs
        ]

    def _earlier(self, params: dict[str, Any]) -> int | None:
        # repr, because 1, 1.0 and True are equal.
        wanted = {key: repr(value) for key, value in params.items()}
        for trial in self._ended():
            if {key: repr(value) for key, value in trial.params.items()} == wanted:
                return trial.number
        return None


class Trial:
    """One combination of params, and what becomes of it."""

    def __init__(self, trial: optuna.Trial, study: optuna.Study, by_fold: bool) -> None:
        """Take a trial that has all its params; ``by_fold``: the pruner compares fold by fold."""
        self._trial = trial
        self._study = study
        self._by_fold = by_fold

    @property
    def number(self) -> int:
        """Its number, from 0."""
        return self._trial.number

    @property
    def params(self) -> dict[str, Scalar]:
        """Dotted key -> value."""
        return dict(self._trial.params)

    def report(self, values: list[float]) -> bool:
        """Take the values of the folds so far; return whether it is hopeless."""
        value = values[-1] if self._by_fold else sum(values) / len(values)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the same again, after a kill
            self._trial.report(value, len(values) - 1)
            return self._trial.should_prune()

    def complete(self, value: float) -> None:
        """Give it its value."""
        self._study.tell(self._trial, value)

    def prune(self) -> None:
        """End it before it has a model."""
        self._study.tell(self._trial, state=TrialState.PRUNED)

    def fail(self, why: str) -> None:
        """End it with what went wrong."""
        self._trial.set_user_attr(_WHY, why)
        self._study.tell(self._trial, state=TrialState.FAIL)


def _mend(file: Path) -> None:
    """Take away what a killed process was just writing: a part of a line, and Optuna's lock."""
    Path(f"{file}.lock").unlink(missing_ok=True)
    if file.exists():
        whole = file.read_bytes().rfind(b"\n") + 1
        with file.open("r+b") as opened:
            opened.truncate(whole)


def _distribution(knob: Knob) -> BaseDistribution:
    if knob.choice is not None:
        return optuna.distributions.CategoricalDistribution(knob.choice)
    low, high = knob.bounds
    if knob.integers is not None:
        step = int(knob.step or 1)
        last = int(low) + (int(high) - int(low)) // step * step  # of which Optuna would warn
        return optuna.distributions.IntDistribution(int(low), last, knob.log, step)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return optuna.distributions.FloatDistribution(
            float(low), float(high), knob.log, None if knob.step is None else float(knob.step)
        )
