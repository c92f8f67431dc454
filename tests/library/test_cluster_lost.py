"""What is lost with a worker or the scheduler is told in one way, whatever Dask makes of it."""

import socket
from collections.abc import Iterator
from concurrent.futures import CancelledError
from typing import Any

import pytest
from distributed.comm import CommClosedError

from mlrepo.core.errors import ProjectError
from mlrepo.learning.boosting import cluster
from mlrepo.learning.cluster import scheduler, session

LOSSES = [
    CancelledError("lost dependencies"),  # when the work waited for it
    CommClosedError("in <TCP (closed) ConnectionPool.scatter>"),  # when data was on the way to it
    TimeoutError("No valid workers found"),  # before that
    TimeoutError("DaskDistributedBackend has no worker after 10 seconds."),  # joblib's
]


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of something that listens in place of a scheduler."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv(scheduler.ADDRESS, found)
        yield found


class Client:
    """A client of a cluster with so many workers."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def wait_for_workers(self, count: int, timeout: float) -> None:
        if self.workers < count:
            raise TimeoutError


def told(work: Any, address: str, workers: int, monkeypatch: pytest.MonkeyPatch) -> str:
    client = Client(workers)
    monkeypatch.setattr(session, "_client", client)
    monkeypatch.setattr(scheduler, "count", lambda client: client.workers)
    with pytest.raises(ProjectError) as refused, session._explained(client, address):
        work()
    return str(refused.value)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_the_last_worker_has_one_message(
    address: str, loss: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose() -> None:
        raise loss

    for work in (lose, lambda: session.retry(lose)):
        said = told(work, address, 0, monkeypatch)
        assert said == (
            f"the cluster at {address} has no worker that takes tasks (none, or all paused for "
            "want of memory): look into the logs of those that it had, start some, as "
            "docs/cluster.md says, and run again"
        )


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_with_others_left_the_work_is_done_again(
    address: str, loss: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []

    def lose() -> None:
        attempts.append(1)
        raise loss

    said = told(lambda: session.retry(lose), address, 2, monkeypatch)
    assert len(attempts) == session.ATTEMPTS
    assert "lost workers, and the work with them, again and again" in said


@pytest.mark.parametrize("kind", [OSError, AttributeError])
def test_a_scheduler_that_is_gone_is_told_as_that(
    monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    monkeypatch.setattr(scheduler, "CONNECT", 0.1)
    nobody = "tcp://127.0.0.1:9"
    monkeypatch.setenv(scheduler.ADDRESS, nobody)

    def lose() -> None:
        raise kind("Timed out trying to connect, and 'NoneType' object has no attribute 'identity'")

    said = told(lose, nobody, 0, monkeypatch)
    assert said.startswith(f"the cluster at {nobody} does not answer any more (")
    assert "start it again, and then its workers" in said


def test_what_the_disk_refuses_is_no_matter_of_the_cluster(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "count", lambda client: 1)
    with pytest.raises(OSError, match="No space left"), session._explained(Client(1), address):
        raise OSError(28, "No space left on device")


def test_a_defect_of_a_page_stays_one(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "count", lambda client: 1)
    with pytest.raises(AttributeError), session._explained(Client(1), address):
        raise AttributeError("'NoneType' object has no attribute 'weights'")


def test_boosting_waits_until_the_scheduler_misses_a_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other workers may fail first, by words of xgboost about a peer."""
    known: list[dict[str, dict[str, Any]]] = [{"a": {}, "b": {}}, {"a": {}}]
    monkeypatch.setattr(cluster, "known_workers", lambda client: known.pop(0))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    reason = cluster._explain(ValueError("a peer is gone"), None, ["a", "b"], None)  # type: ignore[arg-type]
    assert reason
    assert reason.startswith("the worker b was lost while it learned")
