"""Runs for Weights & Biases lie in a folder; the page on MLflow works as it stands."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import releases
import yaml
from conftest import Bake, Project, set_up
from helpers import PATIENCE, Copy, in_long_form, sha256
from pages import console
from releases import MODEL
from trackers import in_background, make_experiments
from wandb_files import wandb_runs

COUNT = 4


@pytest.fixture(scope="module")
def wandb_project(
    bake: Bake, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project with W&B, after its own set-up; change only copies of it."""
    folder = tmp_path_factory.mktemp("wandb") / "penguins"
    return set_up(bake(tracker="wandb"), folder, environment)


def commands(copy: Copy) -> list[str]:
    """Return the commands of docs/trackers.md."""
    return console((copy.path / "docs/trackers.md").read_text(encoding="utf-8"))


def test_a_run_folder_holds_params_metrics_files_and_tags(
    wandb_project: Project, tmp_path: Path
) -> None:
    new = releases.new_released(wandb_project, tmp_path)
    new.model("register", "-m", "The first one")
    wanted = make_experiments(new, COUNT)
    history = set(new.git("rev-list", "HEAD").split())
    head, name = new.git("rev-parse", "HEAD"), "sweep-0000"  # as `model sweep` names a trial
    trial = new.git("commit-tree", "-p", head, "-m", name, f"{head}^{{tree}}")
    new.git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{name}", trial)
    groups = {trial: f"sweep on {head[:7]}"} | dict.fromkeys(wanted, head)
    before = new.state()
    written = new.path / "wandb/mirrored"
    with in_background(new, "python", "-m", "mlrepo.commands", "mirror") as process:
        end = time.monotonic() + PATIENCE
        while not len(list(written.glob("*.json"))) > 1:
            assert time.monotonic() < end
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    assert len(list(written.glob("*.json"))) < len(wanted | history)

    # A key and no network would hold it up for minutes, and must not.
    start = time.monotonic()
    at: dict[str, Any] = {"WANDB_API_KEY": "0" * 40, "WANDB_BASE_URL": "http://127.0.0.1:9"}
    said = new.model("mirror", **at).stdout
    assert time.monotonic() - start < 60
    assert f"{len(groups) + len(history)} runs wait for `uv run wandb sync --yes`" in said
    runs = {found["id"]: found for found in wandb_runs(new)}
    assert len(list((new.path / "wandb").glob("offline-run-*"))) == len(runs)
    assert set(runs) == set(groups) | history
    assert {found["project"] for found in runs.values()} == {"penguins"}
    for commit, found in runs.items():
        committed = json.loads(new.git("show", f"{commit}:metrics/evaluate.json"))
        assert found["metrics"]["test/accuracy"] == committed["test"]["accuracy"]
        assert found["metrics"]["test/accuracy/low"] <= found["metrics"]["test/accuracy/high"]
        assert found["config"]["mirror"]["model.sha256"] == sha256(
            found["folder"] / "files" / MODEL
        )
        assert {"dvc.lock", "reports/scores.csv"} <= set(found["files"])
        trees = found["config"]["train.arguments.n_estimators"]
        assert type(trees) is int  # and no text or fraction
        assert found["group"] == groups.get(commit, "")
        assert found["job_type"] == ("experiment" if commit in groups else "commit")
        assert commit not in wanted or found["name"] == f"trees-{trees}"

    # Numbers, lists and nothing are what they are in params.yaml, so that axes are numeric.
    config, artifacts = runs[head]["config"], runs[head]["artifacts"]
    params = yaml.safe_load((new.path / "params.yaml").read_text(encoding="utf-8"))
    assert config["prepare.split.test_size"] == params["prepare"]["split"]["test_size"] == 0.25
    assert config["evaluate.slices"] == params["evaluate"]["slices"] == ["species"]
    assert config["numerics.pinned"] is True
    assert config["data.weight"] is None
    pointer = yaml.safe_load((new.path / "data/raw/penguins.csv.dvc").read_text("utf-8"))
    raw, model = artifacts["penguins.csv"], artifacts["model"]
    assert (raw["type"], raw["used"]) == ("dataset", True)
    assert raw["metadata"]["md5"] == pointer["outs"][0]["md5"]
    assert not artifacts["train.parquet"]["used"]
    assert (model["type"], model["used"]) == ("model", False)
    assert set(model["aliases"]) == {"v1.0.0", "latest"}
    assert sha256(Path(model["files"]["model.skops"])) == sha256(new.path / MODEL)
    digests = {found["artifacts"]["penguins.csv"]["digest"] for found in runs.values()}
    assert len(digests) == 1  # one version of the data for all runs: that is the lineage
    assert len({found["artifacts"]["model"]["digest"] for found in runs.values()}) > COUNT
    assert runs[head]["metrics"]["plots/roc/_type"] == "image-file"
    picture = runs[head]["folder"] / "files" / runs[head]["metrics"]["plots/roc/path"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert runs[head]["commit"] == head
    assert runs[head]["notes"].startswith("# penguins")

    assert {"v1.0.0", f"commit:{head}"} <= set(runs[head]["tags"])
    new.model("promote", "v1", "prod", "-m", "To see the tag")
    assert new.model("mirror").stdout.startswith(
        f"runs written: 1, there before: {len(runs) - 1}\n"
    )
    assert new.model("mirror").stdout.startswith(f"runs written: 0, there before: {len(runs)}\n")
    again = {found["id"]: found for found in wandb_runs(new)}
    assert set(again) == set(runs)
    assert "prod" in again[head]["tags"]
    assert set(again[head]["artifacts"]["model"]["aliases"]) == {"v1.0.0", "prod", "latest"}
    assert f"Would sync {len(runs)} run" in new.run("wandb", "sync", "--dry-run").stderr
    assert new.state()["files"] == before["files"]
    assert new.changed() == []
    for command in commands(new):
        new.run(*command.removeprefix("uv run ").split())

    new.run("git", "commit", "--quiet", "--allow-empty", "--message", "More", WANDB_MODE="offline")
    end = time.monotonic() + PATIENCE
    while not (written / f"{new.git('rev-parse', 'HEAD')}.json").exists():
        assert time.monotonic() < end
        time.sleep(0.1)


@in_long_form
def test_the_commands_of_the_page_on_mlflow_work(mlflow_project: Project, tmp_path: Path) -> None:
    new = releases.new_released(mlflow_project, tmp_path)
    new.model("register", "-m", "The first one")
    exported: dict[str, Any] = {}
    ran = commands(new)
    assert [c for c in ran if "from-mlflow" in c]
    for command in ran:
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            exported[name] = f"sqlite:///{tmp_path}/server.db" if "http" in value else value
        elif command.endswith("mlflow ui"):
            new.run("mlflow", "ui", "--help")
        elif "mlflow models serve" in command:  # test_mirror.py has one that serves
            assert command.endswith("-m models:/penguins.model@prod --env-manager local")
        else:
            new.run(*command.removeprefix("uv run ").split(), **exported)
    assert sha256(new.path / "restored/model.skops") == sha256(new.path / MODEL)
