"""Bring a version's model out of the store, proven, with the facts that must travel with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ProjectError
from ..files import atomic, write_json
from ..store import Store, Stored
from .registry import Version, recorded

if TYPE_CHECKING:
    import polars as pl

    from ..params import Data

SAMPLE = 100  # rows


def fetch(version: Version, folder: Path) -> Path:
    """Write model, SHA-256 and VERSION.json to ``folder``; return the path of the model.

    VERSION.json comes last, so that a folder which has it is complete.

    Raises:
        ProjectError: if a file is nowhere or is not the recorded one.
    """
    artifact = recorded(version)["artifact"]
    target = _file(artifact["path"], artifact, folder)
    with atomic(target.with_name(f"{target.name}.sha256")) as partial:
        partial.write_text(f"{artifact['sha256']}  {target.name}\n", encoding="utf-8", newline="\n")
    write_json(folder / "VERSION.json", facts(version))
    return target


def facts(version: Version) -> dict[str, Any]:
    """Return what a deployed model carries, and what a log of its predictions names."""
    record = recorded(version)
    return {
        "model": record["model"],
        "version": version.name,
        "commit": version.tag.commit,
        "tag": version.tag.oid,
        "file": Path(record["artifact"]["path"]).name,
        "sha256": record["artifact"]["sha256"],
        "task": record["architecture"]["task"],
        "target": record["architecture"]["target"],
        "features": record["architecture"]["features"],
        "python": record["environment"]["python"],
    }


def data_params(version: Version) -> "Data":
    """Return the section `data` of params.yaml as the version was prepared with it."""
    from ..params import Data, parse

    stages = (
        stage["params"].get("params.yaml", {}) for stage in recorded(version)["stages"].values()
    )
    return parse(next(read["data"] for read in stages if "data" in read), Data, version.tag.name)


def try_out(version: Version, folder: Path) -> None:
    """Let a fetched model predict rows of its own test table.

    Raises:
        ProjectError: if it cannot be loaded here or does not predict.
    """
    from .. import features, persist  # scikit-learn, which no other command here waits for

    test = test_table(version, folder)[:SAMPLE]
    model: Any = persist.load(folder / Path(recorded(version)["artifact"]["path"]).name)
    try:
        predicted = model.predict(features.select(test, features.fitted(model, test.schema)))
    except (OSError, MemoryError):
        raise
    except Exception as error:  # an old model among new packages can raise anything
        raise ProjectError(f"{version.name} loads but does not predict: {error}") from error
    if len(predicted) != test.height:
        raise ProjectError(f"{version.name} gives {len(predicted)} values for {test.height} rows")


def test_table(version: Version, folder: Path) -> "pl.DataFrame":
    """Return the test rows of a version: shape (rows, columns)."""
    import polars as pl

    from ..artifacts import TEST

    return pl.read_parquet(table(version, TEST, folder))


def table(version: Version, path: Path, folder: Path) -> Path:
    """Write a prepared table of a version to ``folder`` and return where it is.

    Raises:
        ProjectError: if it is nowhere or is not the recorded one.
    """
    name = path.as_posix()
    return _file(name, recorded(version)["files"][name], folder / version.name)


def _file(path: str, entry: dict[str, Any], folder: Path) -> Path:
    target = folder / Path(path).name
    Store().fetch(Stored(path, entry["md5"]), target, entry["sha256"])
    return target
