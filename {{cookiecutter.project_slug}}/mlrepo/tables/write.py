"""Write tables and check the raw rows in one pass; memory does not grow with the rows."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlrepo.core import column_params
from mlrepo.core.errors import ProjectError, listed
from mlrepo.core.files import all_or_nothing, scratch
from mlrepo.core.params import LibraryParams, Split
from mlrepo.core.paths import TEST, TRAIN
from mlrepo.core.prepared import PRIVATE_COLUMNS
from mlrepo.core.progress import watch
from mlrepo.tables import spill, validation
from mlrepo.tables.raw import RawTable, explain

# Parquet bytes depend on the number of threads unless the size of a row group is given. Level 1
# takes three quarters of the default level's time for files that are a tenth larger. The least and
# the greatest value of each group of rows, which were divided by chance, would tell no reader much.
_PARQUET: Any = {
    "row_group_size": 250_000,
    "compression": "zstd",
    "compression_level": 1,
    "statistics": False,
}


_FEW = 0.01  # share of the test rows
_NEAR = 4  # rows: shares of whole rows are seldom as asked, and a few may be equally late


@dataclass(frozen=True)
class Written:
    """Tables that are written and have not taken their places yet.

    Attributes:
        files: where each table lies for now, by the path that it will have.
        measured: one row: what `validation.measures` found in all rows of the raw table.
        hashes: of each table, lazily, a column "hash": a number for the features of each row.
    """

    files: dict[Path, Path]
    measured: pl.DataFrame
    hashes: dict[Path, pl.LazyFrame]


@contextmanager
def one_pass(
    raw: RawTable, tables: Mapping[Path, pl.LazyFrame], params: LibraryParams
) -> Iterator[Written]:
    """Write ``tables`` and measure the raw rows while those are read once.

    The files take their places when the block ends well, together or not at all.
    """
    validation.refuse_private(raw, params)
    private = raw.schema.private
    head = {PRIVATE_COLUMNS: json.dumps(private)} if private else None
    try:
        with all_or_nothing() as new, scratch(TRAIN.with_name("hashes")) as folder:
            files = {path: new(path) for path in tables}
            sinks = [
                table.sink_parquet(files[path], lazy=True, metadata=head, **_PARQUET)
                for path, table in tables.items()
            ]
            asked = [
                raw.once.select(validation.measures(raw, params)),
                raw.rows.select(validation.measures_of_target(params)),
            ]
            hashes = {path: folder / path.name for path in tables}
            for path, table in tables.items():
                features = column_params.wanted(table.collect_schema(), params)
                sinks.append(
                    spill.write(table.select(hash=pl.struct(features).hash()), hashes[path])
                )
            with watch(list(files.values()), "prepare"):
                first, second, *_ = pl.collect_all([*asked, *sinks], engine="streaming")
            scans = {path: pl.scan_parquet(kept) for path, kept in hashes.items()}
            yield Written(files, first.hstack(second), scans)
    except pl.exceptions.InvalidOperationError as error:  # raw rows are read without any
        raise column_params.not_made(error) from None
    except pl.exceptions.PolarsError as error:
        raise explain(error, raw.data) from None


def count_rows(written: Written, params: LibraryParams) -> dict[str, dict[str, float]]:
    """Return the numbers of rows, and what became of the split; warn where that is odd.

    "rows" has those of the raw table, without a target, to train and to test with; "split" the
    share of the test, and how many test rows have the features of a train row.

    Refuse a side that is empty, a target that is nothing to learn from, and more rows than before.
    """
    data = params.data
    places = {"train": written.files[TRAIN], "test": written.files[TEST]}
    sides = {side: pl.scan_parquet(place) for side, place in places.items()}
    counts = {side: frame.select(pl.len()).collect().item() for side, frame in sides.items()}
    for side, count in counts.items():
        if count == 0:
            raise ProjectError(
                f"the split leaves no row in {side}: change prepare.split in params.yaml"
            )
    classes = 0
    if data.task == "classification":
        classes = _check_classes(sides["train"], sides["test"], data.target)
    else:
        values = pl.col(data.target)
        ends = pl.concat(sides.values()).select(least=values.min(), most=values.max())
        least, most = ends.collect(engine="streaming").row(0)
        if least == most:
            raise _constant(data.target)
    raw = written.measured["rows"][0]
    if sum(counts.values()) > raw:
        raise ProjectError(
            f"{sum(counts.values())} rows come out of the {raw} of {data.path}: a join finds "
            "several rows for one. Let each key stand once in the table that is joined"
        )
    no_target = raw - sum(counts.values())
    of_split = {
        "test_share": round(counts["test"] / sum(counts.values()), 4),
        "test_rows_like_train": _in_both(written.hashes[TEST], written.hashes[TRAIN]),
    }
    _warn(of_split, counts, params.prepare.split, classes)
    return {"rows": {"raw": raw, "no_target": no_target, **counts}, "split": of_split}


def _in_both(hashes: pl.LazyFrame, others: pl.LazyFrame) -> int:
    """Return how many of ``hashes`` are among ``others``, a part of them at a time."""
    count = sum(each.select(pl.len()).collect().item() for each in (hashes, others))
    ours, theirs = (spill.parts(each, "hash", 2**64, count) for each in (hashes, others))
    return sum(
        _in_both_of(some["hash"].to_numpy(), other["hash"].to_numpy())
        for (_, some), (_, other) in zip(ours, theirs, strict=True)
    )


def _in_both_of(hashes: np.ndarray, others: np.ndarray) -> int:
    """Do that by one sort of all.

    The lowest bit tells whose a hash is, so that among equal ones those of ``others`` come first.
    """
    if not (len(hashes) and len(others)):
        return 0
    low = np.uint64(1)
    both = np.empty(len(others) + len(hashes), dtype=np.uint64)
    np.bitwise_and(others, ~low, out=both[: len(others)])
    np.bitwise_or(hashes, low, out=both[len(others) :])
    both.sort()
    same = both[1:] ^ both[:-1] <= low
    several = both[np.append(same, False) | np.append(False, same)]
    if not len(several):
        return 0
    starts = np.flatnonzero(np.append(True, several[1:] ^ several[:-1] > low))
    asked = np.add.reduceat(several & low, starts)
    return int(asked[several[starts] & low == 0].sum())


def _warn(found: dict[str, float], counts: dict[str, int], split: Split, classes: int) -> None:
    like_train, test, rows = found["test_rows_like_train"], counts["test"], sum(counts.values())
    share, asked = test / rows, split.test_size
    # Four standard deviations of a coin that is tossed for each row; of the methods that toss none,
    # one takes the rows of each class by their number, and one by their time.
    tossed = split.method in ("random", "group")
    luck = 4 * (asked * (1 - asked) / rows) ** 0.5 if tossed else (_NEAR + classes) / rows
    if abs(share - asked) > max(luck, min(0.01, asked / 10, (1 - asked) / 10)):
        digits = 1 if asked >= 0.01 else 3
        print(
            f"warning: the test has {share:.{digits}%} of the rows, and {asked:.{digits}%} were "
            "asked for: rows that stay together are many, or late ones are equally late",
            file=sys.stderr,
        )
    if like_train > _FEW * test:
        copies = "; if they are copies, set prepare.split.equal_features to together"
        # Copies stay together with no other method.
        advice = {"random": copies, "stratified": f"{copies} and prepare.split.method to random"}
        print(
            f"warning: {like_train} of {test} test rows have the features of a train row"
            f"{advice.get(split.method, '') if split.equal_features == 'apart' else ''}",
            file=sys.stderr,
        )


def _check_classes(train: pl.LazyFrame, test: pl.LazyFrame, target: str) -> int:
    """Return how many classes there are; refuse what no model can learn, and warn of untested."""
    of_train, of_test = (
        dict(
            side.group_by(target)
            .len(f"{column_params.OURS}rows")
            .collect(engine="streaming")
            .iter_rows()
        )
        for side in (train, test)
    )
    classes = of_train.keys() | of_test.keys()
    if len(classes) == 1:
        raise _constant(target)
    for value in sorted(classes, key=str):
        in_train, in_test = of_train.get(value, 0), of_test.get(value, 0)
        if in_train + in_test == 1:
            raise ProjectError(
                f"the class '{value}' of '{target}' has one row: it needs at least two, one to "
                "learn from and one to test with"
            )
        if in_train == 0:
            raise ProjectError(
                f"the class '{value}' of '{target}' ({in_test} rows) is in test only: no model "
                "can learn it. Use prepare.split.method 'stratified', or drop the class"
            )
    if lacking := sorted(classes - of_test.keys(), key=str):
        print(
            f"warning: no test row has the class {listed(lacking)} of '{target}': no score tells "
            "how well a model knows it",
            file=sys.stderr,
        )
    return len(classes)


def _constant(target: str) -> ProjectError:
    return ProjectError(f"the target '{target}' is the same in every row: nothing to learn")
