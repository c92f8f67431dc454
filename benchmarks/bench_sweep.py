"""`model sweep` beside a loop of `dvc exp run`, DVC's queue and plain Optuna, on the same trials.

    python benchmarks/bench_sweep.py [--trials 64] [--peers 64]

Needs what bench_pipeline.py needs, and Linux. The default project is generated and set up in a
temporary folder with a small model, so that what a trial costs beside its stages shows. All sides
try the same combinations: `model sweep` draws them at random, and the others take what its
experiments say. Plain Optuna cross-validates them in one process and records nothing. CPU seconds
are those of all processes, also of the queue's workers, which are waited for. With `--peers` the
loop and the queue, which take longest, try fewer.
"""

import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml
from baked import Bench
from report import PROJECT, Line, facts, keep, parser

TREES, LEAF = "train.arguments.n_estimators", "train.arguments.min_samples_leaf"
SPACE = {TREES: {"int": [2, 40]}, LEAF: {"int": [1, 20]}}
SMALL = {
    ("train", "arguments"): {"n_estimators": 5, "min_samples_leaf": 1},
    ("train", "cross_validation"): 3,
    ("evaluate", "intervals", "resamples"): 100,
    ("evaluate", "importance_repeats"): 1,
}
PLAIN = """
import json, sys
from mlrepo.core import numerics
numerics.pin()
import optuna
from mlrepo.core.owner import load_params
from mlrepo.core.paths import TRAIN
from mlrepo.learning.cross_validation import cross_validate
from mlrepo.learning.training_table import TrainingTable
from mlrepo.learning.metrics import scores
from {0} import model

optuna.logging.set_verbosity(optuna.logging.ERROR)
base = load_params()
table = TrainingTable(TRAIN, base)

def objective(trial):
    arguments = {{
        "n_estimators": trial.suggest_int("n_estimators", 2, 40),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 20),
    }}
    train = base.train.model_copy(update={{"arguments": arguments}})
    params = base.model_copy(update={{"train": train}})
    return cross_validate(model.build(params, table.features), table, scores)["roc_auc"]

study = optuna.create_study()
for point in json.loads(sys.argv[1]):
    study.enqueue_trial(dict(zip(("n_estimators", "min_samples_leaf"), point)))
study.optimize(objective, n_trials=len(json.loads(sys.argv[1])))
print(study.best_value)
"""
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER: the queue's workers, which leave, come back to us


@dataclass(frozen=True)
class Each:
    """What one trial costs, of so many: seconds."""

    trials: int
    wall: float
    cpu: float


def prepare(bench: Bench, trials: int) -> None:
    """Set the project up with a small model and its space, all committed."""
    path = bench.project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    for (*sections, last), value in SMALL.items():
        node = params
        for section in sections:
            node = node[section]
        node[last] = value
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    sweep = {"name": "sweep", "trials": trials, "sampler": "random"}
    text = yaml.safe_dump({**sweep, "seed": 0, "pruner": "none", "space": SPACE}, sort_keys=False)
    (bench.project / "sweep.yaml").write_text(text, encoding="utf-8")
    bench.prepare()
    bench.run(bench.project, "dvc", "repro", "--quiet")
    bench.run(bench.project, "git", "add", "--all")
    commit = ("commit", "--quiet", "--no-verify", "--allow-empty", "--message", "Small")
    bench.run(bench.project, "git", *commit)


def experiments(bench: Bench, prefix: str) -> dict[str, str]:
    """Return the experiments whose names start so, in order, with the MD5 of their models."""
    names = f"refs/exps/*/*/{prefix}*"
    listed = _said(bench, "git", "for-each-ref", "--format=%(refname)", names)
    found = {}
    for ref in listed.split():
        lock = yaml.safe_load(_said(bench, "git", "cat-file", "blob", f"{ref}:dvc.lock"))
        outs = {out["path"]: out["md5"] for out in lock["stages"]["train"]["outs"]}
        found[ref.rpartition("/")[2]] = outs["models/model.skops"]
    return found


