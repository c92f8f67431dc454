"""The pages of the pipeline, one after the other, in a folder of their own and without DVC."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from mlrepo.core import column_params, files, yaml
from mlrepo.core.owner import load_params
from mlrepo.core.paths import CARD, DIGEST, METRICS, MODEL, SCORES
from mlrepo.pipeline.dvc_yaml import load_pipeline

from {{ cookiecutter.__package_name }}.params import Params

from .conftest import ROOT

STAGES = ("prepare", "train", "evaluate", "card")


@pytest.fixture(scope="module")
def folder(raw: pl.LazyFrame, params: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project without its data: the table is made up, and so is what a run is worth."""
    if not (ROOT / "env.json").exists():
        pytest.skip("no env.json yet: `python bootstrap.py` writes it")
    if not can_be_learned(raw, params):
        pytest.skip("what data.py makes the target of is not in rows made up from schema.yaml")
    folder = tmp_path_factory.mktemp("project")
    for name in ("env.json", "pyproject.toml", "schema.yaml"):
        shutil.copy(ROOT / name, folder)
    for package in ("{{ cookiecutter.__package_name }}", "mlrepo"):
        shutil.copytree(ROOT / package, folder / package)
    quick = yaml.load(ROOT / "params.yaml")
    # Parquet, so that no value has to be written as text.
    quick["data"]["path"] = "table.parquet"
    quick["evaluate"]["intervals"]["resamples"] = 100
    quick["evaluate"]["importance_repeats"] = 1
    (folder / "params.yaml").write_text(yaml.dump(quick), encoding="utf-8")
    raw.collect().write_parquet(folder / "table.parquet")
    for path in other_tables():
        if not (ROOT / path).exists():
            pytest.skip(f"{path} is not here: `model pull` brings it")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    return folder


def can_be_learned(raw: pl.LazyFrame, params: Params) -> bool:
    """Return whether the made-up rows have more than one value of the target."""
    try:
        table = column_params.with_target(raw, params).collect()
    except pl.exceptions.PolarsError:  # a text is not what data.py takes it for
        return False
    return table[params.data.target].drop_nulls().n_unique() > 1


def other_tables() -> list[str]:
    """Return what your page of *prepare* reads beside the table, its schema and code."""
    [prepare] = [stage for stage in load_pipeline(ROOT).stages if stage.name == "prepare"]
    data = load_params(ROOT / "params.yaml").data
    known = (data.path, data.table_schema)
    code = ("{{ cookiecutter.__package_name }}/", "mlrepo/")
    return [dep for dep in prepare.deps if dep not in known and not dep.startswith(code)]


def run(folder: Path) -> dict[Path, bytes]:
    """Run all stages and return their outputs."""
    # Nothing may come before the code of the folder.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for stage in STAGES:
        command = [sys.executable, "-m", "mlrepo", stage]
        done = subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{stage}: {done.stderr}"
    return {path: (folder / path).read_bytes() for path in (CARD, DIGEST, METRICS, MODEL, SCORES)}


def test_two_runs_write_the_same_bytes(folder: Path) -> None:
    first = run(folder)
    results = json.loads(first[METRICS])
    assert results["test"].keys() == results["train"].keys()
    assert files.sha256(folder / MODEL) in first[DIGEST].decode()
    assert run(folder) == first
