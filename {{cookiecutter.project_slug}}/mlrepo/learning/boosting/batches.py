"""Boosting in this process from batches: `xgboost.XGBClassifier` with `train.batches.rows`.

xgboost reads the prepared table some times over, a batch at a time, and keeps the numbers of the
bins: in memory, or with `train.batches.on_disk` in files that it reads again for each level of a
tree.
https://xgboost.readthedocs.io/en/stable/tutorials/external_memory.html
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xgboost

from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import in_project
from mlrepo.learning import duration
from mlrepo.learning.boosting import common
from mlrepo.learning.boosting.common import Rows
from mlrepo.learning.estimator import split_steps
from mlrepo.learning.features import Features

# On the disk of the project: that of the system's temporary files is often in memory.
_CACHES = ".dvc/tmp"
_READS = 4  # how often xgboost asks for the whole table: for its size, the bins and their numbers


class Batches(xgboost.DataIter):
    """The rows of a table, for xgboost to ask for."""

    def __init__(self, rows: Rows, size: int, cache: str | None) -> None:
        """Read ``size`` rows at a time; ``cache``: the folder for the numbers of the bins."""
        self._rows, self._size = rows, size
        self.count, _ = rows.shape()
        self._starts = range(0, self.count, size)
        reads = _READS * len(self._starts)
        self._left = duration.timed(self._starts, reads, self.count, "reading")
        self._begun = self.interrupted = False
        super().__init__(cache_prefix=f"{cache}/bins" if cache else None, on_host=False)

    def next(self, input_data: Callable[..., None]) -> bool:
        """Hand the next batch over; False if there is none."""
        self._begun = True
        start = next(self._left, None)
        if start is None:
            return False
        try:
            x, y, weights = self._rows.read(start, self._size)
            input_data(data=x, label=y, weight=weights)
        except KeyboardInterrupt as error:  # xgboost would take it for the end of the table
            self.interrupted = True
            raise RuntimeError("interrupted") from error
        return True

    def reset(self) -> None:
        """Start again; xgboost asks for that before the first time as well."""
        if self._begun:
            self._left = iter(self._starts)


class Rounds(xgboost.callback.TrainingCallback):
    """Tells after the first rounds how long all of them take."""

    def __init__(self, count: int, rows: int) -> None:
        """Start the clock."""
        self._left = duration.timed(range(count + 1), count, rows, "boosting")
        next(self._left)

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Count a round; False: go on."""
        next(self._left)
        return False


def fit(model: Any, path: Path, chosen: Features, params: LibraryParams) -> None:
    """Fit ``model``, whose last step is an estimator of xgboost, in place."""
    size = common.batch_size(params.train)
    columns, estimator = split_steps(model)
    rows = Rows(path, chosen, params.data, columns)
    knobs = common.arguments(estimator, rows)
    rows.fit_columns(size)
    try:
        with _cache(params.train.batches.on_disk) as cache:
            booster = _learn(Batches(rows, size, cache), estimator, knobs)
    except Exception as error:
        if reason := common.explain(error):
            raise ProjectError(reason) from error
        raise
    rows.keep(booster, estimator)


def _learn(table: Batches, estimator: Any, knobs: dict[str, Any]) -> Any:
    kind = xgboost.ExtMemQuantileDMatrix if table.cache_prefix else xgboost.QuantileDMatrix
    bins = {"missing": estimator.missing, "max_bin": estimator.max_bin}
    try:
        matrix = kind(table, nthread=estimator.n_jobs, **bins)
    except RuntimeError:
        if table.interrupted:
            raise KeyboardInterrupt from None
        raise
    count = estimator.get_num_boosting_rounds()
    callbacks = [Rounds(count, table.count)]
    return xgboost.train(knobs, matrix, count, verbose_eval=False, callbacks=callbacks)


def _cache(on_disk: bool) -> AbstractContextManager[str | None]:
    """Return a folder that is gone after the block, None without ``on_disk``."""
    if not on_disk:
        return nullcontext()
    caches = in_project(_CACHES)
    caches.mkdir(parents=True, exist_ok=True)
    # Where a file cannot go while it is open, one may be left after an error.
    return TemporaryDirectory(prefix="boosting-", dir=caches, ignore_cleanup_errors=True)
