"""A tiny project in a temporary folder: a table of 80 rows, its schema and its params."""

import copy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from {{ cookiecutter.__package_name }} import propose, strict_yaml
from {{ cookiecutter.__package_name }}.params import Params, load_params

ROOT = Path(__file__).parent.parent


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


class TinyProject:
    """The current folder as a project; `set` changes params.yaml by dotted keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._params: dict[str, Any] = strict_yaml.load(ROOT / "params.yaml")
        self.set(
            {
                "data.path": "table.csv",
                "data.task": "classification",
                "data.target": "kind",
                "data.id": ["id"],
                "data.csv": {"separator": ",", "decimal": ".", "missing": ["", "NA"]},
                "data.features": {"include": [], "exclude": ["herd"]},
                "prepare.drop_missing_target": True,
                "prepare.split": {"method": "random", "test_size": 0.3, "seed": 0, "column": None},
                "train.estimator": "sklearn.ensemble.RandomForestClassifier",
                "train.arguments": {"n_estimators": 5},
                "train.cross_validation": 0,
                "evaluate.slices": [],
                "evaluate.intervals.resamples": 100,
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
