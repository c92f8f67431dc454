"""The version that a challenger is measured against, on rows that it was not made for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from .. import features, persist
from ..artifacts import TRAIN
from ..errors import ProjectError
from ..params import Params
from ..predictions import Predictions
from ..row_changes import shared_rows
from ..versions import deliver
from ..versions.registry import Version


@dataclass(frozen=True)
class Champion:
    """A model file, what it was made for, and the rows that it was fitted on, if recorded."""

    name: str
    file: Path
    goal: str
    train: Path | None

    @classmethod
    def fetch(cls, version: Version, folder: Path) -> "Champion":
        """Write what is recorded of a version to ``folder``.

        Raises:
            ProjectError: if a recorded file is nowhere or was changed.
        """
        if "files" not in version.tag.record:
            return cls(version.name, folder, "what no record in its tag says", None)
        record = version.tag.record
        goal = _goal(record["architecture"]["task"], record["architecture"]["target"])
        known = TRAIN.as_posix() in record["files"]
        train = deliver.table(version, TRAIN, folder) if known else None
        return cls(version.name, deliver.fetch(version, folder), goal, train)

    def score(self, test: pl.DataFrame, params: Params) -> Predictions:
        """Let it predict rows of other data, in an environment that may not be its own.

        Raises:
            ProjectError: if it cannot.
        """
        goal = _goal(params.data.task, params.data.target)
        if self.goal != goal:
            raise ProjectError(f"it was made for {self.goal}, not for {goal}")
        model = persist.load(self.file)
        try:
            scored = predict(model, test, params)
        except (ProjectError, OSError, MemoryError):
            raise
        except Exception as error:  # an old model among new packages can raise anything
            raise ProjectError(f"{type(error).__name__}: {error}") from error
        if scored.classes is not None and (scored.class_index < 0).all():
            raise ProjectError("it knows none of their labels")
        return scored

    def has_seen(self, test: pl.DataFrame, key: tuple[str, ...]) -> int | None:
        """Return how many rows it was fitted on, known by ``key`` or all columns of both tables."""
        if self.train is None:
            return None
        train = pl.scan_parquet(self.train)
        types = train.collect_schema()
        shared = [name for name, dtype in test.schema.items() if types.get(name) == dtype]
        named = list(key) if set(key) <= set(shared) else []
        return shared_rows(test.lazy(), train, named or shared) if shared else None


def predict(model: Any, test: pl.DataFrame, params: Params) -> Predictions:
    """Let a model predict the test rows."""
    inputs = features.select(test, features.fitted(model, test.schema))
    return Predictions.of(model, inputs, features.target(test, params.data))


def _goal(task: str, target: str) -> str:
    return f"the {task} of '{target}'"
