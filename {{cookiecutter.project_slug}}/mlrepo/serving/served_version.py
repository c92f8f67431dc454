"""A version that is ready to answer: its model, what its rows look like, its name and hash."""

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import polars as pl
from fastapi import HTTPException

from mlrepo.core.errors import PRIVATE, ProjectError, first_line
from mlrepo.pipeline.output import Tell
from mlrepo.prediction import batches, sources
from mlrepo.prediction.predictor import Predictor
from mlrepo.serving.document import document
from mlrepo.serving.request_rows import Row, Rows
from mlrepo.serving.settings import Settings
from mlrepo.versions.registry import Version

Answer = dict[str, Any]


@dataclass(frozen=True)
class Served:
    """A loaded version, and since when it answers."""

    settings: Settings
    version: Version
    chosen: Predictor
    rows: Rows
    since: str

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What is served, for people and for programs that watch it."""
        return {
            "model": self.settings.model,
            "model_version": self.chosen.version,
            "model_sha256": self.chosen.sha256,
            "commit": self.version.tag.commit,
            "stage": self.settings.stage,
            "since": self.since,
        }

    @cached_property
    def openapi(self) -> dict[str, Any]:
        """The description of the service for this version."""
        row = self.rows.example(public=True)
        try:
            [answer] = self.answers(self.rows.one(json.dumps(row).encode()))
        except HTTPException:  # the example is made up, and the model may know better
            answer = None
        return document(self.settings, self.chosen, self.rows, (row, answer))

    def answers(self, rows: list[Row]) -> list[Answer]:
        """Return the prediction for each row, and its probabilities where the model has them.

        Values that the schema allows and the model refuses are an HTTPException.
        """
        try:
            prediction, *columns = batches.outcomes(self.chosen, self.rows.table(rows))
        except (ValueError, pl.exceptions.PolarsError) as error:  # a value that they cannot use
            private = self.chosen.schema.private
            says = PRIVATE if private else first_line(error)
            raise _refused(f"the model refuses these values: {says}") from None
        values = prediction.to_list()
        if any(isinstance(value, float) and not math.isfinite(value) for value in values):
            raise _refused("the model gives no finite number for these values")
        if not columns:
            return [{"prediction": value} for value in values]
        labels, by_row = list(map(str, self.chosen.labels)), zip(*columns, strict=True)
        return [
            {"prediction": value, "probabilities": dict(zip(labels, row, strict=True))}
            for value, row in zip(values, by_row, strict=True)
        ]


def load(settings: Settings, version: Version, tell: Tell) -> Served:
    """Return a version that has answered once."""
    found = sources.of_version(version, tell)
    now, rows = datetime.now(UTC).isoformat(timespec="seconds"), Rows(found, settings.max_rows)
    served = Served(settings, version, found, rows, now)
    try:
        # What scikit-learn makes ready at the first call is ready before the first request.
        served.answers(rows.one(json.dumps(rows.example()).encode()))
    except HTTPException as bad:  # the example is made up, and the model may know better
        tell(f"{version.name} refuses the example that its schema makes: {bad.detail[0]['msg']}")
    except (OSError, MemoryError):
        raise
    except Exception as error:  # an old model among new packages can raise anything
        raise ProjectError(f"{version.name} loads but does not predict: {error}") from error
    return served


def _refused(says: str) -> HTTPException:
    return HTTPException(422, [{"loc": [], "msg": says, "type": "value_error"}])
