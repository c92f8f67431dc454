"""A sweep that cannot begin says why, and one whose trials fail says that, and how many."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from helpers import Copy, copy_again, in_long_form
from spoil import params, swap
from sweeping import IMPUTE, TREES, write
from test_experiments import experiments

Step = Callable[[Copy], object]


def committed(*steps: Step) -> Step:
    """Do them, and commit the outcome."""

    def all_of(copy: Copy) -> None:
        for step in steps:
            step(copy)
        copy.run("git", "commit", "--quiet", "--no-verify", "--all", "--message", "Another")

    return all_of


def no_commit(copy: Copy) -> None:
    shutil.rmtree(copy.path / ".git")
    copy.run("git", "init", "--quiet")


def no_data(copy: Copy) -> None:
    shutil.rmtree(copy.path / ".dvc/cache")
    shutil.rmtree(copy.path / "data/prepared")


def edited(copy: Copy) -> None:
    swap("penguins/model.py", r"\Z", "# more\n")(copy.path)


def in_the_file(pattern: str, text: str) -> Step:
    return lambda copy: swap("sweep.yaml", pattern, text)(copy.path)


REFUSED: dict[str, tuple[Step, str]] = {
    "edits": (
        edited,
        "not all is committed: commit or `git stash` it first\n   M penguins/model.py",
    ),
    "not run": (
        committed(edited),
        "the last commit is not up to date:\n  train: ",
    ),
    "no commit": (no_commit, "there is no commit yet"),
    "no repository": (lambda copy: shutil.rmtree(copy.path / ".git"), "is in no Git repository"),
    "no DVC": (lambda copy: shutil.rmtree(copy.path / ".dvc"), "is no DVC project"),
    "no data": (no_data, "DVC's cache lacks data/prepared/test.parquet, data/prepared/train.parq"),
    "no file": (lambda copy: (copy.path / "sweep.yaml").unlink(), "sweep.yaml does not exist"),
    "a key": (in_the_file("n_estimators", "n_trees"), "train.arguments.n_trees is not in params"),
    "YAML": (in_the_file("space:", "space: ["), "sweep.yaml is not valid YAML: line"),
    "no folds": (
        committed(
            lambda copy: params({"train.cross_validation": 0})(copy.path), lambda copy: copy.repro()
        ),
        "train.cross_validation in params.yaml is 0",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_told_before_anything_is_tried(
    name: str, unswept: Copy, tmp_path: Path
) -> None:
    spoil, words = REFUSED[name]
    copy = copy_again(unswept, tmp_path / "penguins")
    spoil(copy)
    refused = copy.run("model", "sweep", check=False)
    assert refused.returncode == 2, refused.stdout
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not list((copy.path / ".dvc/tmp").glob("sweep/*/study.log"))
    if (copy.path / ".git").exists():
        assert "refs/exps" not in copy.git("for-each-ref")


@in_long_form
def test_another_space_is_not_mixed_in(unswept: Copy, tmp_path: Path) -> None:
    copy = copy_again(unswept, tmp_path / "penguins")
    write(copy, trials=2)
    copy.run("model", "sweep")
    write(copy, trials=2, seed=1)
    refused = copy.run("model", "sweep", check=False)
    assert refused.returncode == 2
    assert "is not what the sweep 'sweep' began with on this commit" in refused.stderr
    # Without the file that says it, the experiments that are there still do.
    shutil.rmtree(copy.path / ".dvc/tmp/sweep")
    refused = copy.run("model", "sweep", check=False)
    assert refused.returncode == 2
    assert "an experiment sweep-0000 with other params" in refused.stderr
    # And those of the same space count.
    shutil.rmtree(copy.path / ".dvc/tmp/sweep")
    write(copy, trials=3)
    copy.run("model", "sweep")
    assert sorted(experiments(copy)) == ["sweep-0000", "sweep-0001", "sweep-0002"]
    write(copy, trials=2, name="other", seed=1)
    copy.run("model", "sweep")
    assert len(experiments(copy)) == 5


@pytest.mark.parametrize(("low", "code"), [(-3, 0), (-9, 1)])
def test_failed_trials_are_counted_and_said(
    unswept: Copy, tmp_path: Path, low: int, code: int
) -> None:
    copy = copy_again(unswept, tmp_path / "penguins")
    space = {TREES: {"choice": [low, low + 1, 4 if low == -3 else 0]}}
    write(copy, trials=3, sampler="grid", space=space)
    done = copy.run("model", "sweep", check=False)
    assert done.returncode == code, done.stderr
    made = ["sweep-0002"] if code == 0 else []
    assert sorted(experiments(copy)) == made
    assert f": {len(made)} experiments, {3 - len(made)} failed\n" in done.stdout
    assert "failed sweep-0000: RandomForestClassifier cannot be fitted" in done.stdout
    assert [line for line in copy.changed() if "sweep.yaml" not in line] == []


@in_long_form
def test_a_pruned_trial_is_no_experiment(unswept: Copy, tmp_path: Path) -> None:
    copy = copy_again(unswept, tmp_path / "penguins")
    space = {TREES: {"int": [1, 30]}, IMPUTE: {"choice": ["median", "mean"]}}
    write(copy, trials=14, sampler="random", pruner="median", space=space)
    said = copy.run("model", "sweep").stdout
    made = len(experiments(copy))
    assert 0 < made < 14
    assert f"14 trials on {copy.git('rev-parse', 'HEAD')[:7]}: {made} experiments, " in said
    assert f"{14 - made} pruned, which are no experiments" in said


def test_a_param_of_prepare_and_a_stage_of_another_program(unswept: Copy, tmp_path: Path) -> None:
    copy = copy_again(unswept, tmp_path / "penguins")
    path = copy.path / "dvc.yaml"
    pipeline = yaml.safe_load(path.read_text(encoding="utf-8"))
    pipeline["stages"]["count"] = {
        "cmd": "wc -c < models/model.skops > reports/size.txt",
        "deps": ["models/model.skops"],
        "outs": [{"reports/size.txt": {"cache": False}}],
    }
    path.write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")
    copy.repro()
    write(copy, trials=2, space={"prepare.split.seed": {"int": [1, 9]}})
    copy.commit("A stage of another program")
    copy.run("model", "sweep")
    found = experiments(copy)
    seed = found["sweep-0001"]["params"]["params.yaml"]["data"]["prepare"]["split"]["seed"]
    command = ["dvc", "exp", "run", "--temp", "--name", "own", "-S", f"prepare.split.seed={seed}"]
    copy.run(*command)
    outs = [experiments(copy)[name]["outs"] for name in ("own", "sweep-0001")]
    assert outs[0] == outs[1]
    assert "reports/size.txt" in outs[0]
