"""Dates and texts as features, each beside scikit-learn and pandas told the same."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import CARD, FOLDS, IMPORTANCE, MODEL, TEST, TRAIN
from mlrepo.learning import features, memory, model_file
from mlrepo.learning.encoders import WORDS, DateEncoder, TextEncoder
from mlrepo.learning.estimator import make_estimator
from mlrepo.learning.features import Features
from mlrepo.prediction.batches import outcomes
from mlrepo.prediction.predictor import Predictor
from mlrepo.serving.request_rows import Rows
from mlrepo.tables.schema import load_schema
from penguins import card, evaluate, prepare, train

from .conftest import PROJECT, TinyProject, tiny_table
from .test_card import ENVIRONMENT

PHRASES = ("calm", "wild", "Große Herde", "a b", "left, right & centre", "calm calm again")
SPLIT = {
    "method": "random",
    "test_size": 0.3,
    "seed": 0,
    "column": None,
    "equal_features": "apart",
}
NUMBERS, DATES = ["size", "weight"], ["seen", "at"]
# Times of day on both sides of midnight, before and after 1970 and over a change of the clock.
START = datetime(1969, 12, 1, 23, 30, tzinfo=UTC)
TABLE = tiny_table().with_columns(
    note=pl.Series(
        [None if i % 9 == 0 else f"{PHRASES[i % 6]} no {i * 7 % 23}" for i in range(80)]
    ),
    seen=pl.when(pl.col("id") % 10 != 3).then("seen"),
    at=pl.Series(
        [START + timedelta(days=251 * i, hours=5 * i) for i in range(80)]
    ).dt.convert_time_zone("Europe/Berlin"),
)


@pytest.fixture
def kinds(tiny: TinyProject) -> TinyProject:
    """A project whose table has a free text, dates with holes, and times with a zone."""
    TABLE.write_parquet("table.parquet")
    tiny.set({"data.path": "table.parquet"})
    tiny.propose()
    return tiny


def told(project: TinyProject, dates: str, texts: str, **more: Any) -> LibraryParams:
    dotted = {key.replace("__", "."): value for key, value in more.items()}
    steps = {"train.preprocessing.dates": dates, "train.preprocessing.texts": {"note": texts}}
    return project.set({**steps, **dotted})


def fitted() -> Any:
    return model_file.load(MODEL)


def parts(rows: pl.DataFrame, encode: str) -> pd.DataFrame:
    """Return what pandas makes of the dates."""
    found = {}
    for name in DATES:
        moment = pd.Series(pd.to_datetime(rows[name].cast(pl.String).str.head(19).to_list()))
        calendar = {
            "year": (moment.dt.year, None),
            "month": (moment.dt.month, 12),
            "day": (moment.dt.day, 31),
            "weekday": (moment.dt.day_of_week, 7),
            "hour": (moment.dt.hour, 24),
        }
        for part, (whole, period) in calendar.items():
            values = whole.astype(float)
            if encode == "cyclic" and period:
                found[f"{name}_{part}_sin"] = np.sin(2 * np.pi * values / period)
                found[f"{name}_{part}_cos"] = np.cos(2 * np.pi * values / period)
            else:
                found[f"{name}_{part}"] = values
    whole_days = [column for column in found if column.startswith("seen_hour")]
    return pd.DataFrame(found).drop(columns=whole_days)


def notes(rows: pl.DataFrame) -> list[str]:
    return rows["note"].fill_null("").to_list()


def matrix(rows: pl.DataFrame, known: pl.DataFrame, dates: str, texts: str) -> np.ndarray:
    """Return what scikit-learn and pandas make of ``rows``, having learned from ``known``."""

    def numbers(part: pl.DataFrame) -> np.ndarray:
        return part.select(NUMBERS).cast(pl.Float64).to_numpy()

    def colours(part: pl.DataFrame) -> np.ndarray:
        return np.array(part["colour"].to_list(), dtype=object)[:, np.newaxis]

    imputer = SimpleImputer(missing_values=None, strategy="most_frequent")
    encoder = make_pipeline(imputer, OneHotEncoder(handle_unknown="ignore", sparse_output=False))
    words: Any = TfidfVectorizer(max_features=WORDS)
    if texts == "hashed":
        words = HashingVectorizer(n_features=WORDS)
    median = SimpleImputer(strategy="median").fit(numbers(known))
    middle = SimpleImputer(strategy="median").fit(parts(known, dates).to_numpy())
    return np.hstack(
        [
            median.transform(numbers(rows)),
            encoder.fit(colours(known)).transform(colours(rows)),
            words.fit(notes(known)).transform(notes(rows)).toarray(),
            middle.transform(parts(rows, dates).to_numpy()),
        ]
    )


@pytest.mark.parametrize(("dates", "texts"), [("parts", "tfidf"), ("cyclic", "hashed")])
def test_a_model_of_all_kinds_is_that_of_scikit_learn_and_pandas(
    kinds: TinyProject, dates: str, texts: str
) -> None:
    params = told(kinds, dates, texts)
    prepare.main(params)
    train.main(params)
    first = MODEL.read_bytes()
    train.main(params)
    assert MODEL.read_bytes() == first

    rows, test = pl.read_parquet(TRAIN), pl.read_parquet(TEST)
    model, chosen = fitted(), features.choose(rows.schema, params)
    assert chosen == features.Features(("size", "weight"), ("colour",), ("note",), ("seen", "at"))
    for part in (rows, test):
        found = model[0].transform(features.select(part, chosen))
        np.testing.assert_allclose(found, matrix(part, rows, dates, texts), rtol=1e-12, atol=1e-12)
    forest = RandomForestClassifier(5, random_state=0)
    forest.fit(matrix(rows, rows, dates, texts), rows["kind"].to_list())
    same = features.select(test, features.fitted(model, test.schema))
    assert np.array_equal(
        model.predict_proba(same), forest.predict_proba(matrix(test, rows, dates, texts))
    )
    # Each has its name, by the column that it is made of.
    names = [name.partition("__") for name in model[0].get_feature_names_out()]
    assert [name for kind, _, name in names if kind == "dates"] == list(parts(rows, dates))
    words = TfidfVectorizer(max_features=WORDS).fit(notes(rows)).get_feature_names_out()
    wanted = words if texts == "tfidf" else range(WORDS)
    assert [name for kind, _, name in names if kind == texts] == [f"note_{w}" for w in wanted]


def test_the_words_of_a_fold_are_those_of_the_rows_learned_from(kinds: TinyProject) -> None:
    split = {"prepare__split": {**SPLIT, "method": "stratified"}}
    params = told(kinds, "parts", "tfidf", train__cross_validation=3, **split)
    prepare.main(params)
    train.main(params)
    rows = pl.read_parquet(TRAIN)
    truth = np.array(rows["kind"].to_list())
    scores = []
    for learn, held in StratifiedKFold(3, shuffle=True, random_state=0).split(truth, truth):
        forest = RandomForestClassifier(5, random_state=0)
        forest.fit(matrix(rows[learn], rows[learn], "parts", "tfidf"), truth[learn])
        ranked = forest.predict_proba(matrix(rows[held], rows[learn], "parts", "tfidf"))[:, 1]
        scores.append(roc_auc_score(truth[held] == "small", ranked))
    found = json.loads(FOLDS.read_text(encoding="utf-8"))["cv"]
    assert found["roc_auc"] == pytest.approx(np.mean(scores))


def test_one_row_predicts_as_many_and_the_card_speaks_of_columns(kinds: TinyProject) -> None:
    params = told(kinds, "cyclic", "tfidf")
    for page in (prepare, train, evaluate):
        page.main(params)
    schema = load_schema(Path("schema.yaml"))
    by = Predictor(fitted(), "v1.0.0", "ab" * 32, params.data, schema, lambda t: t)
    strange = pl.lit("never heard of").alias("note")
    rows = pl.concat(
        [TABLE, TABLE.with_columns(strange, seen=None, at=None)], how="vertical_relaxed"
    )
    many = pl.DataFrame(outcomes(by, rows.drop("kind")))
    each = pl.concat(pl.DataFrame(outcomes(by, rows[n])) for n in range(0, rows.height, 20))
    assert many.gather_every(20).equals(each)
    assert many.null_count().sum_horizontal().item() == 0
    # A row of a request says its time in another zone.
    asked = Rows(by, most=9)
    said = TABLE.drop("kind").row(1, named=True)
    moments = {"seen": said["seen"].isoformat(), "at": said["at"].astimezone(UTC).isoformat()}
    body = json.dumps({**said, **moments}).encode()
    answer = pl.DataFrame(outcomes(by, asked.table(asked.one(body))))
    assert answer.equals(many[1])

    Path("env.json").write_text(json.dumps(ENVIRONMENT), encoding="utf-8")
    card.main(params)
    text = CARD.read_text(encoding="utf-8")
    assert '- Dates: cyclic\n- Texts: {"note": "tfidf"}\n' in text
    of_columns = {"size", "weight", "colour", "note", "seen", "at"}
    assert set(pl.read_csv(IMPORTANCE)["feature"]) == of_columns


def test_hashed_texts_and_dates_are_learned_in_batches(kinds: TinyProject) -> None:
    """As scikit-learn's own partial_fit on the same parts of the table."""
    batches = {"rows": 20, "passes": 2, "on_disk": False}
    sgd = {"train__estimator": "sklearn.linear_model.SGDClassifier", "train__arguments": {}}
    params = told(kinds, "parts", "hashed", train__batches=batches, **sgd)
    prepare.main(params)
    train.main(params)
    rows, test = pl.read_parquet(TRAIN), pl.read_parquet(TEST)
    twin, truth = SGDClassifier(random_state=0), np.array(rows["kind"].to_list())
    x = matrix(rows, rows, "parts", "hashed")
    for _ in range(2):
        for start in range(0, len(x), 20):
            part = slice(start, start + 20)
            twin.partial_fit(x[part], truth[part], classes=["big", "small"])
    model = fitted()
    found = model.decision_function(features.select(test, features.fitted(model, test.schema)))
    wanted = twin.decision_function(matrix(test, rows, "parts", "hashed"))
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    with pytest.raises(ProjectError, match=r"tfidf counts the words of all rows .* to hashed"):
        told(kinds, "parts", "tfidf")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"texts": {"nota": "tfidf"}}, r"texts .* 'nota', .* did you mean 'note'"),
        ({"texts": {"size": "tfidf"}}, r"texts .* 'size', which is no text"),
        ({"texts": {"herd": "hashed"}}, r"texts .* 'herd', which is no feature"),
        ({"texts": ["note"]}, r"texts must be a mapping"),
        ({"texts": {"note": "words"}}, r"texts\.note must be 'tfidf' or 'hashed', not 'words'"),
        ({"dates": "months"}, r"dates must be 'none', 'parts' or 'cyclic'"),
        ({"dates": None}, r"dates must be 'none', 'parts' or 'cyclic'"),
    ],
    ids=str,
)
def test_a_wrong_knob_is_told_before_the_rows_are_read(
    kinds: TinyProject, changes: dict[str, Any], message: str
) -> None:
    dotted = {f"train.preprocessing.{key}": value for key, value in changes.items()}
    with pytest.raises(ProjectError, match=message):
        prepare.main(kinds.set(dotted))
    assert not TRAIN.exists()


