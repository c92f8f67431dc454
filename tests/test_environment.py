"""env.json of a project after its set-up, beside what the installed packages say of themselves."""

import tomllib

from conftest import Project

# Of each locked package that is installed, what its metadata asks for has to be locked with it.
COMPARE = """
import json
import re
from importlib import metadata
from packaging.requirements import Requirement

closures = json.load(open("env.json", encoding="utf-8"))["closures"]
asked = 0
for direct, closure in closures.items():
    for name in closure:
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # of another platform, or of an extra
            continue
        for need in map(Requirement, needs):
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                asked += 1
                normal = re.sub(r"[-_.]+", "-", need.name).lower()
                assert normal in closure, f"{direct}: {name} needs {normal}"
print(len(closures["scikit-learn"]), asked)
"""


def test_a_package_is_locked_with_all_that_it_asks_for(project: Project) -> None:
    of_sklearn, asked = map(int, project.run("python", "-c", COMPARE).stdout.split())
    assert of_sklearn > 4
    assert asked > 30


def test_pyproject_names_the_index_that_the_lock_is_of(project: Project) -> None:
    """Else uv, told of another index on another machine, writes a lock of its own."""
    lock = tomllib.loads((project.path / "uv.lock").read_text(encoding="utf-8"))
    origins = {package["source"].get("registry") for package in lock["package"]} - {None}
    text = (project.path / "pyproject.toml").read_text(encoding="utf-8")
    [named] = tomllib.loads(text)["tool"]["uv"]["index"]
    assert named == {"name": "locked", "url": named["url"], "explicit": True}
    assert {named["url"]} == origins
    # It is in the first commit, beside its lock.
    assert project.run("git", "show", "HEAD:pyproject.toml").stdout == text
