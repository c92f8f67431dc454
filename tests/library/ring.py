"""Small models whose predictions stand in a column, and the gate that they are held against."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline

from mlrepo.core.params import LibraryParams
from mlrepo.learning import model_file
from mlrepo.versions.gate import verdict as gate
from mlrepo.versions.gate.champion import Champion
from mlrepo.versions.rules.policy import Gate

from .conftest import TinyProject

ROWS = 200
CLASSIFY, REGRESS = "the classification of 'answer'", "the regression of 'amount'"
GROUPS = {
    "method": "group",
    "test_size": 0.3,
    "seed": 0,
    "column": "herd",
    "equal_features": "apart",
}


def table(rows: int = ROWS) -> pl.DataFrame:
    """Return columns that are the answer, but for some rows: what a model reads is what it says."""
    truth, row = np.arange(rows) % 2, np.arange(rows)
    wrong = {"good": row % 50 == 1, "near": row % 40 == 3, "bad": row % 5 == 0}
    amount = np.sin(row) * 10
    noise = np.random.default_rng(0).normal(size=rows)
    return pl.DataFrame(
        {
            "id": row,
            "answer": np.where(truth == 1, "yes", "no"),
            **{name: np.where(at, 1 - truth, truth).astype(float) for name, at in wrong.items()},
            "amount": amount,
            "close": amount + noise,
            "far": amount + 3 * noise[::-1],
            "region": np.where(row < 60, "north", np.where(row < 195, "south", "tiny")),
        }
    )


def rules(**changes: Any) -> Gate:
    keys = {"margin": 0.0, "inconclusive": "allow", "worst_slice": None}
    bounds = {"max_size_mb": None, "max_milliseconds_per_1000_rows": None}
    return Gate.model_validate({**keys, **bounds, **changes})


class Ring:
    """A folder with models, and the params that they are judged by."""

    def __init__(self, tiny: TinyProject) -> None:
        self.tiny = tiny
        self.test = table()
        self.train: Path | None = None
        self.params = self.set(
            {
                "data.target": "answer",
                "evaluate.slices": ["region"],
                "evaluate.metric": "accuracy",
            }
        )

    def set(self, changes: dict[str, Any]) -> LibraryParams:
        self.params = self.tiny.set(changes)
        return self.params

    def regress(self) -> None:
        goal = {"data.task": "regression", "data.target": "amount"}
        self.set({**goal, "evaluate.metric": None})

    def model(self, column: str, estimator: Any = None, path: Path | None = None) -> Path:
        """Save a model that says what is in a column."""
        numeric = column in ("close", "far")
        estimator = estimator or (LinearRegression() if numeric else LogisticRegression())
        pick = ColumnTransformer([("pick", "passthrough", [column])])
        labels = np.array([0.0, 1.0]) if numeric else np.array(["no", "yes"])
        fitted = make_pipeline(pick, estimator).fit(pl.DataFrame({column: [0.0, 1.0]}), labels)
        path = path or self.tiny.folder / f"{column}-{type(estimator).__name__}.skops"
        model_file.save(fitted, path)
        return path

    def champion(self, column: str, goal: str = CLASSIFY, estimator: Any = None) -> Champion:
        return Champion("v1.0.0", self.model(column, estimator), goal, None)

    def judge(self, challenger: str, champion: str | Champion | None, **keys: Any) -> gate.Verdict:
        if "metric" in keys:
            self.set({"evaluate.metric": keys.pop("metric")})
        goal = CLASSIFY if self.params.data.task == "classification" else REGRESS
        rival = self.champion(champion, goal) if isinstance(champion, str) else champion
        file = self.model(challenger)
        return gate.judge("v1.1.0", file, rival, self.test, self.train, self.params, rules(**keys))
