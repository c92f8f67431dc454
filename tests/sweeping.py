"""A project that is ready for a sweep, and one after it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Project
from helpers import Copy, copy_again, quick_project
from once import once

TREES, IMPUTE = "train.arguments.n_estimators", "train.preprocessing.numbers.impute"
SWEEP = {
    "name": "sweep",
    "trials": 8,
    "sampler": "tpe",
    "seed": 0,
    "pruner": "none",
    "space": {TREES: {"int": [2, 30]}, IMPUTE: {"choice": ["median", "mean"]}},
}


def write(copy: Copy, **changes: Any) -> None:
    """Write sweep.yaml."""
    text = yaml.safe_dump({**SWEEP, **changes}, sort_keys=False)
    (copy.path / "sweep.yaml").write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def unswept(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A project with a small model that is cross-validated, and its sweep.yaml, committed.

    Change only copies.
    """

    def make(at: Path) -> Copy:
        copy = quick_project(project, at / "penguins")
        copy.set_params({"train.cross_validation": 3, "evaluate.metric": "log_loss"})
        write(copy)
        copy.repro()
        copy.commit("A small sweep")
        return copy

    return once(tmp_path_factory, "unswept", make)


@pytest.fixture(scope="session")
def swept(unswept: Copy, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The same after the sweep; change only copies."""

    def make(at: Path) -> Copy:
        copy = copy_again(unswept, at / "penguins")
        said = copy.run("model", "sweep").stdout
        assert "8 trials on" in said
        assert ": 8 experiments\n" in said
        return copy

    return once(tmp_path_factory, "swept", make)
