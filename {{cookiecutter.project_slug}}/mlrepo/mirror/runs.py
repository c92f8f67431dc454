"""What a tracker shows: a run for each commit and experiment, read from Git and DVC's files."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import csv_rows
from mlrepo.core.paths import CARD, METRICS, PARAMS, SCORES, in_project
from mlrepo.mirror import stage_times
from mlrepo.mirror.inputs import Table, tables
from mlrepo.pipeline import dvc_lock
from mlrepo.pipeline.dvc_lock import LOCK, Lineage
from mlrepo.pipeline.dvc_yaml import PIPELINE
from mlrepo.pipeline.git import bytes_at, file_at, folder_in_repository, git, paths_at
from mlrepo.pipeline.mappings import flatten
from mlrepo.storage.remote_errors import UnreachableError
from mlrepo.storage.store import Store, Stored, hashes
from mlrepo.versions.registry import Registry, Version

# The tables are DVC's: their hashes are tags, and a tracker is no place for rows.
TABLES = "data/"

# refs/exps/<baseline>/<name>; what else is below refs/exps is DVC's own bookkeeping.
_EXPERIMENT = re.compile(r"^(\w+) refs/exps/([0-9a-f]{2})/([0-9a-f]{38})/([^/\n]+)$", re.MULTILINE)
_TRIAL = re.compile(r"([\w.-]+)-\d{4,}")
_HEADER = re.compile(r"\A---\n.*?\n---\n+", re.DOTALL)  # of a card, for programs


@dataclass(frozen=True)
class Source:
    """A commit that holds a dvc.lock: of the branch, of a version, or of an experiment."""

    commit: str
    date: datetime
    begun: datetime  # when its stages ran; the date where that is not known
    ended: datetime
    author: str
    subject: str
    experiment: str | None
    baseline: str | None  # the commit that an experiment started from
    versions: list[Version]
    stages: list[str]  # that one of its versions is in now

    @property
    def name(self) -> str:
        """What people call it."""
        return self.experiment or f"{self.commit[:7]} {self.subject}"

    @property
    def sweep(self) -> str | None:
        """The sweep that made an experiment, by the name that `model sweep` gives its trials."""
        trial = _TRIAL.fullmatch(self.experiment or "")
        return trial[1] if trial else None

    def labels(self) -> dict[str, str]:
        """Return what may change after the commit: its version and stages."""
        named = ", ".join(version.name for version in self.versions)
        return {"version": named, "stages": ", ".join(self.stages)}


@dataclass(frozen=True)
class Run:
    """One commit as a tracker shows it.

    Attributes:
        params: dotted key -> value with the type that it has in params.yaml.
        description: Markdown, for people.
    """

    source: Source
    params: dict[str, Any]
    metrics: dict[str, float]
    tags: dict[str, str]
    description: str
    tables: list[Table]
    model_file: str
    by_git: list[str]
    by_dvc: list[Stored]

    @property
    def texts(self) -> dict[str, str]:
        """The params as text; what is no text, as JSON has it."""
        return {
            key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for key, value in self.params.items()
        }


def find(registry: Registry) -> list[Source]:
    """Return the history of HEAD, versions and experiments: oldest first, each commit once."""
    references = git("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps")
    experiments = {ref[1]: (ref[2] + ref[3], ref[4]) for ref in _EXPERIMENT.finditer(references)}
    versions: dict[str, list[Version]] = {}
    for version in registry.versions.values():
        versions.setdefault(version.tag.commit, []).append(version)
    kept = _with_lock([*dict.fromkeys([*git("rev-list", "HEAD").split(), *versions, *experiments])])
    if not kept:
        return []
    found = []
    fields = "--format=%H%x00%ct%x00%at%x00%an%x00%s"
    listed = git("log", "--no-walk=unsorted", "--stdin", fields, given="\n".join(kept) + "\n")
    # Not splitlines, which also divides at signs that a subject may hold.
    for line in listed.removesuffix("\n").split("\n"):
        commit, date, begun, author, subject = line.split("\0")
        baseline, experiment = experiments.get(commit, (None, None))
        own = versions.get(commit, [])
        stages = [stage for stage, version in registry.in_use.items() if version in own]
        when = datetime.fromtimestamp(int(date), UTC)
        # Of an amended commit the author's date is that of the first, which says nothing here.
        start = min(datetime.fromtimestamp(int(begun), UTC), when) if experiment else when
        found.append(
            Source(commit, when, start, when, author, subject, experiment, baseline, own, stages)
        )
    return stage_times.told(sorted(found, key=lambda source: (source.date, source.commit)))


def _with_lock(commits: list[str]) -> list[str]:
    """Return those that hold a dvc.lock; one process of Git tells of all."""
    path = f"{folder_in_repository()}{LOCK}"
    asked = "".join(f"{commit}:{path}\n" for commit in commits)
    answers = git("cat-file", "--batch-check=%(objecttype)", given=asked).splitlines()
    return [c for c, answer in zip(commits, answers, strict=True) if answer == "blob"]


def read(source: Source, model: str) -> Run | None:
    """Return what a commit says; None if none of its stages writes the model."""
    commit = source.commit
    try:
        artifacts = yaml.parse(file_at(commit, PIPELINE), PIPELINE)
        path = artifacts["artifacts"][model]["path"]
        lineage = Lineage.of(model, path, dvc_lock.at(commit))
    except (ProjectError, KeyError, TypeError):
        return None
    tracked, md5 = paths_at(commit), lineage.hashes()
    outs = {out for out in lineage.outs() if not out.startswith(TABLES)}
    # Beside the outputs, what people look at.
    by_git = sorted((outs | {LOCK, PIPELINE, PARAMS.name}) & tracked)
    by_dvc = [Stored(out, md5[out]) for out in sorted(outs - tracked) if out in md5]
    params = _params(lineage)
    table = (params.get("data") or {}).get("path", "")
    tags = {
        "commit": commit,
        "model": model,
        "author": source.author,
        "model.md5": md5.get(path, ""),
        "data.path": table,
        "data.md5": md5.get(table, ""),
        "environment.md5": md5.get(in_project("uv.lock").as_posix(), ""),
        "experiment": source.experiment or "",
        "baseline": source.baseline or "",
    }
    tags = {key: value for key, value in tags.items() if value}
    return Run(
        source,
        flatten(params),
        _metrics(commit, by_git),
        tags,
        _description(source, by_git),
        tables(commit, params, md5, tracked),
        path,
        by_git,
        by_dvc,
    )


def _description(source: Source, paths: list[str]) -> str:
    """Return the model card of a commit, or what its author says of it."""
    if CARD.as_posix() in paths:
        return _HEADER.sub("", file_at(source.commit, CARD.as_posix())).strip()
    return source.subject


def _params(lineage: Lineage) -> dict[str, Any]:
    """Return the params that the stages have read; those of one section are the same for all."""
    read: dict[str, Any] = {}
    for stage in lineage.stages.values():
        read.update(stage.get("params", {}).get(PARAMS.name) or {})
    # `train` and `train.estimator` would tell one thing twice.
    return {k: v for k, v in read.items() if not any(k.startswith(f"{other}.") for other in read)}


def _metrics(commit: str, paths: list[str]) -> dict[str, float]:
    found: dict[str, Any] = {}
    for path in paths:
        if path.startswith(f"{METRICS.parent.as_posix()}/") and path.endswith(".json"):
            found.update(flatten(json.loads(file_at(commit, path))))
    if SCORES.as_posix() in paths:
        for row in csv_rows(file_at(commit, SCORES.as_posix())):
            if not row["slice"] and row["low"]:
                found[f"test.{row['metric']}.low"] = float(row["low"])
                found[f"test.{row['metric']}.high"] = float(row["high"])
    return {key: float(value) for key, value in found.items() if isinstance(value, int | float)}


def fetch(run: Run, store: Store, folder: Path) -> list[str]:
    """Write the files of a run to ``folder``, its SHA-256 to the tags; return what is nowhere."""
    absent = []
    for path in run.by_git:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(bytes_at(run.source.commit, path))
    known = (version.tag.record["artifact"]["sha256"] for version in run.source.versions)
    recorded = next(known, None)
    for stored in run.by_dvc:
        sha256 = recorded if stored.path == run.model_file else None
        try:
            for part in store.parts(stored):
                store.fetch(part, folder / part.path, sha256)
        except UnreachableError:
            raise
        except ProjectError as error:
            absent.append(str(error))
    file = folder / run.model_file
    run.tags["model.sha256"] = hashes(file)["sha256"] if file.is_file() else ""
    return absent
