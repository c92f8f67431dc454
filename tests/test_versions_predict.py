"""A version predicts as it did when it was made, whatever has changed in the folder since."""

import csv
from pathlib import Path

import pytest
from helpers import sha256
from releases import MODEL, RAW, Released, copied, flip

COMPARE = """
import sys
from mlrepo.core import numerics
numerics.pin()
import polars as pl
from mlrepo.core.owner import load_params
from mlrepo.learning import features, model_file
from mlrepo.tables import raw as table
from mlrepo.tables.columns import typed_columns
from mlrepo.tables.schema import load_schema
from pathlib import Path

params = load_params()
raw = table.scan(params.data)
columns = typed_columns(load_schema(Path("schema.yaml")), raw, params.data.csv)
rows = raw.select(column.value for column in columns).collect()
model = model_file.load(Path(sys.argv[1]))
x = features.select(rows, features.fitted(model, rows.schema))
found = pl.read_parquet(sys.argv[2])
assert found["prediction"].to_list() == model.predict(x).tolist()
names = [name for name in found.columns if name.startswith("probability_")]
assert (found.select(names).to_numpy() == model.predict_proba(x)).all()
"""
ADDED = """
    return table.with_columns(bill=pl.col("bill_length_mm") / pl.col("bill_depth_mm"))
"""
IMPORT = "from .same import Same\n"
OWN = '''\
"""A step of the model."""

from typing import Any

from sklearn.base import BaseEstimator, TransformerMixin


class Same(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Changes nothing."""

    def fit(self, x: Any, y: Any = None) -> "Same":
        """Count the columns."""
        self.n_features_in_ = x.shape[1]
        return self

    def transform(self, x: Any) -> Any:
        """Return the rows."""
        return x
'''


@pytest.fixture
def copy(two_versions: Released, tmp_path: Path) -> Released:
    return copied(two_versions, tmp_path / "copy")


def predictions(copy: Released, name: str, *options: str) -> list[dict[str, str]]:
    """Predict for the raw table and return the rows."""
    copy.model("predict", RAW, "-o", f"../{name}.csv", *options)
    with (copy.path.parent / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def refused(copy: Released, *options: str) -> str:
    """Predict, which must fail and write nothing; return what it says."""
    done = copy.model("predict", RAW, "-o", "../never.csv", *options, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (copy.path.parent / "never.csv").exists()
    return done.stderr


def test_each_version_says_what_its_model_says(copy: Released) -> None:
    models = {}
    for version in ("v1", "v1.1"):
        copy.model("get", version, "-o", f"../{version}")
        models[version] = copy.path.parent / version / Path(MODEL).name
        copy.model("predict", RAW, "-o", f"../{version}.parquet", "--version", version)
        copy.run("python", "-c", COMPARE, str(models[version]), f"../{version}.parquet")
    first = predictions(copy, "first", "--version", "v1")
    assert {(r["model_version"], r["model_sha256"]) for r in first} == {
        ("v1.0.0", sha256(models["v1"]))
    }
    prod = predictions(copy, "prod", "--stage", "prod")
    assert prod != first
    assert prod == predictions(copy, "folder")  # HEAD is that version
    assert {row["model_version"] for row in prod} == {"v1.1.0"}


def test_a_version_makes_its_columns_with_the_code_of_its_commit(copy: Released) -> None:
    before = predictions(copy, "before", "--version", "v1.1")
    copy.edit("penguins/data.py", "\n    return table\n", ADDED)
    assert "was" in refused(copy) or "changed" in refused(copy)  # trained with other columns
    copy.ready("A ratio")
    assert {row["model_version"] for row in predictions(copy, "new")} == {"unregistered"}
    copy.model("register", "-m", "A ratio")
    assert predictions(copy, "after", "--version", "v1.1") == before
    now = predictions(copy, "now", "--version", "v1.2")
    copy.git("checkout", "--quiet", "model@v1.1.0")
    assert predictions(copy, "from_there", "--version", "v1.2") == now


def test_a_model_of_own_classes_needs_their_code(copy: Released) -> None:
    """They are in a module of their own, which no stage names: what the file names counts."""
    path = copy.path / "penguins/same.py"
    path.write_text(OWN, encoding="utf-8")
    copy.edit(
        "penguins/model.py", "from .params import Params\n", f"from .params import Params\n{IMPORT}"
    )
    copy.edit("penguins/model.py", "steps: list[Any] = []", "steps: list[Any] = [Same()]")
    copy.ready("A class of its own")
    copy.model("register", "-m", "A class of its own")
    now = predictions(copy, "now", "--version", "v1.2")
    path.write_text(f"# Changed.\n{OWN}", encoding="utf-8")
    assert predictions(copy, "commented", "--version", "v1.2") == now
    copy.edit("penguins/same.py", "        return x\n", "        return 2 * x\n")
    said = refused(copy, "--version", "v1.2")
    assert "another in this folder (penguins/same.py)" in said
    assert "git worktree add ../v1.2.0 model@v1.2.0" in said


def test_changed_bytes_do_not_predict(copy: Released) -> None:
    flip(copy.storage / copy.object(MODEL))
    flip(copy.path / ".dvc/cache" / copy.object(MODEL))
    assert MODEL in refused(copy, "--stage", "prod")
    flip(copy.path / MODEL)
    assert MODEL in refused(copy)


def test_what_is_not_there_is_told(copy: Released) -> None:
    assert "v9" in refused(copy, "--version", "v9")
    assert "'live'" in refused(copy, "--stage", "live")
    assert "not both" in refused(copy, "--version", "v1", "--stage", "prod")
