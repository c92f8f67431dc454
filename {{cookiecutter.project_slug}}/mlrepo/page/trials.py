"""The experiments of each commit, those of a sweep among them, as Git has them."""

import json
from collections import defaultdict
from typing import Any

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import FOLDS, PARAMS
from mlrepo.learning.metrics import in_order, smaller_is_better
from mlrepo.page.read_files import at_commits
from mlrepo.pipeline import git
from mlrepo.pipeline.mappings import flatten

Node = dict[str, Any]

_LEADING_PARTS = 4  # refs/exps/ab/cdef...
_FORM = "--format=%(refname) %(objectname)"


def of_all(several: bool) -> list[Node]:
    """Return commit, params that differ, and the scores of the cross-validation, of each commit.

    Of ``several`` models an experiment is left out that changed nothing of the one in this folder.
    The test scores stand on no experiment: those that chose a model would no longer judge it.
    """
    names: dict[str, dict[str, str]] = defaultdict(dict)
    for line in git.git("for-each-ref", _FORM, "refs/exps").splitlines():
        ref, commit = line.rsplit(" ", 1)
        parts = ref.split("/", _LEADING_PARTS)
        base = "".join(parts[2:4])
        if len(parts) > _LEADING_PARTS and len(base) == len(commit):
            names[base][parts[_LEADING_PARTS]] = commit
    commits = [commit for found in names.values() for commit in found.values()]
    texts = at_commits(
        (commit, path.as_posix()) for commit in [*commits, *names] for path in (FOLDS, PARAMS)
    )
    read: dict[str, Node] = {}  # a sweep has the params of its trials, most of them equal
    files = (FOLDS.as_posix(), PARAMS.as_posix())
    for base, listed in names.items() if several else ():
        before = [texts.get((base, path)) for path in files]
        for name, commit in list(listed.items()):
            if [texts.get((commit, path)) for path in files] == before:
                del listed[name]
    smaller = set(smaller_is_better())
    found = [_of_commit(base, names[base], texts, read) for base in sorted(names) if names[base]]
    return [{**each, "smaller": sorted(smaller & set(each["metrics"]))} for each in found]


def _of_commit(
    base: str, names: dict[str, str], texts: dict[tuple[str, str], str], read: dict[str, Node]
) -> Node:
    params = {name: _params(texts, commit, read) for name, commit in names.items()}
    scores = {name: _scores(texts, commit) for name, commit in names.items()}
    before = _params(texts, base, read)
    differ = [
        key
        for key in dict.fromkeys(key for each in [before, *params.values()] for key in each)
        if len({json.dumps(each.get(key)) for each in [before, *params.values()]}) > 1
    ]
    metrics = list(dict.fromkeys(metric for each in scores.values() for metric in each))
    return {
        "commit": base,
        "params": differ,
        "metrics": metrics,
        "leading": _leading(before, [each for each in scores.values() if each]),
        "before": [[before.get(key) for key in differ], _row(_scores(texts, base), metrics)],
        "rows": [
            [name, [params[name].get(key) for key in differ], _row(scores[name], metrics)]
            for name in sorted(names)
        ],
    }


def _leading(params: Node, scores: list[dict[str, float]]) -> str | None:
    """Return the metric by which the project compares models, of those that all have, or some."""
    known = dict.fromkeys(name for each in scores for name in each)
    names = [n for n in known if not (n.endswith("_std") and n.removesuffix("_std") in known)]
    order = in_order(params.get("data.task", ""), names)
    of_all = [name for name in order if all(name in each for each in scores)]
    asked = params.get("evaluate.metric")
    return asked if asked in names else next(iter([*of_all, *order]), None)


def _row(scores: dict[str, float], metrics: list[str]) -> list[float | None]:
    return [scores.get(metric) for metric in metrics]


def _params(texts: dict[tuple[str, str], str], commit: str, read: dict[str, Node]) -> Node:
    text = texts.get((commit, PARAMS.as_posix()), "")
    if text not in read:
        try:
            read[text] = flatten(json.loads(json.dumps(yaml.parse(text, str(PARAMS)), default=str)))
        except ProjectError:  # an experiment that somebody made of a broken file
            read[text] = {}
    return read[text]


def _scores(texts: dict[tuple[str, str], str], commit: str) -> dict[str, float]:
    try:
        said = json.loads(texts.get((commit, FOLDS.as_posix()), "{}"))
        return {name: value for name, value in said["cv"].items() if isinstance(value, float)}
    except (ValueError, KeyError, AttributeError, TypeError):
        return {}
