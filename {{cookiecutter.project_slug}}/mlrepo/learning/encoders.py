"""Dates and texts as numbers, as scikit-learn's transformers of columns.

Model files hold these classes, and a model of an earlier release predicts with those of today: what
a value of `encode` computes never changes. Another way gets another value.
"""

from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_is_fitted,
    validate_data,
)

from mlrepo.core.errors import ProjectError

WORDS = 500  # columns that a text becomes
# Part of a date -> after how many it comes round; None: never.
_PERIODS = {"year": None, "month": 12, "day": 31, "weekday": 7, "hour": 24}


class DateEncoder(TransformerMixin, BaseEstimator):
    """Takes seconds since 1970, as `features.select` makes them of dates, apart.

    "parts" are year, month, day, weekday (Monday is 0) and, where a fitted column has times other
    than midnight, hour. "cyclic" has sine and cosine of each but the year, so that December is near
    January. Parts of an absent date are NaN.
    """

    def __init__(self, encode: str = "parts") -> None:
        """Keep the way."""
        self.encode = encode

    def fit(self, X: Any, y: Any = None) -> "DateEncoder":
        """Find out which columns (rows, columns) have times of the day."""
        seconds = self._seconds(X, reset=True)
        self.has_hours_ = [
            bool((column[~np.isnan(column)] % 86_400 > 0).any()) for column in seconds.T
        ]
        return self

    def transform(self, X: Any) -> Any:
        """Return the parts of each column, in their order: shape (rows, parts of all columns)."""
        check_is_fitted(self)
        seconds, found = self._seconds(X, reset=False), []
        for column, has_hours in zip(seconds.T, self.has_hours_, strict=True):
            for part, values in _parts(column).items():
                if part != "hour" or has_hours:
                    found += (
                        _turned(values, _PERIODS[part]) if self.encode == "cyclic" else [values]
                    )
        return np.column_stack(found)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return a name for each column that `transform` returns."""
        names = _check_feature_names_in(self, input_features)
        return np.array(
            [
                f"{name}_{part}"
                for name, has_hours in zip(names, self.has_hours_, strict=True)
                for part in part_names(self.encode, has_hours)
            ],
            dtype=object,
        )

    def _seconds(self, X: Any, reset: bool) -> Any:
        return validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")


def part_names(encode: str, has_hours: bool) -> list[str]:
    """Return the names of what becomes of a date."""
    names = []
    for part, period in _PERIODS.items():
        if part != "hour" or has_hours:
            turns = encode == "cyclic" and period
            names += [f"{part}_sin", f"{part}_cos"] if turns else [part]
    return names


def _parts(seconds: Any) -> dict[str, Any]:
    """Return the parts of seconds since 1970 (rows,), each of shape (rows,); NaN stays NaN."""
    absent = np.isnan(seconds)
    moment = np.where(absent, 0, np.floor(seconds)).astype("int64").astype("datetime64[s]")
    day, month, year = (moment.astype(f"datetime64[{unit}]") for unit in "DMY")
    found = {
        "year": year.astype("int64") + 1970,
        "month": month.astype("int64") % 12 + 1,
        "day": (day - month.astype("datetime64[D]")).astype("int64") + 1,
        "weekday": (day.astype("int64") + 3) % 7,  # 1970 began on a Thursday
        "hour": (moment - day.astype("datetime64[s]")).astype("int64") // 3600,
    }
    return {part: np.where(absent, np.nan, values) for part, values in found.items()}


def _turned(values: Any, period: int | None) -> list[Any]:
    """Return sine and cosine of what comes round after ``period``, anything else as it is."""
    if period is None:
        return [values]
    angle = 2 * np.pi * values / period
    return [np.sin(angle), np.cos(angle)]


class TextEncoder(TransformerMixin, BaseEstimator):
    """Counts the words of texts: each column on its own, an absent text as an empty one.

    "tfidf" is scikit-learn's TfidfVectorizer: the ``max_features`` most frequent words of the rows
    that it is fitted on. "hashed" is its HashingVectorizer: all words, in ``max_features`` columns
    by a hash, so that it learns nothing from rows.
    """

    def __init__(self, encode: str = "tfidf", max_features: int = WORDS) -> None:
        """Keep the way, and the number of columns for each text."""
        self.encode = encode
        self.max_features = max_features

    def fit(self, X: Any, y: Any = None) -> "TextEncoder":
        """Learn the words of each column (rows, columns)."""
        texts = self._texts(X, reset=True)
        names = _check_feature_names_in(self)
        pairs = zip(names, texts, strict=True)
        self.vectorizers_ = [self._fitted(str(name), column) for name, column in pairs]
        return self

    def transform(self, X: Any) -> Any:
        """Return a sparse matrix of shape (rows, words of all columns)."""
        check_is_fitted(self)
        pairs = zip(self.vectorizers_, self._texts(X, reset=False), strict=True)
        return scipy.sparse.hstack([each.transform(texts) for each, texts in pairs], "csr")

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return a name for each column that `transform` returns."""
        names = _check_feature_names_in(self, input_features)
        return np.array(
            [
                f"{name}_{word}"
                for name, each in zip(names, self.vectorizers_, strict=True)
                for word in getattr(each, "vocabulary_", range(self.max_features))
            ],
            dtype=object,
        )

    def _fitted(self, name: str, texts: list[str]) -> Any:
        if self.encode == "hashed":
            return HashingVectorizer(n_features=self.max_features)
        made = TfidfVectorizer(max_features=self.max_features)
        try:
            made.fit(texts)
        except ValueError:  # it says "empty vocabulary" and nothing else
            raise ProjectError(
                f"the text '{name}' has no word of two letters in the rows that are learned from: "
                "take it out of train.preprocessing.texts in params.yaml"
            ) from None
        # Plain integers in their order, which a model file holds in few bytes.
        words = sorted(made.vocabulary_.items(), key=lambda item: int(item[1]))
        made.vocabulary_ = {word: int(place) for word, place in words}
        return made

    def _texts(self, X: Any, reset: bool) -> list[list[str]]:
        values = validate_data(self, X, reset=reset, dtype=object, ensure_all_finite=False)
        return [["" if text is None else text for text in column] for column in values.T]
