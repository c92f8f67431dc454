"""The stage `environment`: the locked packages as a file that other stages depend on.

env.json holds, for each direct dependency, the versions of all that it installs. A stage names
the packages that it uses in its `params`, so that an upgrade of numpy trains again and one of a
developer's tool does not.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from . import strict_yaml
from .errors import ProjectError, run
from .files import write_json

OUTPUT = Path("env.json")
LOCK = Path("uv.lock")
PYTHON = Path(".python-version")
PARAMS = Path("params.yaml")

# Modules whose distribution has another name; the others differ by `_` and `-` at most.
_DISTRIBUTIONS = {"sklearn": "scikit-learn"}

_UNVERSIONED = "unversioned"

Closure = dict[str, str]


def describe(folder: Path = Path()) -> dict[str, Any]:
    """Return the locked environment of the project in ``folder``.

    Returns:
        "python": the minor version; each direct dependency: name -> version of it and of all that
        it needs on any platform, so that the file is the same on all of them; "estimator": the
        same for the package of `train.estimator`.

    Raises:
        ProjectError: if a file is missing or broken, or the estimator's package is not locked.
    """
    packages, root = _read_lock(folder / LOCK)
    direct = {name: _closure(packages, [need]) for name, need in _needs(root).items()}
    estimator = strict_yaml.load(folder / PARAMS)
    return {
        "python": _python(folder / PYTHON),
        **dict(sorted(direct.items())),
        "estimator": _estimator(estimator, direct, packages),
    }


def check(path: Path = OUTPUT) -> None:
    """Refuse to go on in an environment that is not the locked one.

    Raises:
        ProjectError: naming each package that differs, and the mend.
    """
    try:
        locked: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(f"{path} does not exist: run `python -m {_module()}`") from None
    except ValueError:
        raise ProjectError(f"{path} is not valid JSON: run `python -m {_module()}`") from None
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = locked.pop("python", None)
    drift = [] if running == python else [f"this is Python {running}, {path} has {python}"]
    # Closures differ where the lock forks: a package for Linux alone names no version of macOS.
    versions: dict[str, set[str]] = {}
    for closure in locked.values():
        for name, text in closure.items():
            versions.setdefault(name, set()).update(text.split(" or "))
    installed = _installed()
    # A transitive package that is absent belongs to another platform.
    absent = [name for name in locked if name in versions and name not in installed]
    drift += [f"{name} is not installed" for name in _expected_here(absent)]
    for name in sorted(versions.keys() & installed.keys()):
        if installed[name] not in _numbers(versions[name], installed[name]):
            known = " or ".join(sorted(versions[name]))
            drift.append(f"{name} {installed[name]} is installed, {path} has {known}")
    if drift:
        raise ProjectError(
            "\n       ".join(drift)
            + "\n       Run `uv sync`; if uv.lock has changed, `dvc repro` after it."
        )


def _read_lock(path: Path) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Any]]:
    import tomllib  # 15 ms that `check`, run at the start of each stage, does not need

    try:
        lock = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(f"{path} does not exist: run `uv lock`") from None
    except ValueError as error:
        raise ProjectError(f"{path} is not valid TOML ({error}): run `uv lock`") from None
    packages: dict[str, list[dict[str, Any]]] = {}
    roots = []
    for package in lock.get("package", []):
        packages.setdefault(package["name"], []).append(package)
        source = package["source"]
        if "." in (source.get("virtual"), source.get("editable")):
            roots.append(package)
    if len(roots) != 1:
        raise ProjectError(f"{path} does not name this project: delete it and run `uv lock`")
    return packages, roots[0]


def _needs(root: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the direct dependencies; one that stands in several lines is locked several times."""
    needs: dict[str, dict[str, Any]] = {}
    for need in root.get("dependencies", []):
        known = needs.setdefault(need["name"], {"name": need["name"], "extra": []})
        known["extra"] = [*known["extra"], *need.get("extra", [])]
    return needs


