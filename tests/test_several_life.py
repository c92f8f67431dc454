"""What else two models do in one repository: rebuild, sweep, back, a service, three, a monorepo."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import Project
from helpers import QUICK, in_long_form, sha256
from releases import Released, new_released

pytestmark = in_long_form
OWN = '''

class Own(RandomForestClassifier):
    """An estimator of this model alone."""
'''


def second(new: Released, name: str, target: str) -> Released:
    """Add a model that runs and is committed; return its folder."""
    new.model("add", name)
    folder = Released(new.path / name, new.project)
    folder.set_params({**QUICK, "data.target": target, "evaluate.slices": []})
    new.run("dvc", "repro", "--quiet", f"{name}/dvc.yaml")
    new.commit(f"The model {name}")
    new.push()
    return folder


@pytest.fixture(scope="module")
def two(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Released:
    new = new_released(project, tmp_path_factory.mktemp("life"))
    second(new, "fraud", "species")
    new.model("register", "-m", "The first", "--model", "fraud")
    new.model("promote", "v1", "prod", "-m", "Good", "--model", "fraud")
    return new


@pytest.mark.timeout(1800)
def test_an_estimator_of_its_own_is_rebuilt_rolled_back_and_restored(two: Released) -> None:
    folder = Released(two.path / "fraud", two.project)
    folder.edit(
        "fraud/model.py",
        "from sklearn.impute",
        "from sklearn.ensemble import RandomForestClassifier\nfrom sklearn.impute",
    )
    page = folder.path / "fraud/model.py"
    page.write_text(page.read_text(encoding="utf-8") + OWN, encoding="utf-8")
    folder.set_params({"train.estimator": "fraud.model.Own"})
    two.run("dvc", "repro", "--quiet", "--all-pipelines")
    two.commit("Its own estimator")
    two.push()
    two.model("register", "-m", "Its own estimator", "--model", "fraud")
    two.model("promote", "v1.1", "prod", "-m", "Better", "--override", "a test", "--model", "fraud")
    done = two.json("verify", "prod", "--rebuild", "--model", "fraud")
    assert (done["version"], done["rebuild"]["verdict"]) == ("v1.1.0", "identical")
    assert "fraud/model.py" in two.model("diff", "v1", "v1.1", "--model", "fraud").stdout
    two.model("rollback", "-m", "Slow", "--model", "fraud")
    assert [row["stages"] for row in two.json("show", "--model", "fraud")] == [[], ["prod"]]
    said = two.model("restore", "v1", "--model", "fraud").stdout
    assert said.endswith("`model pull` brings its data and model\n")
    two.model("pull")
    status = two.model("status").stdout
    two.run("git", "switch", "--quiet", "main")
    assert status.count("dvc.lock is up to date") == 2


def test_a_sweep_of_one_is_its_own(two: Released) -> None:
    folder = Released(two.path / "fraud", two.project)
    folder.set_params({"train.cross_validation": 2})
    two.edit("fraud/sweep.yaml", "trials: 20", "trials: 2")
    two.edit("fraud/sweep.yaml", "int: [50, 200], step: 25", "int: [2, 4], step: 2")
    two.edit("fraud/sweep.yaml", "  train.arguments.min_samples_leaf", "  # one")
    folder.run("dvc", "repro", "--quiet")
    two.commit("To sweep")
    before = sha256(two.path / "dvc.lock")
    two.model("sweep", "--model", "fraud")
    said = two.model("sweep", "apply", "--model", "fraud").stdout
    assert said.startswith("identical: fraud-000")
    assert sha256(two.path / "dvc.lock") == before
    two.run("git", "checkout", "--quiet", "--", ".")
    two.run("dvc", "checkout", "--quiet")


def test_jobs_release_and_deploy_by_the_tag(two: Released, tmp_path: Path) -> None:
    two.model("ci", "release", "fraud=fraud@v1.0.0")
    folder = two.path / "release/fraud=fraud@v1.0.0"
    assert {"model.skops", "VERSION.json", "predict.py"} <= {p.name for p in folder.iterdir()}
    current = two.json("history", "--model", "fraud", "--stage", "prod")[0]
    two.model("ci", "deploy", current["tag"], DEPLOY_TARGET=str(tmp_path))
    facts = json.loads((tmp_path / "fraud/prod/VERSION.json").read_text(encoding="utf-8"))
    assert facts["stage_tag"] == current["tag"]
    two.model("ci", "verify")
    [verdict] = json.loads((two.path / "reports/ci/verify.json").read_text(encoding="utf-8"))
    assert verdict["tag"] == current["tag"]
    assert verdict["rebuild"]["verdict"] == "identical"
    assert (two.path / "reports/ci/seal-fraud.json").exists()
    change = "fraud/params.yaml:train.arguments.n_estimators=3"
    refused = two.model("ci", "train", "-S", "train.seed=1", check=False)
    assert "with one of params.yaml, fraud/params.yaml" in refused.stderr
    two.model("ci", "train", "-S", change, "--branch", "trained")
    changed = two.git("diff", "--name-only", "main", "trained").splitlines()
    assert "fraud/dvc.lock" in changed
    assert "dvc.lock" not in changed
    two.run("git", "switch", "--quiet", "main")


def test_three_models_and_a_monorepo_of_two_projects(project: Project, tmp_path: Path) -> None:
    new = new_released(project, tmp_path / "alone")
    second(new, "fraud", "species")
    second(new, "churn", "island")
    top, origin = tmp_path / "outer", tmp_path / "origin.git"
    projects = [Released(top / "ml" / name / "penguins", project) for name in ("a", "b")]
    for each in projects:
        ignored = shutil.ignore_patterns(".git")
        shutil.copytree(new.path, each.path, symlinks=True, ignore=ignored)
        shutil.copytree(new.storage, each.storage)
    project.run("git", "init", "--quiet", "--initial-branch=main", cwd=top)
    (top / ".git/info/exclude").write_text(".venv\npenguins-remote\n", encoding="utf-8")
    project.run("git", "init", "--quiet", "--bare", str(origin), cwd=top)
    projects[0].run("git", "remote", "add", "origin", str(origin))
    projects[0].commit("Two projects")
    projects[0].run("git", "push", "--quiet", "origin", "main")
    for each in projects:
        assert each.model("status").stdout.count("dvc.lock is up to date") == 3
        for name in ("model", "churn"):
            each.model("register", "-m", "The first", "--model", name)
    assert set(projects[0].git("tag").splitlines()) == {
        "ml/a/penguins=model@v1.0.0",
        "ml/a/penguins/churn=churn@v1.0.0",
        "ml/b/penguins=model@v1.0.0",
        "ml/b/penguins/churn=churn@v1.0.0",
    }
    gto = json.loads(project.run("gto", "show", "--json", cwd=top).stdout)
    assert "ml/b/penguins/churn:churn" in gto
    for each in projects:
        shown = {(row["model"], row["version"]) for row in each.json("show")}
        assert shown == {("model", "v1.0.0"), ("churn", "v1.0.0")}
        assert each.model("verify", "--model", "churn").returncode == 0
