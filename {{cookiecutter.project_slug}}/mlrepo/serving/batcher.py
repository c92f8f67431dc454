"""Micro-batches: what queued while the last prediction ran goes out together.

The first request to a service at rest waits for nobody. Under load the rows of many requests share
one call of the model, whose cost is nearly that of one row.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from mlrepo.serving.request_rows import Row
from mlrepo.serving.served_version import Answer, Served
from mlrepo.serving.telemetry import Meters

_MOST = 10_000  # rows in one call, of more than one request


@dataclass(frozen=True)
class _Asked:
    """Rows of one request, and the version that they were checked against."""

    served: Served
    rows: list[Row]
    answer: asyncio.Future[list[Answer]]


class Batcher:
    """Predicts in a thread of its own, one call at a time."""

    def __init__(self, meters: Meters) -> None:
        """Start with an empty queue."""
        self._meters = meters
        self._waiting: list[_Asked] = []
        self._work: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "predict")

    async def predict(self, served: Served, rows: list[Row]) -> list[Answer]:
        """Return an answer for each row, from the version that they were checked against."""
        asked = _Asked(served, rows, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._answer_all())
        return await asked.answer

    async def _answer_all(self) -> None:
        # A future that is done before it has an answer is of a client that has gone.
        while waiting := [asked for asked in self._waiting if not asked.answer.done()]:
            together = _together(waiting)
            self._waiting = waiting[len(together) :]
            loop = asyncio.get_running_loop()
            outcomes = await loop.run_in_executor(self._thread, self._outcomes, together)
            for asked, outcome in zip(together, outcomes, strict=True):
                if asked.answer.done():
                    continue
                if isinstance(outcome, Exception):
                    asked.answer.set_exception(outcome)
                else:
                    asked.answer.set_result(outcome)

    def _outcomes(self, together: list[_Asked]) -> list[list[Answer] | Exception]:
        rows = [row for asked in together for row in asked.rows]
        self._meters.batch_rows.observe(len(rows))
        try:
            answers = iter(together[0].served.answers(rows))
        except Exception as error:
            if len(together) == 1:
                return [error]
            # Nobody gets a refusal for what another one sent.
            return [outcome for asked in together for outcome in self._outcomes([asked])]
        return [list(islice(answers, len(asked.rows))) for asked in together]


def _together(waiting: list[_Asked]) -> list[_Asked]:
    """Return the first requests of one version, up to the limit of rows."""
    rows = 0
    for count, asked in enumerate(waiting):
        rows += len(asked.rows)
        if count and (asked.served is not waiting[0].served or rows > _MOST):
            return waiting[:count]
    return waiting
