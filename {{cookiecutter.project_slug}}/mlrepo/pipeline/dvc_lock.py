"""What every dvc.lock says of its stages, and which of them lead to a model or are about it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError, known
from mlrepo.pipeline import git, layout
from mlrepo.pipeline.dvc_yaml import PIPELINE, address, find, own
from mlrepo.pipeline.mappings import as_mapping

LOCK = "dvc.lock"
_GONE = (
    f"`git log -- {PIPELINE}` names the commit that took it away, and `git checkout COMMIT^ -- "
    f"{PIPELINE}` brings it back"
)

# Address of a stage -> its command, params, deps and outs as they were when it last ran.
Entries = dict[str, dict[str, Any]]


def here() -> Entries:
    """Return the stages of each dvc.lock in this folder."""

    def read(path: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            fix = known.brought_back(path, _GONE if path == PIPELINE else "run `dvc repro`")
            raise ProjectError(f"{path} does not exist: {fix}") from None

    return _merge(find(), read, _as_dvc_takes_it)


def at(commit: str) -> Entries:
    """Return the stages of each dvc.lock in ``commit``."""
    return _merge(paths(commit, PIPELINE), lambda path: git.file_at(commit, path), _parse)


def files(entries: Entries) -> dict[str, dict[str, Any]]:
    """Return path -> MD5 and size of each file that a stage reads or makes."""
    return {file["path"]: file for file in _hashed(entries)}


def _hashed(entries: Entries) -> Iterator[dict[str, Any]]:
    for entry in entries.values():
        for file in [*(entry.get("deps") or []), *(entry.get("outs") or [])]:
            if "md5" in file:
                yield file


def datasets(stage: dict[str, Any]) -> dict[str, Any]:
    """Return name -> address and versions of the data in buckets that a stage has read."""
    return {dep["path"]: dep["dataset"] for dep in stage.get("deps", []) if "dataset" in dep}


def paths(commit: str, name: str = LOCK) -> list[str]:
    """Return the path of each file of a name in ``commit`` that is not another model's."""
    there = git.paths_at(commit)
    return sorted(own((p for p in there if PurePosixPath(p).name == name), there.__contains__))


Parse = Callable[[str, str], dict[str, Any]]


def _merge(pipelines: list[str], read: Callable[[str], str], parse: Parse) -> Entries:
    entries: Entries = {}
    for path in pipelines:
        names = as_mapping(yaml.parse(read(path), path), path).get("stages") or {}
        if not names:
            continue
        lock = PurePosixPath(path).with_name(LOCK).as_posix()
        # A stage that was renamed or taken out keeps its lines, which DVC passes over as well;
        # one with foreach or matrix stands there as name@item.
        entries |= {
            address(path, name): entry
            for name, entry in parse(read(lock), lock).items()
            if name.partition("@")[0] in names
        }
    return entries


def _as_dvc_takes_it(text: str, lock: str) -> dict[str, Any]:
    """Read what DVC would run; an old commit is read as it is."""
    stages = _parse(text, lock)
    layout.refuse(yaml.parse(text, lock), layout.LOCK, lock)
    return stages


def _parse(text: str, lock: str) -> dict[str, Any]:
    stages = as_mapping(as_mapping(yaml.parse(text, lock), lock).get("stages"), f"{lock}: stages")
    return {name: as_mapping(entry, f"{lock}: {name}") for name, entry in stages.items()}


@dataclass(frozen=True)
class Lineage:
    """The stages that lead to a model or from it."""

    model: str
    path: str  # of the model file
    stages: Entries

    @classmethod
    def of(cls, model: str, path: str, stages: Entries) -> "Lineage":
        """Choose among the stages of every dvc.lock."""
        maker = [name for name, stage in stages.items() if path in _paths(stage, "outs")]
        if not maker:
            raise ProjectError(f"no step in {LOCK} writes {path}, the file of {model}")
        chosen = _connected(maker, stages, "deps", "outs")
        chosen |= _connected(maker, stages, "outs", "deps")
        return cls(model, path, {name: stages[name] for name in stages if name in chosen})

    def files(self) -> set[tuple[str, str]]:
        """Return path and MD5 of every file that these stages read or write.

        A path stands twice where dvc.lock contradicts itself.
        """
        return {(file["path"], file["md5"]) for file in _hashed(self.stages)}

    def hashes(self) -> dict[str, str]:
        """Return path -> MD5 of every file that these stages read or write."""
        return dict(self.files())

    def outs(self) -> set[str]:
        """Return the paths that these stages write."""
        return {path for stage in self.stages.values() for path in _paths(stage, "outs")}


def _paths(stage: dict[str, Any], kind: str) -> set[str]:
    """Return the files that a stage reads ("deps", params among them) or writes ("outs")."""
    read = set(stage.get("params", {})) if kind == "deps" else set()
    return read | {file["path"] for file in stage.get(kind, [])}


def _connected(start: list[str], stages: Entries, has: str, gives: str) -> set[str]:
    """Return the stages that are reached over files that one `has` and another `gives`."""
    reached: set[str] = set()
    waiting = list(start)
    while waiting:
        current = waiting.pop()
        reached.add(current)
        files = _paths(stages[current], has)
        waiting += [s for s in stages if s not in reached and files & _paths(stages[s], gives)]
    return reached
