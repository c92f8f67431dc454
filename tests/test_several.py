"""Two models in one repository: docs/several.md as it stands; neither changes the other."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Project, run
from helpers import QUICK, sha256
from pages import console, page, section
from releases import Released, new_released

PAGE = page("docs/several.md")
REFUSED = "several models: name one with --model; under `artifacts` it has ['model', 'fraud']"


def type_in(project: Released, title: str) -> None:
    """Type the commands of a part of the page, in the environment that `uv run` has."""
    for command in console(section(PAGE, title)):
        project.run("sh", "-c", command.removeprefix("uv run "))


def set_params(project: Released, folder: str, values: dict[str, Any]) -> None:
    Released(project.path / folder, project.project).set_params(values)


@pytest.fixture(scope="module")
def two(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """A project with a second model, each with a version; the second one's is in production."""
    new = new_released(project, tmp_path_factory.mktemp("several"))
    before = {path: sha256(new.path / path) for path in new.git("ls-files").splitlines()}
    add, repro, *commit = console(section(PAGE, "Add a model"))
    new.run("sh", "-c", add.removeprefix("uv run "))
    assert new.changed() == ["?? fraud/"]
    new.run("git", "add", "--all")
    refused = new.run("git", "commit", "-m", "Not run yet", check=False)
    assert refused.returncode != 0
    assert "dvc.lock does not exist: run `dvc repro`\n  (paths and comm" in refused.stderr
    assert "of the folder fraud/)" in refused.stderr
    set_params(new, "fraud", {**QUICK, "data.target": "species", "evaluate.slices": ["sex"]})
    for command in (repro, *commit):
        new.run("sh", "-c", command.removeprefix("uv run "))
    assert {path: sha256(new.path / path) for path in before} == before
    new.push()
    new.model("register", "-m", "The first model", "--model", "model")
    type_in(new, "Versions")
    return new


def test_lists_show_both_and_a_folder_its_own(two: Released) -> None:
    shown = two.json("show")
    assert {(row["model"], row["version"], *row["stages"]) for row in shown} == {
        ("model", "v1.0.0"),
        ("fraud", "v1.0.0", "prod"),
    }
    assert [row["tag"] for row in two.json("history")] == [
        "fraud=fraud#prod#1", "fraud=fraud@v1.0.0", "model@v1.0.0",
    ]  # fmt: skip
    inside = run(
        *("model", "show", "--json"), cwd=two.path / "fraud", environment=two.project.active()
    )
    assert [row["stages"] for row in json.loads(inside.stdout)] == [["prod"]]
    type_in(two, "Which model a command means")
    scores = two.model("scores").stdout
    assert scores.startswith("model:\nmetric")
    assert "\nfraud:\nmetric" in scores


def test_gto_and_dvc_know_both(two: Released, tmp_path: Path) -> None:
    gto = json.loads(two.run("gto", "show", "--json").stdout)
    assert {name: entry["stage"] for name, entry in gto.items()} == {
        "model": {"prod": None},
        "fraud:fraud": {"prod": "v1.0.0"},
    }
    two.run("dvc", "artifacts", "get", ".", "fraud:fraud", "-o", str(tmp_path / "model.skops"))
    assert sha256(tmp_path / "model.skops") == sha256(two.path / "fraud/models/model.skops")


@pytest.mark.parametrize(
    "command",
    [
        *("verify", "card", "gate", "sweep", "sweep apply", "schema", "retire prod -m x"),
        *("get prod -o out", "register -m x", "predict data/raw/penguins.csv -o out.csv"),
    ],
)
def test_a_command_that_needs_one_says_which_there_are(two: Released, command: str) -> None:
    before = two.changed()
    done = two.model(*command.split(), check=False)
    assert done.returncode == 2
    assert REFUSED in done.stderr
    assert two.changed() == before


def test_a_version_of_the_second_is_proven_and_used(two: Released, tmp_path: Path) -> None:
    assert two.model("verify", "--model", "fraud").stdout.endswith("holds; not signed\n")
    two.model("get", "prod", "-o", str(tmp_path / "out"), "--model", "fraud")
    facts = json.loads((tmp_path / "out/VERSION.json").read_text(encoding="utf-8"))
    assert (facts["model"], facts["target"]) == ("fraud", "species")
    alone = ("python", "predict.py", "example.csv", "-o", "made.csv")
    run(*alone, cwd=tmp_path / "out", environment=two.project.active())
    by = ("-o", str(tmp_path / "made.csv"), "--version", "v1", "--model", "fraud")
    two.model("predict", "data/raw/penguins.csv", *by)
    assert (tmp_path / "made.csv").read_text(encoding="utf-8").count("\n") == 345
    record = json.loads(two.model("record", "v1", "--model", "fraud").stdout)
    assert record["files"]["../data/raw/penguins.csv"]["kept_by"] == "dvc"
    assert record["environment"]["library"]["version"]


