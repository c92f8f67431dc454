"""Bring a version's model out of the store, proven, with the facts that must travel with it."""

from pathlib import Path
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.core.files import atomic, write_json
from mlrepo.core.paths import TEST
from mlrepo.storage.store import Store, Stored
from mlrepo.versions.registry import Version

SAMPLE = 100  # rows


def fetch(version: Version, folder: Path, store: Store) -> Path:
    """Write model, SHA-256 and VERSION.json to ``folder``; return the path of the model.

    VERSION.json comes last, so that a folder which has it is complete.
    """
    target = fetch_model(version, folder, store)
    write_json(folder / "VERSION.json", version_info(version))
    return target


def fetch_model(version: Version, folder: Path, store: Store) -> Path:
    """Write model and SHA-256 to ``folder``; return the path of the model."""
    artifact = version.record["artifact"]
    target = _file(artifact["path"], artifact, folder, store)
    with atomic(target.with_name(f"{target.name}.sha256")) as partial:
        partial.write_text(f"{artifact['sha256']}  {target.name}\n", encoding="utf-8", newline="\n")
    return target


def version_info(version: Version) -> dict[str, Any]:
    """Return what a deployed model carries, and what a log of its predictions names."""
    record = version.record
    artifact, made_for = record["artifact"], record["architecture"]
    return {
        "model": record["model"],
        "version": version.name,
        "commit": version.tag.commit,
        "tag": version.tag.oid,
        "file": Path(artifact["path"]).name,
        "sha256": artifact["sha256"],
        **{key: made_for[key] for key in ("task", "target", "features")},
        "python": record["environment"]["python"],
    }


def try_out(version: Version, folder: Path, store: Store) -> None:
    """Let a fetched model predict rows of its own test table."""
    # polars and scikit-learn, which nothing else here waits for.
    from mlrepo.core.prepared import read_table
    from mlrepo.learning import features, model_file

    test = read_table(table(version, TEST, folder, store))[:SAMPLE]
    model: Any = model_file.load(folder / Path(version.record["artifact"]["path"]).name)
    try:
        predicted = model.predict(features.select(test, features.fitted(model, test.schema)))
    except (OSError, MemoryError):
        raise
    except Exception as error:  # an old model among new packages can raise anything
        raise ProjectError(f"{version.name} loads but does not predict: {error}") from error
    if len(predicted) != test.height:
        raise ProjectError(f"{version.name} gives {len(predicted)} values for {test.height} rows")


def table(version: Version, path: Path, folder: Path, store: Store) -> Path:
    """Write a prepared table of a version to ``folder`` and return where it is."""
    name = path.as_posix()
    return _file(name, version.record["files"][name], folder / version.name, store)


def _file(path: str, entry: dict[str, Any], folder: Path, store: Store) -> Path:
    target = folder / Path(path).name
    store.fetch(Stored(path, entry["md5"]), target, entry["sha256"])
    return target