def test_a_date_and_a_span_that_nothing_encodes_are_refused(kinds: TinyProject) -> None:
    types = pl.Schema({**TABLE.schema, "age": pl.Duration("us")})
    include = {"data__features": {"include": ["at", "age"], "exclude": []}}
    span = r"'age' is a time, which no estimator takes: derive"
    params = kinds.set({"data.features": include["data__features"]})
    date = r"'at' is a date, .* set train\.preprocessing\.dates .* to parts or cyclic"
    with pytest.raises(ProjectError, match=rf"{date}[^\n]*\n.*{span}"):
        features.choose(types, params)
    params = kinds.set({"train.preprocessing.dates": "parts"})
    with pytest.raises(ProjectError, match=rf"^{span}"):
        features.choose(types, params)
    params = kinds.set({"data.features": {"include": [], "exclude": ["herd"]}})
    assert features.choose(types, params).dates == ("seen", "at")


def test_the_example_of_the_docs_is_read(tiny: TinyProject) -> None:
    text = (PROJECT / "docs/estimators.md").read_text(encoding="utf-8")
    section = text.partition("\n## Dates and texts as features\n")[2].partition("\n## ")[0]
    said = yaml.parse(section.split("```yaml\n")[1].partition("```")[0], "docs/estimators.md")
    params = tiny.set({f"train.preprocessing.{kind}": knobs for kind, knobs in said.items()})
    assert params.train.preprocessing.dates == "parts"
    assert params.train.preprocessing.texts == {"comment": "tfidf"}