@pytest.mark.parametrize("changed", ["model", "fraud"])
def test_a_change_of_one_makes_nothing_of_the_other_stale(two: Released, changed: str) -> None:
    folder, package = ("", "penguins") if changed == "model" else ("fraud/", "fraud")
    other = "fraud" if changed == "model" else "model"
    for path, old, new in (
        (f"{folder}params.yaml", "n_estimators: 5", "n_estimators: 6"),
        (f"{folder}params.yaml", "sklearn.ensemble.RandomForest", "sklearn.ensemble.ExtraTrees"),
        (f"{folder}{package}/model.py", "Pipeline(", "Pipeline( "),
    ):
        two.edit(path, old, new)
        done = two.model("status", check=False)
        parts = dict(part.split(":\n", 1) for part in split(done.stdout))
        assert done.returncode == 1
        assert parts[other] == "dvc.lock is up to date\n"
        assert ("model.py has changed" in parts[changed]) is path.endswith(".py")
        two.run("git", "checkout", "--quiet", "--", path)


def split(text: str) -> list[str]:
    """Return what `model status` says of each model."""
    first, second = text.split("fraud:\n")
    return [first, f"fraud:\n{second}"]


def test_a_clone_gets_the_data_of_both(two: Released, tmp_path: Path) -> None:
    clone = tmp_path / "penguins"
    two.run("git", "clone", "--quiet", str(two.origin), str(clone))
    shutil.copytree(two.storage, tmp_path / "penguins-remote")
    (clone / ".venv").symlink_to(two.project.path / ".venv")
    copy = Released(clone, two.project)
    copy.model("pull")
    for path in ("models/model.skops", "fraud/models/model.skops"):
        assert sha256(clone / path) == sha256(two.path / path)
    # The hooks of this clone are off, which is told.
    doctor = json.loads(copy.model("doctor", "--offline", "--json", check=False).stdout)
    assert {name: doctor[name] for name in doctor if name.endswith("dvc.lock")} == {
        "model: dvc.lock": [],
        "fraud: dvc.lock": [],
    }


def test_ci_reports_on_each_and_each_gate_counts(two: Released, tmp_path: Path) -> None:
    two.run("git", "switch", "--quiet", "--create", "worse")
    bad = {"train.arguments": {"n_estimators": 1, "min_samples_leaf": 250}}
    set_params(two, "fraud", bad)
    two.run("dvc", "repro", "--quiet", "fraud/dvc.yaml")
    two.commit("A worse second model")
    done = two.model("ci", "report", "--base", "main", check=False)
    said = (two.path / "reports/ci/report.md").read_text(encoding="utf-8")
    two.run("git", "switch", "--quiet", "main")
    assert done.returncode == 1, done.stderr
    first, second = said.split("## Model fraud ")
    assert first.startswith("## Model model ")
    assert "**Gate: open**" in first
    assert "**Gate: SHUT**" in second
    assert "| train.arguments.min_samples_leaf | (none) | 250  |" in second
    assert "The same." in first


def test_one_is_taken_out_again(two: Released, tmp_path: Path) -> None:
    shutil.copytree(two.path.parent, tmp_path / "copy", symlinks=True)
    copy = Released(tmp_path / "copy/penguins", two.project)
    copy.run("git", "remote", "set-url", "origin", str(copy.origin))
    type_in(copy, "Take a model out")
    assert not (copy.path / "fraud").exists()
    assert [row["version"] for row in copy.json("show")] == ["v1.0.0"]
    assert copy.model("status").stdout == "dvc.lock is up to date\n"
    assert "fraud=fraud@v1.0.0" in copy.git("tag").splitlines()
    lock = copy.run("git", "show", "fraud=fraud@v1.0.0:fraud/dvc.lock").stdout
    kept = {out["md5"] for s in yaml.safe_load(lock)["stages"].values() for out in s["outs"]}
    copy.model("gc", "--yes")  # what a version of it needs stays
    files = {p.parent.name + p.name for p in (copy.path / ".dvc/cache/files/md5").rglob("*")}
    assert {
        md5 for md5 in kept if (two.storage / "files/md5" / md5[:2] / md5[2:]).exists()
    } <= files
