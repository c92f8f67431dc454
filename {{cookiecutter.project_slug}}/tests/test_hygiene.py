"""The pipeline says the truth about itself: what dvc.yaml names is what the code uses."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from mlrepo.core import yaml
from mlrepo.pipeline.dvc_yaml import Stage, load_pipeline

from {{ cookiecutter.__package_name }}.params import Params

from .conftest import ROOT

PACKAGE = "{{ cookiecutter.__package_name }}"
STAGES = load_pipeline(ROOT).stages
PAGE = re.compile(r"python -m mlrepo (\w+)")
# What another program runs has deps that only you can know.
PAGES = [stage for stage in STAGES if PAGE.fullmatch(str(stage.cmd))]
NAMES = [stage.name for stage in PAGES]
# What the library asks of your package, through its one seam.
SEAM = re.compile(r"\bowner\.(data|model|metrics)\(\)")

DISTRIBUTIONS = packages_distributions()
# Packages that shape no output: they read params.yaml, whose values DVC compares itself, or draw
# a progress bar, or bring the work to a cluster. An upgrade of them need not train again.
# xgboost is one only as the package of the estimator, and that is a param under this name.
NO_INFLUENCE = {"cloudpickle", "dask", "distributed", "pydantic", "pydantic_core", "ruamel", "tqdm"}
NO_INFLUENCE |= {"backports", "backports.zstd", "compression", "psutil", "xgboost"}


def file_of(module: str) -> Path | None:
    """Return the file of a module of your package or the library; None for any other name."""
    path = ROOT.joinpath(*module.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


def imports(module: str) -> Iterator[str]:
    """Yield the modules that a module imports anywhere, but for those that only types need."""
    file = file_of(module)
    assert file is not None
    tree = ast.parse(file.read_text(encoding="utf-8"))
    conditions = [node for node in ast.walk(tree) if isinstance(node, ast.If)]
    for_types = [node for node in conditions if "TYPE_CHECKING" in ast.dump(node.test)]
    skipped = {id(node) for block in for_types for node in ast.walk(block)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
            base = parents[: len(parents) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def closure(module: str) -> tuple[set[str], set[str]]:
    """Return all modules of your package and the library that one leads to, and other packages."""
    reached: set[str] = set()
    others: set[str] = set()
    waiting = {module}
    while waiting:
        current = waiting.pop()
        reached.add(current)
        file = file_of(current)
        assert file is not None
        asked = SEAM.findall(file.read_text(encoding="utf-8"))
        for name in [*imports(current), *(f"{PACKAGE}.{each}" for each in asked)]:
            top = name.partition(".")[0]
            if top not in (PACKAGE, "mlrepo"):
                others.add(top)
            elif file_of(name) and name not in reached:
                waiting.add(name)
    return reached, others - set(sys.stdlib_module_names)


def modules(stage: Stage) -> tuple[set[str], set[str]]:
    """Return what a stage imports: its page, and what the library runs before the page."""
    found = PAGE.fullmatch(stage.cmd)
    assert found
    own, others = closure(f"{PACKAGE}.{found[1]}")
    before, more = closure("mlrepo.core.owner")
    own |= before | {f"{PACKAGE}.params"}
    if "mlrepo.learning.model_file" in own:  # a model file may hold objects of your classes
        own.add(f"{PACKAGE}.model")
    return own, others | more


def package_of(module: str) -> str:
    """Return the name that a module's package has in env.json."""
    return DISTRIBUTIONS.get(module, [module])[0].lower().replace("_", "-")


def test_the_model_is_made_by_stages_whose_code_can_be_followed() -> None:
    assert {"prepare", "train", "evaluate"} <= set(NAMES)


@pytest.mark.parametrize("stage", PAGES, ids=NAMES)
def test_code_deps_are_the_pages_and_folders_that_the_stage_imports(stage: Stage) -> None:
    own, _ = modules(stage)
    names = [name.split(".") for name in own if "." in name]
    pages = {f"{PACKAGE}/{page}.py" for package, page, *_ in names if package == PACKAGE}
    folders = {f"mlrepo/{folder}" for package, folder, *_ in names if package == "mlrepo"}
    code = (f"{PACKAGE}/", "mlrepo/")
    assert {dep for dep in stage.deps if dep.startswith(code)} == pages | folders


@pytest.mark.parametrize("stage", PAGES, ids=NAMES)
def test_packages_that_shape_the_outputs_are_params(stage: Stage) -> None:
    if "env.json" in stage.deps:  # it tells all the versions, so each of them shapes its output
        return
    _, others = modules(stage)
    named = set(stage.params.get("env.json") or ()) - {"estimator"}
    closures = json.loads((ROOT / "env.json").read_text(encoding="utf-8"))["closures"]
    # A package stands for all that it needs.
    covered = {each for name in named - {"python"} for each in closures[name]}
    used = {package_of(name) for name in others - NO_INFLUENCE}
    assert "python" in named
    assert used <= covered
    assert named - {"python"} <= used


@pytest.mark.parametrize("stage", PAGES, ids=NAMES)
def test_the_estimators_package_is_a_param_of_a_stage_that_runs_it(stage: Stage) -> None:
    own, _ = modules(stage)
    named = stage.params.get("env.json") or ()
    assert "mlrepo.learning.model_file" not in own or "estimator" in named


def test_every_param_is_known_and_every_section_is_used() -> None:
    used: set[str] = set()
    for stage in STAGES:
        for key in stage.params.get("params.yaml") or ():
            section = key.split(".")[0]
            assert section in Params.model_fields, f"{stage.name} names an unknown section {key}"
            used.add(section)
    assert used == set(Params.model_fields)


def test_each_output_has_one_stage() -> None:
    outs = [Path(out) for stage in STAGES for out in stage.outs]
    assert len(outs) == len(set(outs))
    assert not [out for out in outs if set(out.parents) & set(outs)]  # none is in another's folder


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
    params = yaml.load(locked)["stages"]["train"]["params"]["env.json"]
    assert params == {key: environment[key] for key in params}
