"""The experiments of a sweep as Git has them, so also those that another clone has made."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.markdown import plain
from mlrepo.core.owner import load_params
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import FOLDS, in_project
from mlrepo.learning.metrics import expected, sign, smaller_is_better
from mlrepo.pipeline import dvc_lock, git
from mlrepo.pipeline.dvc import dvc_in_silence
from mlrepo.pipeline.dvc_yaml import PARAMS
from mlrepo.pipeline.mappings import lookup
from mlrepo.pipeline.output import Tell
from mlrepo.sweep.space import Sweep, load_sweep
from mlrepo.sweep.start import clean_commit

if TYPE_CHECKING:
    from mlrepo.sweep.study import Study

_BEST = 5


def namespace(commit: str) -> str:
    """Return where DVC keeps the experiments that began at a commit.

    Source: https://github.com/iterative/dvc/blob/3.67.1/dvc/repo/experiments/refs.py
    """
    return f"refs/exps/{commit[:2]}/{commit[2:]}"


def comparable(params: LibraryParams) -> list[str]:
    """Return the metrics of which trials are compared by the first that their scores have.

    All get better in one direction: a study of Optuna has one before there are scores.
    """
    names = expected(params)
    return [name for name in names if sign(name) == sign(names[0])]


def ranked(commit: str, sweep: str, wanted: list[str]) -> tuple[str, dict[str, float]]:
    """Return the first metric that all experiments of a sweep on a commit have, and its values.

    The best experiment comes first.
    """
    scores: dict[str, dict[str, float]] = {}
    for ref in git.git("for-each-ref", "--format=%(refname)", namespace(commit)).split():
        name = ref.rpartition("/")[2]
        if re.fullmatch(rf"{sweep}-\d+", name):
            scores[name] = json.loads(git.file_at(ref, FOLDS.as_posix())).get("cv", {})
    of_all = (metric for metric in wanted if all(metric in each for each in scores.values()))
    metric = next(of_all, wanted[0])
    found = {name: each[metric] for name, each in scores.items() if metric in each}
    best_first = sorted(found, key=lambda name: (-sign(metric) * found[name], name))
    return metric, {name: found[name] for name in best_first}


def summary(sweep: Sweep, metric: str, study: "Study", commit: str) -> str:
    """Return the best experiments, how all trials came out, and the commands that come next."""
    (_, experiments), counts = ranked(commit, sweep.name, [metric]), study.counts
    lines = [_table(sweep, metric, commit, experiments)] if experiments else []
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
        lines += [
            "",
            "uv run model sweep apply             the best one here, made again and compared",
            "uv run dvc exp show --only-changed   all of them",
        ]
        if remote := git.origin():
            lines.append(f"uv run dvc exp push {remote} {next(iter(experiments))}")
    return "\n".join(lines)


def apply(file: Path, name: str | None, tell: Tell) -> tuple[str, list[str]]:
    """Apply an experiment, the best unless named, and let DVC make it again without its caches.

    Return its name, and the outputs that came out with other bytes than those recorded.
    """
    sweep, commit = load_sweep(file), clean_commit(file)
    if name is None:
        _, experiments = ranked(commit, sweep.name, comparable(load_params()))
        if not experiments:
            raise ProjectError(
                f"there is no experiment {sweep.name}-... on {commit[:7]}: `model sweep` makes them"
            )
        name = next(iter(experiments))
    elif git.ask("rev-parse", "--quiet", "--verify", f"{namespace(commit)}/{name}") is None:
        raise ProjectError(f"there is no experiment {name} on {commit[:7]}: see `dvc exp show`")
    tell(f"apply {name}")
    dvc_in_silence("exp", "apply", name)
    recorded = _outs()
    tell("run every step again")
    folders = {Path("data"), in_project("data")}  # a second model may read the project's table
    pointers = {path: path.read_bytes() for data in folders for path in data.rglob("*.dvc")}
    dvc_in_silence("repro", "--force", "--no-run-cache")
    for path, content in pointers.items():  # a forced run pins an import to the newest version
        path.write_bytes(content)
    made = _outs()
    return name, [path for path in recorded if made.get(path) != recorded[path]]


def _table(sweep: Sweep, metric: str, commit: str, experiments: dict[str, float]) -> str:
    keys = list(sweep.space)
    short = [key.rpartition(".")[2] for key in keys]
    heads = [name if short.count(name) == 1 else key for name, key in zip(short, keys, strict=True)]
    better = "smaller" if metric in smaller_is_better() else "larger"
    lines = [["experiment", f"{metric}, {better} is better", *heads]]
    for name, score in list(experiments.items())[:_BEST]:
        kept = f"{namespace(commit)}/{name}"
        params = yaml.parse(git.file_at(kept, PARAMS), f"{PARAMS} of {kept}")
        values = (lookup(params, key) for key in keys)
        shown = [f"{v:.5g}" if isinstance(v, float) else str(v) for v in values]
        lines.append([name, f"{score:.5f}", *shown])
    return plain(lines)


def _outs() -> dict[str, object]:
    """Return output -> MD5 of each dvc.lock here."""
    return {
        out["path"]: out["md5"]
        for entry in dvc_lock.here().values()
        for out in entry.get("outs", [])
    }
