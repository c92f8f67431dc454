"""Reach the scheduler of a Dask cluster and its workers, or say within seconds why not."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from mlrepo.core.errors import ProjectError

ADDRESS = "DASK_SCHEDULER_ADDRESS"  # Dask's own name for it

CONNECT = 2  # seconds
WORKERS = 10  # seconds to wait for a worker
_NO_WORKER = (
    "the cluster at {} has no worker that takes tasks (none, or all paused for want of memory): "
    "look into the logs of those that it had, start some, as docs/cluster.md says, and run again"
)


@contextmanager
def dask_client(address: str) -> Iterator[Any]:
    """Yield a client of the scheduler at ``address``, open for the block."""
    try:
        _reach(address)  # Dask takes two seconds to import, before it can say that nobody answers
        import asyncio
        import logging

        from distributed import Client, Security
        from distributed.core import connect

        for name in ("distributed", "distributed.client"):  # said in words below
            logging.getLogger(name).setLevel(logging.CRITICAL)

        async def greet() -> None:
            security = Security().get_connection_args("client")
            await (await connect(address, timeout=CONNECT, **security)).close()

        asyncio.run(greet())  # a Client that fails takes seconds more to end
        client = Client(address, timeout=f"{CONNECT}s", set_as_default=False)
    except ModuleNotFoundError as error:
        raise ProjectError(
            f"{ADDRESS} is set, but {error.name} is not installed: run `uv sync --extra cluster`, "
            f"or unset {ADDRESS} to work without a cluster"
        ) from None
    # What answers and is no scheduler can make Dask ask for any amount of memory.
    except (OSError, ValueError, TypeError, RuntimeError, MemoryError) as error:
        reason = str(error).partition("\n")[0]
        raise ProjectError(
            f"no Dask scheduler answers at {address} ({reason:.120}): start it, correct {ADDRESS}, "
            "or unset it to work without a cluster"
        ) from None
    try:
        yield client
    finally:
        client.close(timeout=CONNECT)


def _reach(address: str) -> None:
    """Wait for something that listens at ``address``, which may just be starting."""
    import socket

    where = urlsplit(address)
    if not where.hostname or not where.port:
        raise ValueError("it must look like tcp://HOST:PORT or tls://HOST:PORT")
    end = time.monotonic() + CONNECT
    while True:
        try:
            return socket.create_connection((where.hostname, where.port), CONNECT).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def wait_for_workers(client: Any) -> None:
    """Wait until a worker takes tasks, for some seconds."""
    try:
        client.wait_for_workers(1, timeout=WORKERS)
    except OSError as error:  # also TimeoutError, and what Dask says of a connection
        raise ProjectError(trouble(client) or _NO_WORKER.format(os.environ[ADDRESS])) from error


def trouble(client: Any) -> str | None:
    """Return what the cluster lacks and how to fix it, None if it has a worker that takes tasks."""
    address = os.environ[ADDRESS]
    try:
        _reach(address)
        return None if count(client) else _NO_WORKER.format(address)
    except Exception as error:  # whatever Dask makes of a scheduler that is gone, or another one
        return (
            f"the cluster at {address} does not answer any more ({error!s:.120}): look into the "
            "scheduler's log, start it again, and then its workers, and run again"
        )


def count(client: Any) -> int:
    """Return how many workers take tasks."""
    return sum(worker["status"] == "running" for worker in known_workers(client).values())


def known_workers(client: Any) -> dict[str, dict[str, Any]]:
    """Return address -> name, status and more of each worker, as the scheduler knows them now."""
    # Not `client.scheduler_info`: another thread of the client overwrites what that returns.
    found = client.sync(client.scheduler.identity, n_workers=-1)
    return dict(found["workers"])
