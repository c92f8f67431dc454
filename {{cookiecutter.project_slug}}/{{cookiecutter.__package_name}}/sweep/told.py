"""What a sweep says of itself when it ends."""

from .. import git
from ..layout import plain
from ..metrics import SMALLER_IS_BETTER
from .experiments import Experiment, ranked
from .space import Sweep
from .study import Study

_BEST = 5


def summary(sweep: Sweep, study: Study, commit: str) -> str:
    """Return the best experiments, how all trials came out, and the commands that come next."""
    experiments = ranked(commit, sweep.name, sweep.metric)
    counts = study.counts
    lines = [_table(sweep, experiments[:_BEST])] if experiments else []
    told = [f"{counts.all} trials on {commit[:7]}: {len(experiments)} experiments"]
    if counts.pruned:
        told.append(f"{counts.pruned} pruned, which are no experiments")
    if counts.failed:
        told.append(f"{counts.failed} failed")
    lines.append(", ".join(told))
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


def _table(sweep: Sweep, experiments: list[Experiment]) -> str:
    keys = list(sweep.space)
    short = [key.rpartition(".")[2] for key in keys]
    heads = [name if short.count(name) == 1 else key for name, key in zip(short, keys, strict=True)]
    better = "smaller" if sweep.metric in SMALLER_IS_BETTER else "larger"
    lines = [["experiment", f"{sweep.metric}, {better} is better", *heads]]
    for each in experiments:
        values = [f"{v:.5g}" if isinstance(v, float) else str(v) for v in each.params(keys)]
        lines.append([each.name, f"{each.scores[sweep.metric]:.5f}", *values])
    return plain(lines)
