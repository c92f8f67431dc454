"""The step `prepare`: the raw table, checked against its schema and divided into train and test.

The rows stream through `one_pass`: memory holds some of them at a time. A column that the model
shall see belongs in `add_features` (data.py): predictions make it there as well.
"""

from mlrepo.core import column_params
from mlrepo.core.files import write_json
from mlrepo.core.paths import ROWS, TEST, TRAIN
from mlrepo.tables import split, validation
from mlrepo.tables.raw import RawTable
from mlrepo.tables.write import count_rows, one_pass

from .data import add_features
from .params import Params


def main(params: Params) -> None:
    """Write both tables and their numbers of rows, or nothing."""
    raw = RawTable.open(params.data)  # the header and schema.yaml agree
    rows = raw.rows  # with the declared types, not read yet
    column_params.refuse_unknown(rows, add_features, params)

    # Divided first: a new feature moves no row to the other side, unless rows with equal features
    # stay together.
    train, test = split.divide(rows, params)
    tables = {TRAIN: add_features(train), TEST: add_features(test)}

    # Files and checks come from one pass; the files take their places when the block ends well.
    with one_pass(raw, tables, params) as written:
        validation.refuse_broken(raw, written.measured, params)
        counts = count_rows(written, params)
        write_json(ROWS, counts)
    print("{train} rows to train with, {test} to test with".format(**counts["rows"]))
