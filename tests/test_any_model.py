"""Each example of docs/models.md, as it stands there, through the life of a model."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Project, run
from helpers import Copy, copy_project, in_long_form, own_environment, sha256
from pages import console, follow, page, section
from releases import RAW, Released, copied
from serving import GOOD, serving

PAGE = page("docs/models.md")
OWN_CLASS = "An estimator class of your own"
TWO_FILES = "Two files: a network and its vocabulary"
PICKLE = "A pickled statsmodels result"
# title -> the kind of its file, whether it can run code, and a param by which v1.1.0 differs
EXAMPLES: dict[str, tuple[str, bool, dict[str, Any]]] = {
    OWN_CLASS: ("skops", False, {"train.arguments": {"sharpness": 1.5}}),
    TWO_FILES: ("zip of json, npz", False, {"train.seed": 1}),
    "xgboost's own file, with early stopping": ("ubj", False, {"train.seed": 1}),
    "LightGBM's text file": ("txt", False, {"train.seed": 1}),
    "A Keras network": ("h5", False, {"train.seed": 1}),
    PICKLE: ("pkl", True, {"train.arguments": {"maxiter": 40}}),
}
QUICK = {
    "train.cross_validation": 0,
    "evaluate.intervals.resamples": 100,
    "evaluate.importance_repeats": 1,
}
LINES = 60  # of the owner


def written(project: Project, folder: Path, title: str) -> Released:
    """Do what a part of the page says in a copy of the project that nobody else changed."""
    part = section(PAGE, title)
    commands = console(part)
    made = project
    if any(line.startswith("uv add") for line in commands):
        made = own_environment(project, folder / "penguins")
        copy = Copy(made.path, made)
    else:
        copy = copy_project(project, folder / "penguins")
    released = Released(copy.path, made)
    for line in commands:
        released.run("sh", "-c", line)
    files = follow(released.path, part)
    owners = [f.read_text("utf-8") for f in files if f.suffix == ".py" and "all of it" in part]
    assert len([line for text in owners for line in text.splitlines() if line.strip()]) <= LINES
    released.run("git", "init", "--quiet", "--bare", str(released.origin))
    released.run("git", "remote", "add", "origin", "../origin.git")
    return released


@pytest.mark.parametrize(
    "title",
    [pytest.param(title, marks=() if title == TWO_FILES else in_long_form) for title in EXAMPLES],
)
def test_an_example_goes_through_the_life_of_a_model(
    mlflow_project: Project, tmp_path: Path, title: str
) -> None:
    kind, runs_code, other = EXAMPLES[title]
    copy = written(mlflow_project, tmp_path, title)
    if title == OWN_CLASS:
        copy.run("mypy")
    copy.ready(title, QUICK)
    # One mean for each sex says little, as three species are of three sizes.
    least = 0.55 if title == OWN_CLASS else 0.75
    assert copy.read("metrics/evaluate.json")["test"]["accuracy"] > least
    card = (copy.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert kind in card
    assert ("can run any code" in card) == runs_code
    path = yaml.safe_load((copy.path / "dvc.yaml").read_text("utf-8"))["artifacts"]["model"]["path"]
    beside = copy.path / f"{path}.sha256"
    run("sha256sum", "-c", beside.name, cwd=beside.parent, environment=copy.project.active())
    copy.model("register", "-m", "The first one")
    record = copy.record("v1")["architecture"]
    assert record.get("kind", "skops") == kind
    assert bool(record.get("runs_code")) == runs_code
    assert record["classes"] == ["female", "male"]
    copy.model("promote", "v1", "prod", "-m", "To use it")

    copy.ready("Another one", other)
    copy.model("register", "-m", "Another one")
    promoted = copy.model("promote", "v1.1", "prod", "-m", "Why", "--override", "Whatever it says")
    assert "roc_auc on" in promoted.stdout + promoted.stderr
    assert "model" in copy.json("diff", "v1", "v1.1")
    copy.model("predict", RAW, "-o", "here.csv")
    copy.model("predict", RAW, "-o", "before.csv", "--version", "v1")
    here, before = copy.lines("here.csv"), copy.lines("before.csv")
    assert here[0].endswith(
        "prediction,probability_female,probability_male,model_version,model_sha256"
    )
    assert len(here) == len(before) == 345
    assert here[1] != before[1]

    verified = copy.json("verify", "v1", "--rebuild")
    assert verified["rebuild"]["verdict"] == "identical"
    assert verified["not_checked"] == {}
    copy.model("rollback", "prod", "-m", "The first one was better")
    copy.model("get", "prod", "-o", "../out")
    out = copy.path.parent / "out"
    run(
        "python",
        "predict.py",
        "example.csv",
        "-o",
        "said.csv",
        cwd=out,
        environment=copy.project.active(),
    )
    assert (out / "said.csv").read_text(encoding="utf-8").count("v1.0.0") >= 1
    with serving(copy) as service:
        said = service.client().ask("/predict", GOOD)
        assert said.status == 200
        assert b"v1.0.0" in said.body


BY_PICKLE = '''

def save(model: Any, path: Path) -> None:
    """Write a pickle."""
    path.write_bytes(pickle.dumps(model))


def load(path: Path) -> Any:
    """Read it, which runs what it says."""
    return pickle.loads(path.read_bytes())
'''


class Mark:
    """Writes a file when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self) -> Any:
        return open, (self.mark, "w")


