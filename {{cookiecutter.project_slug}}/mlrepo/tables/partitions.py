"""The parts of a table as one: their types, and facts that stand in the names of their folders."""

import os
import re
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from mlrepo.core.errors import ProjectError
from mlrepo.core.params import Csv
from mlrepo.tables import csv_files

_EXACT = 2**53  # beyond it a 64-bit float does not hold each integer
_INTEGER = re.compile(r"0|-?[1-9]\d{0,17}")
# polars panics at what it does not expect in a file.
_FAILURES = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"

Facts = dict[str, str | None]


def scan_csv(root: Path, parts: list[Path], dialect: Csv) -> pl.LazyFrame:
    """Return the rows of CSV parts below ``root``, lazily, as texts."""
    whole = csv_files.scan_csv(parts, dialect)
    facts = _facts(root, parts, whole.collect_schema().names())
    if not facts[0]:
        return whole
    scans = [csv_files.scan_csv([part], dialect) for part in parts]
    return _with_facts(scans, facts, dict.fromkeys(facts[0], pl.String()))


def scan_parquet(root: Path, parts: list[Path]) -> pl.LazyFrame:
    """Return the rows of Parquet parts below ``root``, lazily.

    A column has in all parts the type that holds the values of each.
    """
    # polars reads at least eight row groups ahead, which is for files that are far away.
    ahead = max(1, pl.thread_pool_size() // 2)
    os.environ.setdefault("POLARS_ROW_GROUP_PREFETCH_SIZE", str(ahead))
    schemas = {part: _schema(part) for part in parts}
    types = {name: _widest(name, schemas) for name in _names(schemas)}
    facts = _facts(root, parts, list(types))
    if not facts[0] and all(schema == schemas[parts[0]] for schema in schemas.values()):
        return pl.scan_parquet(parts, glob=False, hive_partitioning=False)
    scans = [pl.scan_parquet(p, glob=False, hive_partitioning=False).cast(types) for p in parts]  # type: ignore[arg-type]
    of_facts: dict[str, pl.DataType] = {}
    for name in facts[0]:
        whole = all(_INTEGER.fullmatch("0" if (it := each[name]) is None else it) for each in facts)
        of_facts[name] = pl.Int64() if whole else pl.String()
    return _with_facts([scan.select(list(types)) for scan in scans], facts, of_facts)


def _with_facts(
    scans: list[pl.LazyFrame], facts: list[Facts], types: dict[str, pl.DataType]
) -> pl.LazyFrame:
    names = scans[0].collect_schema().names()
    # In front, as a short line is known by an empty last column.
    return pl.concat(
        scan.with_columns(
            pl.lit(each[name], dtype=pl.String).cast(dtype).alias(name)
            for name, dtype in types.items()
        ).select([*types, *names])
        for scan, each in zip(scans, facts, strict=True)
    )


def _facts(root: Path, parts: list[Path], columns: list[str]) -> list[Facts]:
    """Return what the folders of each part say, such as year -> 2023 for ``year=2023``.

    A column that the files have as well is theirs.
    """
    found: list[Facts] = []
    for part in parts:
        folders = part.relative_to(root).parts[:-1]
        pairs = [folder.partition("=")[::2] for folder in folders if "=" in folder]
        texts = {name: unquote(value) for name, value in pairs if name not in columns}
        found.append({name: None if it == _NO_VALUE else it for name, it in texts.items()})
        if list(found[-1]) != list(found[0]):
            raise ProjectError(
                f"the folders of {part} name {list(found[-1])}, those of {parts[0]} "
                f"{list(found[0])}: each part needs the same, such as year=2023"
            )
    return found


def _schema(part: Path) -> pl.Schema:
    try:
        scan = pl.scan_parquet(part, glob=False, hive_partitioning=False)
        return scan.collect_schema()
    except _FAILURES:
        raise ProjectError(
            f"{part} is no Parquet file that can be read: it is cut off, two of its columns have "
            "one name, or a time has an unknown zone; write it again"
        ) from None


def first_damaged(parts: list[Path]) -> str:
    """Return the words for the first column that cannot be read, or none."""
    for part in parts:
        for name in _schema(part):
            try:
                pl.scan_parquet(part, glob=False).select(pl.col(f"^{re.escape(name)}$")).collect()
            except _FAILURES:
                return (
                    f"{part}: the column '{name}' cannot be read: it is damaged, or of a type that "
                    "few programs know; write it again, or leave it out"
                )
    return ""


def _names(schemas: dict[Path, pl.Schema]) -> list[str]:
    """Return the names of the columns, which are the same in all parts."""
    first, *others = schemas
    for other in others:
        for some, more in ((first, other), (other, first)):
            if absent := [name for name in schemas[some] if name not in schemas[more]]:
                raise ProjectError(
                    f"{more} has no column '{absent[0]}', and {some} has: write both with the same"
                )
    return schemas[first].names()


def _widest(name: str, schemas: dict[Path, pl.Schema]) -> pl.DataType:
    """Return the type in which nothing of a column is lost."""
    found: dict[pl.DataType, Path] = {}
    for part, schema in schemas.items():
        found.setdefault(schema[name], part)
    types = [dtype for dtype in found if dtype != pl.Null] or list(found)
    if len(types) == 1:
        return types[0]
    if all(dtype.is_integer() for dtype in types) and pl.UInt64 not in types:
        return pl.Int64()
    if all(dtype in (pl.String, pl.Categorical, pl.Enum) for dtype in types):
        return pl.String()
    zones = {getattr(dtype, "time_zone", None) for dtype in types}
    if all(dtype == pl.Datetime for dtype in types) and len(zones) == 1:
        return pl.Datetime("us", zones.pop())
    if all(dtype.is_numeric() for dtype in types) and _exact_as_floats(name, schemas):
        return pl.Float64()
    (one, first), (other, second) = [(t, p) for t, p in found.items() if t in types][:2]
    raise ProjectError(
        f"the column '{name}' is {one} in {first} and {other} in {second}, and no type holds "
        "the values of both: write them with the same"
    )


def _exact_as_floats(name: str, schemas: dict[Path, pl.Schema]) -> bool:
    whole = [part for part, schema in schemas.items() if schema[name].is_integer()]
    column = pl.col(name).cast(pl.Float64)
    ends = [
        pl.scan_parquet(part, glob=False).select(column.abs().max()).collect(engine="streaming")
        for part in whole
    ]
    return all((end.item() or 0) < _EXACT for end in ends)