def test_a_text_without_words_is_named() -> None:
    texts = pl.DataFrame({"note": ["calm"], "signs": ["? !"]})
    with pytest.raises(ProjectError, match=r"the text 'signs' has no word .*preprocessing\.texts"):
        TextEncoder("tfidf").fit(texts)


def test_the_most_frequent_words_are_kept() -> None:
    texts = pl.DataFrame({"note": [*PHRASES, "calm"]})
    found = TextEncoder("tfidf", 3).fit(texts).transform(texts).toarray()
    wanted = TfidfVectorizer(max_features=3).fit_transform(texts["note"].to_list()).toarray()
    assert found.shape == (7, 3)
    assert np.array_equal(found, wanted)


def test_times_of_day_that_no_fitted_row_had_make_no_column() -> None:
    days = pl.DataFrame({"at": [0.0, 86_400.0, None]})
    encoder = DateEncoder("parts").fit(days)
    assert encoder.transform(pl.DataFrame({"at": [3_600.0]})).tolist() == [[1970, 1, 1, 3]]
    assert encoder.get_feature_names_out().tolist() == [
        "at_year",
        "at_month",
        "at_day",
        "at_weekday",
    ]


def test_memory_counts_the_columns_of_texts_and_dates(
    kinds: TinyProject, capsys: pytest.CaptureFixture[str]
) -> None:
    params = told(kinds, "cyclic", "hashed")
    prepare.main(params)
    chosen = features.choose_from(TRAIN, params)
    memory.check_all_rows(pl.scan_parquet(TRAIN), chosen, params)
    # 2 numbers, 4 of colours with the absent one, those of the text, at most 9 of each date
    assert f"x {2 + 4 + WORDS + 2 * 9} columns" in capsys.readouterr().out


