"""The step `environment`: the locked packages as a file that other steps depend on.

env.json holds a line for each direct dependency: its version, and a digest of the versions of all
that it needs. A stage names the packages that it uses in its `params`, so that an upgrade of numpy
trains again and one of a developer's tool does not.
"""

import hashlib
import json
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.core.files import read_toml
from mlrepo.core.paths import ENVIRONMENT, PARAMS, above, in_project

LOCK = "uv.lock"
PYTHON = ".python-version"

# Modules whose distribution has another name; the others differ by `_` and `-` at most.
_DISTRIBUTIONS = {"sklearn": "scikit-learn"}

# How the estimators begin that learn on a Dask cluster, and what that needs.
DISTRIBUTED = "xgboost.dask.Dask"
_OF_A_CLUSTER = ("dask[dataframe]", "distributed")

_UNVERSIONED = "unversioned"

Closure = dict[str, str]
Table = dict[str, Any]  # of uv.lock: a package, or what one needs
Packages = dict[str, list[Table]]  # one name has several versions where the lock forks


def describe() -> dict[str, Any]:
    """Return the locked environment of the project.

    Returns:
        "python": the minor version; each direct dependency: its version, with a digest of what it
        needs on any platform, so that the file is the same on all of them; "estimator": the same
        for the package of `train.estimator` and all that what is inside it can be of, which are
        the direct dependencies that need NumPy; "mlrepo": whether the folders of the library that
        stages use are as released; "closures": for each package, and that of `train.estimator`,
        name -> version of it and of all that it needs.
    """
    # Here, so that a package which is missing is named in words.
    from mlrepo.core import owner, release, yaml

    packages, root = _read_lock()
    needs: dict[str, list[Table]] = {}
    for need in root.get("dependencies", []):  # one in several lines is locked several times
        needs.setdefault(need["name"], []).append({**need, "version": None})
    direct = {name: _closure(packages, wanted) for name, wanted in sorted(needs.items())}
    name, closure = _estimator(yaml.load(PARAMS), owner.name(), direct, packages)
    # skops has a line of its own, by which stages go.
    more = [found for each, found in direct.items() if "numpy" in found and each != "skops"]
    learning = dict(sorted({k: v for found in (*more, closure) for k, v in found.items()}.items()))
    return {
        "python": _python(),
        **{each: _summary(each, found) for each, found in direct.items()},
        "estimator": _summary(name, learning, name),
        "mlrepo": str(release.compare(release.OF_STAGES)),
        "closures": {**direct, "estimator": closure},
    }


def _summary(name: str, closure: Closure, *prefix: str) -> str:
    """Return a package's version and, where it needs others, a digest of all their versions."""
    words = [*prefix, closure[name]] if name in closure else ["of this project"]
    if len(closure) > 1:
        text = "\n".join(f"{each} {version}" for each, version in closure.items())
        words.append(f"({len(closure)} packages {hashlib.sha256(text.encode()).hexdigest()[:12]})")
    return " ".join(words)


def check(path: Path = ENVIRONMENT) -> None:
    """Refuse to go on in an environment that is not the locked one, and name what differs."""
    wrong, locked = "does not hold keys and values", None
    try:
        locked = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        wrong = "is not valid JSON" if isinstance(error, ValueError) else "does not exist"
    if not isinstance(locked, dict):
        command = f"python {'../mlrepo ' if above() else '-m mlrepo.'}core.environment"
        raise ProjectError(f"{path} {wrong}: run `{command}`")
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    python, closures = locked.get("python"), locked.get("closures", {})
    drift = [] if running == python else [f"this is Python {running}, {path} has {python}"]
    # Closures differ where the lock forks: a package for Linux alone names no version of macOS.
    versions: dict[str, set[str]] = {}
    for closure in closures.values():
        for name, text in closure.items():
            versions.setdefault(name, set()).update(text.split(" or "))
    here = installed()
    # A transitive package that is absent belongs to another platform.
    if absent := [name for name in closures if name in versions and name not in here]:
        _, root = _read_lock()
        elsewhere = {need["name"] for need in root.get("dependencies", []) if "marker" in need}
        drift += [f"{name} is not installed" for name in absent if name not in elsewhere]
    for name in sorted(versions.keys() & here.keys()):
        numbers = {version.split(" ")[0] for version in versions[name]}
        if not numbers & {here[name], _UNVERSIONED}:  # a folder of code without one allows any
            known = " or ".join(sorted(versions[name]))
            drift.append(f"{name} {here[name]} is installed, {path} has {known}")
    drift += _hidden(sorted(versions.keys() & here.keys()))
    if drift:
        if os.environ.get("PYTHONPATH"):
            drift.append("PYTHONPATH is set, and its packages come first: unset it.")
        drift.append("Run `uv sync`; if uv.lock has changed, `dvc repro` after it.")
        raise ProjectError("\n       ".join(drift))


