"""Open the raw table, a file or a folder of parts, without loading it."""

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from mlrepo.core.errors import ProjectError, first_line
from mlrepo.core.params import Data
from mlrepo.tables.columns import Column, typed_columns
from mlrepo.tables.csv_files import refuse_short, scan_csv, unclosed, undecodable, uneven
from mlrepo.tables.schema import Schema, load_schema

SUFFIXES = (".csv", ".parquet")
# What polars says of lines that are longer or shorter than the header.
_UNEVEN = ("more fields", "not specified in schema", "not found in CSV file")


@dataclass(frozen=True)
class RawTable:
    """The raw table, opened and not read, with the columns that its schema declares."""

    data: Data
    schema: Schema
    columns: list[Column]
    scan: pl.LazyFrame  # rows as they stand in the files

    @classmethod
    def open(cls, data: Data) -> "RawTable":
        """Open the table of ``data``; refuse it where its schema has other columns."""
        schema = load_schema(Path(data.table_schema))
        table = scan(data)
        columns = typed_columns(schema, table, data.csv if is_csv(data) else None)
        return cls(data, schema, columns, table)

    @cached_property
    def once(self) -> pl.LazyFrame:
        """The same rows, read once by all that is collected together with it."""
        return self.scan.cache()

    @cached_property
    def rows(self) -> pl.LazyFrame:
        """The rows with the declared types, lazily; a value that breaks its type is null."""
        return self.once.select(column.value for column in self.columns)


def scan(data: Data) -> pl.LazyFrame:
    """Return the raw table as a lazy frame.

    Columns of CSV files are texts as they stand in the file; columns of Parquet files have the
    types of the file.
    """
    parts = find_parts(Path(data.path))
    return scan_csv(parts, data.csv) if parts[0].suffix == ".csv" else _scan_parquet(parts)


def refuse_short_lines(data: Data) -> None:
    """Refuse a line of a CSV table that has fewer values than the header."""
    refuse_short(find_parts(Path(data.path)), data.csv.separator)


def is_csv(data: Data) -> bool:
    """Whether the table consists of CSV files."""
    return find_parts(Path(data.path))[0].suffix == ".csv"


def find_parts(path: Path) -> list[Path]:
    """Return the files of a table in the order of their names."""
    if not path.exists():
        raise ProjectError(
            f"{path} does not exist: `dvc pull` brings data that others pushed; "
            "data.path in params.yaml says where the table is"
        )
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    parts = [file for file in files if file.suffix in SUFFIXES]
    if not parts:
        raise ProjectError(f"{path} is no table: it must be a .csv or .parquet file or a folder")
    if len({part.suffix for part in parts}) > 1:
        raise ProjectError(f"{path} holds both CSV and Parquet files: keep one kind")
    for part in parts:
        if part.stat().st_size == 0:
            raise ProjectError(f"{part} is empty: it has not even a header")
    return parts


def _scan_parquet(parts: list[Path]) -> pl.LazyFrame:
    schemas = []
    for part in parts:
        try:
            schemas.append(pl.read_parquet_schema(part))
        except pl.exceptions.PolarsError as error:
            raise ProjectError(f"{part} is no Parquet file: {first_line(error)}") from None
        if schemas[-1] != schemas[0]:
            raise ProjectError(f"{part} has other columns or types than {parts[0]}")
    # polars reads at least eight row groups ahead, which is for files that are far away.
    ahead = max(1, pl.thread_pool_size() // 2)
    os.environ.setdefault("POLARS_ROW_GROUP_PREFETCH_SIZE", str(ahead))
    return pl.scan_parquet(parts, glob=False, hive_partitioning=False)


def explain(error: pl.exceptions.PolarsError, data: Data) -> ProjectError:
    """Turn what polars says of a broken file into words that name the file and the mend."""
    text, parts = str(error), find_parts(Path(data.path))
    if re.search(r"utf-?8", text, re.IGNORECASE):
        return ProjectError(f"{data.path} is not UTF-8{undecodable(parts)}: convert it first")
    found = ""
    if "as dtype `str`" in text:
        found = unclosed(parts, data.csv.separator)
    elif any(words in text for words in _UNEVEN):
        found = uneven(parts, data.csv.separator)
    return ProjectError(found or f"{data.path} cannot be read: {first_line(error)}")
