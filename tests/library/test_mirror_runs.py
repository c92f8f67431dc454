"""What is mirrored, and what a run says of a commit; trackers themselves are not asked here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlrepo.mirror import mlflow_registry, runs
from mlrepo.pipeline import git
from mlrepo.storage.store import Stored
from mlrepo.versions.registry import Registry

from . import tagging

MODEL = "models/model.skops"
PARAMS = {
    "data": {"path": "data/raw/table.csv", "features": {}},
    "train": {"seed": 0, "arguments": {"trees": 5}, "classes": ["a", "b"]},
}


def out(path: str, md5: str) -> dict[str, str]:
    return {"path": path, "hash": "md5", "md5": md5}


LOCK: dict[str, Any] = {
    "schema": "2.0",
    "stages": {
        "prepare": {
            "cmd": "prepare",
            "deps": [out("data/raw/table.csv", "1" * 32)],
            "params": {"params.yaml": {"data": PARAMS["data"]}},
            "outs": [out("data/prepared/train.parquet", "2" * 32)],
        },
        "train": {
            "cmd": "train",
            "deps": [out("data/prepared/train.parquet", "2" * 32)],
            "params": {"params.yaml": {**PARAMS, "train.seed": 0}},
            "outs": [out(MODEL, "3" * 32), out("metrics/evaluate.json", "4" * 32)],
        },
    },
}
SCORES = "slice,value,rows,metric,estimate,low,high\n,,9,accuracy,0.5,0.25,0.75\n"


class Repository:
    """The current folder as a Git repository."""

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, files: dict[str, str]) -> str:
        for name, text in files.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A commit")
        return self.git("rev-parse", "HEAD")

    def pipeline(self) -> str:
        """Commit a pipeline that made a model; DVC keeps the model."""
        stages: dict[str, Any] = {name: {} for name in LOCK["stages"]}
        return self.commit(
            {
                "dvc.yaml": yaml.dump({"stages": stages, "artifacts": {"model": {"path": MODEL}}}),
                "dvc.lock": yaml.dump(LOCK),
                "params.yaml": yaml.dump(PARAMS),
                "metrics/evaluate.json": json.dumps({"test": {"accuracy": 0.5}, "note": "text"}),
                "reports/scores.csv": SCORES,
            }
        )


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """An empty repository, as the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_DATE", "@1000 +0000")  # tests may set another
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.com")
    git.folder_in_repository.cache_clear()
    new = Repository()
    new.git("init", "--quiet")
    return new


def found() -> dict[str, runs.Source]:
    return {each.commit: each for each in runs.find(Registry.load("model"))}


def test_what_has_a_lock_is_mirrored_once(repository: Repository) -> None:
    repository.commit({"README.md": "No pipeline yet"})
    first = repository.pipeline()
    tagging.version("1.0.0")
    tagging.assign("1.0.0", "prod")
    experiment = repository.commit({"params.yaml": "{}"})
    reference = f"refs/exps/{first[:2]}/{first[2:]}"
    repository.git("update-ref", f"{reference}/trees", experiment)
    repository.git("update-ref", "refs/exps/exec/EXEC_HEAD", first)
    repository.git("reset", "--quiet", "--hard", first)
    assert set(found()) == {first, experiment}
    assert found()[first].labels() == {"version": "v1.0.0", "stages": "prod"}
    assert (found()[experiment].name, found()[experiment].baseline) == ("trees", first)
    # A version that no branch leads to any more.
    repository.git("checkout", "--quiet", "--orphan", "elsewhere")
    last = repository.commit({})
    assert set(found()) == {first, experiment, last}


def test_a_run_says_what_its_commit_says(repository: Repository) -> None:
    commit = repository.pipeline()
    repository.commit({"metrics/evaluate.json": "{}"})
    run = runs.read(found()[commit], "model")
    assert run is not None
    assert run.params == {
        "data.path": "data/raw/table.csv",
        "data.features": {},
        "train.seed": 0,
        "train.arguments.trees": 5,
        "train.classes": ["a", "b"],
    }
    assert run.texts["train.arguments.trees"] == "5"
    assert run.texts["train.classes"] == '["a", "b"]'
    assert run.metrics == {"test.accuracy": 0.5}
    assert run.tags["commit"] == commit
    assert (run.tags["data.md5"], run.tags["model.md5"]) == ("1" * 32, "3" * 32)
    assert run.by_dvc == [Stored(MODEL, "3" * 32)]
    assert run.by_git == ["dvc.lock", "dvc.yaml", "metrics/evaluate.json", "params.yaml"]


