"""The version that a challenger is measured against, on rows that it was not made for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlrepo.core import prepared, yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import PARAMS, TEST, TRAIN
from mlrepo.learning import features, saved_model
from mlrepo.learning.predictions import Predictions, of_rows
from mlrepo.pipeline import dvc_lock, git
from mlrepo.pipeline.mappings import flatten
from mlrepo.storage.store import Store, Stored
from mlrepo.versions import fetch
from mlrepo.versions.committed_code import CommittedCode
from mlrepo.versions.gate import seen
from mlrepo.versions.registry import Version


@dataclass(frozen=True)
class Champion:
    """A model file, what it was made for, and the rows that it was fitted on, if recorded."""

    name: str
    file: Path
    goal: str
    train: Path | None
    changed: tuple[str, ...] = ()  # modules of its classes that are other code in this folder
    commit: str | None = None  # whose model.py reads it, where that is not this folder's

    @classmethod
    def fetch(cls, version: Version, folder: Path, store: Store) -> "Champion":
        """Write what is recorded of a version to ``folder``."""
        record = version.tag.record
        goal = _goal(record["architecture"]["task"], record["architecture"]["target"])
        known = TRAIN.as_posix() in record["files"]
        train = fetch.table(version, TRAIN, folder, store) if known else None
        file = fetch.fetch(version, folder, store)
        changed = CommittedCode(version.tag.commit).changed_in(file)
        return cls(version.name, file, goal, train, tuple(changed), version.tag.commit)

    @classmethod
    def at_commit(cls, commit: str, path: str, folder: Path, store: Store) -> "Champion | None":
        """Write the model that a commit made at ``path`` to ``folder``; None if it made none.

        No tag records its SHA-256: its files are those of the MD5 in its dvc.lock.
        """
        try:
            found = dvc_lock.files(dvc_lock.at(commit))
        except ProjectError:  # it has no pipeline, or none that ran
            return None
        if path not in found:
            return None
        wanted = [path, f"{path}.sha256", TRAIN.as_posix()]
        targets = {name: folder / Path(name).name for name in wanted if name in found}
        for name, target in targets.items():
            store.fetch(Stored(name, found[name]["md5"]), target, None)
        values = flatten(yaml.parse(git.file_at(commit, PARAMS.as_posix()), PARAMS.name))
        goal = _goal(values.get("data.task"), values.get("data.target"))
        changed = CommittedCode(commit).changed_in(targets[path])
        train = targets.get(TRAIN.as_posix())
        return cls(f"base {commit[:7]}", targets[path], goal, train, tuple(changed), commit)

    def score(self, test: pl.DataFrame, params: LibraryParams) -> Predictions:
        """Let it predict rows of other data, in an environment that may not be its own."""
        goal = _goal(params.data.task, params.data.target)
        if self.goal != goal:
            raise ProjectError(f"it was made for {self.goal}, not for {goal}")
        if self.changed:
            raise ProjectError(f"its classes are other code here: {', '.join(self.changed)}")
        if self.commit:
            model = fetch.load_of_commit(self.commit, self.file, None)
        else:
            model = saved_model.load(self.file)
        try:
            scored = predict(model, test, params)
        except (ProjectError, OSError, MemoryError):
            raise
        except Exception as error:  # an old model among new packages can raise anything
            says = prepared.what_it_says(error, TEST, *([self.train] if self.train else []))
            raise ProjectError(f"{type(error).__name__}: {says}") from error
        if scored.classes is not None and (scored.class_index < 0).all():
            raise ProjectError("it knows none of their labels")
        return scored

    def has_seen(
        self, test: pl.DataFrame, train: Path | None, params: LibraryParams
    ) -> NDArray[np.bool_] | None:
        """Return which rows (n,) it was fitted on, by data.id or else by the columns of both.

        ``train`` is the table that belongs to ``test``, if there is one on record. None where it is
        not recorded what it was fitted on.
        """
        if self.train is None:
            return None
        then, key = pl.scan_parquet(self.train), list(params.data.id)
        types = then.collect_schema()
        shared = [name for name, dtype in test.schema.items() if types.get(name) == dtype]
        if not shared:
            return None
        if not key or not set(key) <= set(shared):
            today = prepared.scan_table(train) if train else None
            return seen.by_content(test, today, then, shared, params.evaluate.seed)
        rows = test.lazy().with_row_index("__row__")
        found = rows.join(then, on=key, how="semi", nulls_equal=True)
        known = np.zeros(test.height, dtype=bool)
        known[found.select("__row__").collect(engine="streaming").to_series().to_numpy()] = True
        return known


def predict(model: Any, test: pl.DataFrame, params: LibraryParams) -> Predictions:
    """Let a model predict the test rows."""
    inputs = features.select(test, features.fitted(model, test.schema))
    return of_rows(model, inputs, test, params.data)


def _goal(task: object, target: object) -> str:
    return f"the {task} of '{target}'"
