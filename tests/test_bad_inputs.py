"""What a user can get wrong: each mistake ends with one message, and no output is touched."""

import hashlib
import pickle
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Project
from spoil import MODEL, Spoil, all_of, flip_a_byte, model, params, remove, swap, write

RAW, PARAMS, SCHEMA = "data/raw/penguins.csv", "params.yaml", "schema.yaml"
TRAIN, TEST = "data/prepared/train.parquet", "data/prepared/test.parquet"
HEADER = b"species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n"
SEX = {"enum": r"enum: \[female, male\]"}

OTHER_SPLIT = params({"prepare.split.seed": 1})
# For a stage that would fit or score at length before it meets the mistake.
QUICK = params(
    {
        "train.arguments": {"n_estimators": 3},
        "train.cross_validation": 0,
        "evaluate.intervals.resamples": 100,
        "evaluate.importance_repeats": 1,
    }
)


@dataclass(frozen=True)
class Bad:
    """A mistake, the stage that meets it, and what its message must say."""

    what: str
    stage: str
    spoil: Spoil
    says: tuple[str, ...]


def split(method: str, column: str | None = None, size: float = 0.25) -> Spoil:
    return params(
        {
            "prepare.split": {
                "method": method,
                "column": column,
                "test_size": size,
                "seed": 0,
                "equal_features": "apart",
            }
        }
    )


def fit(name: str, **arguments: object) -> Spoil:
    return params({"train.estimator": name, "train.arguments": arguments})


