"""A tiny project in a temporary folder: a table of 80 rows, its schema and its params."""

import copy
import importlib.util
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from {{ cookiecutter.__package_name }} import fit, metrics, partition, propose, strict_yaml
from {{ cookiecutter.__package_name }}.estimator import make_estimator
from {{ cookiecutter.__package_name }}.features import Features
from {{ cookiecutter.__package_name }}.params import Params, load_params

ROOT = Path(__file__).parent.parent
# What xgboost learns is tested where it is installed: `uv sync --extra xgboost`.
collect_ignore = [] if importlib.util.find_spec("xgboost") else ["test_boosting_batches.py"]
# The metrics that these tests know; those of your own are in test_yours.py.
CLASSIFICATION = ["accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "log_loss", "brier"]
REGRESSION = ["rmse", "mae", "r2", "median_absolute_error"]


def tiny_table(rows: int = 80) -> pl.DataFrame:
    """Return a table whose class follows from `size` with some noise, and holes in two columns."""
    numbers = range(rows)
    return pl.DataFrame(
        {
            "id": list(numbers),
            "size": [float(i * 37 % 100) if i % 11 else None for i in numbers],
            "weight": [float(i * 17 % 50) for i in numbers],
            "colour": [None if i % 13 == 0 else ("red", "green", "blue")[i % 3] for i in numbers],
            "herd": [f"herd {i // 8}" for i in numbers],
            "seen": [date(2024, 1, 1) + timedelta(days=i // 2) for i in numbers],
            "kind": ["big" if (i * 37 + i % 7) % 100 > 50 else "small" for i in numbers],
        }
    )


def tiny_model(params: Params, features: Features) -> Pipeline:
    """Return a model for the tiny table, in place of the one in model.py."""
    texts = make_pipeline(
        SimpleImputer(missing_values=None, strategy="most_frequent"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    kinds = [("numbers", SimpleImputer(), features.numbers), ("texts", texts, features.categories)]
    columns = ColumnTransformer([(kind, steps, list(names)) for kind, steps, names in kinds])
    return make_pipeline(columns, make_estimator(params.train, params.data.task))


@pytest.fixture(autouse=True)
def without_your_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what is made for this project's table: its columns, its model, its metrics.

    They would not fit the tables of these tests; test_yours.py tests them.
    """
    monkeypatch.setattr(partition, "add_features", lambda table: table)
    monkeypatch.setattr(fit, "build", tiny_model)
    for table, names in (("CLASSIFICATION", CLASSIFICATION), ("REGRESSION", REGRESSION)):
        monkeypatch.setattr(metrics, table, {name: getattr(metrics, name) for name in names})


class TinyProject:
    """The current folder as a project; `set` changes params.yaml by dotted keys.

    Sections of your own are there too, with your values.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._params: dict[str, Any] = strict_yaml.load(ROOT / "params.yaml")
        self.set(
            {
                "data.path": "table.csv",
                "data.schema": "schema.yaml",
                "data.task": "classification",
                "data.target": "kind",
                "data.id": ["id"],
                "data.csv": {"separator": ",", "decimal": ".", "missing": ["", "NA"]},
                "data.features": {"include": [], "exclude": ["herd"]},
                "prepare.drop_missing_target": True,
                "prepare.split": {"method": "random", "test_size": 0.3, "seed": 0, "column": None},
                "train.estimator": "sklearn.ensemble.RandomForestClassifier",
                "train.arguments": {"n_estimators": 5},
                "train.seed": 0,
                "train.cross_validation": 0,
                "train.batches": {"rows": None, "passes": 1, "on_disk": False},
                "evaluate.seed": 0,
                "evaluate.slices": [],
                "evaluate.intervals": {"resamples": 100, "confidence": 0.95},
                "evaluate.importance_repeats": 2,
            }
        )

    def set(self, changes: dict[str, Any]) -> Params:
        """Write params.yaml with ``changes`` and return it as the project reads it."""
        for dotted, value in changes.items():
            *parents, key = dotted.split(".")
            section = self._params
            for parent in parents:
                section = section[parent]
            section[key] = copy.deepcopy(value)
        path = self.folder / "params.yaml"
        path.write_text(yaml.safe_dump(self._params, sort_keys=False), encoding="utf-8")
        return load_params()

    def propose(self) -> None:
        """Write a schema for the table that params.yaml names."""
        fields = propose.infer_fields(load_params().data)
        text = yaml.safe_dump({"fields": fields}, sort_keys=False, allow_unicode=True)
        (self.folder / "schema.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyProject:
    """A project with a CSV table, a proposed schema and quick params, as the current folder."""
    monkeypatch.chdir(tmp_path)
    tiny_table().write_csv("table.csv")
    project = TinyProject(tmp_path)
    project.propose()
    return project
