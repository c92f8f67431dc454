"""A Dask cluster, where the environment names one: `DASK_SCHEDULER_ADDRESS=tcp://HOST:PORT`.

The address is no param: what workers compute has the same bytes as what this process computes, so
going over to a cluster makes no stage run again. Without an address nothing of Dask is imported.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any, TypeVar

from .errors import ProjectError
from .scheduler import (
    ADDRESS,
    CONNECT,
    WORKERS,
    count,
    dask_client,
    known_workers,
    wait_for_workers,
)

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

    They get this package's code, as it stands here; ``pinned`` demands that they compute as this
    process does, to the last bit.

    Raises:
        ProjectError: if there is no scheduler at the address or no worker, if versions or
            arithmetic differ, or if workers are lost again and again.
    """
    global _client
    address = os.environ.get(ADDRESS)
    if not address:
        yield
        return
    with dask_client(address) as client, _told(address):
        from . import workers

        wait_for_workers(client)
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


def fit(model: Any, inputs: Any, truth: Any) -> None:
    """Fit a Pipeline in place; what its estimator does in parallel is done by the workers."""
    if _client is None:
        model.fit(inputs, truth)
        return
    import joblib

    estimator = model.steps[-1][1]
    # What is inside a search or an ensemble works alone: a forest that predicts in several threads
    # adds up its trees in the order in which they end.
    inner = [name for name in estimator.get_params() if name.endswith("__n_jobs")]
    estimator.set_params(**dict.fromkeys(inner, 1))

    def work() -> None:
        with joblib.parallel_config("dask", client=_client, wait_for_workers_timeout=WORKERS):
            model.fit(inputs, truth)

    insist(work)


def spread(function: Callable[..., T], data: object, calls: list[tuple[Any, ...]]) -> list[T]:
    """Return function(data, *call) of each call, in their order, computed by the workers."""

    def work() -> list[T]:
        [everywhere] = _client.scatter([data], broadcast=True, hash=False)
        columns = zip(*calls, strict=True)
        futures = _client.map(function, [everywhere] * len(calls), *columns, pure=False)
        found: list[T] = _client.gather(futures)
        return found

    return insist(work)


def insist(work: Callable[[], T]) -> T:
    """Do ``work``, and again when a worker took data with it that it alone had."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return work()
        except CancelledError:
            if attempt == ATTEMPTS:
                raise
            wait_for_workers(_client)
            print(f"a worker was lost: again with {count(_client)} workers", file=sys.stderr)
    raise AssertionError("unreachable")


@contextmanager
def needing(addresses: list[str]) -> Iterator[None]:
    """End what waits in the block as soon as one of these workers is lost."""
    global _needed
    _needed = frozenset(addresses)
    try:
        yield
    finally:
        _needed = frozenset()


@contextmanager
def _told(address: str) -> Iterator[None]:
    """Say in words what a cluster does to the work."""
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        yield
    except KilledWorker as error:
        raise ProjectError(
            f"a task ended {error.allowed_failures + 1} workers one after the other, most likely "
            "by running out of memory: give them more (`dask worker --memory-limit`), or the "
            f"table or the estimator less to hold, and look into their logs\n  {error.task:.100}"
        ) from error
    except CancelledError as error:
        raise ProjectError(
            f"the cluster at {address} lost workers, and the work with them, again and again, most "
            "likely by running out of memory: give them more (`dask worker --memory-limit`), and "
            "look into their logs"
        ) from error
    except (CommClosedError, TimeoutError) as error:
        raise ProjectError(
            f"the cluster at {address} does not answer any more ({error!s:.120}): look into "
            "the scheduler's log, and run again"
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
                silent = 0 if count(client) else silent + 1
                lost = _needed - known_workers(client).keys()
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
