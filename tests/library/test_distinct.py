"""Distinct values are counted exactly, in passes that fit memory, and so an id is known as one."""

import polars as pl
import pytest

from mlrepo.adoption.fields import infer
from mlrepo.core.errors import ProjectError
from mlrepo.tables import distinct
from penguins import prepare

from .conftest import TinyProject


@pytest.mark.parametrize("first", [0, 1, 4000, 10**9])
@pytest.mark.parametrize("rows", [90, 2000, 30_000])
def test_an_id_that_counts_the_rows_is_unique(tiny: TinyProject, rows: int, first: int) -> None:
    """polars' guess of their number is off by up to 16%."""
    ids = pl.int_range(first, first + rows, eager=True)
    params = tiny.set({"data.path": "table.parquet", "data.id": ["id"], "data.target": "x"})
    for values, unique in ((ids, True), ([*ids[1:], ids[1]], None)):
        pl.DataFrame({"id": values, "x": ids % 7}).write_parquet("table.parquet")
        found = {field["name"]: field for field in infer(params).fields}
        assert found["id"].get("constraints", {}).get("unique") is unique


@pytest.mark.parametrize("remembered", [1, 7, 1000])
def test_missing_values_do_not_count(monkeypatch: pytest.MonkeyPatch, remembered: int) -> None:
    monkeypatch.setattr(distinct, "REMEMBERED", remembered)
    table = pl.DataFrame({"x": [None, *"abca", None, *"abcdefg"]})
    assert distinct.count(table.lazy(), pl.col("x"), table.height) == 7


def test_keys_are_counted_in_passes(tiny: TinyProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct, "REMEMBERED", 7)
    schema = tiny.folder / "schema.yaml"
    text = schema.read_text(encoding="utf-8")
    schema.write_text(f"{text}primaryKey: [id]\n", encoding="utf-8")
    prepare.main(tiny.set({}))
    schema.write_text(f"{text}primaryKey: [weight]\n", encoding="utf-8")
    with pytest.raises(ProjectError, match="30 rows repeat a key"):
        prepare.main(tiny.set({}))