def test_a_run_names_its_tables_and_what_its_card_says(repository: Repository) -> None:
    first = repository.pipeline()
    run = runs.read(found()[first], "model")
    assert run is not None
    assert run.description == "A commit"
    assert [(table.use, table.digest) for table in run.tables] == [
        ("raw", "1" * 32),
        ("training", "2" * 32),
    ]
    assert run.tables[0].rows is None
    lock = json.loads(json.dumps(LOCK))
    lock["stages"]["train"]["outs"].append(out("MODEL_CARD.md", "5" * 32))
    lock["stages"]["train"]["params"]["params.yaml"]["data"]["schema"] = "schema.yaml"
    second = repository.commit(
        {
            "dvc.lock": yaml.dump(lock),
            "MODEL_CARD.md": "---\ntags:\n- a\n---\n\n# Ours\n\n---\n",
            "metrics/prepare.json": '{"rows": {"raw": 9, "train": 6, "test": 3}}',
            "schema.yaml": "fields:\n- {name: a, type: integer}\n",
        }
    )
    run = runs.read(found()[second], "model")
    assert run is not None
    assert run.description == "# Ours\n\n---"
    assert [table.rows for table in run.tables] == [9, 6]
    assert run.tables[0].columns == {"a": "integer"}


def test_times_of_stages_go_with_the_commit_that_came_after_them(repository: Repository) -> None:
    notes = Path(".dvc/tmp/stages.jsonl")
    notes.parent.mkdir(parents=True)

    def commit(at: int, *lines: list[Any]) -> str:
        with notes.open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(line)}\n" for line in lines)
        os.environ["GIT_COMMITTER_DATE"] = f"@{at} +0000"
        return repository.pipeline()

    first = commit(1000)
    second = commit(2000, ["train", 1100, 1200], ["train", 1300, 1350], ["prepare", 1210.5, 1220])
    third = commit(3000, ["train", 2900, 3000.7])
    with notes.open("a", encoding="utf-8") as file:
        file.write('["train", 31')  # a run that was killed

    def seconds(of: str) -> tuple[float, float]:
        return found()[of].begun.timestamp(), found()[of].ended.timestamp()

    assert seconds(first) == (1000, 1000)
    assert seconds(second) == (1210.5, 1350)
    assert seconds(third) == (2900, 3000.7)


def test_trials_know_their_sweep_and_when_they_began(repository: Repository) -> None:
    first = repository.pipeline()
    names = ("sweep-0000", "my-sweep-12345", "trees-1", "plain")
    os.environ["GIT_COMMITTER_DATE"] = "@2000 +0000"
    for number, name in enumerate(names):
        os.environ["GIT_AUTHOR_DATE"] = f"@{1000 + number} +0000"
        made = repository.git("commit-tree", "-p", first, "-m", name, f"{first}^{{tree}}")
        repository.git("update-ref", f"refs/exps/{first[:2]}/{first[2:]}/{name}", made)
    trials = {each.experiment: each for each in found().values() if each.experiment}
    sweeps = {name: trial.sweep for name, trial in trials.items()}
    assert sweeps == dict(zip(names, ("sweep", "my-sweep", None, None), strict=True))
    assert [trials[name].begun.timestamp() for name in names] == [1000, 1001, 1002, 1003]


def test_a_commit_of_another_model_has_no_run(repository: Repository) -> None:
    commit = repository.pipeline()
    assert runs.read(found()[commit], "other") is None
    strange = repository.commit({"dvc.lock": "schema: '2.0'\n"})
    assert runs.read(found()[strange], "model") is None


def test_trackers_show_the_name_of_the_project_and_not_of_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = '[project]\nname = "my-penguins"\n[tool.mlrepo]\npackage = "my_penguins"\n'
    Path("pyproject.toml").write_text(named, encoding="utf-8")
    assert mlflow_registry.name_of("model") == "my-penguins.model"


def test_no_other_command_waits_for_a_tracker_to_be_imported() -> None:
    script = "import sys, mlrepo.commands.app; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "mlrepo.commands.mirror" in done.stdout.split()
    assert not {"mlflow", "wandb", "pandas"} & set(done.stdout.split())
