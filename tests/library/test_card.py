"""MODEL_CARD.md: what it says, for whatever names and values, and that it is always the same."""

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sklearn import metrics as sk

from mlrepo.core import markdown, yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import CARD, MODEL, SCORES, TEST, TRAIN
from mlrepo.learning import model_file
from mlrepo.scoring import card
from penguins.card import main as write

from .conftest import TinyProject, tiny_table
from .test_stages import run

ENVIRONMENT = {
    "python": "3.12",
    "mlrepo": "mlrepo 1.0.0, as released",
    "closures": {
        "numpy": {"numpy": "2.4.0"},
        "scikit-learn": {"numpy": "2.4.0", "scikit-learn": "1.9.1", "scipy": "1.17.0"},
        "estimator": {"lightgbm": "4.6.0", "numpy": "2.4.0", "scipy": "1.17.0"},
    },
}
HOSTILE = "a|b`c\n*d* \\_e [f](g) <h> $i$"


def written(params: LibraryParams) -> tuple[dict[str, Any], str]:
    """Run the pipeline and return the head of the card and the text below it."""
    run(params)
    Path("env.json").write_text(json.dumps(ENVIRONMENT), encoding="utf-8")
    write(params)
    text = CARD.read_text(encoding="utf-8")
    assert text == card.card(params)
    _, head, body = text.split("---\n", 2)
    return yaml.parse(head, "head"), body


