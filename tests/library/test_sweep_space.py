"""What sweep.yaml may say, and which stages a trial then runs."""

from pathlib import Path
from typing import Any

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.core.sections import parse
from mlrepo.pipeline.dvc_yaml import load_pipeline
from mlrepo.sweep import space, stages

from .conftest import TinyProject, render_yaml

TREES, LEAF = "train.arguments.n_estimators", "train.arguments.min_samples_leaf"
RANGE = {TREES: {"int": [1, 400]}, LEAF: {"float": [0.001, 0.5], "log": True}}


def sweep(**changes: Any) -> space.Sweep:
    keys = {"name": "s", "trials": 15, "sampler": "tpe", "seed": 0}
    content = {**keys, "pruner": "none", "space": RANGE, **changes}
    return parse(content, space.Sweep, "sweep.yaml")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trials": 0}, "sweep.yaml: trials must be greater than or equal to 1, not 0"),
        ({"trails": 9}, "trails is no key of this file: did you mean 'trials'?"),
        ({"sampler": "cmaes"}, "sampler must be 'tpe', 'random' or 'grid', not 'cmaes'"),
        ({"name": "a/b"}, "sweep.yaml: name"),
        ({"space": {}}, "sweep.yaml: space"),
        ({"space": {"a": {}}}, "space.a: needs one of int: [from, to], float"),
        ({"space": {"a": {"int": [1, 2], "choice": [1, 2]}}}, "space.a: needs one of"),
        ({"space": {"a": {"int": [5, 2]}}}, "space.a.int: must be [from, to]"),
        ({"space": {"a": {"int": [1, 2, 3]}}}, "space.a.int: must be [from, to]"),
        ({"space": {"a": {"int": [1, 2.5]}}}, "space.a.int.1 must be a valid integer, not 2.5"),
        ({"space": {"a": {"float": [0, 1], "log": True}}}, "log needs a range above 0"),
        ({"space": {"a": {"int": [1, 9], "log": True, "step": 2}}}, "takes step or log, not both"),
        ({"space": {"a": {"int": [1, 9], "step": 0.5}}}, "the step of an int is a whole number"),
        ({"space": {"a": {"choice": ["x"]}}}, "space.a.choice"),
        ({"space": {"a": {"choice": ["x", "x"]}}}, "space.a: names a choice twice"),
        ({"space": {"a": {"choice": ["x", "y"], "log": True}}}, "step and log are for int"),
        ({"sampler": "grid"}, f"sampler grid needs a step for {LEAF}"),
    ],
)
def test_a_mistake_in_the_file_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ProjectError) as told:
        sweep(**changes)
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("train.argument", "is not in params.yaml: did you mean"),
        ("nothing.like.it", "is not in params.yaml: add it to params.yaml and commit that"),
        ("prepare.split", "is a section of params.yaml: name a value in it"),
        ("numerics.pinned", "it cannot change between trials"),
        ("data.path", "stands in dvc.yaml: only `dvc exp run` can change the steps"),
    ],
)
def test_a_key_that_cannot_be_tried_is_refused(tiny: TinyProject, key: str, words: str) -> None:
    render_yaml("dvc.yaml")
    with pytest.raises(ProjectError, match=r"sweep.yaml: space: ") as told:
        space.refuse_unknown(sweep(space={key: {"int": [1, 2]}}), "sweep.yaml")
    assert words in str(told.value)


def test_a_range_with_steps_has_ends() -> None:
    def values(**knob: Any) -> list[Any] | None:
        return sweep(space={"a": knob}).space["a"].values

    assert values(int=[1, 3]) == [1, 2, 3]
    assert values(int=[1, 10], step=4) == [1, 5, 9]
    assert values(float=[0.1, 0.4], step=0.1) == [0.1, 0.2, 0.3, 0.4]
    assert values(float=[0.1, 0.4]) is None
    assert values(choice=[None, 1, True]) == [None, 1, True]
    both = sweep(space={"a": {"int": [1, 3]}, "b": {"choice": [1, 2]}})
    assert both.size == 6
    assert sweep().size is None


def test_only_stages_that_a_param_reaches_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    render_yaml("params.yaml", "dvc.yaml", "environment/dvc.yaml")
    pipeline = load_pipeline()

    def names(*keys: str) -> list[str]:
        return [stage.name for stage in stages.reached(pipeline, keys)]

    trained = names("train.arguments.n_estimators")
    assert trained[0] == "train"
    assert names("prepare.split.seed")[:2] == ["prepare", "train"]
    assert names("train.estimator")[0] == "environment/dvc.yaml:environment"
    with pytest.raises(ProjectError, match=r"writes metrics/cross_validation.json, so all trials"):
        names("evaluate.seed")
