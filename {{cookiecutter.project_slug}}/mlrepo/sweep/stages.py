"""Which stages a change of params reaches, and their run in this process, one after the other.

The process imports scikit-learn once for all trials.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mlrepo.core import owner
from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import FOLDS
from mlrepo.pipeline.dvc_yaml import PARAMS, PIPELINE, Pipeline, Stage

if TYPE_CHECKING:
    from mlrepo.learning.cross_validation import AfterFold

_OURS = re.compile(r"python (?:-m |\.\./)mlrepo (\w+)")


def reached(pipeline: Pipeline, keys: Iterable[str]) -> list[Stage]:
    """Return the stages that read one of ``keys``, and those that follow from them, in order.

    Refused are stages that only DVC can read, and keys that no score of the cross-validation
    depends on.
    """
    if pipeline.unread:
        raise ProjectError(
            f"{', '.join(pipeline.unread)} in {PIPELINE}: foreach, matrix, vars or another folder "
            "are for `dvc exp run` alone"
        )
    keys = list(keys)
    found: dict[str, Stage] = {}
    written: set[str] = set()
    for stage in _ordered(pipeline.stages):
        named = stage.params.get(PARAMS, ())
        reads = named is None or any(_overlap(key, name) for key in keys for name in named)
        if reads or written & {*stage.deps, *stage.params}:
            found[stage.name] = stage
            written |= stage.outs.keys()
    if FOLDS.as_posix() not in written:
        raise ProjectError(
            f"{', '.join(keys)}: no step that they reach writes {FOLDS}, so all trials "
            "would be equal"
        )
    return list(found.values())


def run_all(stages: list[Stage], after_fold: "AfterFold", log: TextIO) -> None:
    """Do what ``dvc repro`` does with ``stages``; what they print goes to ``log``."""
    from mlrepo.learning.cross_validation import observed

    for stage in stages:
        print(f"> {stage.cmd}", file=log, flush=True)
        for out in stage.outs:
            Path(out).parent.mkdir(parents=True, exist_ok=True)
        ours = _OURS.fullmatch(str(stage.cmd))
        if ours:
            params = owner.load_params()
            with redirect_stdout(log), redirect_stderr(log), observed(after_fold):
                owner.stage(ours[1])(params)
        else:
            _run_other(stage, log)


def _ordered(stages: tuple[Stage, ...]) -> list[Stage]:
    """Return stages, each after those that it needs; DVC has refused a circle before."""
    makers = {out: stage.name for stage in stages for out in stage.outs}
    by_name = {stage.name: stage for stage in stages}
    needs = {
        name: {makers[path] for path in (*stage.deps, *stage.params) if path in makers}
        for name, stage in by_name.items()
    }
    return [by_name[name] for name in TopologicalSorter(needs).static_order()]


def _overlap(a: str, b: str) -> bool:
    return a == b or a.startswith(f"{b}.") or b.startswith(f"{a}.")


def _run_other(stage: Stage, log: TextIO) -> None:
    """Run a stage that is another program, without what it wrote before, as DVC does."""
    for out in map(Path, stage.outs):
        if out.is_dir() and not out.is_symlink():
            shutil.rmtree(out)
        else:
            out.unlink(missing_ok=True)
    commands = stage.cmd if isinstance(stage.cmd, list) else [stage.cmd]
    for command in commands:
        done = subprocess.run(command, shell=True, stdout=log, stderr=log, check=False)
        if done.returncode:
            raise ProjectError(f"`{command}` ended with {done.returncode}: see {log.name}")
