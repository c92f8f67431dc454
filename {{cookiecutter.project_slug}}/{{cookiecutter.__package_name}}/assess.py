"""Score the model on the test rows, by slice, with intervals, and make the data of the plots."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import polars as pl

from . import batches, column_names, features, metrics, persist, plot_data
from .artifacts import MODEL, TEST, TRAIN, scan_table
from .errors import ProjectError
from .features import Features
from .files import atomic, put_json
from .importance import ROWS, importance
from .intervals import intervals
from .params import Params
from .predictions import Predictions

METRICS = Path("metrics/evaluate.json")
SCORES = Path("reports/scores.csv")
PLOTS = Path("reports/plots")

# A slice is a category; a column with more values than this is none.
_MOST_SLICES = 50


def evaluate(params: Params) -> None:
    """Write metrics of train and test, the test scores with intervals, and plot data.

    Raises:
        ProjectError: if the model file is not the one that train wrote, or a slice is no column.
    """
    model = persist.load(MODEL)
    train, test = scan_table(TRAIN), scan_table(TEST)
    types = test.collect_schema()
    column_names.refuse(column_names.of_slices(types, params))
    chosen = features.choose(types, params)
    _tell_unseen(train, test, chosen)
    task = params.data.task
    seen = metrics.scores(task, batches.predict(model, TRAIN, chosen, params.data))
    unseen = batches.predict(model, TEST, chosen, params.data)
    rows = _score_rows("", "", unseen, params)
    for column in params.evaluate.slices:
        for value, numbers in slices(test.select(column).collect(), column).items():
            rows += _score_rows(column, value, unseen.rows(numbers), params)
    knobs = params.evaluate
    plots = plot_data.tables(task, unseen)
    some = plot_data.thin(len(unseen), ROWS)
    inputs = features.select(batches.at(TEST, chosen.names, some), chosen)
    plots["importance"] = importance(
        model, inputs, unseen.truth[some], knobs.importance_repeats, knobs.seed
    )
    tables = {PLOTS / f"{name}.csv": plot for name, plot in plots.items()}
    results = {"test": metrics.scores(task, unseen), "train": seen}
    # All is written before the first file is replaced: none is from another run than the others.
    with ExitStack() as files:
        for path, table in {**tables, SCORES: pl.DataFrame(rows)}.items():
            table.write_csv(files.enter_context(atomic(path)))
        put_json(files.enter_context(atomic(METRICS)), results)


def _score_rows(
    column: str, value: str, predictions: Predictions, params: Params
) -> list[dict[str, object]]:
    task, knobs = params.data.task, params.evaluate
    values = metrics.scores(task, predictions)
    bounds = intervals(
        task, predictions, knobs.intervals.resamples, knobs.intervals.confidence, knobs.seed
    )
    return [
        {
            "slice": column,
            "value": value,
            "rows": len(predictions),
            "metric": name,
            "estimate": estimate,
            "low": bounds.get(name, (None, None))[0],
            "high": bounds.get(name, (None, None))[1],
        }
        for name, estimate in values.items()
    ]


def slices(test: pl.DataFrame, column: str) -> dict[str, Any]:
    """Return the row numbers of each value of a column of ``test``, in the order of the values.

    Raises:
        ProjectError: if it has too many values.
    """
    values = test[column].cast(pl.String).fill_null("(missing)")
    if values.n_unique() > _MOST_SLICES:
        raise ProjectError(
            f"evaluate.slices: '{column}' has {values.n_unique()} values, and slices are for at "
            f"most {_MOST_SLICES}: derive a coarser column in data.py"
        )
    return {v: (values == v).arg_true().to_numpy() for v in sorted(values.unique())}


def _tell_unseen(train: pl.LazyFrame, test: pl.LazyFrame, chosen: Features) -> None:
    """Say which categories occur in test only: the encoder treats them as rare or as none."""
    for name in chosen.categories:
        sizes = test.drop_nulls(name).group_by(name).len().collect(engine="streaming")
        seen = train.select(pl.col(name).unique()).collect(engine="streaming")
        strange = sizes.join(seen, on=name, how="anti").sort(name)
        if strange.height:
            print(
                f"warning: {strange['len'].sum()} test rows have a '{name}' that no train row has "
                f"({', '.join(strange[name])}): the model treats it as a rare category",
                file=sys.stderr,
            )
