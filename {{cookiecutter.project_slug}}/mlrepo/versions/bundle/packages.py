"""The packages that a release needs, as `pip install --require-hashes` takes them."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterable
from importlib.metadata import packages_distributions
from pathlib import Path
from tempfile import TemporaryDirectory

from mlrepo.core.environment import LOCK, distribution
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git

_PROJECT = "pyproject.toml"
_NAME = re.compile(r"[\w.-]+")


def requirements(commit: str, imports: Collection[str], own: Collection[str]) -> bytes:
    """Return the locked versions and hashes of what modules are of, and of all that these need.

    Of the project's extras, such as xgboost, only what the modules ``own`` are of is among them.

    Raises:
        ProjectError: if uv is not there, or cannot read the lock of the commit.
    """
    beside = str(Path(sys.executable).parent)  # where set-up puts it on a machine without one
    uv = shutil.which("uv") or shutil.which("uv", path=beside)
    if uv is None:
        raise ProjectError("uv, which reads uv.lock, is not found: start this with `uv run`")
    project = git.bytes_at(commit, _PROJECT)
    declared = tomllib.loads(project.decode())["project"]
    extras = declared.get("optional-dependencies", {}).values()
    wanted = {
        **dict.fromkeys(_names(each for extra in extras for each in extra), _packages(own)),
        **dict.fromkeys(_names(declared.get("dependencies", [])), _packages({*imports, *own})),
    }
    command = [uv, "export", "--frozen", "--offline", "--quiet", "--python", sys.executable]
    command += ["--all-extras", "--no-default-groups", "--no-emit-project"]
    command += ["--no-header", "--no-annotate"]
    for name, needed in wanted.items():
        command += [] if name in needed else ["--prune", name]
    with TemporaryDirectory() as folder:
        Path(folder, _PROJECT).write_bytes(project)
        Path(folder, LOCK).write_bytes(git.bytes_at(commit, LOCK.name))
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise ProjectError(f"uv cannot read {LOCK} of the commit {commit[:7]}: {said}")
    return done.stdout


def _names(lines: Iterable[str]) -> set[str]:
    """Return the packages that requirements such as "polars>=2" name."""
    return {distribution(found[0]) for line in lines if (found := _NAME.match(line))}


def _packages(modules: Collection[str]) -> set[str]:
    """Return the packages that modules are of, by what is installed or else by their names."""
    known = packages_distributions()
    return {distribution(name) for module in modules for name in known.get(module, [module])}
