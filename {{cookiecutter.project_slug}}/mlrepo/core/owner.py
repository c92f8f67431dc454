"""The one place where the library meets the owner's package.

The name of that package is in pyproject.toml, under `[tool.mlrepo]`; that of a second model has the
name of its folder. Nothing else in the library imports it, so that the library is the same in every
project. Each function imports one module of the owner when it is asked for it: a stage that needs
no model does not wait for scikit-learn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from mlrepo.core import artifact, environment, numerics, yaml
from mlrepo.core.errors import ProjectError, did_you_mean
from mlrepo.core.files import read_toml
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import PARAMS, above, in_project, let_import
from mlrepo.core.sections import parse

if TYPE_CHECKING:
    import polars as pl

PROJECT = Path("pyproject.toml")
_PACKAGE = re.compile(r"^\[tool\.mlrepo\]\n(?:(?!\[).*\n)*?package *= *[\"'](\w+)[\"']", re.M)
_MAIN = re.compile(r"^def main\(", re.M)


class Model(Protocol):
    """model.py: what a model is.

    `build` alone, and the model is a scikit-learn estimator in a skops file. With `save` and `load`
    it is anything that these write and read, in the file that dvc.yaml names under `artifacts`;
    of a name ending in .zip, `path` is a folder for as many files as there are.

    `predict` may be left out where a model has predict_proba or predict of its own. `rows` has the
    feature columns: numbers, booleans and dates as 64-bit floats, texts as they are, null where a
    value is absent. What is returned, for n rows:

    - to regress: numbers of shape (n,);
    - to classify: probabilities of shape (n, classes), the classes sorted; or, for two classes,
      those of the second one, (n,); or labels (n,).

    REPEATS_WITHIN says by how much predictions may differ when the model is made again, where its
    bytes cannot repeat: then a rebuild is equivalent within it. Without it they have to repeat.
    """

    REPEATS_WITHIN: float

    def build(self, params: Any, features: Any) -> Any:
        """Return the model, unfitted; a train.py of your own need not call it."""

    def save(self, model: Any, path: Path) -> None:
        """Write a fitted model to the file, or into the empty folder, ``path``."""

    def load(self, path: Path) -> Any:
        """Return what `save` wrote; it is called once the SHA-256 is the recorded one."""

    def predict(self, model: Any, rows: pl.DataFrame) -> Any:
        """Return what a loaded model says of each row."""


class Metrics(Protocol):
    """metrics.py: what the model is measured by."""

    CLASSIFICATION: Mapping[str, Callable[[Any, Any], Any]]
    REGRESSION: Mapping[str, Callable[[Any, Any], Any]]
    SMALLER_IS_BETTER: Collection[str]


def name() -> str:
    """Return the name of the owner's package for the model of the current folder."""
    return Path.cwd().name if above() else _named(PROJECT)


@cache
def _named(project: Path) -> str:
    try:
        text = project.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProjectError(f"{project} does not exist: run this in the project's folder") from None
    if found := _PACKAGE.search(text):
        return found[1]
    # A stage does not pay for it where the section is laid out as usual.
    package = read_toml(project).get("tool", {}).get("mlrepo", {}).get("package")
    if not isinstance(package, str):
        raise ProjectError(
            f"{project} does not name the package of this project: add the section "
            '[tool.mlrepo] with package = "NAME"'
        )
    return package


def project_name() -> str:
    """Return the name of the project itself, under which trackers show it."""
    return str(read_toml(in_project(str(PROJECT)))["project"]["name"])


def add_features() -> Callable[[pl.LazyFrame], pl.LazyFrame]:
    """Return the function of data.py that adds the project's own columns to the raw ones."""
    function: Callable[[pl.LazyFrame], pl.LazyFrame] = _module("data", "add_features").add_features
    return function


def target() -> pl.Expr | None:
    """Return what data.py makes the target of; None where the table has it.

    A data.py that says nothing of it is as the table has it, too.
    """
    import polars as pl

    make = getattr(_module("data"), "target", None)
    made = None if make is None else make()
    if made is not None and not isinstance(made, pl.Expr):
        file = f"{name()}/data.py"
        raise ProjectError(
            f"target in {file} returns {type(made).__name__}: it must be an expression of polars, "
            "such as pl.col('delay') > 15, or None"
        )
    return made


def metrics() -> Metrics:
    """Return metrics.py."""
    return cast(Metrics, _module("metrics", "CLASSIFICATION", "REGRESSION", "SMALLER_IS_BETTER"))


def kind_of_model(module: Any = None) -> Model | None:
    """Return model.py if its models are of a kind of its own; None: they are skops files.

    ``module`` is that of another commit, or of a release.
    """
    module = _module("model") if module is None else module
    there = [each for each in ("save", "load", "predict") if hasattr(module, each)]
    if not there:
        return None
    if lacking := [each for each in ("save", "load") if each not in there]:
        raise ProjectError(
            f"{name()}/model.py has {' and '.join(there)} and no {' and no '.join(lacking)}: save "
            "and load belong together, and predict goes with them (docs/models.md)"
        )
    return cast(Model, module)


def build() -> Callable[[Any, Any], Any]:
    """Return the function of model.py that makes the unfitted model."""
    function: Callable[[Any, Any], Any] = _module("model", "build").build
    return function


def run(page: str, refuse: Callable[[LibraryParams], None]) -> None:
    """Run a stage: what every page needs is done before the page is imported.

    ``refuse`` says what is wrong in params that could be read.
    """
    params = load_params()
    if params.numerics.pinned:
        numerics.pin()  # NumPy reads its settings while a page imports it
    environment.check()
    refuse(params)
    stage(page)(params)


def stage(page: str) -> Callable[[Any], None]:
    """Return `main` of the page of a stage, which takes the params."""
    files = sorted(Path(name()).glob("*.py"))
    if page not in [file.stem for file in files]:
        pages = [file.stem for file in files if _MAIN.search(file.read_text(encoding="utf-8"))]
        hint = did_you_mean(page, pages, f": its pages are {', '.join(pages)}")
        raise ProjectError(f"{name()} has no page {page}.py{hint}")
    main: Callable[[Any], None] = _module(page, "main").main
    return artifact.checked(main, Path(name(), "train.py")) if page == "train" else main


def load_params(path: Path = PARAMS) -> LibraryParams:
    """Read and check params.yaml, with the sections that the owner's params.py adds."""
    params: type[LibraryParams] = _module("params", "Params").Params
    return parse(yaml.load(path), params, str(path))


def _module(module: str, *names: str) -> Any:
    """Import a module of the owner, which must have the ``names``."""
    full, file = f"{name()}.{module}", f"{name()}/{module}.py"
    let_import()
    try:
        found = import_module(full)
    except ModuleNotFoundError as error:
        if error.name not in (name(), full):  # what it imports is missing
            raise
        by = "its folder" if above() else str(PROJECT)
        words = f"{file} does not exist: {by} names the package {name()}"
        raise ProjectError(words) from None
    for each in names:
        if not hasattr(found, each):
            raise ProjectError(f"{file} has no `{each}`, which is asked for")
    return found
