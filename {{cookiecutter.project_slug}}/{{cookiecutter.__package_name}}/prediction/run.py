"""Let a table of any size through a model, batch by batch, into one file."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO

import polars as pl
from polars.io.plugins import register_io_source

from .. import table
from ..errors import ProjectError
from ..files import atomic
from ..output import Tell
from ..progress import progress
from .batch import ROW, WHY, Input
from .chosen import Chosen

BATCH = 50_000  # rows; part of the result, as matrix products round by their shapes
_ROW_GROUP = 250_000
_THREADS = min(4, os.cpu_count() or 1)

Batch = tuple[pl.DataFrame, pl.Series]  # raw rows that obey the schema, and their numbers


@dataclass
class Counts:
    """How many rows were predicted, and how many break the schema."""

    predicted: int = 0
    bad: int = 0


def predict(chosen: Chosen, source: Path, output: Path, set_aside: bool, tell: Tell) -> Counts:
    """Write predictions for the rows of ``source``, in their order; memory does not grow with them.

    Rows that break the schema are set aside, to ``bad_rows(output)``, or nothing is written.

    Raises:
        ProjectError: if there is something wrong; what was at ``output`` stays.
    """
    if output.suffix not in table.SUFFIXES:
        raise ProjectError(f"{output} must end in {' or '.join(table.SUFFIXES)}")
    if source.resolve() in (output.resolve(), *output.resolve().parents):
        raise ProjectError(f"{output} is the input itself, or in its folder: name another place")
    opened, counts = Input.open(source, chosen), Counts()
    if opened.undeclared:
        tell(f"not read, as the schema lacks them: {', '.join(opened.undeclared)}")
    try:
        with ExitStack() as files:
            partial = files.enter_context(atomic(output))
            bad = None
            if set_aside:
                bad = files.enter_context(files.enter_context(atomic(bad_rows(output))).open("wb"))
            _write(_predictions(opened, bad, counts), partial, output.suffix)
            if counts.bad and (bad is None or not counts.predicted):
                mend = "Mend the rows, or predict the others with --bad-rows set-aside."
                raise ProjectError("\n  ".join([f"{source}:", *opened.problems(), mend]))
            if not counts.predicted:
                raise ProjectError(f"{source} has a header and no rows")
    except pl.exceptions.PolarsError as error:
        raise table.explain(error, opened.data) from None
    if not counts.bad:
        bad_rows(output).unlink(missing_ok=True)  # of an earlier run as well
    return counts


def bad_rows(output: Path) -> Path:
    """Return where rows that break the schema are set aside, each with what is wrong in it."""
    return output.with_name(f"{output.stem}.bad.csv")


def _predictions(opened: Input, bad: IO[bytes] | None, counts: Counts) -> Iterator[pl.DataFrame]:
    """Yield the predictions of each batch in its turn, some batches worked on at once."""
    waiting: deque[Future[pl.DataFrame]] = deque()
    with ThreadPoolExecutor(_THREADS) as pool:
        for rows, numbers in _good(opened, bad, counts):
            waiting.append(pool.submit(opened.predicted, rows, numbers))
            if len(waiting) > _THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _good(opened: Input, bad: IO[bytes] | None, counts: Counts) -> Iterator[Batch]:
    """Yield the rows that obey the schema; the others go to ``bad``, or end it."""
    batches = opened.raw.collect_batches(chunk_size=BATCH, maintain_order=True, engine="streaming")
    seen, whole_lines = 0, not opened.is_csv
    for rows in progress(batches, "predict", opened.batches(BATCH)):
        numbers = pl.int_range(seen + 1, seen + rows.height + 1, eager=True).alias(ROW)
        seen += rows.height
        if not whole_lines and rows[:, -1].null_count():
            table.refuse_short_lines(opened.data)
            whole_lines = True
        why = opened.judged(rows)
        wrong = why.is_not_null()
        if wrong.any():
            if bad is None:
                counts.bad += int(wrong.sum())
                return
            told = rows.rename(lambda name: f"{name} (input)" if name in (ROW, WHY) else name)
            told = told.with_columns(why).insert_column(0, numbers).filter(wrong)
            told.write_csv(bad, include_header=counts.bad == 0)
            counts.bad += told.height
            rows, numbers = rows.filter(~wrong), numbers.filter(~wrong)
        counts.predicted += rows.height
        if rows.height:
            yield rows, numbers


def _write(frames: Iterator[pl.DataFrame], partial: Path, suffix: str) -> None:
    first = next(frames, None)
    if first is None:
        return
    failed: list[Exception] = []

    def source(*_: object) -> Iterator[pl.DataFrame]:
        try:
            yield from chain([first], frames)
        except Exception as error:  # polars would tell it as text
            failed.append(error)
            raise

    predicted = register_io_source(source, schema=first.schema)
    try:
        if suffix == ".csv":
            predicted.sink_csv(partial, engine="streaming")
        else:
            predicted.sink_parquet(
                partial, row_group_size=_ROW_GROUP, compression="zstd", engine="streaming"
            )
    except pl.exceptions.PolarsError:
        if failed:
            raise failed[0] from None
        raise
