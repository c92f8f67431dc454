"""The trials of a sweep, as Optuna keeps them: which came out how, and which comes next."""

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from mlrepo.sweep.space import Knob, Scalar, Sweep

# After so many proposals in a row that were tried already, another combination is drawn: from
# those that are left, or where there are more than this, from all of them.
_PATIENCE = 3
_FEW = 10_000
_WHY, _TWICE, _METRIC = "why", "tried before as", "metric"

Point = dict[str, Scalar]  # dotted key -> value
_Key = tuple[tuple[str, str], ...]
_PRUNERS = {
    "none": optuna.pruners.NopPruner,
    "median": optuna.pruners.MedianPruner,
    "wilcoxon": optuna.pruners.WilcoxonPruner,
}

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Study:
    """A sweep's trials: each is written to a file, in one line, when it has come to its end.

    Which params a trial has follows from the seed, its number and the trials before it alone: a
    sweep that was killed in the middle of a trial proposes the same one again.
    """

    def __init__(self, sweep: Sweep, file: Path, smaller_is_better: bool) -> None:
        """Read the file, or begin it; nobody else may have it open."""
        self.sweep = sweep
        self.metric: str | None = None  # of the values, once a trial has one
        self._ended: list[FrozenTrial] = []  # by number: without those that were tried before
        self._numbers: dict[_Key, int] = {}
        self._asked = self._repeated = 0  # all, and of the last how many were tried before
        self._grid = self._left()
        self._few: dict[_Key, Point] | None = None  # what is left, once that is drawn from
        _repair(file)
        # Optuna's own choice is a symlink, which Windows may refuse.
        backend = JournalFileBackend(str(file), JournalFileOpenLock(str(file)))
        with warnings.catch_warnings(action="ignore"):  # which are for programmers
            self._space = {key: _distribution(knob) for key, knob in sweep.space.items()}
            self._kept, self._study = (
                optuna.create_study(
                    storage=storage,
                    study_name=sweep.name,
                    direction="minimize" if smaller_is_better else "maximize",
                    pruner=_PRUNERS[sweep.pruner](),
                    load_if_exists=True,
                )
                for storage in (optuna.storages.JournalStorage(backend), None)
            )
        for trial in self._kept.get_trials(deepcopy=False):
            self._study.add_trial(trial)
            self._note(trial)

    @property
    def counts(self) -> Counter[str]:
        """How many trials came out how: COMPLETE, PRUNED or FAIL."""
        return Counter(trial.state.name for trial in self._ended)

    @property
    def best(self) -> tuple[int, float] | None:
        """Number and value of the best trial, if one has a value."""
        try:
            best = self._study.best_trial
        except ValueError:
            return None
        # Optuna's own number counts those that were tried before as well.
        return self._numbers[_key(best.params)], float(best.value or 0)

    @property
    def failures(self) -> dict[str, list[int]]:
        """Why trials failed -> which."""
        found: dict[str, list[int]] = {}
        for number, trial in enumerate(self._ended):
            if trial.state == TrialState.FAIL:
                found.setdefault(str(trial.user_attrs.get(_WHY)), []).append(number)
        return found

    def trials(self) -> Iterator["Trial"]:
        """Yield what is still to be tried, one after the other: each must be ended by then."""
        while len(self._ended) < self.sweep.total:
            self._study.sampler = self._sampler()
            trial = self._study.ask(self._space)
            earlier = self._numbers.get(_key(trial.params))
            if earlier is None:
                yield Trial(self, len(self._ended), trial)
            else:
                # To the sampler, which passes over it, a failed one.
                trial.set_user_attr(_TWICE, earlier)
                self.end(trial, state=TrialState.FAIL)

    def end(
        self, trial: optuna.Trial, value: float | None = None, state: TrialState | None = None
    ) -> None:
        """Write down what became of a trial."""
        ended = self._study.tell(trial, value, state)
        self._kept.add_trial(ended)
        self._note(ended)

    def _note(self, trial: FrozenTrial) -> None:
        """Number a trial, so that to propose the next walks through none of them."""
        self._asked += 1
        if _TWICE in trial.user_attrs:
            self._repeated += 1
            return
        self._repeated = 0
        self.metric = self.metric or trial.user_attrs.get(_METRIC)
        key = _key(trial.params)
        self._numbers[key] = len(self._ended)
        self._ended.append(trial)
        if self._few:
            self._few.pop(key, None)

    def _sampler(self) -> BaseSampler:
        stuck = self._repeated >= _PATIENCE
        seeds = np.random.SeedSequence([self.sweep.seed, self._asked])
        seed = int(seeds.generate_state(1)[0])
        free = optuna.samplers.RandomSampler(seed=seed)
        if self.sweep.sampler == "grid":
            point = next(self._grid)
        elif stuck and (self.sweep.size or _FEW + 1) <= _FEW:
            if self._few is None:
                self._few = {_key(point): point for point in self._left()}
            point = list(self._few.values())[seed % len(self._few)]
        elif stuck or self.sweep.sampler == "random":
            return free
        else:
            return optuna.samplers.TPESampler(seed=seed)
        # Optuna's own grid ends a study that it does not run itself with an exception.
        with warnings.catch_warnings(action="ignore"):
            return optuna.samplers.PartialFixedSampler(point, free)

    def _left(self) -> Iterator[Point]:
        """Yield the combinations that were not tried, in order."""
        for values in product(*(knob.values or [] for knob in self.sweep.space.values())):
            point = dict(zip(self.sweep.space, values, strict=True))
            if _key(point) not in self._numbers:
                yield point


@dataclass(frozen=True)
class Trial:
    """One combination of params, and what becomes of it."""

    study: Study
    number: int  # from 0, without those that were tried before
    own: optuna.Trial

    @property
    def name(self) -> str:
        """The name of the experiment that it becomes."""
        return self.study.sweep.experiment(self.number)

    @property
    def params(self) -> Point:
        """Dotted key -> value."""
        return dict(self.own.params)

    def report(self, values: list[float]) -> None:
        """Take the values of the folds so far; raise optuna.TrialPruned if it is hopeless."""
        by_fold = self.study.sweep.pruner == "wilcoxon"
        self.own.report(values[-1] if by_fold else sum(values) / len(values), len(values) - 1)
        if self.own.should_prune():
            raise optuna.TrialPruned

    def complete(self, metric: str, value: float) -> None:
        """Give it its value, of the metric by which all trials are compared from now on."""
        self.own.set_user_attr(_METRIC, metric)
        self.study.end(self.own, value)

    def prune(self) -> None:
        """End it before it has a model."""
        self.study.end(self.own, state=TrialState.PRUNED)

    def fail(self, why: str) -> None:
        """End it with what went wrong."""
        self.own.set_user_attr(_WHY, why)
        self.study.end(self.own, state=TrialState.FAIL)


def _key(params: Point) -> _Key:
    """Return what two equal combinations share; to Python, 1, 1.0 and True are equal."""
    texts = {k: f"{v:.12g}" if isinstance(v, float) else repr(v) for k, v in params.items()}
    return tuple(sorted(texts.items()))


def _repair(file: Path) -> None:
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
        step = int(knob.step or 1)  # its last may end before `high`
        return optuna.distributions.IntDistribution(int(low), int(high), knob.log, step)
    size = None if knob.step is None else float(knob.step)
    return optuna.distributions.FloatDistribution(float(low), float(high), knob.log, size)
