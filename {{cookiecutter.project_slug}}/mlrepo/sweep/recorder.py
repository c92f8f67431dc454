"""Keep what the stages have written as a DVC experiment, all of it or nothing.

`dvc exp save` reads and writes every YAML file of the project for each experiment, which takes
longer than a small model. This does the same for the stages alone that a trial has run: their
outputs go to DVC's cache, their lines into dvc.lock, and all of that into one commit under
refs/exps, which is what DVC takes for an experiment.
"""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from dvc.exceptions import CheckoutError  # type: ignore[import-untyped]
from dvc.repo import Repo  # type: ignore[import-untyped]
from dvc.stage.serialize import to_lockfile  # type: ignore[import-untyped]
from dvc.utils.serialize import dumps_yaml, parse_yaml_for_update  # type: ignore[import-untyped]

from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import FOLDS
from mlrepo.pipeline import git
from mlrepo.pipeline.dvc_yaml import PARAMS, Stage
from mlrepo.pipeline.mappings import lookup
from mlrepo.sweep.experiments import namespace
from mlrepo.sweep.space import Scalar


class Recorder:
    """The copy of a commit in this folder, and the project that it was made from."""

    def __init__(self, project: Path, commit: str, stages: list[Stage]) -> None:
        """Open DVC here with the cache of ``project``, and bring what ``stages`` need."""
        with Repo(str(project)) as origin:
            kept = {"dir": origin.cache.local_cache_dir}
            kept |= {k: v for k, v in origin.config["cache"].items() if k in ("type", "shared")}
        self._repo = Repo(config={"cache": kept})
        self._commit = commit
        self._there = ("-C", str(project))
        objects = ("rev-parse", "--path-format=absolute", "--git-path", "objects")
        # New objects go to the project's own repository, where nothing names them yet.
        self._own = {"GIT_OBJECT_DIRECTORY": git.git(*self._there, *objects).strip()}
        self._params: Any = parse_yaml_for_update(Path(PARAMS).read_text("utf-8"), PARAMS)
        loaded = {stage.addressing: stage for stage in self._repo.index.stages}
        self._stages = [loaded[stage.name] for stage in stages]
        self._by_git = [out for stage in stages for out, cached in stage.outs.items() if not cached]
        self._bring(stages)

    def set_params(self, values: dict[str, Scalar]) -> None:
        """Write params.yaml with other values, as ``dvc exp run -S`` writes it: a trial begins."""
        self._begun = int(time.time())
        for key, value in values.items():
            section, _, last = key.rpartition(".")
            node: Any = lookup(self._params, section) if section else self._params
            node[last] = value
        Path(PARAMS).write_text(dumps_yaml(self._params), encoding="utf-8", newline="\n")

    def scores_of(self, name: str) -> dict[str, float] | None:
        """Return the cross-validation of the experiment ``name``, None if there is none.

        One with other params than params.yaml has now is refused.
        """
        # The copy sees all objects of the project, and not its refs.
        made = git.ask(*self._there, "rev-parse", "--quiet", "--verify", self._ref(name))
        if made is None:
            return None
        if git.file_at(made, PARAMS) != Path(PARAMS).read_text(encoding="utf-8"):
            raise ProjectError(
                f"there is an experiment {name} with other params on this commit: give the sweep "
                "another name, or remove that one with `dvc exp remove`"
            )
        scores: dict[str, float] = json.loads(git.file_at(made, FOLDS.as_posix()))["cv"]
        return scores

    def save(self, name: str) -> None:
        """Keep what the stages wrote as the experiment ``name``, which is there at once or not."""
        with self._repo.lock:
            for stage in self._stages:
                # Not in DVC's run cache: the experiment itself brings its outputs back.
                stage.save(run_cache=False)
                stage.commit(relink=False)
        self._write_locks()
        git.git("add", "--update", "--", ".", **self._own)
        if self._by_git:
            git.git("add", "--", *self._by_git, **self._own)
        tree = git.git("write-tree", **self._own).strip()
        message = ("-m", f"dvc: commit experiment {name}")
        # The author's date says when the trial began, the committer's when it was kept.
        begun = {"GIT_AUTHOR_DATE": f"@{self._begun} +0000"}
        command = ("commit-tree", tree, "-p", self._commit, *message)
        made = git.git(*self._there, *command, **begun).strip()
        git.git(*self._there, "update-ref", self._ref(name), made, "0" * 40)

    def _ref(self, name: str) -> str:
        return f"{namespace(self._commit)}/{name}"

    def _bring(self, stages: list[Stage]) -> None:
        """Bring what the stages read and Git does not keep."""
        made = {out for stage in stages for out in stage.outs}
        needs = {dep for stage in stages for dep in stage.deps} - made
        absent = sorted(dep for dep in needs if not Path(dep).exists())
        if absent:
            with suppress(CheckoutError):  # what is absent is reported below
                self._repo.checkout(targets=absent, force=True)
        lacking = [dep for dep in absent if not Path(dep).exists()]
        if lacking:
            raise ProjectError(
                f"DVC's cache lacks {', '.join(lacking)}: `model pull` brings that from the remote"
            )

    def _write_locks(self) -> None:
        """Put the lines of each stage in place of those that its dvc.lock has for it."""
        for stage in self._stages:
            path = Path(os.path.relpath(stage.dvcfile.path)).with_name("dvc.lock")
            # As the file has it, one level below "stages:".
            entry = dumps_yaml({"stages": to_lockfile(stage)}).partition("\n")[2]
            text = replace_entry(path.read_text(encoding="utf-8"), stage.name, entry)
            path.write_text(text, encoding="utf-8", newline="\n")


def replace_entry(lock: str, name: str, entry: str) -> str:
    """Return the text of a dvc.lock with another entry for a stage that it has."""
    lines = lock.splitlines(keepends=True)
    first = lines.index(f"  {name}:\n")
    after = (number for number in range(first + 1, len(lines)) if lines[number][:3].strip())
    last = next(after, len(lines))
    return "".join([*lines[:first], entry, *lines[last:]])
