"""Read a prepared table of any size: whole, lazily, or a fixed number of rows at a time."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlrepo.core import column_params
from mlrepo.core.errors import ProjectError
from mlrepo.core.errors.shell import quoted
from mlrepo.core.params import Data
from mlrepo.core.progress import progress

# The key under which *prepare* writes their names into the head of the file.
PRIVATE_COLUMNS = "mlrepo.private"


def read_table(path: Path) -> pl.DataFrame:
    """Return a prepared table of shape (rows, columns)."""
    with _explained(path):
        return pl.read_parquet(path)


def scan_table(path: Path) -> pl.LazyFrame:
    """Return a prepared table without reading its rows."""
    with _explained(path):
        pl.read_parquet_schema(path)
    return pl.scan_parquet(path)


_ROW = f"{column_params.OURS}row"


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise ProjectError(f"{path} does not exist: `dvc repro` makes it") from None
    except pl.exceptions.PolarsError:
        raise ProjectError(
            f"{path} is damaged: `dvc checkout {quoted(path)}` brings it back"
        ) from None


def private(path: Path) -> list[str]:
    """Return the columns that the schema marked as private when the table was written."""
    names: list[str] = json.loads(pl.read_parquet_metadata(path).get(PRIVATE_COLUMNS, "[]"))
    return names


def what_it_says(error: Exception, *paths: Path) -> str:
    """Return the text of an error, unless it may tell private values of prepared tables."""
    hidden = any(path.exists() and private(path) for path in paths)
    return "what it says may hold private values" if hidden else str(error)


def read_batches(path: Path, names: list[str], size: int, label: str) -> Iterator[pl.DataFrame]:
    """Yield the columns ``names`` of a prepared table, ``size`` rows at a time, in their order."""
    table = pl.scan_parquet(path)
    rows = count(table)
    for start in progress(range(0, rows, size), label, -(-rows // size)):
        yield table.select(names).slice(start, size).collect(engine="streaming")


def read_rows(path: Path, names: list[str], numbers: NDArray[np.intp]) -> pl.DataFrame:
    """Return the columns ``names`` of some rows of a prepared table, in their order."""
    wanted = pl.lit(pl.Series(numbers, dtype=pl.UInt32)).implode()
    table = pl.scan_parquet(path).select(names).with_row_index(_ROW)
    found = table.filter(pl.col(_ROW).is_in(wanted)).collect(engine="streaming")
    return found.sort(_ROW).drop(_ROW)


def count(table: pl.LazyFrame) -> int:
    """Return the number of rows."""
    return int(table.select(pl.len()).collect(engine="streaming").item())


def target(table: pl.DataFrame, data: Data) -> np.ndarray:
    """Return the target of ``table``, shape (rows,): floats to regress, else labels as they are."""
    column = table[data.target]
    if data.task == "regression":
        return column.cast(pl.Float64).to_numpy()
    # A list gives numpy's own text type; polars gives objects, which cost more and save badly.
    return np.asarray(column.to_list())


def weights(table: pl.DataFrame, data: Data) -> NDArray[np.float64] | None:
    """Return the weight of each row of ``table``, shape (rows,); None without data.weight."""
    return None if data.weight is None else table[data.weight].cast(pl.Float64).to_numpy()


def classes(path: Path, data: Data) -> np.ndarray:
    """Return the classes of a prepared table (k,), sorted."""
    labels = pl.scan_parquet(path).select(pl.col(data.target).unique()).collect(engine="streaming")
    return np.unique(target(labels, data))
