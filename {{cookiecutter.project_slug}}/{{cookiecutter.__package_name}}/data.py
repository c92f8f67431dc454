"""The place for what is particular to this table: columns made from other columns.

Everything that is written here is done to the train rows, to the test rows and to each table that
is predicted, apart from one another, so it must look at one row at a time: a mean over all rows
would be another one each time. What needs such statistics belongs in `model.py`, where it is fitted
on the train rows alone.
"""

import polars as pl


def add_features(table: pl.LazyFrame) -> pl.LazyFrame:
    """Return ``table``, the checked raw columns, with the project's own columns added.

    For example, a ratio:

        return table.with_columns(bill_ratio=pl.col("bill_length_mm") / pl.col("bill_depth_mm"))
    """
    return table
