"""Score the model on the test rows, by slice, with intervals, and make the data of the plots."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import polars as pl

from . import column_names, features, metrics, persist, plot_data
from .artifacts import MODEL, TEST, TRAIN, read_table
from .errors import ProjectError
from .features import Features
from .files import atomic, put_json
from .importance import importance
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
    train, test = read_table(TRAIN), read_table(TEST)
    column_names.refuse(column_names.of_slices(test.schema, params))
    chosen = features.choose(test.schema, params)
    _tell_unseen(train, test, chosen)
    task = params.data.task
    seen = _predict(model, train, chosen, params)
    unseen = _predict(model, test, chosen, params)
    rows = _score_rows("", "", unseen, params)
    for column in params.evaluate.slices:
        for value, numbers in slices(test, column).items():
            rows += _score_rows(column, value, unseen.rows(numbers), params)
    inputs, knobs = features.select(test, chosen), params.evaluate
    plots = plot_data.tables(task, unseen)
    plots["importance"] = importance(
        model, inputs, unseen.truth, knobs.importance_repeats, knobs.seed
    )
    tables = {PLOTS / f"{name}.csv": plot for name, plot in plots.items()}
    results = {"test": metrics.scores(task, unseen), "train": metrics.scores(task, seen)}
    # All is written before the first file is replaced: none is from another run than the others.
    with ExitStack() as files:
        for path, table in {**tables, SCORES: pl.DataFrame(rows)}.items():
            table.write_csv(files.enter_context(atomic(path)))
        put_json(files.enter_context(atomic(METRICS)), results)


def _predict(model: Any, table: pl.DataFrame, chosen: Features, params: Params) -> Predictions:
    truth = features.target(table, params.data)
    return Predictions.of(model, features.select(table, chosen), truth)


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


def _tell_unseen(train: pl.DataFrame, test: pl.DataFrame, chosen: Features) -> None:
    """Say which categories occur in test only: the encoder treats them as rare or as none."""
    for name in chosen.categories:
        seen = train[name].drop_nulls().unique()
        strange = test[name].drop_nulls().filter(~test[name].drop_nulls().is_in(seen.implode()))
        if len(strange):
            values = ", ".join(sorted(strange.unique()))
            print(
                f"warning: {len(strange)} test rows have a '{name}' that no train row has "
                f"({values}): the model treats it as a rare category",
                file=sys.stderr,
            )
