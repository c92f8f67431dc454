"""Real tables whose rows repeat: our split gives the scores that scikit-learn's gives.

LONG=1 divides each table 200 times; otherwise eight times.
"""

import os
from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split
from statsmodels.datasets import fair, randhie

from mlrepo.tables import split

from .test_split import params

pytestmark = pytest.mark.usefixtures("folder_of_its_own")
ROUNDS = 200 if os.environ.get("LONG") else 8
SHARE = 0.25
ERRORS = 3.3  # of twelve means, one is further off by chance in a hundred runs


def of_fair() -> pd.DataFrame:
    """6,366 answers, 5,188 of them distinct: did they have an affair?"""
    table = fair.load_pandas().data
    return table.assign(y=table.pop("affairs") > 0)


def of_visits() -> pd.DataFrame:
    """3,000 of the 20,190 insured, of whom the fewest differ: did they see a doctor?"""
    table = randhie.load_pandas().data.sample(3000, random_state=0)
    return table.assign(y=table.pop("mdvis") > 0)


def binned(
    load: Callable[..., tuple[pd.DataFrame, pd.Series]], columns: int, step: float
) -> pd.DataFrame:
    """Return some columns of a table of scikit-learn in a few steps, so that most rows repeat."""
    features, target = load(return_X_y=True, as_frame=True)
    some = features.iloc[:, :columns]
    return (some / (some.std() * step)).round().assign(y=target == target.max())


TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "fair": of_fair,
    "visits": of_visits,
    "iris": lambda: binned(load_iris, 2, 1.0),
    "wine": lambda: binned(load_wine, 2, 1.5),
    "breast cancer": lambda: binned(load_breast_cancer, 2, 1.0),
    "digits": lambda: binned(load_digits, 12, 3.0),
}


@pytest.mark.parametrize("name", TABLES)
def test_scores_are_those_of_scikit_learns_split(name: str) -> None:
    table = TABLES[name]().reset_index(drop=True).astype(float)
    assert table.duplicated().mean() > 0.1
    ours, theirs = [], []
    for seed in range(ROUNDS):
        rows = pl.DataFrame({each: table[each].to_numpy() for each in table.columns})
        sides = split.divide(rows.lazy(), params(method="stratified", test_size=SHARE, seed=seed))
        train, test = (
            pd.DataFrame(side.to_dict(as_series=False))
            for side in pl.collect_all(list(sides), engine="streaming")
        )
        ours.append(scored(train, test))
        # As many rows: one more of the frequent class moves the accuracy of wine by 0.006.
        there = train_test_split(table, test_size=len(test), random_state=seed, stratify=table["y"])
        theirs.append(scored(*there))
    difference = np.mean(ours, axis=0) - np.mean(theirs, axis=0)
    error = np.sqrt((np.var(ours, axis=0) + np.var(theirs, axis=0)) / (ROUNDS - 1))
    assert (np.abs(difference) < ERRORS * error + 1e-9).all(), (difference, error)
    if name == "fair":
        assert 0.68 < np.mean(ours, axis=0)[1] < 0.72


def scored(train: pd.DataFrame, test: pd.DataFrame) -> tuple[float, float]:
    """Return accuracy and ROC AUC of a forest."""
    model = RandomForestClassifier(30, random_state=0).fit(train.drop(columns="y"), train["y"])
    inputs = test.drop(columns="y")
    shares = model.predict_proba(inputs)[:, 1]
    return (
        float(accuracy_score(test["y"], model.predict(inputs))),
        float(roc_auc_score(test["y"], shares)),
    )
