"""What holds of records of earlier releases, and how they are read today.

A record is never written again, so each form that was ever registered stays readable. `format` in
the record rises when a key changes its meaning; up to now it is 1, with these differences:

- Before mlrepo 1.0 all code was one package, the owner's, and stages ran as `python -m
  PACKAGE.STAGE`. Nothing here reads those commands: `dvc repro` runs them in a clone of the commit.
- In those records `environment.packages` is all of env.json, "python" included; since then it is
  what env.json has under "closures". `environment.library` is new.
- A folder among `files` has `parts`. Those that Git keeps were no dependency before mlrepo 1.0.
- `data` of params.yaml is read with `ADDED_TO_DATA`, its `csv` with `ADDED_TO_CSV`, and
  `prepare.split` with `ADDED_TO_SPLIT`: a key that is new in a release gets the value there by
  which the release does what those before it did.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from mlrepo.core.paths import in_project
from mlrepo.pipeline import git

if TYPE_CHECKING:
    from mlrepo.core.params import Data, Split

ADDED_TO_DATA: Final[dict[str, Any]] = {"weight": None}
ADDED_TO_CSV: Final[dict[str, Any]] = {"thousands": None, "encoding": "utf-8"}
ADDED_TO_SPLIT: Final[dict[str, Any]] = {"equal_features": "apart"}

# What is in the owner's package before mlrepo 1.0 and no longer the owner's. What else was in it,
# data.py, model.py and metrics.py among them, is the owner's then and now.
_ONCE_IN_PACKAGE: Final = """
artifacts assess batches boosting boosting_batches boosting_cluster canonical card checkout
checks ci cli cluster column_names columns commands compare csv_lines datasets declared doctor
duration environment errors estimator evaluate exports features files first_commit fit freshness
gate git importance imported incremental intervals layout leaves lineage links listings locks
memory mirror model_card numbers_in_text numerics offline_plots output params partition persist
pinned pipeline plot_data prediction predictions prepare progress propose push raw_data relocate
remote results row_changes scheduler schema score_tables serving settings split store strict_yaml
summary sweep table train transfer trust versions volatile weighted workers
"""


def library() -> str:
    """Return the folder of the library, from the current one."""
    return in_project("mlrepo").as_posix()


def is_one_package(commit: str) -> bool:
    """Return whether a commit is from before the library was a package of its own."""
    return git.ask("cat-file", "-e", f"{commit}:./{library()}") is None


def library_modules(commit: str) -> set[str]:
    """Return the modules and folders of the owner's package in a commit that are ours today."""
    return set(_ONCE_IN_PACKAGE.split()) if is_one_package(commit) else set()


def closures(record: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return each direct package, and "estimator", with the versions of all that it needs."""
    packages = record["environment"]["packages"].items()
    return {name: closure for name, closure in packages if isinstance(closure, dict)}


def files(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return path -> hashes of each file of a record, those in folders among them."""
    return {
        path: entry
        for name, each in record["files"].items()
        for path, entry in parts(name, each).items()
    }


def parts(path: str, entry: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return path -> hashes of a file of a record, or of all files in a folder."""
    found: dict[str, dict[str, Any]] = entry.get("parts", {"": entry})
    return {f"{path}/{name}".rstrip("/"): each for name, each in found.items()}


def data_params(record: dict[str, Any]) -> "Data":
    """Return the section `data` of params.yaml that a version was made with."""
    from mlrepo.core.params import Data
    from mlrepo.core.sections import parse

    section = next(_sections(record, "data"))
    section = {**ADDED_TO_DATA, **section, "csv": {**ADDED_TO_CSV, **section["csv"]}}
    return parse(section, Data, f"the record of {record['version']}")


def split_params(record: dict[str, Any]) -> "Split | None":
    """Return how the rows of a version were divided; None where no stage on record divides rows."""
    from mlrepo.core.params import Split
    from mlrepo.core.sections import parse

    for section in _sections(record, "prepare"):
        split = {**ADDED_TO_SPLIT, **section["split"]}
        return parse(split, Split, f"the record of {record['version']}")
    return None


def _sections(record: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield a whole section of params.yaml, as each stage has it that reads all of it."""
    for stage in record["stages"].values():
        if name in (read := stage["params"].get("params.yaml", {})):
            yield read[name]