def test_categories_keep_their_places_beside_texts_and_dates(kinds: TinyProject) -> None:
    boosting = {
        "train__estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
        "train__arguments": {"categorical_features": "from_dtype"},
        "train__preprocessing__categories__encode": "ordinal",
    }
    params = told(kinds, "parts", "hashed", **boosting)
    seen = Features(("size", "weight"), ("colour",), ("note",), ("seen",))
    made: Any = make_estimator(params.train, "classification", seen)
    assert made.categorical_features == [2]
    params = kinds.set({"train.arguments.categorical_features": ["note"]})
    with pytest.raises(ProjectError, match="'note' is no feature: they are size, weight, colour"):
        make_estimator(params.train, "classification", seen)


def test_without_them_the_bytes_are_those_of_numbers_and_categories(tiny: TinyProject) -> None:
    params = tiny.set({})
    prepare.main(params)
    train.main(params)
    rows = pl.read_parquet(TRAIN)
    categories = make_pipeline(
        SimpleImputer(missing_values=None, strategy="most_frequent"),
        OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50),
    )
    kinds = [
        ("numbers", make_pipeline(SimpleImputer(strategy="median")), ["size", "weight"]),
        ("categories", categories, ["colour"]),
    ]
    twin = Pipeline(
        [
            ("columns", ColumnTransformer(kinds, sparse_threshold=0.0)),
            ("estimator", RandomForestClassifier(5, random_state=0)),
        ]
    )
    twin.fit(rows.select("size", "weight", "colour"), np.array(rows["kind"].to_list()))
    model_file.save(twin, Path("twin.skops"))
    assert MODEL.read_bytes() == Path("twin.skops").read_bytes()
