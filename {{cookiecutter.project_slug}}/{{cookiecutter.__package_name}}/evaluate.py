"""The step `evaluate`: what the model is worth on rows that it never saw."""

from mlrepo.core.files import all_or_nothing, put_json
from mlrepo.core.paths import METRICS, PLOTS, SCORES, TEST, TRAIN
from mlrepo.learning import saved_model
from mlrepo.learning.cluster.session import connected
from mlrepo.learning.features import choose_from, warn_unseen
from mlrepo.learning.metrics import scores
from mlrepo.learning.predictions import predict_table
from mlrepo.scoring.importance import importance_table
from mlrepo.scoring.plots import plot_tables
from mlrepo.scoring.slices import score_table

from .params import Params


def main(params: Params) -> None:
    """Write the scores of train and test, with intervals and by slice, and the plots' data."""
    task = params.data.task
    model = saved_model.load()  # refused unless its SHA-256 is the one that train wrote
    features = choose_from(TEST, params)
    warn_unseen(TRAIN, TEST, features)

    # On the workers of a Dask cluster where DASK_SCHEDULER_ADDRESS names one, else here.
    with connected(params.numerics.pinned):
        # The predictions for train, of far more rows, are gone before those for test come.
        of_train = scores(task, predict_table(model, TRAIN, features, params.data))
        test = predict_table(model, TEST, features, params.data)
        tables = {SCORES: score_table(test, TRAIN, TEST, params)}  # all rows, then slice by slice
        plots = plot_tables(task, test)
        plots["importance"] = importance_table(model, TEST, features, test, params)
    tables |= {PLOTS / f"{name}.csv": plot for name, plot in plots.items()}

    # All is written before the first file is replaced.
    with all_or_nothing() as new:
        for path, table in tables.items():
            table.write_csv(new(path))
        put_json(new(METRICS), {"test": scores(task, test), "train": of_train})