def rendered(text: str) -> str:
    """Return what a reader sees of escaped text."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


def cells(line: str) -> list[str]:
    """Return what a reader sees in the cells of a line of a table."""
    return [rendered(cell).strip() for cell in re.split(r"(?<!\\)(?:\\\\)*\|", line)[1:-1]]


def test_a_classifiers_card_has_the_facts(tiny: TinyProject) -> None:
    said = {
        "purpose": "To try\nthings.",
        "owner": "Us",
        "data": {"source": "A table: made up", "licence": "CC0-1.0"},
        "limits": ["Not for cows.", "- nor pigs"],
    }
    head, body = written(tiny.set({"card": said, "train.cross_validation": 3}))
    metrics = json.loads(Path("metrics/evaluate.json").read_text(encoding="utf-8"))["test"]

    assert head["library_name"] == "sklearn"
    assert head["pipeline_tag"] == "tabular-classification"
    [result] = head["model-index"][0]["results"]
    assert result["dataset"]["name"] == "A table: made up"
    assert {each["type"]: each["value"] for each in result["metrics"]} == metrics

    digest = Path("models/model.skops.sha256").read_text(encoding="utf-8").split()[0]
    prepared = json.loads(Path("metrics/prepare.json").read_text(encoding="utf-8"))
    rows, share = prepared["rows"], prepared["split"]["test_share"]
    assert share != 0.3
    for fact in (
        "\nTo try things.\n",
        "- Predicts: kind (classification)",
        'sklearn.ensemble.RandomForestClassifier, {"n_estimators": 5}, seed 0',
        "- Owner: Us",
        "- Source: A table: made up",
        "- Licence: CC0-1.0",
        f"- Rows: 80, of them 0 left out without a target, {rows['train']} for training",
        f"- Split: random, test share {share:g}, where 0.3 was asked for, seed 0\n",
        "mean ± deviation of 3 folds",
        "Intervals: 95%, by the methods of docs/intervals.md.",
        "- Python 3.12",
        "numpy 2.4.0, scikit-learn 1.9.1, lightgbm 4.6.0;",
        "- Library: mlrepo 1.0.0, as released",
        "- Arithmetic: pinned",
        "- Not for cows.\n- \\- nor pigs",
        f"`{digest}`",
    ):
        assert fact in body
    features = re.search(r"most important first: (.*)", body)
    assert features
    importance = pl.read_csv("reports/plots/importance.csv")
    assert set(importance["feature"]) == {"size", "weight", "colour"}
    in_order = importance.sort("mean", descending=True, maintain_order=True)["feature"]
    assert features[1].split(", ") == in_order.to_list()


def test_test_rows_like_train_rows_are_counted(tiny: TinyProject) -> None:
    """A green one that is alone is like none, and so are some of two colours."""
    table = tiny_table().with_columns(size=pl.col("id") % 8, weight=pl.lit(1.0))
    table.write_csv("table.csv")
    tiny.propose()
    _, body = written(tiny.set({}))
    columns = ["size", "weight", "colour"]
    train, test = (pl.read_parquet(path).select(columns).rows() for path in (TRAIN, TEST))
    like = sum(row in train for row in test)
    assert 0 < like < len(test)
    assert f"- Test rows that have the features of a train row: {like}\n" in body


def test_a_regressors_card_has_its_metrics(tiny: TinyProject) -> None:
    tree = {"train.estimator": "sklearn.tree.DecisionTreeRegressor", "train.arguments": {}}
    of_size = {"data.task": "regression", "data.target": "size", "numerics.pinned": False}
    head, body = written(tiny.set({**tree, **of_size, "card.limits": []}))
    assert head["tags"] == ["sklearn", "skops", "tabular-regression"]
    metrics = [each["type"] for each in head["model-index"][0]["results"][0]["metrics"]]
    assert metrics == ["rmse", "mae", "r2", "median_absolute_error"]
    assert "- Arithmetic: not pinned" in body
    assert "## Limits\n\nNobody has stated any.\n" in body
    assert "slice" not in body
    assert "folds" not in body


@pytest.mark.parametrize(("task", "worst"), [("classification", "red"), ("regression", "blue")])
def test_the_worst_slice_is_named(tiny: TinyProject, task: str, worst: str) -> None:
    written(tiny.set({}))
    metric = {"classification": "accuracy", "regression": "rmse"}[task]
    better = {"classification": "larger", "regression": "smaller"}[task]
    lines = ["slice,value,rows,metric,estimate,low,high,method,constant,better"]
    lines += [f",,9,{metric},0.7,,,too few rows,,{better}"]
    lines += [f"colour,red,10,{metric},0.5,0.4,0.6,score interval,0.55,{better}"]
    lines += [f"colour,blue,11,{metric},0.9,,,too few rows,,{better}"]
    # One row right or wrong decides what these are.
    lines += [f"colour,green,9,{metric},0.0,,,too few rows,0.3,{better}"]
    lines += [f"colour,pink,2,{metric},1.0,,,too few rows,0.3,{better}"]
    Path("reports/scores.csv").write_text("\n".join(lines), encoding="utf-8")
    body = card.card(tiny.set({"data.task": task}))
    assert "| none: too few rows |" in body
    value = {"red": "0.500", "blue": "0.900"}[worst]
    assert f"Worst slice of 10 rows or more by {metric}: colour {worst}, {value}. After" in body
    table = [cells(line) for line in body.splitlines() if line.startswith("| colour")]
    assert table == [
        ["colour", "red", "10", "0.500 (0.400 to 0.600) / 0.550"],
        ["colour", "blue", "11", "0.900"],
        ["colour", "green", "9", "0.000 / 0.300"],
        ["colour", "pink", "2", "1.000 / 0.300"],
    ]
    few = [line for line in lines if ",10," not in line and ",11," not in line]
    Path("reports/scores.csv").write_text("\n".join(few), encoding="utf-8")
    body = card.card(tiny.set({}))
    assert f"No slice of 10 rows or more has a score by {metric}." in body
    assert len([line for line in body.splitlines() if line.startswith("| colour")]) == 2


def test_hostile_names_stay_what_they_are(tiny: TinyProject) -> None:
    colours = tiny_table()["colour"].fill_null(HOSTILE)
    table = tiny_table().rename({"weight": HOSTILE}).with_columns(colours)
    table.write_parquet("table.parquet")
    tiny.set({"data.path": "table.parquet"})
    tiny.propose()
    said = {"card.purpose": f"# {HOSTILE}", "card.data.source": HOSTILE}
    head, body = written(tiny.set({"evaluate.slices": ["colour"], **said}))
    assert head["model-index"][0]["results"][0]["dataset"]["name"] == HOSTILE

    shown = HOSTILE.replace("\n", "\\n")
    features = re.search(r"most important first: (.*)", body)
    assert features
    assert shown in rendered(features[1])
    lines = [cells(line) for line in body.splitlines() if line.startswith("| colour")]
    assert shown in [line[1] for line in lines]
    assert len({len(line) for line in lines}) == 1
    assert len([line for line in body.splitlines() if line.startswith("# ")]) == 1


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("bill_length_mm", "bill_length_mm"),
        ("_emphasis_", r"\_emphasis\_"),
        ("__strong__", r"\_\_strong\_\_"),
        ("1. item", r"1\. item"),
        ("-0.5", "-0.5"),
        ("## x", r"#\# x"),
        ("a|b", r"a\|b"),
        (r"a\|b", r"a\\\|b"),
        ("a\r\nb", r"a\\r\\nb"),
        ("a\u202eb", r"a\\u202eb"),
        ("Gewöhnlich 数", "Gewöhnlich 数"),
    ],
)
def test_markup_is_escaped_and_nothing_else(value: str, escaped: str) -> None:
    assert markdown.escape(value) == escaped


def test_two_runs_write_the_same_bytes(tiny: TinyProject) -> None:
    written(tiny.set({}))
    first = CARD.read_bytes()
    CARD.unlink()
    write(tiny.set({}))
    assert CARD.read_bytes() == first
    assert b"\r" not in first


def test_it_says_nothing_of_when_and_where(tiny: TinyProject, tmp_path: Path) -> None:
    _, body = written(tiny.set({}))
    assert not re.search(r"\d{4}-\d\d|\d\d:\d\d", body)
    assert str(tmp_path) not in body


def test_a_missing_file_is_told_and_the_old_card_stays(tiny: TinyProject) -> None:
    written(tiny.set({}))
    before = CARD.read_bytes()
    Path("reports/scores.csv").unlink()
    with pytest.raises(ProjectError, match=r"scores\.csv does not exist: `dvc repro` makes it"):
        write(tiny.set({"card.limits": []}))
    assert CARD.read_bytes() == before


def test_scores_of_an_earlier_version_are_told(tiny: TinyProject) -> None:
    params = tiny.set({})
    run(params)
    Path("env.json").write_text(json.dumps(ENVIRONMENT), encoding="utf-8")
    text = SCORES.read_text(encoding="utf-8")
    SCORES.write_text(text.replace(",method,", ",means,", 1), encoding="utf-8")
    with pytest.raises(ProjectError, match="earlier version of mlrepo: run `dvc repro`"):
        write(params)


def test_precision_and_recall_stand_over_thresholds(tiny: TinyProject) -> None:
    tuned = {"train.cross_validation": 3, "train.threshold": {"tune": "f1_macro"}}
    _, body = written(tiny.set({**tuned, "train.arguments": {"n_estimators": 40}}))
    chosen = json.loads(Path("metrics/cross_validation.json").read_text("utf-8"))["threshold"]
    assert f"- Decision threshold: {chosen}\n" in body
    head = "Where the score of small is at least the threshold, on the test rows:"
    table = body.partition(head)[2].split("\n\n")[1].splitlines()
    assert cells(table[0]) == ["threshold", "recall", "precision"]
    model: Any = model_file.load(MODEL)
    test = pl.read_parquet(TEST)
    truth, scores = test["kind"].to_numpy() == "small", model.predict_proba(test)[:, 1]
    limits = []
    for line in table[2:]:
        limit, recall, precision = map(float, cells(line))
        said = scores >= limit
        assert recall == pytest.approx(sk.recall_score(truth, said), abs=0.0005)
        assert precision == pytest.approx(sk.precision_score(truth, said), abs=0.0005)
        limits.append(limit)
    assert limits == sorted(set(limits))
    assert len(limits) > 4
    assert "picked by this table is picked on test rows" in body.partition(head)[2]
    # Of three classes each has a threshold of its own, and a curve that `dvc plots` draws.
    tiny.set({"train.threshold": None, "data.target": "colour"})
    assert "is at least the threshold" not in written(tiny.set({}))[1]
