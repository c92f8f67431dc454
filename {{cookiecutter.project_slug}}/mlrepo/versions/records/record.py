"""What a version says of itself: all that it was made from and all that is known of it."""

import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from mlrepo.core import paths, release
from mlrepo.core.environment import LOCK
from mlrepo.core.files import read_csv, read_json
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import METRICS, SCORES, TEST, TRAIN
from mlrepo.learning import fingerprint, model_file
from mlrepo.pipeline import dvc_files, dvc_lock
from mlrepo.pipeline.dvc_lock import Lineage
from mlrepo.storage.store import hashes
from mlrepo.tables.compare_rows import shared_rows
from mlrepo.tables.schema import load_schema


def build(lineage: Lineage, artifact: dict[str, Any], params: LibraryParams) -> dict[str, Any]:
    """Return the record of the model in this folder, which must be clean and up to date.

    `files` names each file once, with its hashes and whether Git or DVC keeps it; `stages` says
    which stage reads and writes which. Numbers come from the files of metrics, nothing is
    measured anew but the hashes and this machine's arithmetic.
    """
    by_dvc, folder = lineage.kept_by_dvc(), f"{METRICS.parent.name}/"
    files = {
        path: _file(Path(path), md5) | {"kept_by": "dvc" if path in by_dvc else "git"}
        for path, md5 in sorted(lineage.hashes().items())
    }
    metrics = [out for out in lineage.outs() if out.startswith(folder) and out.endswith(".json")]
    overall = [row for row in read_csv(SCORES) if not row["slice"] and row["low"]]
    return {
        "artifact": {"path": lineage.path, **artifact, **files[lineage.path]},
        "architecture": _architecture(Path(lineage.path), params),
        "card": params.card.model_dump(mode="json", include={"purpose", "owner", "limits"}),
        "data": _data(params, files),
        "environment": _environment(params),
        "metrics": {path: read_json(Path(path)) for path in sorted(metrics)},
        "intervals": {row["metric"]: [float(row["low"]), float(row["high"])] for row in overall},
        "stages": {name: _stage(stage) for name, stage in lineage.stages.items()},
        "files": files,
    }


def _file(path: Path, md5: str) -> dict[str, Any]:
    if not path.is_dir():
        return hashes(path)
    entries = {name: hashes(path / name) for name in dvc_files.files_in(path.as_posix())}
    return {"md5": md5, "size": sum(e["size"] for e in entries.values()), "parts": entries}


def _stage(stage: dict[str, Any]) -> dict[str, Any]:
    paths = {kind: [file["path"] for file in stage.get(kind, [])] for kind in ("deps", "outs")}
    pinned = dvc_lock.datasets(stage)
    extra = {"datasets": pinned} if pinned else {}
    return {"cmd": stage["cmd"], "params": stage.get("params", {}), **paths, **extra}


def _architecture(path: Path, params: LibraryParams) -> dict[str, Any]:
    model: Any = model_file.load(path)
    classes = getattr(model, "classes_", None)
    return {
        "task": params.data.task,
        "target": params.data.target,
        "estimator": params.train.estimator,
        "features": [str(name) for name in model.feature_names_in_],
        "classes": None if classes is None else [str(label) for label in classes.tolist()],
        "pipeline": repr(model),
    }


def _data(params: LibraryParams, files: dict[str, Any]) -> dict[str, Any]:
    train, test = pl.scan_parquet(TRAIN), pl.scan_parquet(TEST)
    key = list(params.data.id) or train.collect_schema().names()
    return {
        "path": params.data.path,
        **{k: v for k, v in files[params.data.path].items() if k in ("md5", "sha256", "size")},
        "source": params.card.data.source,
        "licence": params.card.data.licence,
        "columns": list(load_schema(Path(params.data.table_schema)).names),
        "rows": read_json(paths.ROWS)["rows"],
        "rows_in_train_and_test": shared_rows(test, train, key),
        "split": params.prepare.split.model_dump(),
    }


def _environment(params: LibraryParams) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "lock": {"path": LOCK.name, **hashes(LOCK)},
        "packages": read_json(paths.ENVIRONMENT)["closures"],
        "library": asdict(release.compare()),
        "seeds": {
            "prepare.split": params.prepare.split.seed,
            "train": params.train.seed,
            "evaluate": params.evaluate.seed,
        },
        "registered_on": fingerprint.machine(params.numerics.pinned),
        **({"ci": run} if (run := _ci_run()) else {}),
    }


def _ci_run() -> str | None:
    """Return the address of the CI run that registers, by the variables of its provider."""
    env = os.environ.get
    if repository := env("GITHUB_REPOSITORY"):
        server, number = env("GITHUB_SERVER_URL"), env("GITHUB_RUN_ID")
        return f"{server}/{repository}/actions/runs/{number}" if server and number else None
    return env("CI_JOB_URL") or env("BUILD_URL")  # of GitLab, of Jenkins
