"""The packages that a release needs, as `pip install --require-hashes` takes them."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from mlrepo.core.environment import LOCK, distribution
from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import in_project
from mlrepo.pipeline import git
from mlrepo.pipeline.output import Tell

_PROJECT = "pyproject.toml"
_NAME = re.compile(r"[\w.-]+")


def requirements(commit: str, imports: Collection[str], own: Collection[str], tell: Tell) -> bytes:
    """Return the locked versions and hashes of what modules are of, and of all that these need.

    Of the project's extras, such as xgboost, only what the modules ``own`` are of is among them.
    What is from no index, and so has no hash, is reported, as is what no dependency brings.

    Raises:
        ProjectError: if uv is not there, or cannot read the lock of the commit.
    """
    beside = str(Path(sys.executable).parent)  # where set-up puts it on a machine without one
    uv = shutil.which("uv") or shutil.which("uv", path=beside)
    if uv is None:
        raise ProjectError("uv, which reads uv.lock, is not found: start this with `uv run`")
    project = git.bytes_at(commit, in_project(_PROJECT).as_posix())
    declared = tomllib.loads(project.decode())["project"]
    extras = declared.get("optional-dependencies", {}).values()
    direct = _names(declared.get("dependencies", []))
    extra = _names(each for extra in extras for each in extra) - direct
    needed = _packages(own) | (_packages(imports) & direct)
    locked = git.bytes_at(commit, in_project(LOCK).as_posix())
    command = [uv, "export", "--frozen", "--offline", "--quiet", "--python", sys.executable]
    command += ["--all-extras", "--no-default-groups", "--no-emit-project"]
    command += ["--no-header", "--no-annotate"]
    for name in sorted((direct | extra) - _below(locked, needed)):
        command += ["--prune", name]
    with TemporaryDirectory() as folder:
        Path(folder, _PROJECT).write_bytes(project)
        Path(folder, LOCK).write_bytes(locked)
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise ProjectError(f"uv cannot read {LOCK} of the commit {commit[:7]}: {said}")
    lines = [line for line in done.stdout.decode().splitlines() if not line.startswith(" ")]
    if loose := [line for line in lines if "==" not in line.partition(";")[0]]:
        tell(f"from no index, so hand it over yourself: {', '.join(loose)}")
    found = _names(lines)
    if not loose and (absent := sorted(each for each in own if not _packages([each]) & found)):
        tell(f"no dependency in pyproject.toml brings {', '.join(absent)}, which its code imports")
    return done.stdout


def _names(lines: Iterable[str]) -> set[str]:
    """Return the packages that requirements such as "polars>=2" name."""
    return {distribution(found[0]) for line in lines if (found := _NAME.match(line))}


def _below(lock: bytes, names: set[str]) -> set[str]:
    """Return packages and all that they need, on whatever platform."""
    needs: dict[str, set[str]] = {}
    with suppress(tomllib.TOMLDecodeError):  # uv says better what is wrong in it
        for package in tomllib.loads(lock.decode()).get("package", []):
            optional = package.get("optional-dependencies", {}).values()
            listed = chain(package.get("dependencies", []), *optional)
            needs.setdefault(package["name"], set()).update(each["name"] for each in listed)
    found, waiting = set[str](), set(names)
    while waiting:
        found |= waiting
        waiting = {below for name in waiting for below in needs.get(name, ())} - found
    return found


def _packages(modules: Collection[str]) -> set[str]:
    """Return the packages that modules are of, by what is installed or else by their names."""
    known = _installed()
    return {distribution(name) for module in modules for name in known.get(module, [module])}


@cache
def _installed() -> Mapping[str, list[str]]:
    return packages_distributions()
