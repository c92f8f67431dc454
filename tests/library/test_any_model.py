"""A model of a kind of the owner's: what is saved, what is refused, what comes back."""

import hashlib
import json
import pickle
import re
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import polars as pl
import pytest

from mlrepo.core import artifact, owner
from mlrepo.core.artifact import About
from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import FOLDS, TRAIN
from mlrepo.learning import saved_model
from mlrepo.learning.predictions import Predictions
from mlrepo.learning.saved_model import kinds
from mlrepo.learning.training_table import TrainingTable
from mlrepo.scoring.equivalence import compare
from mlrepo.versions.rebuild import judge
from penguins.evaluate import main as evaluate
from penguins.prepare import main as prepare

from .conftest import TinyProject

MODEL = Path("models/model.json")
SIDECAR = Path("models/model.json.sha256")
# A model that is a dict: what it says of a row is looked up by the sign of its size.
KEPT = """
import json

import numpy as np


def save(model, path):
    path.write_text(json.dumps(model), encoding="utf-8")


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def predict(model, rows):
    return np.asarray(model["says"], dtype=float)[: rows.height].reshape(model["shape"])
"""
# Says a share by the size of each row, so that it predicts tables of any length.
BY_SIZE = (
    KEPT.rpartition("def predict")[0]
    + """def predict(model, rows):
    second = 1 / (1 + np.exp(-model["slope"] * rows["size"].fill_null(0).to_numpy()))
    return second
"""
)

Kind = Callable[..., None]


@pytest.fixture
def kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kind:
    """Let model.py have this text, and dvc.yaml name this file."""

    def give(text: str = BY_SIZE, path: str = MODEL.as_posix()) -> None:
        (tmp_path / "penguins").mkdir(exist_ok=True)
        file = tmp_path / "penguins/model.py"
        file.write_text(text, encoding="utf-8")
        spec = spec_from_file_location("penguins_own_model", file)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        others = owner._module
        monkeypatch.setattr(
            owner, "_module", lambda *names: module if names[0] == "model" else others(*names)
        )
        artifacts = f"artifacts:\n  model:\n    path: {path}\n    type: model\n# {path}.sha256\n"
        Path("dvc.yaml").write_text(f"stages: {{}}\n{artifacts}", encoding="utf-8")

    return give


@pytest.fixture
def table(tiny: TinyProject) -> TrainingTable:
    params = tiny.set({"data.features": {"include": ["size"], "exclude": []}})
    prepare(params)
    return TrainingTable(TRAIN, params)


def everything() -> list[str]:
    return (
        sorted(path.name for path in Path("models").glob("**/*")) if Path("models").exists() else []
    )


def test_a_model_of_any_kind_is_scored_as_any_other(table: TrainingTable, kind: Kind) -> None:
    kind()
    saved_model.save({"slope": 1.0}, table)
    assert everything() == [MODEL.name, SIDECAR.name]
    digest = hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert SIDECAR.read_text(encoding="utf-8").splitlines()[1:] == [f"{digest}  {MODEL.name}"]
    model = saved_model.load()
    rows = pl.DataFrame({"size": [-1.0, 2.0]})
    shares = model.predict_proba(rows)
    assert shares.shape == (2, 2)
    assert shares[:, 1] == pytest.approx(1 / (1 + np.exp([1.0, -2.0])))
    assert model.predict(rows).tolist() == [model.classes_[0], model.classes_[1]]
    assert list(model.feature_names_in_) == ["size"]
    evaluate(table.params)
    assert "roc_auc" in json.loads(Path("metrics/evaluate.json").read_text("utf-8"))["test"]


def of(about: About, says: Any) -> Any:
    """Return a model that says this, whatever it is asked."""
    from mlrepo.learning.saved_model.wrapper import wrap

    class Module:
        @staticmethod
        def predict(model: Any, rows: Any) -> Any:
            return model

    return wrap(says, Module, about)  # type: ignore[arg-type]


ROWS = pl.DataFrame({"size": [1.0, 2.0, 3.0]})
NUMBERS = About("json", None, ["size"], None, False)
TWO = About("json", None, ["size"], ["a", "b"], True)
THREE = About("json", None, ["size"], [1, 2, 3], True)
LABELS = About("json", None, ["size"], ["a", "b"], False)
SHARES = [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.9, 0.1, 0.0]]


