"""The experiments of a sweep as Git has them, so also those that another clone has made."""

import json
import re
from dataclasses import dataclass

from .. import git, strict_yaml
from ..errors import ProjectError
from ..metrics import SMALLER_IS_BETTER
from ..pipeline import PARAMS, lookup
from ..results import CROSS_VALIDATION


@dataclass(frozen=True)
class Experiment:
    """One trial that has become a DVC experiment."""

    name: str
    ref: str
    scores: dict[str, float]  # of the cross-validation

    def params(self, keys: list[str]) -> list[object]:
        """Return the values of dotted keys."""
        content = strict_yaml.parse(git.file_at(self.ref, PARAMS), f"{PARAMS} of {self.name}")
        return [lookup(content, key) for key in keys]


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
        if not re.fullmatch(rf"{sweep}-\d+", ref.rpartition("/")[2]):
            continue
        scores = json.loads(git.file_at(ref, CROSS_VALIDATION.as_posix())).get("cv", {})
        if metric in scores:
            found.append(Experiment(ref.rpartition("/")[2], ref, scores))
    sign = 1 if metric in SMALLER_IS_BETTER else -1
    return sorted(found, key=lambda each: (sign * each.scores[metric], each.name))


def best(commit: str, sweep: str, metric: str) -> Experiment:
    """Return the best experiment of a sweep.

    Raises:
        ProjectError: if there is none.
    """
    experiments = ranked(commit, sweep, metric)
    if not experiments:
        raise ProjectError(
            f"there is no experiment {sweep}-... on {commit[:7]}: `model sweep` makes them"
        )
    return experiments[0]
