"""A Dask cluster, where the environment names one: `DASK_SCHEDULER_ADDRESS=tcp://HOST:PORT`.

The address is no param: what workers compute has the same bytes as what this process computes, so
going over to a cluster makes no stage run again. Without an address nothing of Dask is imported.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any, TypeVar

from mlrepo.core.errors import ProjectError
from mlrepo.learning.cluster import scheduler
from mlrepo.learning.cluster.scheduler import ADDRESS, CONNECT, WORKERS
from mlrepo.learning.estimator import explained, refuse_weights, split_steps

# Seconds without a worker that takes tasks, after which the work is given up.
PATIENCE = 20
# Data that only a lost worker had is computed again with those that are left.
ATTEMPTS = 4

T = TypeVar("T")

_client: Any = None  # of the block of `connected`
_needed: frozenset[str] = frozenset()  # of the block of `needing`


@contextmanager
def connected(pinned: bool) -> Iterator[None]:
    """Let the workers of the cluster, if there is one, do the heavy work of the block.

    They get the project's code, as it stands here; ``pinned`` demands that they compute as this
    process does, to the last bit.
    """
    global _client
    address = os.environ.get(ADDRESS)
    if not address:
        yield
        return
    with scheduler.dask_client(address) as client, _explained(client, address):
        from mlrepo.learning.cluster import workers

        scheduler.wait_for_workers(client)
        try:
            code = workers.prepare(client, pinned)
            _client = client
            with _watched(client):
                yield
            workers.check(client, code, pinned)  # those that came later as well
        finally:
            _client = None
            workers.leave(client)


def client() -> Any:
    """Return the Dask client of the block of `connected`; None: this process does the work."""
    return _client


def fit(model: Any, inputs: Any, truth: Any, weights: Any = None) -> None:
    """Fit a model in place on inputs (rows, features), truth (rows,) and weights (rows,) or None.

    The weights are those of the estimator; the preprocessing does not know them. What the estimator
    does in parallel is done by the workers, if there are any.
    """
    _, estimator = split_steps(model)
    given = {}
    if weights is not None:
        refuse_weights(estimator.fit, estimator)
        step = "" if model is estimator else f"{model.steps[-1][0]}__"
        given[f"{step}sample_weight"] = weights
    with explained(estimator):
        if _client is None:
            model.fit(inputs, truth, **given)
            return
        import joblib

        # What is inside a search or an ensemble works alone: a forest that predicts in several
        # threads adds up its trees in the order in which they end.
        inner = [name for name in estimator.get_params() if name.endswith("__n_jobs")]
        estimator.set_params(**dict.fromkeys(inner, 1))

        def work() -> None:
            with joblib.parallel_config("dask", client=_client, wait_for_workers_timeout=WORKERS):
                model.fit(inputs, truth, **given)

        retry(work)


def map_on_workers(
    function: Callable[..., T], data: object, calls: list[tuple[Any, ...]]
) -> list[T]:
    """Return function(data, *call) of each call, in their order, computed by the workers."""

    def work() -> list[T]:
        [everywhere] = _client.scatter([data], broadcast=True, hash=False)
        columns = zip(*calls, strict=True)
        futures = _client.map(function, [everywhere] * len(calls), *columns, pure=False)
        return list(_client.gather(futures))

    return retry(work)


def retry(work: Callable[[], T]) -> T:
    """Do ``work``, and again when a worker took data with it that it alone had."""
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except (CancelledError, OSError) as error:
            if not _is_loss(error):
                raise
            time.sleep(1)  # the scheduler may learn of it a little later
            scheduler.wait_for_workers(_client)
            there = scheduler.count(_client)
            print(f"a worker was lost: again with {there} workers", file=sys.stderr)
    return work()


def _is_loss(error: Exception) -> bool:
    """Whether an error is what Dask makes of a worker that is gone."""
    from distributed.comm import CommClosedError

    # That one, while data is on the way to it. A wait for workers ends with the last.
    return isinstance(error, CancelledError | CommClosedError | TimeoutError)


@contextmanager
def needing(addresses: list[str]) -> Iterator[None]:
    """Give up what waits in the block as soon as one of these workers is lost."""
    global _needed
    _needed = frozenset(addresses)
    try:
        yield
    finally:
        _needed = frozenset()


@contextmanager
def _explained(client: Any, address: str) -> Iterator[None]:
    """Say in words what a cluster does to the work."""
    from distributed.scheduler import KilledWorker

    try:
        yield
    except KilledWorker as error:
        raise ProjectError(
            f"a task ended {error.allowed_failures + 1} workers one after the other, most likely "
            "by running out of memory: give them more (`dask worker --memory-limit`), or the "
            f"table or the estimator less to hold, and look into their logs\n  {error.task:.100}"
        ) from error
    # Also where Dask asks a connection that is None by now.
    except (CancelledError, OSError, AttributeError) as error:
        if reason := scheduler.trouble(client):
            raise ProjectError(reason) from error
        if not _is_loss(error):
            raise
        raise ProjectError(
            f"the cluster at {address} lost workers, and the work with them, again and again, most "
            "likely by running out of memory: give them more (`dask worker --memory-limit`), and "
            "look into their logs"
        ) from error


@contextmanager
def _watched(client: Any) -> Iterator[None]:
    """Give up what waits for workers that do not come back; Dask would wait for ever."""
    done = threading.Event()

    def give_up() -> None:
        for waiting in list(client.futures.values()):
            waiting.cancel()

    def watch() -> None:
        silent = 0
        while not done.wait(1):
            try:
                silent = 0 if scheduler.count(client) else silent + 1
                lost = _needed - scheduler.known_workers(client).keys()
            except Exception:  # the scheduler is gone: Dask itself ends what waits for it
                return
            if lost or silent >= PATIENCE:
                client.loop.add_callback(give_up)
                silent = 0

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(CONNECT)
