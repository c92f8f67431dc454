"""The step `train`: one fitted model in one file, with its SHA-256."""

from mlrepo.core.files import all_or_nothing, put_json
from mlrepo.core.paths import FOLDS, TRAIN
from mlrepo.learning import saved_model, threshold
from mlrepo.learning.cluster.session import connected
from mlrepo.learning.cross_validation import cross_validate
from mlrepo.learning.fit import fit
from mlrepo.learning.metrics import scores
from mlrepo.learning.training_table import TrainingTable

from .model import build
from .params import Params


def main(params: Params) -> None:
    """Write the model, its SHA-256 and the scores of the cross-validation, or nothing."""
    table = TrainingTable(TRAIN, params)  # its rows are read when they are asked for
    model = build(params, table.features)

    # On the workers of a Dask cluster where DASK_SCHEDULER_ADDRESS names one, else here.
    with connected(params.numerics.pinned):
        folds = cross_validate(model, table, scores)  # empty where it is off
        fit(model, table)  # all rows, in batches or on a cluster, as params.train says

    # All is written before the first file is replaced.
    with all_or_nothing() as new:
        put_json(new(FOLDS), {"cv": folds, **threshold.of(model)})
        saved_model.save(model, table)
