"""The experiments of a sweep as Git has them, so also those that another clone has made.

`summary` is what a sweep says of itself when it ends.
"""

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlrepo.core import yaml
from mlrepo.core.markdown import plain
from mlrepo.core.paths import FOLDS
from mlrepo.learning.metrics import smaller_is_better
from mlrepo.pipeline import git
from mlrepo.pipeline.dvc_yaml import PARAMS
from mlrepo.pipeline.mappings import lookup
from mlrepo.sweep.space import Sweep

if TYPE_CHECKING:
    from mlrepo.sweep.study import Study

_BEST = 5


@dataclass(frozen=True)
class Experiment:
    """One trial that has become a DVC experiment."""

    name: str
    ref: str
    scores: dict[str, float]  # of the cross-validation


def namespace(commit: str) -> str:
    """Return where DVC keeps the experiments that began at a commit.

    Source: https://github.com/iterative/dvc/blob/3.67.1/dvc/repo/experiments/refs.py
    """
    return f"refs/exps/{commit[:2]}/{commit[2:]}"


def ranked(commit: str, sweep: str, metric: str) -> list[Experiment]:
    """Return the experiments of a sweep on a commit that have the metric, the best first."""
    listed = git.git("for-each-ref", "--format=%(refname)", namespace(commit))
    found = []
    for ref in listed.split():
        name = ref.rpartition("/")[2]
        if re.fullmatch(rf"{sweep}-\d+", name):
            scores = json.loads(git.file_at(ref, FOLDS.as_posix())).get("cv", {})
            if metric in scores:
                found.append(Experiment(name, ref, scores))
    sign = 1 if metric in smaller_is_better() else -1
    return sorted(found, key=lambda each: (sign * each.scores[metric], each.name))


def summary(sweep: Sweep, metric: str, study: "Study", commit: str) -> str:
    """Return the best experiments, how all trials came out, and the commands that come next."""
    experiments, counts = ranked(commit, sweep.name, metric), study.counts
    lines = [_table(sweep, metric, experiments[:_BEST])] if experiments else []
    said = [f"{counts.total()} trials on {commit[:7]}: {len(experiments)} experiments"]
    if counts["PRUNED"]:
        said.append(f"{counts['PRUNED']} pruned, which are no experiments")
    if counts["FAIL"]:
        said.append(f"{counts['FAIL']} failed")
    lines.append(", ".join(said))
    for why, numbers in study.failures.items():
        names = ", ".join(map(sweep.experiment, numbers[:3]))
        more = f" and {len(numbers) - 3} more" if len(numbers) > 3 else ""
        lines.append(f"failed {names}{more}: {why}")
    if experiments:
        remote = git.origin() or "origin"
        lines += [
            "",
            "model sweep apply             the best one into this folder, made again and compared",
            "dvc exp show --only-changed   all of them",
            f"dvc exp push {remote} {experiments[0].name}",
        ]
    return "\n".join(lines)


def _table(sweep: Sweep, metric: str, experiments: list[Experiment]) -> str:
    keys = list(sweep.space)
    short = [key.rpartition(".")[2] for key in keys]
    heads = [name if short.count(name) == 1 else key for name, key in zip(short, keys, strict=True)]
    better = "smaller" if metric in smaller_is_better() else "larger"
    lines = [["experiment", f"{metric}, {better} is better", *heads]]
    for each in experiments:
        params = yaml.parse(git.file_at(each.ref, PARAMS), f"{PARAMS} of {each.name}")
        values = (lookup(params, key) for key in keys)
        shown = [f"{v:.5g}" if isinstance(v, float) else str(v) for v in values]
        lines.append([each.name, f"{each.scores[metric]:.5f}", *shown])
    return plain(lines)
