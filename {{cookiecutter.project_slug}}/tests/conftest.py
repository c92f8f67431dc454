"""Rows made up from schema.yaml, so that the tests need no data."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from mlrepo.core import column_params, owner
from mlrepo.core.owner import load_params
from mlrepo.tables.schema import Field, load_schema

from {{ cookiecutter.__package_name }}.params import Params

ROOT = Path(__file__).parent.parent
ROWS = 200


@pytest.fixture(scope="session")
def params() -> Params:
    """params.yaml of this project."""
    found = load_params(ROOT / "params.yaml")
    assert isinstance(found, Params)
    return found


@pytest.fixture(scope="session")
def raw(params: Params) -> pl.LazyFrame:
    """A checked table before data.py; the values mean nothing, and features have holes."""
    columns = {}
    for field in load_schema(ROOT / params.data.table_schema).fields:
        name, limits = field.name, field.constraints
        values = made_up(field, unique=limits.unique or name in params.data.id)
        holes = values[::50]
        if limits.maxMissing * ROWS >= len(holes) and name != params.data.target:
            values[::50] = [None] * len(holes)
        if name == params.data.target and params.data.task == "classification":
            # Numbers that are classes are whole.
            whole = {round(each) for each in values} if field.type == "number" else set(values)
            classes = [type(values[0])(each) for each in sorted(whole)[:3]]
            values = [classes[number % len(classes)] for number in range(ROWS)]
        columns[name] = values
    return pl.LazyFrame(columns)


@pytest.fixture(scope="session")
def labelled(raw: pl.LazyFrame, params: Params) -> pl.LazyFrame:
    """The same with its target; one that data.py makes is made up as well, of the same type."""
    if owner.target() is None:
        return raw
    kind = column_params.with_target(raw, params).collect_schema()[params.data.target]
    values = pl.Series(params.data.target, [number % 2 for number in range(ROWS)])
    return raw.with_columns(values.cast(kind))


def made_up(field: Field, unique: bool) -> list[Any]:
    """Return values of a column that obey its type, bounds and allowed values."""
    limits = field.constraints
    shares = np.random.default_rng(len(field.name)).random(ROWS)
    if field.type in ("date", "datetime"):
        return times(field)
    if unique:
        return [f"a{n}" if field.type == "string" else n for n in range(ROWS)]
    if field.type == "any":
        return ["?"] * ROWS
    if limits.enum or field.type in ("string", "boolean"):
        some = {"boolean": (True, False)}.get(field.type, ("a", "b", "c"))
        allowed = limits.enum or some
        return [allowed[int(share * len(allowed))] for share in shares]
    low = float(limits.minimum if limits.minimum is not None else 0)
    high = float(limits.maximum if limits.maximum is not None else low + 100)
    numbers = low + shares * (high - low)
    return [round(n) if field.type == "integer" else n for n in numbers.tolist()]


def times(field: Field) -> list[Any]:
    """Return dates or times between the bounds."""
    limits = field.constraints
    low, high = (
        datetime.fromisoformat(str(bound)) if bound else None
        for bound in (limits.minimum, limits.maximum)
    )
    first = low or high or datetime(2024, 1, 1)
    step = (high - low) / ROWS if low and high else timedelta(days=1)
    moments = [first + number * step for number in range(ROWS)]
    if field.type == "date":
        return [moment.date() for moment in moments]
    zone = ZoneInfo(field.timezone) if field.timezone else None
    return [moment.replace(tzinfo=zone) for moment in moments]
