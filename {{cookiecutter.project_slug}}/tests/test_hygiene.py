"""The pipeline says the truth about itself: what dvc.yaml names is what the code uses."""

import ast
import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from {{ cookiecutter.__package_name }} import strict_yaml
from {{ cookiecutter.__package_name }}.params import Params
from {{ cookiecutter.__package_name }}.pipeline import Stage, load_pipeline

ROOT = Path(__file__).parent.parent
PACKAGE = "{{ cookiecutter.__package_name }}"
STAGES = load_pipeline(ROOT).stages
COMMAND = re.compile(rf"python -m {PACKAGE}\.(\w+)(?: .*)?")
# What another program runs has deps that only you can know.
OURS = [stage for stage in STAGES if COMMAND.fullmatch(str(stage.cmd))]

# They stand in env.json below scikit-learn.
BELOW = {"joblib": "scikit-learn", "scipy": "scikit-learn", "threadpoolctl": "scikit-learn"}
DISTRIBUTIONS = packages_distributions()
# Packages that shape no output: they read params.yaml, whose values DVC compares itself, or draw
# a progress bar, or bring the work to a cluster. An upgrade of them need not train again.
# xgboost is one only as the package of the estimator, and that is a param under this name.
NO_INFLUENCE = {"cloudpickle", "dask", "distributed", "pydantic", "pydantic_core", "tqdm", "yaml"}
NO_INFLUENCE |= {"xgboost"}


def imports(module: str) -> tuple[set[str], set[str]]:
    """Return the modules of this package and the other modules that a module imports anywhere."""
    own: set[str] = set()
    others: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / PACKAGE / f"{module}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [str(node.module)]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{PACKAGE}.{node.module}"] if node.module else []
            names += [f"{PACKAGE}.{alias.name}" for alias in node.names if not node.module]
        else:
            continue
        for top, *rest in (name.split(".") for name in names):
            if top == PACKAGE and rest:
                own.add(rest[0])
            else:
                others.add(top)
    return own, others - set(sys.stdlib_module_names) - {PACKAGE}


def closure(module: str) -> tuple[set[str], set[str]]:
    """Return all modules of this package and all others that a stage's module leads to."""
    reached: set[str] = set()
    others: set[str] = set()
    waiting = {module}
    while waiting:
        current = waiting.pop()
        reached.add(current)
        own, foreign = imports(current)
        others |= foreign
        waiting |= own - reached
    return reached, others


def module_of(stage: Stage) -> str:
    found = COMMAND.fullmatch(stage.cmd)
    assert found
    return found[1]


def package_of(module: str) -> str:
    """Return the name that a module's package has in env.json."""
    return BELOW.get(module) or DISTRIBUTIONS.get(module, [module])[0].lower().replace("_", "-")


def test_the_model_is_made_by_stages_whose_code_can_be_followed() -> None:
    assert {"prepare", "train", "evaluate"} <= {stage.name for stage in OURS}


@pytest.mark.parametrize("stage", OURS, ids=lambda stage: stage.name)
def test_code_deps_are_the_modules_that_the_stage_imports(stage: Stage) -> None:
    own, _ = closure(module_of(stage))
    expected = {f"{PACKAGE}/{module}.py" for module in own}
    assert {dep for dep in stage.deps if dep.endswith(".py")} == expected


@pytest.mark.parametrize("stage", OURS, ids=lambda stage: stage.name)
def test_packages_that_shape_the_outputs_are_params(stage: Stage) -> None:
    if "env.json" in stage.deps:  # it tells all the versions, so each of them shapes its output
        return
    _, others = closure(module_of(stage))
    named = set(stage.params.get("env.json") or ())
    used = {package_of(name) for name in others - NO_INFLUENCE}
    if not stage.name.endswith(":environment"):
        assert used | {"python"} == named - {"estimator"}


@pytest.mark.parametrize("stage", OURS, ids=lambda stage: stage.name)
def test_the_estimators_package_is_a_param_of_a_stage_that_runs_it(stage: Stage) -> None:
    modules, _ = closure(module_of(stage))
    assert "persist" not in modules or "estimator" in (stage.params.get("env.json") or ())


def test_every_param_is_known_and_every_section_is_used() -> None:
    used: set[str] = set()
    for stage in STAGES:
        for key in stage.params.get("params.yaml") or ():
            section = key.split(".")[0]
            assert section in Params.model_fields, f"{stage.name} names an unknown section {key}"
            used.add(section)
    assert used == set(Params.model_fields)


def test_outputs_are_files_and_each_has_one_stage() -> None:
    outs = [out for stage in STAGES for out in stage.outs]
    assert len(outs) == len(set(outs))
    assert all(Path(out).suffix for out in outs)
    assert not [out for out in outs if (ROOT / out).is_dir()]


def test_git_keeps_what_dvc_does_not_cache() -> None:
    for stage in STAGES:
        for out, cached in stage.outs.items():
            command = ["git", "check-ignore", "--quiet", "--no-index", out]
            ignored = subprocess.run(command, cwd=ROOT, check=False).returncode == 0
            assert ignored == cached, out


def test_the_model_is_trained_in_the_locked_environment() -> None:
    locked = ROOT / "dvc.lock"
    if not locked.exists():
        pytest.skip("no dvc.lock yet: `python bootstrap.py` writes it")
    environment = json.loads((ROOT / "env.json").read_text(encoding="utf-8"))
    params = strict_yaml.load(locked)["stages"]["train"]["params"]["env.json"]
    assert params == {key: environment[key] for key in params}
