"""Open the raw table, a file or a folder of parts, without loading it."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from mlrepo.core.column_params import OURS
from mlrepo.core.errors import ProjectError, first_line
from mlrepo.core.params import Data
from mlrepo.core.paths import refuse_unreadable
from mlrepo.tables import csv_files, partitions
from mlrepo.tables.columns import Column, typed_columns
from mlrepo.tables.schema import Schema, load_schema

CSV = (".csv", ".csv.gz", ".csv.zst")
SUFFIXES = (*CSV, ".parquet")
# polars takes such a name for many columns, or a column of our own has it.
_TAKEN = re.compile(rf"\^.*\$|\*|{OURS}.*")


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
    types of the file. A folder such as ``year=2023`` is a column of the rows below it.
    """
    root = Path(data.path)
    parts = find_parts(root)
    if is_csv(data):
        table = partitions.scan_csv(root, parts, data.csv)
    else:
        table = partitions.scan_parquet(root, parts)
    if odd := [name for name in table.collect_schema() if _TAKEN.fullmatch(name)]:
        raise ProjectError(f"{data.path}: {odd[0]!r} is no name for a column: rename it")
    return table


def refuse_short_lines(data: Data) -> None:
    """Refuse a line of a CSV table that has fewer values than the header."""
    csv_files.refuse_short(find_parts(Path(data.path)), data.csv)


def is_csv(data: Data) -> bool:
    """Whether the table consists of CSV files."""
    return find_parts(Path(data.path))[0].name.endswith(CSV)


def find_parts(path: Path) -> list[Path]:
    """Return the files of a table in the order of their names."""
    refuse_unreadable(path)
    if not path.exists():
        raise ProjectError(
            f"{path} does not exist: `model pull` brings data that others pushed; "
            "data.path in params.yaml says where the table is"
        )
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if not _aside(p, path))
    for file in files:
        if file.is_symlink() and not file.is_file():
            raise ProjectError(f"{file} is a link to no file: put the file itself there")
    parts = [file for file in files if file.name.endswith(SUFFIXES) and file.is_file()]
    if not parts:
        raise ProjectError(
            f"{path} is no table: it must be a file that ends in {', '.join(SUFFIXES)}, or a folder"
        )
    if len({part.name.endswith(CSV) for part in parts}) > 1:
        raise ProjectError(f"{path} holds both CSV and Parquet files: keep one kind")
    for part in parts:
        refuse_unreadable(part)
        if part.stat().st_size == 0:
            raise ProjectError(f"{part} is empty: it has not even a header")
    return parts


def _aside(path: Path, root: Path) -> bool:
    """Whether it is hidden, or in a folder that programs keep for themselves: _delta_log."""
    *folders, name = path.relative_to(root).parts
    hidden = any(part.startswith(".") for part in (*folders, name))
    return hidden or any(part.startswith("_") and "=" not in part for part in folders)


def explain(error: pl.exceptions.PolarsError, data: Data) -> ProjectError:
    """Turn what polars says of a broken file into words that name the file and the fix."""
    parts = find_parts(Path(data.path))
    if is_csv(data):
        found = csv_files.explain(error, parts, data.csv)
    else:
        found = partitions.first_damaged(parts)
    return ProjectError(found or f"{data.path} cannot be read: {first_line(error)}")
