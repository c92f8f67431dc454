"""The trials of a sweep, as Optuna keeps them: which came out how, and which comes next."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from .space import Knob, Scalar, Sweep

# After so many proposals in a row that were tried already, another combination is drawn: from
# those that are left, or where there are more than this, from all of them.
_PATIENCE = 3
_FEW = 10_000
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
    """A sweep's trials: each is written to a file, in one line, when it has come to its end.

    Which params a trial has follows from the seed, its number and the trials before it alone: a
    sweep that was killed in the middle of a trial proposes the same one again.
    """

    def __init__(self, sweep: Sweep, file: Path, smaller_is_better: bool) -> None:
        """Read the file, or begin it; nobody else may have it open."""
        self._sweep = sweep
        self._space = {key: _distribution(knob) for key, knob in sweep.space.items()}
        self._sign = 1 if smaller_is_better else -1
        _mend(file)
        self._kept = self._open(optuna.storages.JournalStorage(JournalFileBackend(str(file))))
        self._study = self._open(optuna.storages.InMemoryStorage())
        self._study.add_trials(self._kept.get_trials(deepcopy=False))

    def _open(self, storage: optuna.storages.BaseStorage) -> optuna.Study:
        with _quiet():
            return optuna.create_study(
                storage=storage,
                study_name=self._sweep.name,
                direction="minimize" if self._sign == 1 else "maximize",
                pruner=_PRUNERS[self._sweep.pruner](),
                load_if_exists=True,
            )

    @property
    def counts(self) -> Counts:
        """How many trials came out how."""
        states = [trial.state for trial in self._ended()]
        kinds = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        return Counts(*(states.count(kind) for kind in kinds))

    @property
    def best(self) -> tuple[int, float] | None:
        """Number and value of the best trial, if one has a value."""
        found = [
            (self._sign * float(trial.value or 0), number)
            for number, trial in enumerate(self._ended())
            if trial.state == TrialState.COMPLETE
        ]
        return (min(found)[1], self._sign * min(found)[0]) if found else None

    @property
    def failures(self) -> dict[str, list[int]]:
        """Why trials failed -> which."""
        found: dict[str, list[int]] = {}
        for number, trial in enumerate(self._ended()):
            if trial.state == TrialState.FAIL:
                found.setdefault(str(trial.user_attrs.get(_WHY)), []).append(number)
        return found

    def trials(self) -> Iterator["Trial"]:
        """Yield what is still to be tried, one after the other: each must be ended by then."""
        while self.counts.all < min(self._sweep.trials, self._sweep.size or self._sweep.trials):
            self._study.sampler = self._sampler()
            trial = self._study.ask(self._space)
            earlier = self._earlier(trial.params)
            if earlier is None:
                by_fold = self._sweep.pruner == "wilcoxon"
                yield Trial(self.counts.all, trial, self._study, by_fold)
            else:
                # To the sampler, which passes over it, a failed one.
                trial.set_user_attr(_TWICE, earlier)
                self._study.tell(trial, state=TrialState.FAIL)
            self._kept.add_trial(self._study.get_trials(deepcopy=False)[trial.number])

    def _sampler(self) -> BaseSampler:
        trials = self._study.get_trials(deepcopy=False)
        stuck = sum(_TWICE in trial.user_attrs for trial in trials[-_PATIENCE:]) == _PATIENCE
        seeds = np.random.SeedSequence([self._sweep.seed, len(trials)])
        seed = int(seeds.generate_state(1)[0])
        free = optuna.samplers.RandomSampler(seed=seed)
        if self._sweep.sampler == "grid" or (stuck and (self._sweep.size or _FEW + 1) <= _FEW):
            left = self._left()
            point = left[0 if self._sweep.sampler == "grid" else seed % len(left)]
            # Optuna's own grid ends a study that it does not run itself with an exception.
            with _quiet():
                return optuna.samplers.PartialFixedSampler(point, free)
        if self._sweep.sampler == "tpe" and not stuck:
            return optuna.samplers.TPESampler(seed=seed)
        return free

    def _left(self) -> list[dict[str, Any]]:
        """Return the combinations that were not tried, in order."""
        values = [knob.values or [] for knob in self._sweep.space.values()]
        points = (dict(zip(self._sweep.space, each, strict=True)) for each in product(*values))
        tried = {_key(trial.params) for trial in self._ended()}
        return [point for point in points if _key(point) not in tried]

    def _ended(self) -> list[FrozenTrial]:
        """Return what came to an end, without what was tried before, by number."""
        trials = self._study.get_trials(deepcopy=False)
        return [
            trial
            for trial in trials
            if trial.state.is_finished() and _TWICE not in trial.user_attrs
        ]

    def _earlier(self, params: dict[str, Any]) -> int | None:
        tried = [_key(trial.params) for trial in self._ended()]
        return tried.index(_key(params)) if _key(params) in tried else None


class Trial:
    """One combination of params, and what becomes of it."""

    def __init__(
        self, number: int, trial: optuna.Trial, study: optuna.Study, by_fold: bool
    ) -> None:
        """Take a trial that has its params; ``by_fold``: the pruner compares fold by fold."""
        self.number = number  # from 0, without those that were tried before
        self._trial = trial
        self._study = study
        self._by_fold = by_fold

    @property
    def params(self) -> dict[str, Scalar]:
        """Dotted key -> value."""
        return dict(self._trial.params)

    def report(self, values: list[float]) -> bool:
        """Take the values of the folds so far; return whether it is hopeless."""
        value = values[-1] if self._by_fold else sum(values) / len(values)
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


def _key(params: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what two equal combinations share; to Python, 1, 1.0 and True are equal."""
    texts = {k: f"{v:.12g}" if isinstance(v, float) else repr(v) for k, v in params.items()}
    return tuple(sorted(texts.items()))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna's warnings, which are for programmers, from whoever sweeps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


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
        with _quiet():  # of a last step that ends before `high`
            step = int(knob.step or 1)
            return optuna.distributions.IntDistribution(int(low), int(high), knob.log, step)
    size = None if knob.step is None else float(knob.step)
    with _quiet():
        return optuna.distributions.FloatDistribution(float(low), float(high), knob.log, size)
