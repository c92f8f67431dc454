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

from mlrepo.core import column_params
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import atomic
from mlrepo.core.paths import refuse_unreadable
from mlrepo.core.progress import progress
from mlrepo.pipeline.output import Tell
from mlrepo.prediction.batches import ROW, WHY, Input
from mlrepo.prediction.predictor import Predictor
from mlrepo.tables import raw
from mlrepo.tables.plain_text import as_the_model_reads

BATCH = 50_000  # rows; part of the result, as matrix products round by their shapes
_ROW_GROUP = 250_000
_THREADS = min(4, os.cpu_count() or 1)


@dataclass
class Counts:
    """How many rows were predicted, and how many break the schema."""

    predicted: int = 0
    bad: int = 0


@as_the_model_reads()
def predict(
    predictor: Predictor, source: Path, output: Path, set_aside: bool, tell: Tell
) -> Counts:
    """Write predictions for the rows of ``source``, in their order; memory does not grow with them.

    Rows that break the schema are set aside, to ``bad_rows(output)``, or nothing is written: where
    something is wrong, what was at ``output`` stays.
    """
    for path in (source, output):
        refuse_unreadable(path)
    if output.suffix not in raw.SUFFIXES:
        raise ProjectError(f"{output} must end in {' or '.join(raw.SUFFIXES)}")
    if source.resolve() in (output.resolve(), *output.resolve().parents):
        raise ProjectError(f"{output} is the input itself, or in its folder: name another place")
    aside = bad_rows(output) if set_aside else None
    if aside:
        _refuse_other_file(aside, source)
    opened, counts = Input.open(source, predictor), Counts()
    if opened.undeclared:
        tell(f"not read, as the schema lacks them: {', '.join(opened.undeclared)}")
    try:
        with ExitStack() as files:
            partial = files.enter_context(atomic(output))
            bad = None
            if aside:
                bad = files.enter_context(files.enter_context(atomic(aside)).open("wb"))
            _write(_predictions(opened, bad, counts), partial, output.suffix)
            if counts.bad and (bad is None or not counts.predicted):
                fix = "Correct the rows, or predict the others with --bad-rows set-aside."
                if bad is not None:
                    fix = "No row obeys the schema, so nothing is predicted: correct the rows."
                raise ProjectError("\n  ".join([f"{source}:", *opened.problems(), fix]))
            if not counts.predicted:
                raise ProjectError(f"{source} has a header and no rows")
    except pl.exceptions.InvalidOperationError as error:
        raise column_params.not_made(error) from None
    except pl.exceptions.PolarsError as error:
        raise raw.explain(error, opened.data) from None
    if aside and not counts.bad:
        aside.unlink()  # empty, in place of those of an earlier run
    return counts


def describe(predictor: Predictor, counts: Counts, output: Path) -> str:
    """Say what was written, by which model."""
    by = f"{predictor.version} ({predictor.sha256[:12]})"
    rows = "1 row" if counts.predicted == 1 else f"{counts.predicted} rows"
    said = [f"{rows} predicted by {by} in {output}"]
    said += [f"{counts.bad} rows break the schema: {bad_rows(output)}"] if counts.bad else []
    return "\n".join(said)


def bad_rows(output: Path) -> Path:
    """Return where rows that break the schema are set aside, each with what is wrong in it."""
    return output.with_name(f"{output.stem}.bad.csv")


def _refuse_other_file(aside: Path, source: Path) -> None:
    """Raise unless the place for bad rows is free or holds those that an earlier run set aside."""
    if aside.resolve() == source.resolve():
        raise ProjectError(f"bad rows would replace the input {source}: name another output")
    if aside.exists():
        with aside.open(encoding="utf-8", errors="replace") as file:
            names = file.readline().strip().split(",")
        if names != [""] and (names[0], names[-1]) != (ROW, WHY):
            raise ProjectError(
                f"bad rows would replace {aside}, which no earlier run wrote: name another output"
            )


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


def _good(
    opened: Input, bad: IO[bytes] | None, counts: Counts
) -> Iterator[tuple[pl.DataFrame, pl.Series]]:
    """Yield raw rows that obey the schema, and their numbers; others go to ``bad``, or end it."""
    batches = opened.raw.collect_batches(chunk_size=BATCH, maintain_order=True, engine="streaming")
    csv = raw.is_csv(opened.data)  # whose rows nobody has counted
    total = None if csv else -(-int(opened.raw.select(pl.len()).collect().item()) // BATCH)
    seen, whole_lines = 0, not csv
    for rows in progress(batches, "predict", total):
        numbers = pl.int_range(seen + 1, seen + rows.height + 1, eager=True).alias(ROW)
        seen += rows.height
        if not whole_lines and rows[:, -1].null_count():
            raw.refuse_short_lines(opened.data)
            whole_lines = True
        why = opened.violations(rows)
        wrong = why.is_not_null()
        if wrong.any():
            if bad is None:
                counts.bad += int(wrong.sum())
                return
            kept = rows.rename(lambda name: f"{name} (input)" if name in (ROW, WHY) else name)
            kept = kept.with_columns(why).insert_column(0, numbers).filter(wrong)
            kept.write_csv(bad, include_header=counts.bad == 0)
            counts.bad += kept.height
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
            predicted.sink_parquet(partial, row_group_size=_ROW_GROUP, engine="streaming")
    except pl.exceptions.PolarsError:
        if failed:
            raise failed[0] from None
        raise
