"""Which stages and files a model comes from, and which are about it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ProjectError
from .locks import LOCK, Entries
from .pipeline import load_pipeline


@dataclass(frozen=True)
class Lineage:
    """The stages that lead to a model or from it."""

    model: str
    path: str  # of the model file
    stages: Entries

    @classmethod
    def of(cls, model: str, path: str, stages: Entries) -> "Lineage":
        """Choose among the stages of every dvc.lock.

        Raises:
            ProjectError: if no stage writes the model.
        """
        maker = [name for name, stage in stages.items() if path in _paths(stage, "outs")]
        if not maker:
            raise ProjectError(f"no stage in {LOCK} writes {path}, the file of {model}")
        chosen = {*_reach(maker, stages, "deps", "outs"), *_reach(maker, stages, "outs", "deps")}
        return cls(model, path, {name: stages[name] for name in stages if name in chosen})

    def files(self) -> set[tuple[str, str]]:
        """Return path and MD5 of every file that these stages read or write.

        A path stands twice where dvc.lock contradicts itself.
        """
        return {
            (file["path"], file["md5"])
            for stage in self.stages.values()
            for kind in ("deps", "outs")
            for file in stage.get(kind, [])
            if "md5" in file
        }

    def hashes(self) -> dict[str, str]:
        """Return path -> MD5 of every file that these stages read or write."""
        return dict(self.files())

    def kept_by_dvc(self) -> set[str]:
        """Return the paths that DVC keeps and Git only points to: raw data and cached outputs."""
        stages = load_pipeline().stages
        cached = {out for stage in stages for out, is_cached in stage.outs.items() if is_cached}
        return {path for path in self.hashes() if path in cached or Path(f"{path}.dvc").exists()}

    def outs(self) -> set[str]:
        """Return the paths that these stages write."""
        return {path for stage in self.stages.values() for path in _paths(stage, "outs")}


def _paths(stage: dict[str, Any], kind: str) -> set[str]:
    """Return the files that a stage reads ("deps", params among them) or writes ("outs")."""
    read = set(stage.get("params", {})) if kind == "deps" else set()
    return read | {file["path"] for file in stage.get(kind, [])}


def _reach(start: list[str], stages: Entries, has: str, gives: str) -> set[str]:
    """Return the stages that are reached over files that one `has` and another `gives`."""
    reached: set[str] = set()
    waiting = list(start)
    while waiting:
        current = waiting.pop()
        reached.add(current)
        files = _paths(stages[current], has)
        waiting += [s for s in stages if s not in reached and files & _paths(stages[s], gives)]
    return reached
