"""A generated table of 11 mixed columns with missing values, of any size, and its schemas."""

from typing import Any

# Runs with the project's Python: number of rows, file.
ROWS = """
import sys
import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

CHUNK = 250_000
count, path = int(sys.argv[1]), sys.argv[2]


def chunk(first, rows):
    random = np.random.default_rng(first)

    def holes(values, share):
        return pl.Series(values).set(pl.Series(random.random(rows) < share), None)

    weight = random.normal(60, 15, rows).round(1)
    age = random.integers(18, 90, rows)
    chance = 1 / (1 + np.exp(-(weight - 60) / 10 + (age - 54) / 20))
    yes = random.random(rows) < chance
    number = pl.int_range(first, first + rows, eager=True)
    return pl.DataFrame({
        "id": number * 7919 % 2_147_483_647,
        "seen": (number * 61).cast(pl.Datetime("us")),
        "weight": holes(weight, 0.03),
        "speed": holes(random.gamma(2, 10, rows).round(3), 0.02),
        "share": random.random(rows),
        "age": holes(age, 0.01),
        "visits": random.poisson(4, rows),
        "city": holes(random.choice([f"city {n}" for n in range(40)], rows), 0.05),
        "plan": random.choice(["basic", "plus", "pro"], rows),
        "active": holes(random.random(rows) < 0.6, 0.02),
        "target": holes(np.where(yes, "yes", "no"), 0.01),
    })


def source(*_):
    for first in range(0, count, CHUNK):
        yield chunk(first, min(CHUNK, count - first))


rows = register_io_source(source, schema=chunk(0, 1).schema)
rows.sink_parquet(path, row_group_size=CHUNK, compression="zstd")
"""
Columns = dict[str, tuple[str, dict[str, Any]]]
TYPES: Columns = {
    "id": ("integer", {}),
    "seen": ("datetime", {}),
    "weight": ("number", {"maxMissing": 1}),
    "speed": ("number", {"maxMissing": 1}),
    "share": ("number", {"maxMissing": 1}),
    "age": ("integer", {"maxMissing": 1}),
    "visits": ("integer", {"maxMissing": 1}),
    "city": ("string", {"maxMissing": 1}),
    "plan": ("string", {"maxMissing": 1}),
    "active": ("boolean", {"maxMissing": 1}),
    "target": ("string", {"maxMissing": 1}),
}
RULES: Columns = {
    "id": ("integer", {"minimum": 0}),
    "seen": ("datetime", {"minimum": "1970-01-01 00:00:00"}),
    "weight": ("number", {"minimum": -100, "maximum": 300, "maxMissing": 0.1}),
    "speed": ("number", {"minimum": 0, "maximum": 1000, "maxMissing": 0.1}),
    "share": ("number", {"minimum": 0, "maximum": 1}),
    "age": ("integer", {"minimum": 18, "maximum": 120, "maxMissing": 0.1}),
    "visits": ("integer", {"minimum": 0, "maximum": 100}),
    "city": ("string", {"enum": [f"city {n}" for n in range(40)], "maxMissing": 0.1}),
    "plan": ("string", {"enum": ["basic", "plus", "pro"]}),
    "active": ("boolean", {"maxMissing": 0.1}),
    "target": ("string", {"enum": ["no", "yes"], "maxMissing": 0.1}),
}


def schema(columns: Columns, unique: bool) -> dict[str, Any]:
    """Return the content of schema.yaml; ``unique``: with the id as its primary key."""
    fields = [
        {"name": name, "type": kind, "constraints": constraints}
        for name, (kind, constraints) in columns.items()
    ]
    return {"fields": fields, **({"primaryKey": ["id"]} if unique else {})}
