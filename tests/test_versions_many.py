"""Several models in one repository, and a project that is a folder of a larger one."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import Project
from helpers import QUICK, sha256
from releases import MODEL, Released, new_released, refused
from test_versions_rebuild import rebuilt

SECOND = "models/second.skops"
# Reads the model and writes it again, so that both predict; its own sidecar names it.
STAGE = f"""\
  second:
    cmd: python second.py
    deps: [{MODEL}, {MODEL}.sha256, second.py]
    outs: [{SECOND}, {SECOND}.sha256]

  card:
"""
CODE = f'''\
"""The second model."""

from pathlib import Path

from mlrepo.learning import model_file

model = model_file.load(Path("{MODEL}"))
model_file.save(model.set_params(estimator__verbose=1), Path("{SECOND}"))
'''


@pytest.fixture(scope="module")
def two_models(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """One version of each of two models; the second is made by a stage of its own."""
    new = new_released(project, tmp_path_factory.mktemp("two-models"))
    new.edit("dvc.yaml", "  card:\n", STAGE)
    artifact = f"artifacts:\n  second: {{path: {SECOND}, type: model}}\n"
    new.edit("dvc.yaml", "artifacts:\n", artifact)
    (new.path / "second.py").write_text(CODE, encoding="utf-8")
    new.ready("A second model")
    new.model("register", "-m", "The first model", "--model", "model")
    new.model("register", "-m", "The other one", "--model", "second", "--version", "v3.1")
    new.model("promote", "v1", "prod", "-m", "Good", "--model", "model")
    new.model("promote", "v3.1", "staging", "-m", "Good as well", "--model", "second")
    return new


@pytest.mark.parametrize("command", ["verify", "at 2026-01-01 prod", "get prod -o out", "card v1"])
def test_which_of_several_models_must_be_said(two_models: Released, command: str) -> None:
    words = ["several models: name one with --model", "it has ['second', 'model']"]
    refused(two_models, *command.split(), words=words)


def test_lists_have_all_models_where_none_is_named(two_models: Released) -> None:
    named = {(row["model"], row["version"]) for row in two_models.json("show")}
    assert named == {("model", "v1.0.0"), ("second", "v3.1.0")}
    events = {(row["model"], row["event"]) for row in two_models.json("history")}
    assert events == {(m, e) for m in ("model", "second") for e in ("register", "promote")}


def test_each_model_has_versions_and_stages_of_its_own(two_models: Released) -> None:
    shown = {
        name: [(row["version"], row["stages"]) for row in two_models.json("show", "--model", name)]
        for name in ("model", "second")
    }
    assert shown == {"model": [("v1.0.0", ["prod"])], "second": [("v3.1.0", ["staging"])]}
    tags = [row["tag"] for row in two_models.json("history", "--model", "second")]
    assert tags == ["second#staging#1", "second@v3.1.0"]
    gto = json.loads(two_models.run("gto", "show", "--json").stdout)
    assert {name: entry["stage"] for name, entry in gto.items()} == {
        "model": {"prod": "v1.0.0", "staging": None},
        "second": {"prod": None, "staging": "v3.1.0"},
    }
    for name in ("model", "second"):
        assert two_models.model("verify", "--model", name).returncode == 0


def test_each_model_is_delivered_as_itself(two_models: Released, tmp_path: Path) -> None:
    stages = {"model": "prod", "second": "staging"}
    for name, path in (("model", MODEL), ("second", SECOND)):
        out = tmp_path / name
        two_models.model("get", stages[name], "-o", str(out), "--model", name)
        assert sha256(out / Path(path).name) == sha256(two_models.path / path)
        get = ("dvc", "artifacts", "get", ".", name, "--stage", stages[name], "-o")
        two_models.run(*get, str(tmp_path / f"{name}.skops"))
        assert sha256(tmp_path / f"{name}.skops") == sha256(two_models.path / path)
    assert sha256(two_models.path / MODEL) != sha256(two_models.path / SECOND)


def test_a_project_may_be_a_folder_of_a_larger_repository(project: Project, tmp_path: Path) -> None:
    """Its tags name the folder, as GTO has it, and the rest of the repository may be dirty."""
    new = new_released(project, tmp_path / "alone")
    outer = Released(tmp_path / "outer" / "ml" / "penguins", project)
    shutil.copytree(new.path, outer.path, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    shutil.copytree(new.storage, outer.storage)
    top = tmp_path / "outer"
    project.run("git", "init", "--quiet", cwd=top)
    (top / ".git/info/exclude").write_text(".venv\n/ml/penguins-remote\n", encoding="utf-8")
    origin = tmp_path / "origin.git"
    project.run("git", "init", "--quiet", "--bare", str(origin), cwd=top)
    outer.run("git", "remote", "add", "origin", str(origin))
    outer.set_params(QUICK)
    outer.repro()
    outer.commit("A small model")
    outer.run("git", "push", "--quiet", "origin", "HEAD")
    outer.run("dvc", "push", "--quiet")
    (top / "notes.txt").write_text("of somebody else", encoding="utf-8")

    outer.model("register", "-m", "The first one")
    outer.model("promote", "v1", "prod", "-m", "It is good")
    tags = {"ml/penguins=model@v1.0.0", "ml/penguins=model#prod#1"}
    assert set(outer.git("tag", "--list").splitlines()) == tags
    assert outer.json("show")[0]["stages"] == ["prod"]
    assert outer.model("verify", "prod").returncode == 0
    assert outer.record("v1")["model"] == "model"
    verdict = rebuilt(outer, "v1", 0)
    assert (verdict["verdict"], verdict["differing"]) == ("identical", [])

    gto = project.run("gto", "show", "--json", cwd=top).stdout
    assert json.loads(gto)["ml/penguins:model"]["stage"] == {"prod": "v1.0.0"}
    out = tmp_path / "model.skops"
    get = ("dvc", "artifacts", "get", str(top), "ml/penguins:model", "--stage", "prod", "-o")
    project.run(*get, str(out), cwd=tmp_path)
    assert sha256(out) == outer.record("v1")["artifact"]["sha256"]

    outer.edit("README.md", "#", "##")
    refused(outer, "register", "-m", "Dirty", words=["not all is committed", "README.md"])