def _read_lock() -> tuple[Packages, Table]:
    """Return the locked packages by name, and that of this project."""
    lock = read_toml(in_project(LOCK))
    packages: Packages = {}
    for package in lock.get("package", []):
        packages.setdefault(package["name"], []).append(package)
    here = ({"virtual": "."}, {"editable": "."})
    roots = [package for package in lock.get("package", []) if package["source"] in here]
    if len(roots) != 1:
        raise ProjectError(f"{LOCK} does not name this project: delete it and run `uv lock`")
    return packages, roots[0]


def _closure(packages: Packages, needs: list[Table]) -> Closure:
    """Return name -> version of ``needs`` and all that they need, markers set aside."""
    found: dict[str, set[str]] = {}
    seen: set[tuple[str, str | None, str | None]] = set()
    open_needs = list(needs)
    while open_needs:
        need = open_needs.pop()
        name, version = need["name"], need.get("version")
        for extra in [None, *need.get("extra", [])]:
            if (name, version, extra) in seen:
                continue
            seen.add((name, version, extra))
            for package in packages.get(name, []):
                if version in (None, package.get("version")):
                    found.setdefault(name, set()).add(_identity(package))
                    extras = package.get("optional-dependencies", {})
                    more = extras.get(extra) if extra else package.get("dependencies")
                    open_needs += more or []
    return {name: " or ".join(sorted(versions)) for name, versions in sorted(found.items())}


def _identity(package: Table) -> str:
    """Return the version, and for code that is not from a registry where exactly it is from."""
    kind, place = next(iter(package["source"].items()))
    version = str(package.get("version", _UNVERSIONED))
    if kind == "registry":
        return version
    files = [package.get("sdist", {}), *package.get("wheels", [])]
    digests = [file["hash"] for file in files if "hash" in file]
    return " ".join([version, f"({kind} {place})", *digests[:1]])


def _estimator(
    params: object, own: str, direct: dict[str, Closure], packages: Packages
) -> tuple[str, Closure]:
    """Return the package of the estimator, and the versions of it and of what it needs.

    Raises:
        ProjectError: if it is no dependency, which every machine of the project installs.
    """
    train = params.get("train") if isinstance(params, dict) else None
    estimator = train.get("estimator") if isinstance(train, dict) else None
    if not isinstance(estimator, str) or not estimator:
        raise ProjectError(f"{PARAMS}: train.estimator must be the dotted name of a class")
    module = estimator.split(".")[0]
    if module == own:
        return module, {}
    name = distribution(module)
    locked = {each for closure in direct.values() for each in closure}
    beside = _OF_A_CLUSTER if estimator.startswith(DISTRIBUTED) else ()
    # The lock has packages of extras and groups as well, which not every machine installs.
    if absent := [each for each in (name, *beside) if each.partition("[")[0] not in locked]:
        raise ProjectError(
            f"{PARAMS}: train.estimator is {estimator}, and the project does not depend on "
            f"{' and '.join(absent)}: run `uv add {shlex.join(absent)}`"
        )
    return name, direct.get(name) or _closure(packages, [{"name": name}])


def distribution(module: str) -> str:
    """Return the name of the package that a module is installed by."""
    return _DISTRIBUTIONS.get(module, _normalise(module))


def _python() -> str:
    try:
        text = in_project(PYTHON).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise ProjectError(f"{PYTHON} does not exist: run `python bootstrap.py`") from None
    if found := re.match(r"3\.\d+", text):
        return found[0]
    raise ProjectError(f"{PYTHON} must hold a version such as 3.11, not {text!r}")


def installed() -> Closure:
    """Return name -> version of the installed packages."""
    return {name: version for name, (version, _) in _found().items()}


@cache
def _found() -> dict[str, tuple[str, str]]:
    """Return name -> version and folder of the installed packages.

    The names of the .dist-info folders say it (https://packaging.python.org/en/latest/
    specifications/recording-installed-packages/); importlib.metadata reads the files in them as
    well, which costs every stage 35 ms.
    """
    found: dict[str, tuple[str, str]] = {}
    for folder in sys.path:
        for info in Path(folder).glob("*.dist-info"):
            name, _, version = info.stem.partition("-")
            found.setdefault(_normalise(name), (version, folder))
    return found


def _hidden(names: Iterable[str]) -> Iterator[str]:
    """Yield which packages Python does not take from where they are installed."""
    modules = {name: module for module, name in _DISTRIBUTIONS.items()}
    listed = {folder: {each.name for each in Path(folder).glob("*")} for folder in sys.path}
    for name in names:
        module = modules.get(name, name.replace("-", "_"))
        if module in sys.stdlib_module_names:
            continue
        for folder in sys.path[: sys.path.index(_found()[name][1])]:
            # A folder without __init__.py comes after what is installed.
            for place in (Path(folder, each) for each in listed[folder] & {module, f"{module}.py"}):
                if place.suffix or (place / "__init__.py").exists():
                    yield f"{name} is not the installed one, {place} comes first: move it away"


def _normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
