"""Guess the declared type of a column of texts: from some rows first, then with all of them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import polars as pl

from mlrepo.core.params import Csv
from mlrepo.tables.columns import parse_text
from mlrepo.tables.schema import OR, Field

_SAMPLE = 2_000  # rows that decide which types are tried on all of them
_FEW = 20  # values that decide which formats are tried on those
_SOME = 0.5  # share of the values that a type must read to be tried
_MOST = 0.8  # share from which on a column is said to be nearly of a type
_SHOWN = 5  # values in a remark

_DAYS = [
    *(form.replace(" ", mark) for mark in "./-" for form in ("%d %m %Y", "%m %d %Y")),
    *(form.replace(" ", mark) for mark in "./-" for form in ("%d %m %y", "%m %d %y")),
    *("%Y/%m/%d", "%Y.%m.%d", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y"),
]
_TIMES = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p")
_PLAIN: tuple[dict[str, Any], ...] = (
    {"type": "integer"},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "date"},
    {"type": "datetime"},
    {"type": "datetime", "timezone": "UTC"},
)
# What offices and programs write where there is no value.
_NOTHING = {
    "-",
    "--",
    ".",
    "?",
    "n/a",
    "#n/a",
    "na",
    "nan",
    "null",
    "none",
    "nil",
    "<na>",
    "#null!",
}
_MARKS = ((".", ","), (",", "."), (",", " "), (".", " "), (".", "'"), (",", None), (".", None))


@dataclass
class Guess:
    """The keys of a field that say its type, its ends where it has any, and what looks odd."""

    keys: dict[str, Any] = field(default_factory=lambda: {"type": "string"})
    least: Any = None
    most: Any = None
    odd: list[str] = field(default_factory=list)
    # Values without which it would be of another type, and that mean no value to most programs.
    nothing: list[str] = field(default_factory=list)


def guess(texts: pl.LazyFrame, dialect: Csv, private: Collection[str]) -> dict[str, Guess]:
    """Return a guess for each column of ``texts``, in which missing values are null.

    No remark has a value of a ``private`` column.
    """
    names = texts.collect_schema().names()
    some = texts.head(_SAMPLE).collect(engine="streaming")
    empty = [name for name in names if some[name].null_count() == some.height]
    samples = {name: some[name].drop_nulls() for name in names if name not in empty}
    for name in empty:
        later = texts.select(pl.col(name).drop_nulls().head(_SAMPLE)).collect(engine="streaming")
        samples[name] = later[name]
    tried = {name: _candidates(values, dialect) for name, values in samples.items()}
    found = _measured(texts, tried, dialect)
    guesses = {name: _decided(name, tried[name], found[name]) for name in names}
    texts_so_far = [n for n, it in guesses.items() if it.keys == {"type": "string"} and not it.odd]
    nearly = {name: _nearly(tried[name], found[name]) for name in texts_so_far}
    told = {name: near for name, near in nearly.items() if near and name not in private}
    _tell_rest(texts, told, guesses, dialect)
    for name in texts_so_far:
        if not guesses[name].odd:
            guesses[name].odd += _other_marks(samples[name], dialect)
    return guesses


def _candidates(values: pl.Series, dialect: Csv) -> list[dict[str, Any]]:
    """Return the types that read some of ``values``, those that read all of them alone if any."""
    if not len(values):
        return []
    if _share(values, {"type": "integer"}, dialect) == 1:  # a number as well, further down perhaps
        return [{"type": "integer"}, {"type": "number"}]
    shares = [(keys, _share(values, keys, dialect)) for keys in _PLAIN]
    if not any(share == 1 for _, share in shares):
        # Formats are many and slow: the first values say which are worth a try.
        different = values.unique(maintain_order=True)
        few, some = different.head(_FEW), different.head(_SAMPLE // 4)
        tried = [keys for keys in _written(few) if _share(few, keys, dialect) >= _SOME]
        shares += [(keys, _share(some, keys, dialect)) for keys in tried]
    return [keys for keys, share in shares if share >= _SOME]


def _written(values: pl.Series) -> Iterator[dict[str, Any]]:
    """Yield what values may be that look like days, times or numbers with signs."""
    if _alike(values, r"\d{1,4}[./ -]+\w{1,3}[./, -]+\d{2,4}|^[A-Z][a-z]{2} \d"):
        timed = _alike(values, r"\d:\d\d")
        yield from ({"type": "date", "format": day} for day in _DAYS if not timed)
        forms = (f"{day} {time}" for day in _DAYS for time in _TIMES if timed)
        yield from ({"type": "datetime", "format": form} for form in forms)
    if _alike(values, r"[\p{Sc}%]"):
        yield {"type": "number", "bareNumber": False}


def _alike(values: pl.Series, pattern: str) -> bool:
    return int(values.str.contains(pattern).sum()) >= _SOME * len(values)


def _share(values: pl.Series, keys: dict[str, Any], dialect: Csv) -> float:
    value = parse_text(pl.col("value"), Field(name="value", **keys), dialect)
    read = values.alias("value").to_frame().select(value.is_not_null().sum()).item()
    return float(read / len(values))


def _measured(
    texts: pl.LazyFrame, tried: dict[str, list[dict[str, Any]]], dialect: Csv
) -> dict[str, dict[str, Any]]:
    """Return what one pass over all rows says of each column and of each type tried on it."""
    asked = []
    for number, (name, candidates) in enumerate(tried.items()):
        column = pl.col(name)
        asked.append(column.count().alias(f"{number} present"))
        if any(keys["type"] in ("integer", "number") for keys in candidates):
            # 007 is a code, not the number 7; and 17 digits are more than a number holds.
            asked.append(column.str.contains(r"^[-+]?0[0-9]").sum().alias(f"{number} codes"))
            asked.append(column.str.contains(r"^[-+]?\d{17,}$").sum().alias(f"{number} long"))
            floats = column.str.ends_with(f"{dialect.decimal}0")
            asked.append(floats.sum().alias(f"{number} floats"))
        for place, keys in enumerate(candidates):
            value = parse_text(column, Field(name=name, **keys), dialect)
            asked.append(value.count().alias(f"{number} read {place}"))
            if keys["type"] != "boolean":
                known = value.filter(value.is_finite()) if keys["type"] == "number" else value
                asked.append(known.min().alias(f"{number} least {place}"))
                asked.append(known.max().alias(f"{number} most {place}"))
    row = texts.select(asked).collect(engine="streaming").row(0, named=True)
    found: dict[str, dict[str, Any]] = {name: {} for name in tried}
    names = list(tried)
    for key, value in row.items():
        place_of, _, what = key.partition(" ")
        found[names[int(place_of)]][what] = value
    return found


def _decided(name: str, candidates: list[dict[str, Any]], found: dict[str, Any]) -> Guess:
    """Return the first type that reads every value."""
    every = [
        place
        for place, keys in enumerate(candidates)
        if found[f"read {place}"] == found["present"]
        and not (found.get("floats") and keys["type"] == "integer")
    ]
    if every and found.get("codes"):
        return Guess(odd=["codes with a zero in front: a text"])
    if not every:
        return Guess()
    first = candidates[every[0]]
    if first["type"] == "number" and found.get("long"):
        return Guess(odd=["integers of more than 64 bits, exact as a text alone"])
    guessed = Guess(dict(first), found.get(f"least {every[0]}"), found.get(f"most {every[0]}"))
    if "format" in first:
        formats = [candidates[place] for place in every if "format" in candidates[place]]
        same = [keys["format"] for keys in formats if keys["type"] == first["type"]]
        guessed.keys["format"] = OR.join(same)
        if len(same) > 1:
            guessed.odd.append("day or month first? Write the right format in the schema")
    if "timezone" in first:
        guessed.odd.append("times with offsets: kept in UTC, unless timezone names another zone")
    if not first.get("bareNumber", True):
        guessed.odd.append("signs of currencies and % are cut: -6.3% is -6.3")
    if first["type"] == "integer" and max(abs(guessed.least), abs(guessed.most)) > 2**53:
        guessed.odd.append("integers beyond 2^53: exact as an id, rounded as a feature")
    return guessed


def _tell_rest(
    texts: pl.LazyFrame,
    nearly: dict[str, tuple[dict[str, Any], float]],
    guesses: dict[str, Guess],
    dialect: Csv,
) -> None:
    """Say what keeps columns from being of a type, which reads all but a share of their values."""
    asked = []
    for name, (keys, _) in nearly.items():
        column = pl.col(name)
        value = parse_text(column, Field(name=name, **keys), dialect)
        unread = column.filter(value.is_null() & column.is_not_null()).unique()
        asked.append(unread.head(_SHOWN + 1).implode().alias(name))
    found = texts.select(asked).collect(engine="streaming").row(0, named=True) if asked else {}
    for name, values in found.items():
        rest, (keys, share) = sorted(values), nearly[name]
        shown = ", ".join(f"'{each[:40]}'" for each in rest[:_SHOWN])
        more = " and others" if len(rest) > _SHOWN else ""
        fix = "add those that are no values to data.csv.missing in params.yaml, correct the others"
        if all(each.lower() in _NOTHING for each in rest):
            fix = f"if they are no values, add them to data.csv.missing in params.yaml: [{shown}]"
            guesses[name].nothing = rest
        says = f"all but {share:.1%} read as {keys['type']}; the rest are {shown}{more}: {fix}"
        guesses[name].odd.append(says)


def _nearly(
    candidates: list[dict[str, Any]], found: dict[str, Any]
) -> tuple[dict[str, Any], float] | None:
    """Return the type that reads nearly all values of a column, and the share that it does not."""
    reads = [(found[f"read {place}"], -place) for place in range(len(candidates))]
    count, place = max(reads, default=(0, 0))
    if not count or count < _MOST * found["present"]:
        return None
    return candidates[-place], 1 - count / found["present"]


def _other_marks(values: pl.Series, dialect: Csv) -> Iterator[str]:
    """Yield the marks of params.yaml with which nearly all values are numbers."""
    if not len(values) or not values.str.contains(r"\d").any():
        return
    own_first = sorted(_MARKS, key=lambda marks: marks[0] != dialect.decimal)
    for (decimal, thousands), bare in product(own_first, (True, False)):
        other = dialect.model_copy(update={"decimal": decimal, "thousands": thousands})
        if _share(values, {"type": "number", "bareNumber": bare}, other) >= _MOST:
            lines = [f"decimal: '{decimal}'"] if decimal != dialect.decimal else []
            lines += [f"thousands: {thousands!r}"] if thousands != dialect.thousands else []
            yield f"numbers, with {' and '.join(lines)} in data.csv of params.yaml"
            return
