"""Bring a version's model out of the store, proven, with the facts that must travel with it."""

from pathlib import Path
from typing import Any

from mlrepo.core.artifact import is_own, read_sidecar, refuse_wrong, sidecar
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import atomic, write_json
from mlrepo.core.paths import TEST
from mlrepo.pipeline import dvc_lock
from mlrepo.pipeline.dvc_files import digest
from mlrepo.storage.store import Store, Stored
from mlrepo.versions.committed_code import CommittedCode
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
    write_sidecar(version, target, store)
    return target


def write_sidecar(version: Version, target: Path, store: Store) -> None:
    """Write the SHA-256 of a model beside it, with what *train* says there of one of its kind."""
    artifact = version.record["artifact"]
    if is_own(target):
        name = sidecar(Path(artifact["path"])).as_posix()
        _file(name, version.record["files"][name], target.parent, store)
        recorded, _ = read_sidecar(target)
        refuse_wrong(target, artifact["sha256"], recorded)
        return
    with atomic(sidecar(target)) as partial:
        partial.write_text(f"{artifact['sha256']}  {target.name}\n", encoding="utf-8", newline="\n")


def load(version: Version, file: Path) -> Any:
    """Return the model in a fetched file, by the model.py of its own commit if it needs one."""
    return load_of_commit(version.tag.commit, file, version.record["artifact"]["sha256"])


def load_of_commit(commit: str, file: Path, sha256: str | None) -> Any:
    """Return the model in a file that a commit made."""
    from mlrepo.learning import saved_model

    code = CommittedCode(commit).load("model") if is_own(file) else None
    return saved_model.load(file, code, sha256)


def load_here(file: Path) -> Any:
    """Return the model of this folder; one of the owner's kind has to be what dvc.lock names."""
    from mlrepo.learning import saved_model

    if is_own(file):
        locked = dvc_lock.files(dvc_lock.here())
        for path in (file, sidecar(file)):
            known = locked.get(path.as_posix(), {}).get("md5")
            if path.exists() and digest(path.as_posix()) != known:
                raise ProjectError(
                    f"{path} is not the file that dvc.lock names, so it was not loaded: `dvc "
                    f"checkout {path}` restores it, `dvc repro` makes a new one"
                )
    return saved_model.load(file)


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
    from mlrepo.learning import features

    test = read_table(table(version, TEST, folder, store))[:SAMPLE]
    model = load(version, folder / Path(version.record["artifact"]["path"]).name)
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
