"""Each example of docs/models.md, as it stands there, through the life of a model."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Project, run
from helpers import Copy, copy_project, in_long_form, own_environment
from pages import console, follow, page, section
from releases import RAW, Released
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
    copy.ready(title, QUICK)
    assert copy.read("metrics/evaluate.json")["test"]["accuracy"] > 0.75
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
    with serving(copy, "prod") as service:
        said = service.client().ask("/predict", GOOD)
        assert said.status == 200
        assert b"v1.0.0" in said.body