BAD = [
    # The table
    Bad("missing file", "prepare", remove(RAW), (f"{RAW} does not exist", "model pull")),
    Bad("empty file", "prepare", write(RAW, b""), (f"{RAW} is empty",)),
    Bad("header only", "prepare", write(RAW, HEADER), ("has a header and no rows",)),
    Bad("wrong delimiter", "prepare", swap(RAW, ",", ";"), ("a semicolon", "data.csv.separator")),
    Bad("tabs", "prepare", swap(RAW, ",", "\t"), ("separated by a tab", r"'\t'")),
    Bad(
        "header in Latin-1",
        "prepare",
        swap(RAW, "species", "espèces", encoding="latin-1"),
        (f"{RAW} is not in utf-8 (line 1)", "set data.csv.encoding in params.yaml"),
    ),
    Bad(
        "a value in Latin-1",
        "prepare",
        swap(RAW, "^Gentoo", "Géntoo", 1, "latin-1"),
        (f"{RAW} is not in utf-8 (line 154)", "set data.csv.encoding in params.yaml"),
    ),
    Bad("UTF-16", "prepare", swap(RAW, "A", "A", encoding="utf-16"), ("is not in utf-8", "perhaps to utf-16")),
    Bad("duplicate columns", "prepare", swap(RAW, "island", "year", 1), ("two columns named 'year'",)),
    Bad("a line too long", "prepare", swap(RAW, "2007$", "2007,1", 1), ("line 2 has 9 values, the header 8",)),
    Bad("a line too short", "prepare", swap(RAW, ",2007$", "", 1), ("line 2 has 7 values, the header 8",)),
    Bad(
        "a line too short for an empty value",
        "prepare",
        all_of(swap(RAW, r"\A((?:.*\n){3}.*),2007$", r"\1", 1), swap(SCHEMA, "maximum: 2009", "maximum: 2009, maxMissing: 1")),
        ("line 4 has 7 values, the header 8",),
    ),
    Bad("unclosed quote", "prepare", swap(RAW, "^Gentoo", '"Gentoo', 1), ("never ends", "line 154")),
    Bad("infinite values", "prepare", swap(RAW, "39.1", "inf", 1), ("'bill_length_mm': 1 of 344", "infinite")),
    Bad("all-missing column", "prepare", swap(RAW, ",(Torgersen|Biscoe|Dream),", ",NA,"), ("'island': 100.00%",)),
    Bad("text in a number column", "prepare", swap(RAW, "39.1", "long", 1), ("no number", "'long'")),
    Bad("a column too few", "prepare", swap(RAW, ",[^,]*$", ""), ("['year'], which the table lacks",)),
    Bad("a column too many", "prepare", swap(RAW, "$(?<=.)", ",1"), ("which the schema lacks", "model schema --force")),
    Bad("a value that is not allowed", "prepare", swap(RAW, "Dream", "Drem", 1), ("'island': 1 of 344", "'Drem'")),
    Bad("missing target column", "prepare", params({"data.target": "gender"}), ("data.target", "'gender'")),
    Bad("misspelt names", "prepare", params({"data.target": "sax", "evaluate.slices": ["specis"]}), ("did you mean 'sex'", "did you mean 'species'")),
    Bad("constant target", "prepare", swap(RAW, "female", "male"), ("'sex' is the same in every row",)),
    Bad(
        "target with missing values",
        "prepare",
        params({"prepare.drop_missing_target": False}),
        ("11 rows have no target 'sex'", "drop_missing_target"),
    ),
    Bad(
        "a class with one row",
        "prepare",
        all_of(swap(RAW, ",male", ",other", 1), swap(SCHEMA, "female, male", "female, male, other")),
        ("the class 'other' of 'sex' has one row",),
    ),
    Bad("a damaged Parquet file", "prepare", all_of(write("data/raw/t.parquet", b"PAR1"), params({"data.path": "data/raw/t.parquet"})), ("t.parquet is no Parquet file",)),
    Bad("no schema", "prepare", remove(SCHEMA), ("schema.yaml does not exist", "model schema")),
    # params.yaml
    Bad("wrong type", "prepare", params({"prepare.split.seed": "one"}), ("prepare.split.seed must be", "'one'")),
    Bad("unknown key", "prepare", params({"train.sed": 1}), ("train.sed is no key", "did you mean 'seed'?")),
    Bad("missing key", "prepare", swap(PARAMS, "^  task: .*", ""), ("data.task is missing",)),
    Bad("broken YAML", "prepare", swap(PARAMS, "^  task: ", "  task: ["), ("params.yaml is not valid YAML: line",)),
    Bad("test size of 1", "prepare", split("random", size=1.0), ("prepare.split.test_size", "less than 1")),
    Bad("test size too small", "prepare", split("random", size=1e-9), ("no row in test", "prepare.split")),
    Bad("group column missing", "prepare", split("group", "herd"), ("'herd', which the table lacks",)),
    Bad("time column missing", "prepare", split("time", "when"), ("'when', which the table lacks",)),
    Bad("stratified regression", "prepare", params({"data.task": "regression", "data.target": "year", "train.estimator": "sklearn.ensemble.RandomForestRegressor"}), ("'stratified' is for classification",)),
    Bad("no feature left", "train", params({"data.features.exclude": HEADER.decode().strip().split(",")}), ("no feature is left", "data.features")),
    Bad("a feature that is not there", "train", params({"data.features.include": ["bill"]}), ("'bill', which the table lacks",)),
    # The estimator
    Bad("unknown module", "train", fit("sklearn.forest.Forest"), ("'sklearn.forest.Forest' is not there",)),
    Bad("unknown class", "train", fit("sklearn.svm.SVV"), ("sklearn.svm has no SVV", "did you mean 'SV")),
    Bad("another task", "train", fit("sklearn.svm.SVR"), ("is no classification estimator", "data.task")),
    Bad("unknown keyword", "train", fit("sklearn.svm.SVC", gama=1), ("no keyword 'gama'", "'gamma'")),
    Bad("wrong keyword value", "train", fit("sklearn.svm.SVC", C=-1), ("SVC cannot be fitted", "'C'", "train.arguments")),
    Bad("too many folds", "train", params({"train.cross_validation": 200}), ("train.cross_validation",)),
    # Outputs of earlier stages
    Bad("no prepared table", "train", remove(TRAIN), (f"{TRAIN} does not exist", "dvc repro")),
    Bad("a damaged table", "evaluate", write(TEST, b"PAR1 PAR1"), (f"{TEST} is damaged", "dvc checkout")),
    Bad("no model", "evaluate", remove(MODEL), (f"{MODEL} is missing", "dvc checkout")),
    Bad("a tampered model", "evaluate", flip_a_byte(MODEL), ("is not the file that was saved", "dvc checkout")),
    Bad("a pickle as the model", "evaluate", model(pickle.dumps([1])), ("is no skops file",)),
    Bad("a slice that is not there", "evaluate", params({"evaluate.slices": ["colour"]}), ("evaluate.slices", "'colour'")),
    # The environment
    Bad("a drifted environment", "train", swap("env.json", '"polars": "[^"]*"', '"polars": "1.0.0"'), ("polars", "is installed, env.json has 1.0.0", "uv sync")),
    Bad("no environment", "prepare", remove("env.json"), ("env.json does not exist", "run `python -m mlrepo.core.environment`")),
]  # fmt: skip


def outputs(folder: Path) -> dict[str, str]:
    places = ("data/prepared", "models", "metrics", "reports", "dvc.lock")
    files = [path for place in places for path in [folder / place, *(folder / place).rglob("*")]]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file()
    }


@pytest.fixture
def copy(project: Project, tmp_path: Path) -> Path:
    target = tmp_path / "penguins"
    shutil.copytree(project.path, target, ignore=shutil.ignore_patterns(".venv", ".git"))
    return target


def python(project: Project, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return project.run("python", *arguments, cwd=folder, check=False)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.what)
def test_a_mistake_ends_with_one_message(bad: Bad, project: Project, copy: Path) -> None:
    bad.spoil(copy)
    before = outputs(copy)
    result = python(project, copy, "-m", "mlrepo", bad.stage)
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr
    assert not [words for words in bad.says if words not in result.stderr], result.stderr
    assert outputs(copy) == before
    assert not list(copy.rglob("*.partial"))
