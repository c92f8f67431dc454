"""Folds of the train rows keep apart, and together, what the split of the table does."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.model_selection import KFold, StratifiedKFold

from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams, Tune
from mlrepo.learning.folds import folds
from mlrepo.learning.predictions import IndexArray
from mlrepo.learning.training_table import TrainingTable

from .test_split import params

pytestmark = pytest.mark.usefixtures("folder_of_its_own")
Parts = list[tuple[IndexArray, IndexArray]]


def parts(rows: pl.DataFrame, made: LibraryParams, count: int = 5) -> Parts:
    """Return the folds of ``rows`` as train rows."""
    rows.write_parquet("train.parquet")
    train = made.train.model_copy(update={"cross_validation": count})
    made = made.model_copy(update={"train": train})
    return list(folds(TrainingTable(Path("train.parquet"), made)))


def table(seed: int, rows: int = 240) -> pl.DataFrame:
    """Return rows of which four are of one day, one herd and one visitor; the order is drawn."""
    rng = np.random.default_rng(seed)
    four = pl.Series(np.arange(rows) // 4)
    made = pl.DataFrame({"visitor": four, "herd": four, "day": four, "x": rng.normal(size=rows)})
    made = made.with_columns(y=pl.Series(rng.choice(["yes", "no"], rows)))
    return made.sample(fraction=1, shuffle=True, seed=seed)


@pytest.mark.parametrize("count", [6, 10, 59])
def test_rows_of_a_day_are_learned_or_scored_whatever_their_order(count: int) -> None:
    made, scored = params(method="time", column="day"), []
    for seed in range(3):
        rows = table(seed)
        found = parts(rows, made, count)
        for learn, score in found:
            known, later = set(rows["day"][learn]), set(rows["day"][score])
            assert max(known) < min(later)
            assert known == set(range(min(later)))
            assert len(score) == 4 * len(later)
        scored.append([sorted(set(rows["day"][score])) for _, score in found])
    assert len(scored[0]) == count
    assert scored[0] == scored[1] == scored[2]


@pytest.mark.parametrize(
    ("method", "kept", "fix"),
    [
        ("time", 4, "values of 'day' .* 4 different ones: set it to 3 or lower, or to 0"),
        ("time", 2, "values of 'day' .* 2 different ones: set it to 0"),
        ("group", 4, "values of 'herd' .* 4 different ones: set it to 4 or lower, or to 0"),
        ("group", 1, "values of 'herd' .* 1 different ones: set it to 0"),
        ("random", 4, "values of 'visitor' .* 4 different ones: set it to 4 or lower, or to 0"),
        ("stratified", 4, "values of 'visitor' .* 4 different ones: set it to 4 or lower, or"),
    ],
)
def test_too_few_to_be_divided_are_told_with_what_helps(method: str, kept: int, fix: str) -> None:
    column = {"time": "day", "group": "herd"}.get(method)
    rows, made = table(0, 4 * kept), params(method=method, column=column, id=["visitor"])
    with pytest.raises(ProjectError, match=rf"cross_validation .* is 5, and the .*{fix}"):
        parts(rows, made)
    if kept > 2:
        most = kept - (method == "time")
        assert len(parts(rows, made, most)) == most


def test_a_threshold_that_is_tuned_needs_values_for_folds_of_folds() -> None:
    """Of nine days and five folds the first fold has four to learn from: no number is advised."""
    made, rows = params(method="time", column="day"), table(0, 36)
    train = made.train.model_copy(update={"threshold": Tune(tune="accuracy")})
    made = made.model_copy(update={"train": train})
    first, _ = parts(rows, made)[0]
    with pytest.raises(ProjectError, match=r"4 different .*: set it lower, or train\.threshold to"):
        parts(rows[first], made)


@pytest.mark.parametrize("method", ["random", "stratified"])
def test_rows_of_an_id_that_repeats_are_learned_or_scored(method: str) -> None:
    rows = table(0)
    found = parts(rows, params(method=method, id=["visitor"]))
    assert sorted(row for _, score in found for row in score) == list(range(rows.height))
    for learn, score in found:
        assert not set(rows["visitor"][learn]) & set(rows["visitor"][score])


@pytest.mark.parametrize("id_is_kept", [True, False])
@pytest.mark.parametrize(("method", "kind"), [("random", KFold), ("stratified", StratifiedKFold)])
def test_ids_that_differ_or_that_data_py_leaves_out_change_no_fold(
    method: str, kind: type[KFold], id_is_kept: bool
) -> None:
    rows = table(0).drop("visitor")
    if id_is_kept:
        rows = rows.with_row_index("visitor")
    by_sklearn = kind(5, shuffle=True, random_state=0).split(rows, rows["y"])
    ours = parts(rows, params(method=method, id=["visitor"]))
    for pair, same in zip(ours, by_sklearn, strict=True):
        assert [rows.tolist() for rows in pair] == [rows.tolist() for rows in same]


CHANCE: dict[str, dict[str, object]] = {
    "groups": {"method": "group", "column": "herd"},
    "equal features": {"equal_features": "together"},
    "ids": {"id": ["herd"]},
}


@pytest.mark.parametrize("name", CHANCE)
def test_folds_know_nothing_of_one_anothers_labels(name: str) -> None:
    """A herd's label is drawn by a coin: the majority of other herds is right in half of them.

    Folds of equal shares would give each the same majority: it is right in 57% of the rows.
    """
    right = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        herd = rng.integers(0, 30, 300)
        rows = pl.DataFrame({"herd": herd, "x": herd / 2, "y": rng.choice(["yes", "no"], 30)[herd]})
        found = []
        for learn, score in parts(rows, params(seed=seed, **CHANCE[name])):
            most = rows["y"][learn].mode().sort()[0]
            found.append((rows["y"][score] == most).mean())
        right.append(np.mean(found))
    error = np.std(right) / np.sqrt(len(right))
    assert abs(np.mean(right) - 0.5) < 2.5 * error
