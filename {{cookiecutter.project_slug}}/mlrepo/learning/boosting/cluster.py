"""Boosting on several machines, for tables larger than one: `xgboost.dask.DaskXGBClassifier`.

Each of `train.arguments.workers` workers of a Dask cluster reads its own rows of the prepared
table, at a path that all of them see, and keeps them in xgboost's compressed form. What comes out
is a plain `xgboost.XGBClassifier` or `XGBRegressor`, which predicts without Dask.

Sums of floats depend on which rows stand together. So batch i of `train.batches.rows` rows belongs
to worker i modulo the number of workers, in the order by which xgboost numbers them: the model has
the same bytes on every cluster that has that many. With another number it is another model.
"""

import time
from itertools import cycle
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np

from mlrepo.core.environment import DISTRIBUTED
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams, Train
from mlrepo.learning.boosting import common
from mlrepo.learning.boosting.common import Rows
from mlrepo.learning.cluster import session
from mlrepo.learning.cluster.scheduler import ADDRESS, known_workers
from mlrepo.learning.estimator import split_steps
from mlrepo.learning.features import Features

_PATIENCE = 3  # seconds that a scheduler may take to miss a worker


def is_meant(train: Train) -> bool:
    """Whether params.yaml asks for boosting by several workers."""
    return train.estimator.startswith(DISTRIBUTED)


def fit(model: Any, path: Path, chosen: Features, params: LibraryParams) -> None:
    """Fit ``model``, whose last step is a plain xgboost estimator, in place.

    The preprocessing is fitted here, on a sample, as it is for batches.
    """
    count, size = _count(params.train), common.batch_size(params.train)
    client = session.client()
    if client is None:
        raise ProjectError(
            f"{params.train.estimator} learns on a Dask cluster, and {ADDRESS} names none: "
            "see docs/cluster.md, or use the estimator without `dask.Dask` in its name"
        )
    columns, estimator = split_steps(model)
    workers = _choose_workers(client, count)
    # The path is the same on all workers.
    rows = Rows(path.resolve(), chosen, params.data, columns)
    rows.fit_columns(size)
    try:
        with session.needing(workers), client.as_current():
            booster = _learn(client, workers, rows, size, estimator)
    except ProjectError:
        raise
    except Exception as error:
        if reason := _explain(error, client, workers, rows):
            raise ProjectError(reason) from error
        raise
    rows.keep(booster, estimator)


def _count(train: Train) -> int:
    count = train.arguments.get("workers")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ProjectError(
            f"train.arguments.workers in params.yaml must say how many workers {train.estimator} "
            "learns on, such as 2: it is part of the result"
        )
    return count


def _choose_workers(client: Any, count: int) -> list[str]:
    found = known_workers(client)
    # xgboost numbers its workers by the order of these texts.
    order = sorted(found, key=lambda address: f"[xgboost.dask-{found[address]['name']}]:{address}")
    if len(order) < count:
        raise ProjectError(
            f"the cluster has {len(order)} workers, and train.arguments.workers in params.yaml "
            f"asks for {count}: start more"
        )
    return order[:count]


def _learn(client: Any, workers: list[str], rows: Rows, size: int, estimator: Any) -> Any:
    import xgboost.dask
    from dask.array import concatenate, from_delayed

    threads = estimator.n_jobs or 1  # of each worker; part of the result as well
    bins = estimator.max_bin or 256
    knobs = common.arguments(estimator, rows)
    knobs |= {"n_jobs": threads, "nthread": threads, "max_bin": bins}
    total, width = rows.shape()
    starts = range(0, total, size)
    if len(starts) < len(workers):
        raise ProjectError(
            f"{total} rows in batches of {size} are fewer batches than the {len(workers)} workers: "
            "set train.batches.rows in params.yaml to a smaller number"
        )
    xs, ys, ws = [], [], []
    for start, place in zip(starts, cycle(workers), strict=False):
        here = {"workers": [place], "pure": False}
        # Kept as a whole before it is taken apart: else each part would be read on its own.
        batch = client.submit(rows.read, start, size, **here)
        height = min(size, total - start)
        x, y = (client.submit(getitem, batch, part, **here) for part in (0, 1))
        xs.append(from_delayed(x, (height, width), np.float32))
        ys.append(from_delayed(y, (height,), np.float64))
        if rows.data.weight is not None:
            w = client.submit(getitem, batch, 2, **here)
            ws.append(from_delayed(w, (height,), np.float64))
    known = {"weight": concatenate(ws) if ws else None, "missing": estimator.missing}
    matrix = xgboost.dask.DaskQuantileDMatrix(
        client, concatenate(xs), concatenate(ys), max_bin=bins, **known
    )
    # Dask may have moved a batch to a worker that was idle.
    held = [part for parts in matrix.worker_map.values() for part in parts]
    held.sort(key=lambda part: matrix.partition_order[part.key])
    count = len(workers)
    matrix.worker_map = {worker: held[i::count] for i, worker in enumerate(workers)}
    rounds = estimator.get_num_boosting_rounds()
    return xgboost.dask.train(client, knobs, matrix, rounds, verbose_eval=False)["booster"]


def _explain(error: Exception, client: Any, workers: list[str], rows: Rows) -> str | None:
    """Return what went wrong and how to fix it, None if ``error`` is nothing that is known."""
    if lost := _lost(client, workers):
        return (
            f"the worker {', '.join(lost)} was lost while it learned, and xgboost cannot go on "
            "without it: nothing was written. Look into its log (out of memory?) and run again"
        )
    if isinstance(error, FileNotFoundError):
        return (
            f"a worker does not see {rows.path}: the project's folder must be at the same path on "
            "all of them, such as on a shared disk"
        )
    return common.explain(error)


def _lost(client: Any, workers: list[str]) -> list[str]:
    """Return which are gone; those that fail with one may know it before the scheduler."""
    for _ in range(_PATIENCE):
        there = known_workers(client)
        if lost := [worker for worker in workers if worker not in there]:
            return lost
        time.sleep(1)
    return []
