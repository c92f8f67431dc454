"""The place for what is particular to this table: columns made from other columns.

What `add_features` says is done to the train rows, to the test rows and to each table that is
predicted, apart from one another, so it must look at one row at a time: a mean over all rows would
be another one each time. What needs such statistics belongs in `model.py`, where it is fitted on
the train rows alone.
"""

import polars as pl


def target() -> pl.Expr | None:
    """Return what the target is made of, where the table does not have it; None: it has.

    *prepare* alone makes it, under the name of data.target. For example, whether a flight is late:

        return pl.col("delay") > 15

    Then `delay` gives it away, and belongs in data.features.exclude of params.yaml.
    """
    return None


def add_features(table: pl.LazyFrame) -> pl.LazyFrame:
    """Return ``table``, the checked raw columns, with the project's own columns added.

    For example, a ratio:

        return table.with_columns(bill_ratio=pl.col("bill_length_mm") / pl.col("bill_depth_mm"))
    """
    return table