def _closure(packages: dict[str, list[dict[str, Any]]], needs: list[dict[str, Any]]) -> Closure:
    """Return name -> version of ``needs`` and all that they need, markers set aside."""
    found: dict[str, set[str]] = {}
    seen: set[tuple[str, str | None, str | None]] = set()
    open_needs = list(needs)
    while open_needs:
        need = open_needs.pop()
        for extra in [None, *need.get("extra", [])]:
            key = (need["name"], need.get("version"), extra)
            if key in seen:
                continue
            seen.add(key)
            for package in packages.get(need["name"], []):
                if need.get("version") not in (None, package.get("version")):
                    continue
                found.setdefault(package["name"], set()).add(_identity(package))
                optional = package.get("optional-dependencies", {})
                open_needs += package.get("dependencies", []) if extra is None else []
                open_needs += optional.get(extra, [])
    return {name: " or ".join(sorted(versions)) for name, versions in sorted(found.items())}


def _identity(package: dict[str, Any]) -> str:
    """Return the version, and for code that is not from a registry where exactly it is from."""
    kind, place = next(iter(package["source"].items()))
    version = str(package.get("version", _UNVERSIONED))
    if kind == "registry":
        return version
    files = [package.get("sdist", {}), *package.get("wheels", [])]
    digests = [file["hash"] for file in files if "hash" in file]
    return " ".join([version, f"({kind} {place})", *digests[:1]])


def _numbers(locked: set[str], installed: str) -> set[str]:
    """Return the versions that ``locked`` allows; a folder of code without one allows any."""
    numbers = {version.split(" ")[0] for version in locked}
    return {installed if number == _UNVERSIONED else number for number in numbers}


def _expected_here(names: list[str]) -> list[str]:
    """Return those of the direct dependencies that are for every platform."""
    if not names:
        return []
    _, root = _read_lock(LOCK)
    elsewhere = {need["name"] for need in root.get("dependencies", []) if "marker" in need}
    return [name for name in names if name not in elsewhere]


def _estimator(
    params: object, direct: dict[str, Closure], packages: dict[str, list[dict[str, Any]]]
) -> Closure:
    train = params.get("train") if isinstance(params, dict) else None
    estimator = train.get("estimator") if isinstance(train, dict) else None
    if not isinstance(estimator, str) or not estimator:
        raise ProjectError(f"{PARAMS}: train.estimator must be the dotted name of a class")
    module = estimator.split(".")[0]
    if module == (__package__ or "").split(".")[0]:
        return {}
    name = _DISTRIBUTIONS.get(module, _normalise(module))
    if name not in packages:
        raise ProjectError(
            f"{PARAMS}: train.estimator is {estimator}, but {name} is not in {LOCK}: "
            f"run `uv add {name}`"
        )
    return direct.get(name) or _closure(packages, [{"name": name}])


def _python(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise ProjectError(f"{path} does not exist: run `python bootstrap.py`") from None
    match = re.match(r"3\.\d+", text)
    if match is None:
        raise ProjectError(f"{path} must hold a version such as 3.11, not {text!r}")
    return match.group()


def _installed() -> Closure:
    """Return name -> version of the installed packages.

    The names of the .dist-info folders say it (https://packaging.python.org/en/latest/
    specifications/recording-installed-packages/); importlib.metadata reads the files in them as
    well, which costs every stage 35 ms.
    """
    installed: Closure = {}
    for folder in map(Path, sys.path):
        if folder.is_dir():
            for info in folder.glob("*.dist-info"):
                name, _, version = info.stem.partition("-")
                installed.setdefault(_normalise(name), version)
    return installed


def _normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _module() -> str:
    return f"{__package__}.{Path(__file__).stem}"


def main() -> None:
    """Write env.json."""
    write_json(OUTPUT, describe())


if __name__ == "__main__":
    run(main)