@pytest.mark.parametrize(
    ("about", "says", "predicted"),
    [
        (NUMBERS, [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
        (NUMBERS, np.array([[1], [2], [3]], np.float32), [1.0, 2.0, 3.0]),
        (TWO, [0.1, 0.9, 0.5], ["a", "b", "a"]),
        (TWO, np.array([[0.1], [0.9], [0.5]], np.float32), ["a", "b", "a"]),
        (TWO, [[0.9, 0.1], [0.1, 0.9], [0.4, 0.6]], ["a", "b", "b"]),
        (THREE, SHARES, [2, 3, 1]),
        (LABELS, ["a", "b", "a"], ["a", "b", "a"]),
    ],
)
def test_what_predict_may_return(about: About, says: Any, predicted: list[Any]) -> None:
    model = of(about, says)
    truth = np.asarray(predicted)
    said = Predictions.of(model, ROWS, truth)
    assert said.predicted.tolist() == model.predict(ROWS).tolist() == predicted
    assert (said.probabilities is not None) == about.probabilities
    assert hasattr(model, "predict_proba") == about.probabilities


@pytest.mark.parametrize(
    ("about", "says", "words"),
    [
        (NUMBERS, [1.0, 2.0], r"float64 of shape \(2,\), not numbers of shape \(3,\)"),
        (NUMBERS, ["1", "2", "3"], r"not numbers of shape \(3,\)"),
        (TWO, [1.1, 0.2, 0.3], r"not probabilities of shape \(3, 2\), each row with the sum 1"),
        (TWO, [1, 0, 1], r"int64 of shape \(3,\), not probabilities"),
        (THREE, [[0.5, 0.5]] * 3, r"shape \(3, 2\), not probabilities of shape \(3, 3\)"),
        (THREE, [[0.5, 0.1, 0.1]] * 3, "each row with the sum 1"),
        (LABELS, ["a", "b", "c"], r"not 3 of the labels \['a', 'b'\]"),
    ],
)
def test_what_predict_may_not_return(about: About, says: Any, words: str) -> None:
    model = of(about, says)
    with pytest.raises(ProjectError, match=words):
        (model.predict_proba if about.probabilities else model.predict)(ROWS)


BROKEN = {
    "writes nothing": (
        BY_SIZE.replace("path.write_text(json.dumps(model), encoding=\"utf-8\")", "pass"),
        "save of penguins/model.py has written nothing, and no model.json",
    ),
    "fails to save": (
        BY_SIZE.replace("json.dumps(model)", "model.dumps()"),
        r"save of penguins/model.py fails \(penguins/model.py, line 8\): AttributeError",
    ),
    "fails to load": (BY_SIZE.replace("json.loads(", "json.load("), "load of .* fails .*, line 12"),
    "fails to predict": (BY_SIZE.replace('rows["size"]', 'rows["width"]'), "predict of .* fails"),
    "loads another": (
        BY_SIZE.replace("return json.loads", "return {'slope': 3.0} or json.loads"),
        "comes back from its file changed: .* Nothing was saved",
    ),
    "no load": (
        BY_SIZE.replace("def load", "def load_it"),
        "has save and predict and no load: save and load belong together",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_kept_is_told_and_nothing_is_written(
    case: str, table: TrainingTable, kind: Kind
) -> None:
    kind()
    saved_model.save({"slope": 1.0}, table)
    before = MODEL.read_bytes(), SIDECAR.read_bytes()
    text, words = BROKEN[case]
    kind(text)
    with pytest.raises(ProjectError, match=words) as told:
        saved_model.save({"slope": 2.0}, table)
    assert "Traceback" not in str(told.value)
    assert (MODEL.read_bytes(), SIDECAR.read_bytes()) == before
    assert everything() == [MODEL.name, SIDECAR.name]


def test_the_name_of_the_file_tells_whose_kind_it_is(table: TrainingTable, kind: Kind) -> None:
    kind(path="models/model.skops")
    with pytest.raises(ProjectError, match="which is the name of a skops file: give it another"):
        saved_model.save({"slope": 1.0}, table)
    kind("def build(params, features): ...")
    with pytest.raises(ProjectError, match="has no save and load for it: write them"):
        saved_model.save({"slope": 1.0}, table)
    assert everything() == []


def test_a_threshold_is_not_for_it(tiny: TinyProject, table: TrainingTable, kind: Kind) -> None:
    kind()
    table.params = tiny.set({"train.threshold": 0.4})
    with pytest.raises(ProjectError, match=r"train\.threshold in params\.yaml is not for a model"):
        saved_model.save({"slope": 1.0}, table)


FILES = (
    BY_SIZE.replace("path.write_text(json", '(path / "b.json").write_text(json')
    .replace("path.read_text(", '(path / "b.json").read_text(')
    .replace(
        "def load", "    (path / 'a').mkdir()\n    (path / 'a/c.txt').write_text('c')\n\n\ndef load"
    )
)


def test_several_files_are_one_archive_of_the_same_bytes(table: TrainingTable, kind: Kind) -> None:
    kind(FILES, "models/model.zip")
    archives = []
    for _ in range(2):
        saved_model.save({"slope": 1.0}, table)
        archives.append(Path("models/model.zip").read_bytes())
    assert archives[0] == archives[1]
    with ZipFile("models/model.zip") as archive:
        infos = archive.infolist()
    assert [info.filename for info in infos] == ["a/c.txt", "b.json"]
    assert {info.date_time[:3] for info in infos} == {(1980, 1, 1)}
    assert {info.compress_type for info in infos} == {ZIP_STORED}
    assert saved_model.load().predict(pl.DataFrame({"size": [9.0]})).size == 1
    _, about = artifact.read_sidecar(Path("models/model.zip"))
    assert about == About(
        "zip of json, txt", None, ["size"], about.classes if about else None, True
    )


class Mark:
    """Writes a file when it is loaded."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("mark"),)


PICKLED = BY_SIZE.replace("path.write_text(json.dumps(model), encoding=\"utf-8\")",
    "import pickle\n    path.write_bytes(pickle.dumps(model))").replace(
    'json.loads(path.read_text(encoding="utf-8"))',
    "__import__('pickle').loads(path.read_bytes())")  # fmt: skip


@pytest.mark.parametrize("change", ["the model", "the SHA-256", "what is said of it", "all of it"])
def test_another_file_is_not_opened(table: TrainingTable, kind: Kind, change: str) -> None:
    path = Path("models/model.pkl")
    kind(PICKLED, path.as_posix())
    saved_model.save({"slope": 1.0}, table)
    _, about = artifact.read_sidecar(path)
    assert about is not None
    assert about.runs_code == "model.pkl is a pickle; model.py uses pickle"
    beside, recorded = artifact.sidecar(path), hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(pickle.dumps(Mark()))
    if change == "the SHA-256":
        beside.unlink()
    if change == "what is said of it":
        beside.write_text(f"{artifact.sha256_of(path)}  {path.name}\n", encoding="utf-8")
    if change == "all of it":  # where the SHA-256 is known from elsewhere, as that of a version
        text = artifact.sidecar_text(path, artifact.sha256_of(path), about)
        beside.write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError):
        saved_model.load(path, recorded=recorded if change == "all of it" else None)
    assert not Path("mark").exists()
    pickle.loads(path.read_bytes())
    assert Path("mark").exists()  # it would have told


def written(name: str, content: bytes) -> Path:
    path = Path(name)
    path.write_bytes(content)
    return path


@pytest.mark.usefixtures("folder_of_its_own")
@pytest.mark.parametrize(
    ("name", "content", "code", "why"),
    [
        ("model.ubj", b"{}", "", None),
        ("model.txt", b"tree", "import json", None),
        ("model.h5", b"\x89HDF", "", None),
        ("model.h5", b'{"class_name": "Lambda"}', "", "model.h5 has a Lambda layer"),
        ("model.json", pickle.dumps([1]), "", "model.json is a pickle"),
        ("model.joblib", b"", "", "model.joblib is a pickle"),
        ("model", b"", "", "model is of no format that is known to hold data alone"),
        ("model.pkl.gz", b"", "", "model.pkl.gz is of no format that is known to hold data alone"),
        ("model.npz", b"", "np.load(path, allow_pickle=True)", "model.py uses allow_pickle=True"),
        ("model.json", b"{}", "from joblib import load", "model.py uses joblib"),
        ("model.json", b"{}", "model.evaluate()", None),
    ],
)  # fmt: skip
def test_what_can_run_code_is_told(name: str, content: bytes, code: str, why: str | None) -> None:
    assert kinds.describe(written(name, content), code)[1] == why


@pytest.mark.usefixtures("folder_of_its_own")
def test_a_pickle_inside_an_archive_is_found() -> None:
    with ZipFile("model.zip", "w") as archive:
        archive.writestr("a.json", "{}")
        archive.writestr("b.pkl", pickle.dumps([1]))
    assert kinds.describe(Path("model.zip"), "") == ("zip of json, pkl", "b.pkl is a pickle")


NAMES = [MODEL, SIDECAR, FOLDS]
PAGE = Path("penguins/train.py")


def leaving(
    table: TrainingTable, *names: Path, scores: str = '{"cv": {}}'
) -> Callable[[Any], None]:
    """Return a page that leaves some of what it must, the model and its SHA-256 together."""

    def main(params: Any) -> None:
        if SIDECAR in names:
            saved_model.save({"slope": 1.0}, table)
        elif MODEL in names:
            written(MODEL.as_posix(), b"{}")
        if FOLDS in names:
            written(FOLDS.as_posix(), scores.encode())

    return main


@pytest.mark.parametrize(
    ("names", "scores", "words"),
    [
        ([], "", ["models/model.json is missing", f"{SIDECAR} is missing", f"{FOLDS} is missing"]),
        ([FOLDS], '{"cv": {}}', ["models/model.json is missing", f"{SIDECAR} is missing"]),
        ([MODEL, FOLDS], '{"cv": {}}', [f"{SIDECAR} is missing"]),
        ([MODEL, SIDECAR], "", [f"{FOLDS} is missing"]),
        (NAMES, '{"cv": {"rmse": "low"}}', [f"{FOLDS} does not hold"]),
        (NAMES, "scores", [f"{FOLDS} does not hold"]),
    ],
)
def test_a_page_that_leaves_too_little_is_told(
    table: TrainingTable, kind: Kind, names: list[Path], scores: str, words: list[str]
) -> None:
    kind()
    Path("models").mkdir()
    page = artifact.checked(leaving(table, *names, scores=scores), PAGE)
    with pytest.raises(ProjectError) as told:
        page(table.params)
    first, *lines = str(told.value).splitlines()
    assert first == "penguins/train.py has not left what *train* must leave:"
    for each in words:
        assert any(each in line for line in lines)
    assert not any(path.exists() for path in NAMES)
    aside = [Path(found) for found in re.findall(r"\S+\.unfinished\.partial", str(told.value))]
    assert sorted(path.name.split(".unfinished")[0][1:] for path in aside) == sorted(
        path.name for path in names
    )
    assert all(path.exists() for path in aside)


def test_a_page_that_leaves_all_is_believed_once(table: TrainingTable, kind: Kind) -> None:
    kind()
    artifact.checked(leaving(table, *NAMES), PAGE)(table.params)
    before = [path.read_bytes() for path in NAMES]
    with pytest.raises(ProjectError, match=r"models/model\.json is of an earlier run"):
        artifact.checked(leaving(table), PAGE)(table.params)
    assert [path.read_bytes() for path in NAMES] == before


def test_a_page_that_fails_leaves_nothing_of_its_own(table: TrainingTable, kind: Kind) -> None:
    kind()
    artifact.checked(leaving(table, *NAMES), PAGE)(table.params)

    def main(params: Any) -> None:
        leaving(table, FOLDS)(params)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        artifact.checked(main, PAGE)(table.params)
    assert not FOLDS.exists()
    assert MODEL.exists()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("artifacts:\n  model:\n    path: models/a.ubj\n", "models/a.ubj"),
        ("artifacts:\n# Ours\n  net:\n    desc: x\n\n    path: a-b.zip\nplots: []\n", "a-b.zip"),
        ("artifacts: {model: {path: 'b c.txt'}}\nstages: {train: {outs: [b c.txt]}}\n", "b c.txt"),
        (
            "artifacts:\n  a:\n    path: a.pkl\n  b:\n    path: b.pkl\n"
            "stages:\n  train:\n    outs: [x, b.pkl: {cache: true}]\n",
            "b.pkl",
        ),
        ("stages: {}\n", "models/model.skops"),
    ],
)
@pytest.mark.usefixtures("folder_of_its_own")
def test_dvc_yaml_says_which_file_it_is(text: str, path: str) -> None:
    assert artifact.path() == Path("models/model.skops")
    Path("dvc.yaml").write_text(text, encoding="utf-8")
    assert artifact.path() == Path(path)


def test_a_bound_decides_where_bytes_cannot_repeat(table: TrainingTable, kind: Kind) -> None:
    kind()
    found = {}
    for name, slope in (("old", 1.0), ("new", 1.000001)):
        saved_model.save({"slope": slope}, table)
        for path in (MODEL, SIDECAR):
            Path(name).mkdir(exist_ok=True)
            (Path(name) / path.name).write_bytes(path.read_bytes())
    files = Path("old", MODEL.name), Path("new", MODEL.name), TRAIN
    for bound in ("", "\nREPEATS_WITHIN = 1e-5\n", "\nREPEATS_WITHIN = 1e-12\n"):
        kind(BY_SIZE + bound)
        found[bound] = compare(*files)
    assert [each["agrees"] for each in found.values()] == [False, True, False]
    assert [each.get("bound") for each in found.values()] == [None, 1e-5, 1e-12]
    assert judge(True, [], True, 1e-5)[0] == "equivalent"
    assert judge(True, ["metrics/evaluate.json"], True, 1e-5)[0] == "different"
    assert judge(False, [], False, 1e-5)[0] == "different"
    assert judge(True, [], True)[0] == "different"