@pytest.fixture(scope="module")
def pickled(mlflow_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """v1.0.0 in prod and staging, and v1.1.0, whose models are pickles of a Pipeline."""
    copy = Released(
        copy_project(mlflow_project, tmp_path_factory.mktemp("pickled") / "penguins").path,
        mlflow_project,
    )
    copy.edit(
        "penguins/model.py",
        "from typing import Any\n",
        "import pickle\nfrom pathlib import Path\nfrom typing import Any\n",
    )
    with (copy.path / "penguins/model.py").open("a", encoding="utf-8") as file:
        file.write(BY_PICKLE)
    pipeline = (copy.path / "dvc.yaml").read_text(encoding="utf-8")
    (copy.path / "dvc.yaml").write_text(pipeline.replace("model.skops", "model.pkl"), "utf-8")
    copy.run("git", "init", "--quiet", "--bare", str(copy.origin))
    copy.run("git", "remote", "add", "origin", "../origin.git")
    copy.ready("A pickle", {**QUICK, "train.arguments": {"n_estimators": 3}})
    copy.model("register", "-m", "The first one")
    copy.model("promote", "v1", "prod", "-m", "To use it")
    copy.ready("Another pickle", {"train.arguments": {"n_estimators": 4}})
    copy.model("register", "-m", "The second one")
    return copy


def test_a_pickle_of_another_hash_is_opened_by_no_command(
    pickled: Released, tmp_path: Path
) -> None:
    copy, mark = copied(pickled, tmp_path / "copy"), tmp_path / "mark"
    evil = pickle.dumps(Mark(mark))
    model = copy.path / "models/model.pkl"
    beside = copy.path / "models/model.pkl.sha256"
    copy.model("gate", "--against", "prod", check=False)
    objects = [place for root in (copy.path / ".dvc/cache", copy.storage) for place in
        (root / each for each in both(copy))]  # fmt: skip
    for place in [model, *objects]:
        place.chmod(0o644)
        place.write_bytes(evil)
    commands: list[tuple[str, ...]] = [
        ("python", "-m", "mlrepo", "evaluate"),
        *(
            ("model", *line.split())
            for line in (
                f"predict {RAW} -o said.csv",
                f"predict {RAW} -o said.csv --version v1",
                "gate",
                "promote v1.1 prod -m Why --override Why",
                "promote v1.1 staging -m Why",
                "verify v1",
                "verify v1.1 --offline",
                "get v1 -o ../got",
                "serve --port 0",
            )
        ),
    ]
    for command in commands:
        done = copy.run(*command, check=False)
        assert done.returncode != 0, command
        assert "Traceback" not in done.stdout + done.stderr, command
        assert not mark.exists(), command
    # With what stands beside it made to fit, dvc.lock still tells.
    text = beside.read_text(encoding="utf-8").splitlines()[0]
    beside.chmod(0o644)
    beside.write_text(f"{text}\n{sha256(model)}  model.pkl\n", encoding="utf-8")
    for line in (f"predict {RAW} -o said.csv", "gate"):
        done = copy.run("model", *line.split(), check=False)
        assert done.returncode == 2, done.stdout + done.stderr
        assert not mark.exists(), line
    pickle.loads(evil)
    assert mark.exists()  # it would have told


def both(copy: Released) -> list[Path]:
    """Return where DVC keeps the models of both versions, below its cache and its remote."""
    found = (copy.record(version)["artifact"]["md5"] for version in ("v1", "v1.1"))
    return [Path("files/md5", md5[:2], md5[2:]) for md5 in found]


def test_a_stage_can_refuse_what_runs_code(pickled: Released, tmp_path: Path) -> None:
    copy = copied(pickled, tmp_path / "copy")
    assert "can run any code" in (copy.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    copy.edit("versions.yaml", "staging: {gate: false", "staging: {refuse_code: true, gate: false")
    copy.commit("No pickles")
    copy.push()
    done = copy.model("promote", "v1.1", "staging", "-m", "Why", "--override", "Why", check=False)
    assert done.returncode == 2
    assert "v1.1.0 may not come into 'staging': its model file can run code" in done.stderr
    assert "model.pkl is a pickle; model.py uses pickle" in done.stderr
    copy.model("promote", "v1.1", "prod", "-m", "Why", "--override", "Why")
