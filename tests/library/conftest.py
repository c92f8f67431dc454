"""The library as ordinary code, an owner's package for it, and a tiny project to work in.

The owner's package is the template's own, copied under the name `penguins`. A tiny project is a
temporary folder with a table of 80 rows, its schema and its params.
"""

import copy
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

TEMPLATE = Path(__file__).resolve().parents[2]
PROJECT = TEMPLATE / "{{cookiecutter.project_slug}}"
OWNER = "penguins"

# Before OpenMP starts, as stages have it: its threads wait for one another where cores are busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Before the library is imported: the caches of Python must not be generated with the template.
sys.dont_write_bytecode = True
OWNERS = Path(tempfile.mkdtemp(prefix="owner-"))
shutil.copytree(PROJECT / "{{cookiecutter.__package_name}}", OWNERS / OWNER)
sys.path[:0] = [str(PROJECT), str(OWNERS)]
os.environ["PYTHONPATH"] = os.pathsep.join([str(PROJECT), str(OWNERS)])
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"

from mlrepo.adoption.fields import infer  # noqa: E402
from mlrepo.core import owner, yaml  # noqa: E402
from mlrepo.core.owner import load_params  # noqa: E402
from mlrepo.core.params import LibraryParams  # noqa: E402

CSV: dict[str, Any] = {
    "separator": ",",
    "decimal": ".",
    "thousands": None,
    "encoding": "utf-8",
    "missing": ["", "NA"],
}
PYPROJECT = f'[tool.mlrepo]\npackage = "{OWNER}"\n'


def template_yaml(name: str) -> Any:
    """Return a YAML file of the template with the owner's name in place of what is rendered."""
    text = (PROJECT / name).read_text(encoding="utf-8")
    for rendered in ("__package_name", "__author_yaml", "__description_toml"):
        text = text.replace(f"{{{{ cookiecutter.{rendered} }}}}", OWNER)
    return yaml.parse(text, name)


def render_yaml(*names: str, folder: Path = Path()) -> None:
    """Write YAML files of the template to a folder, as a project has them."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(yaml.dump(template_yaml(name)), encoding="utf-8")


@pytest.fixture(scope="session", autouse=True)
def without_owners_copy() -> Iterator[None]:
    """Take the copy of the owner's package away in the end."""
    yield
    shutil.rmtree(OWNERS, ignore_errors=True)


@pytest.fixture
def folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start a test in an empty folder: what the library writes goes below the current one."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def owners_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the owner's package, which in a project pyproject.toml does."""
    monkeypatch.setattr(owner, "name", lambda: OWNER)


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
        (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
        self._params: dict[str, Any] = template_yaml("params.yaml")
        self.set(
            {
                "data.path": "table.csv",
                "data.schema": "schema.yaml",
                "data.task": "classification",
                "data.target": "kind",
                "data.id": ["id"],
                "data.weight": None,
                "data.csv": CSV,
                "data.features": {"include": [], "exclude": ["herd"]},
                "prepare.drop_missing_target": True,
                "prepare.split": {
                    "method": "random",
                    "test_size": 0.3,
                    "seed": 0,
                    "column": None,
                    "equal_features": "apart",
                },
                "train.estimator": "sklearn.ensemble.RandomForestClassifier",
                "train.arguments": {"n_estimators": 5},
                "train.seed": 0,
                "train.cross_validation": 0,
                "train.threshold": None,
                "train.batches": {"rows": None, "passes": 1, "on_disk": False},
                "evaluate.metric": None,
                "evaluate.seed": 0,
                "evaluate.slices": [],
                "evaluate.intervals": {"resamples": 100, "confidence": 0.95},
                "evaluate.importance_repeats": 2,
                "card.purpose": "To test.",
                "card.data": {"source": "made by a test", "licence": "CC0-1.0"},
                "card.limits": [],
            }
        )

    def set(self, changes: dict[str, Any]) -> LibraryParams:
        """Write params.yaml with ``changes`` and return it as the project reads it."""
        for dotted, value in changes.items():
            *parents, key = dotted.split(".")
            section = self._params
            for parent in parents:
                section = section[parent]
            section[key] = copy.deepcopy(value)
        path = self.folder / "params.yaml"
        path.write_text(yaml.dump(self._params), encoding="utf-8")
        return load_params()

    def propose(self) -> None:
        """Write a schema for the table that params.yaml names."""
        fields = infer(load_params()).fields
        text = yaml.dump({"fields": fields})
        (self.folder / "schema.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyProject:
    """A project with a CSV table, a proposed schema and quick params, as the current folder."""
    monkeypatch.chdir(tmp_path)
    tiny_table().write_csv("table.csv")
    project = TinyProject(tmp_path)
    project.propose()
    return project
