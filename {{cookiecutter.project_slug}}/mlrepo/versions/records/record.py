"""What a version says of itself: derived from its commit and its bytes, or observed once.

`derive` is the one place where a record comes from. `model register` writes what it returns, and
`model verify` asks it again and compares (`claims`).
"""

import json
from dataclasses import asdict
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from mlrepo.core import paths, release, yaml
from mlrepo.core.artifact import sidecar
from mlrepo.core.environment import LOCK
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import csv_rows
from mlrepo.pipeline import dvc_lock, mappings
from mlrepo.pipeline.commit import Commit
from mlrepo.pipeline.dvc_lock import Lineage
from mlrepo.pipeline.dvc_yaml import PIPELINE, normal
from mlrepo.pipeline.output import few
from mlrepo.storage.store import Stored, hashes_of
from mlrepo.versions.records import old_records
from mlrepo.versions.records.kept import Kept, Node, as_folder


def derive(model: str, commit: str, kept: Kept) -> Node:
    """Return all of a record that follows from a commit and from the bytes that DVC keeps for it.

    `files` names each file once, with its hashes and whether Git or DVC keeps it; `stages` says
    which stage reads and writes which.

    Raises:
        ProjectError: if dvc.lock is not of the commit that it stands in.
    """
    there = Commit(commit)
    artifact = yaml.parse(there.text(PIPELINE), PIPELINE)["artifacts"][model]
    lineage = Lineage.of(model, artifact["path"], dvc_lock.at(commit))
    files = _files(lineage, there, kept)
    params = _plain(yaml.parse(there.text(paths.PARAMS.as_posix()), str(paths.PARAMS)))
    of = partial(_value, params)
    environment = _environment(of, there)
    scores = [row for row in csv_rows(there.text(paths.SCORES.as_posix())) if not row["slice"]]
    folder = f"{paths.METRICS.parent.name}/"
    metrics = [out for out in lineage.outs() if out.startswith(folder) and out.endswith(".json")]
    beside = sidecar(Path(lineage.path)).as_posix()
    stored = [Stored(path, files[path]["md5"]) for path in (lineage.path, beside) if path in files]
    return {
        "artifact": {"path": lineage.path, **_plain(artifact), **files[lineage.path]},
        "architecture": {
            "task": of("data.task"),
            "target": of("data.target"),
            "estimator": of("train.estimator"),
            **kept.architecture(commit, *stored, packages=environment["packages"]),
        },
        "card": {key: of(f"card.{key}") for key in ("purpose", "owner", "limits")},
        "data": _data(of, there, files),
        "environment": environment,
        "metrics": {path: json.loads(there.text(path)) for path in sorted(metrics)},
        "intervals": {
            row["metric"]: [float(row["low"]), float(row["high"])] for row in scores if row["low"]
        },
        "stages": {name: _plain(_stage(stage)) for name, stage in lineage.stages.items()},
        "files": files,
    }


def _files(lineage: Lineage, there: Commit, kept: Kept) -> Node:
    """Return path -> hashes of each file, and who keeps it."""
    inside = {path: there.inside(path) for path in lineage.hashes()}
    there.read(chain(*inside.values()))  # at once
    files: Node = {}
    for path, md5 in sorted(lineage.hashes().items()):
        found = {name: hashes_of(held) for name, held in there.read(inside[path]).items()}
        if path in found:
            entry = found[path]
        elif found:
            entry = as_folder({name.removeprefix(f"{path}/"): each for name, each in found.items()})
        else:
            entry = kept.entry(Stored(path, md5))
        files[path] = {**entry, "kept_by": "git" if found else "dvc"}
    # Where dvc.lock contradicts itself, one of both is another as well.
    if other := sorted({path for path, md5 in lineage.files() if files[path]["md5"] != md5}):
        raise ProjectError(
            f"{dvc_lock.LOCK} of the commit names other files than are there: "
            f"{', '.join(few(other))}"
        )
    return files


def _plain(content: Any) -> Any:
    """Return what YAML holds as JSON has it."""
    return json.loads(json.dumps(content))


def _value(params: Node, key: str) -> Any:
    """Return a value of params.yaml, or None in a commit of a release that did not know the key."""
    try:
        return mappings.lookup(params, key)
    except KeyError:
        return None


def _stage(stage: Node) -> Node:
    names = {kind: [file["path"] for file in stage.get(kind, [])] for kind in ("deps", "outs")}
    pinned = dvc_lock.datasets(stage)
    extra = {"datasets": pinned} if pinned else {}
    return {"cmd": stage["cmd"], "params": stage.get("params", {}), **names, **extra}


def _data(of: Any, there: Commit, files: Node) -> Node:
    path, schema = of("data.path"), of("data.schema")
    columns = yaml.parse(there.text(normal(schema)), schema)["fields"]
    entry = files.get(normal(path), {})
    return {
        "path": path,
        **{key: entry[key] for key in ("md5", "sha256", "size") if key in entry},
        "source": of("card.data.source"),
        "licence": of("card.data.licence"),
        "columns": [column["name"] for column in columns],
        "rows": json.loads(there.text(paths.ROWS.as_posix()))["rows"],
        "split": of("prepare.split"),
    }


def _environment(of: Any, there: Commit) -> Node:
    locked = json.loads(there.text(paths.ENVIRONMENT.as_posix()))
    lock, library = paths.in_project(LOCK).as_posix(), old_records.library()
    found = {
        "python": locked["python"],
        "lock": {"path": lock, **hashes_of(there.bytes(lock))},
        "packages": locked.get("closures", locked),  # all of it before mlrepo 1.0
        "seeds": {
            "prepare.split": of("prepare.split.seed"),
            "train": of("train.seed"),
            "evaluate": of("evaluate.seed"),
        },
        "registered_on": {"numerics_pinned": of("numerics.pinned")},
    }
    if code := there.inside(library):
        held = {path.removeprefix(f"{library}/"): each for path, each in there.read(code).items()}
        manifest = held.pop(release.MANIFEST.name, b"")
        known = {n: each for n, each in held.items() if n.endswith(release.SUFFIXES)}
        digest = {n: hashes_of(each)["sha256"] for n, each in known.items()}
        found["library"] = _plain(asdict(release.of(manifest, digest, digest.__getitem__)))
    return found
