"""Boosting in this process from batches: `xgboost.XGBClassifier` with `train.batches.rows`.

xgboost reads the prepared table some times over, a batch at a time, and keeps the numbers of the
bins: in memory, or with `train.batches.on_disk` in files that it reads again for each level of a
tree.
https://xgboost.readthedocs.io/en/stable/tutorials/external_memory.html
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import xgboost
from sklearn.pipeline import Pipeline

from . import boosting, duration, incremental
from .boosting import Rows
from .errors import ProjectError
from .features import Features
from .params import Params

# On the disk of the project: that of the system's temporary files is often in memory.
_CACHES = Path(".dvc/tmp")
_READS = 4  # how often xgboost asks for the whole table: for its size, the bins and their numbers


class Batches(xgboost.DataIter):  # type: ignore[misc]  # xgboost is an extra, and not known to mypy
    """The rows of a table, for xgboost to ask for."""

    def __init__(self, rows: Rows, size: int, cache: Path | None) -> None:
        """Read ``size`` rows at a time; ``cache``: the folder for the numbers of the bins."""
        self._rows, self._size = rows, size
        self.count, _ = rows.shape()
        self._starts = range(0, self.count, size)
        reads = _READS * len(self._starts)
        self._left = duration.told(self._starts, reads, self.count, "reading")
        self._begun = False
        self.interrupted = False
        super().__init__(cache_prefix=str(cache / "bins") if cache else None, on_host=False)

    def next(self, input_data: Callable[..., None]) -> bool:
        """Hand the next batch over; False if there is none."""
        self._begun = True
        start = next(self._left, None)
        if start is None:
            return False
        try:
            x, y = self._rows.read(start, self._size)
            input_data(data=x, label=y)
        except KeyboardInterrupt as error:  # xgboost would take it for the end of the table
            self.interrupted = True
            raise RuntimeError("interrupted") from error
        return True

    def reset(self) -> None:
        """Start again; xgboost asks for that before the first time as well."""
        if self._begun:
            self._left = iter(self._starts)


class Rounds(xgboost.callback.TrainingCallback):  # type: ignore[misc]
    """Tells after the first rounds how long all of them take."""

    def __init__(self, count: int, rows: int) -> None:
        """Start the clock."""
        self._left = duration.told(range(count + 1), count, rows, "boosting")
        next(self._left)

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Count a round; False: go on."""
        next(self._left)
        return False


def fit(model: Pipeline, path: Path, chosen: Features, params: Params) -> None:
    """Fit ``model``, whose last step is an estimator of xgboost, in place.

    The preprocessing is fitted on a sample, as it is for other batches.

    Raises:
        ProjectError: if the rows or the arguments do not suit xgboost.
    """
    size = boosting.batch_size(params.train)
    columns, estimator = model[:-1], model[-1]
    rows = Rows(path, chosen, params.data, columns)
    knobs = boosting.arguments(estimator, rows)
    incremental.fit_columns(columns, path, chosen, params.data, size)
    try:
        with _cache(params.train.batches.on_disk) as cache:
            booster = _learn(Batches(rows, size, cache), estimator, knobs)
    except Exception as error:
        told = boosting.told(error)
        if told is None:
            raise
        raise ProjectError(told) from error
    estimator.load_model(booster.save_raw("ubj"))


def _learn(table: Batches, estimator: Any, knobs: dict[str, Any]) -> Any:
    kind = xgboost.ExtMemQuantileDMatrix if table.cache_prefix else xgboost.QuantileDMatrix
    try:
        matrix = kind(
            table, missing=estimator.missing, nthread=estimator.n_jobs, max_bin=estimator.max_bin
        )
    except RuntimeError:
        if table.interrupted:
            raise KeyboardInterrupt from None
        raise
    count = estimator.get_num_boosting_rounds()
    callbacks = [Rounds(count, table.count)]
    return xgboost.train(knobs, matrix, count, verbose_eval=False, callbacks=callbacks)


@contextmanager
def _cache(on_disk: bool) -> Iterator[Path | None]:
    """Yield a folder that is gone after the block, None without ``on_disk``."""
    if not on_disk:
        yield None
        return
    _CACHES.mkdir(parents=True, exist_ok=True)
    # Where a file cannot go while it is open, one may be left after an error.
    with tempfile.TemporaryDirectory(
        prefix="boosting-", dir=_CACHES, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)