def points(bench: Bench, count: int) -> list[tuple[int, int]]:
    """Return what the sweep has tried: trees and leaf sizes."""
    refs = _said(bench, "git", "for-each-ref", "--format=%(refname)", "refs/exps/*/*/sweep-*")
    found = []
    for ref in refs.split()[:count]:
        text = _said(bench, "git", "cat-file", "blob", f"{ref}:params.yaml")
        arguments = yaml.safe_load(text)["train"]["arguments"]
        found.append((arguments["n_estimators"], arguments["min_samples_leaf"]))
    return found


def _said(bench: Bench, *command: str) -> str:
    return subprocess.run(
        command,
        cwd=bench.project,
        env=bench.environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def loop(bench: Bench, tried: list[tuple[int, int]]) -> None:
    """Run one `dvc exp run` after the other, in the folder of the project."""
    for number, point in enumerate(tried):
        bench.run(bench.project, "dvc", "exp", "run", "--name", f"loop-{number:04d}", *_set(point))


def queue(bench: Bench, tried: list[tuple[int, int]]) -> None:
    """Queue all of them, start two workers, and wait until nothing is left of them."""
    bench.run(bench.project, "git", "checkout", "--quiet", ".")
    for number, point in enumerate(tried):
        name = f"queue-{number:04d}"
        bench.run(bench.project, "dvc", "exp", "run", "--queue", "--name", name, *_set(point))
    bench.run(bench.project, "dvc", "queue", "start", "--jobs", "2")
    while len(experiments(bench, "queue-")) < len(tried):
        time.sleep(1)


def _set(point: tuple[int, int]) -> list[str]:
    return ["-S", f"{TREES}={point[0]}", "-S", f"{LEAF}={point[1]}"]


def wait_for_all() -> None:
    """Wait for every process that was left to us, so that its CPU seconds count."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def measured(trials: int, work: Callable[[], object]) -> Each:
    """Return what ``work`` costs for each trial."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    wall = time.perf_counter() - begun
    wait_for_all()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Each(trials, wall / trials, cpu / trials)


def told(side: str, each: Each, ours: Each) -> Line:
    """Print what a side costs, and return it with the ratio of the sweep to it."""
    numbers = f"{each.trials:8}{1 / each.wall:10.2f}{each.cpu:12.2f}{each.cpu / ours.cpu:11.2f}x"
    print(f"{side:28}{numbers}", flush=True)
    work = f"a trial, model sweep beside {side}"
    return Line(work, "model sweep", side, ours.wall, ours.cpu, None, ours.cpu / each.cpu)


def main() -> None:
    """Print one line for each side."""
    options = parser(__doc__)
    options.add_argument("--trials", type=int, default=64)
    options.add_argument(
        "--peers", type=int, help="trials of the loop and the queue; all, if unsaid"
    )
    chosen = options.parse_args()
    if sys.platform != "linux" or ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0):
        sys.exit("error: this needs Linux, to wait for the workers of the queue")
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), project=chosen.project)
        prepare(bench, chosen.trials)
        about = facts(bench.python, *PROJECT)
        print(f"{'':28}{'trials':>8}{'trials/s':>10}{'CPU s each':>12}{'CPU / ours':>12}")
        ours = measured(chosen.trials, lambda: bench.run(bench.project, "model", "sweep"))
        told("model sweep", ours, ours)
        lines = peers(bench, ours, chosen.peers)
        keep(chosen.json, bench.python, about, lines)


def peers(bench: Bench, ours: Each, most: int | None) -> list[Line]:
    """Let the others try what the sweep has tried, and demand the same models of them."""
    tried = points(bench, ours.trials)
    few = tried[:most]
    script = PLAIN.format(bench.baked.name)
    command = (bench.python, "-c", script, json.dumps(tried))
    sides: dict[str, tuple[int, Callable[[], object]]] = {
        "plain Optuna, not recorded": (
            len(tried),
            lambda: bench.run(bench.project, *command),
        ),
        "dvc exp run, in a loop": (len(few), lambda: loop(bench, few)),
        "dvc queue, 2 workers": (len(few), lambda: queue(bench, few)),
    }
    lines = [told(side, measured(count, work), ours) for side, (count, work) in sides.items()]
    models = list(experiments(bench, "sweep-").values())[: len(few)]
    for prefix in ("loop-", "queue-"):
        if list(experiments(bench, prefix).values()) != models:
            sys.exit(f"error: the models of {prefix} are not those of the sweep")
    print("the models of all sides that record one: equal bytes")
    return lines


if __name__ == "__main__":
    main()
