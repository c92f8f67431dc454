"""The files that one stage writes and another reads."""

from pathlib import Path

import polars as pl

from .errors import ProjectError

TRAIN = Path("data/prepared/train.parquet")
TEST = Path("data/prepared/test.parquet")
MODEL = Path("models/model.skops")


def read_table(path: Path) -> pl.DataFrame:
    """Return a prepared table of shape (rows, columns).

    Raises:
        ProjectError: if the file is missing or no Parquet file.
    """
    try:
        return pl.read_parquet(path)
    except FileNotFoundError:
        raise ProjectError(f"{path} does not exist: `dvc repro` makes it") from None
    except pl.exceptions.PolarsError:
        raise ProjectError(f"{path} is damaged: `dvc checkout {path}` brings it back") from None


def scan_table(path: Path) -> pl.LazyFrame:
    """Return a prepared table without reading its rows.

    Raises:
        ProjectError: if the file is missing or no Parquet file.
    """
    try:
        pl.read_parquet_schema(path)
    except FileNotFoundError:
        raise ProjectError(f"{path} does not exist: `dvc repro` makes it") from None
    except pl.exceptions.PolarsError:
        raise ProjectError(f"{path} is damaged: `dvc checkout {path}` brings it back") from None
    return pl.scan_parquet(path)
