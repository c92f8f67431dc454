"""What the service tells of itself: a log of JSON lines, and counts for Prometheus."""

import json
import threading
from datetime import UTC, datetime
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)
_ONE_AT_A_TIME = threading.Lock()


def log(event: str, **facts: Any) -> None:
    """Write a line to standard output, whole and at once."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps({"at": at, "event": event, **facts}, ensure_ascii=False, default=str)
    with _ONE_AT_A_TIME:
        print(line, flush=True)


class Meters(CollectorRegistry):
    """All counts, in a registry of their own."""

    def __init__(self) -> None:
        """Set them to nothing."""
        super().__init__()
        ProcessCollector(registry=self)
        counter, gauge = partial(Counter, registry=self), partial(Gauge, registry=self)
        histogram = partial(Histogram, registry=self)
        self.requests = counter("model_requests", "Requests", ["path", "status"])
        self.seconds = histogram(
            "model_request_seconds", "Time to answer", ["path"], buckets=_SECONDS
        )
        self.batch_rows = histogram(
            "model_batch_rows", "Rows in one call of the model", buckets=_ROWS
        )
        self.predictions = counter("model_predictions", "Rows predicted", ["version"])
        self._served = gauge("model_served", "What answers now", ["version", "sha256"])
        self.switches = counter("model_switches", "Changes of the version")
        self.failures = counter("model_switch_failures", "Versions that could not be loaded")
        self.failing = gauge("model_switch_failing", "1 while the stage's version cannot be used")

    def serve(self, version: str, sha256: str) -> None:
        """Say what answers from now on."""
        self._served.clear()
        self._served.labels(version, sha256).set(1)
