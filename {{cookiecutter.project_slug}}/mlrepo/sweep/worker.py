"""Try one combination after the other, in a copy of the commit.

`start` runs this as a command in the copy, so that it imports the code of the commit.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mlrepo.core import environment, numerics
from mlrepo.core.errors import EXIT_INTERRUPTED, ProjectError, exit_with_message
from mlrepo.core.files import read_json
from mlrepo.core.owner import load_params
from mlrepo.core.paths import FOLDS
from mlrepo.pipeline.dvc_yaml import Stage, load_pipeline
from mlrepo.sweep import PATH, TRIALS, interrupt
from mlrepo.sweep.space import Sweep, load_sweep, refuse_unknown
from mlrepo.sweep.stages import reached, run_all
from mlrepo.sweep.start import WORKER_LOCK, alone

if TYPE_CHECKING:
    from mlrepo.sweep.recorder import Recorder
    from mlrepo.sweep.study import Trial


def main() -> None:
    """Do what `start` asks."""
    interrupt.listen()
    folder, project, commit = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    with interrupt.heard():
        if load_params().numerics.pinned:
            numerics.pin()  # before numpy is imported
        sweep = load_sweep(folder / PATH)
        with alone(folder / WORKER_LOCK, sweep):
            sys.exit(work(sweep, folder, project, commit))


def work(sweep: Sweep, folder: Path, project: Path, commit: str) -> int:
    """Do what is left of the sweep in ``folder``, and return the exit code."""
    refuse_unknown(sweep, str(PATH))
    stages = reached(load_pipeline(), sweep.space)
    environment.check()
    # Imports wait until here, where the environment is known to have them.
    from mlrepo.core.progress import bar
    from mlrepo.learning.metrics import smaller_is_better
    from mlrepo.sweep.experiments import summary
    from mlrepo.sweep.recorder import Recorder
    from mlrepo.sweep.study import Study

    wanted = _wanted()
    recorder = Recorder(project, commit, stages)
    study = Study(sweep, folder / TRIALS, wanted[0] in smaller_is_better())
    log = (folder / "log.txt").open("a", encoding="utf-8", buffering=1)
    try:
        with log, bar(sweep.name, sweep.total, study.counts.total()) as shown:
            for trial in study.trials():
                interrupt.check()
                said = attempt(trial, wanted, stages, recorder, log)
                best = study.best
                known = f"best {sweep.experiment(best[0])} {best[1]:.5g}" if best else ""
                shown.write(f"{trial.name} {said}  {known}", file=sys.stdout)
                shown.set_postfix_str(known, refresh=False)
                shown.update()
        interrupt.check()
    except KeyboardInterrupt:
        interrupt.stop_listening()
        print(f"stopped after {study.counts.total()} trials; the same command goes on from there")
        return EXIT_INTERRUPTED
    os.chdir(project)
    print(summary(sweep, study.metric or wanted[0], study, commit))
    return 0 if study.counts["COMPLETE"] or study.counts["PRUNED"] else 1


def attempt(
    trial: "Trial", wanted: list[str], stages: list[Stage], recorder: "Recorder", log: TextIO
) -> str:
    """Run the stages with the params of ``trial``, keep the experiment, and say what came out.

    The first of the ``wanted`` metrics that the first scores have is that of all trials.
    If it is the machine that fails, that is raised, and the trial is tried again by the next sweep.
    """
    from optuna import TrialPruned

    names = [trial.study.metric] if trial.study.metric else wanted
    print(f"{trial.name} {trial.params}", file=log, flush=True)
    recorder.set_params(trial.params)
    # A process that was killed may have kept the experiment and not come to say so.
    scores = recorder.scores_of(trial.name)
    if scores is None:
        try:
            scores = _run(trial, names, stages, log)
        except TrialPruned:
            trial.prune()
            return "pruned"
        except Exception as error:  # an estimator may raise anything
            interrupt.check()  # also that, in place of what a Ctrl-C raised
            if isinstance(error, OSError | MemoryError) or isinstance(error.__cause__, OSError):
                raise
            known = isinstance(error, ProjectError)
            trial.fail(str(error) if known else f"{type(error).__name__}: {error}")
            return "failed"
        interrupt.check()  # no trial that one disturbed becomes an experiment
        recorder.save(trial.name)
    metric = _first(names, scores)
    trial.complete(metric, scores[metric])
    return f"{scores[metric]:.5g}"


def _run(trial: "Trial", names: list[str], stages: list[Stage], log: TextIO) -> dict[str, float]:
    folds: dict[str, list[float]] = {}

    def after_fold(values: dict[str, list[float]]) -> None:
        folds.update(values)
        # A metric that a fold leaves undefined is reported at the end.
        if len(names) == 1 and values.get(names[0]):
            trial.report(values[names[0]])

    load_params()  # which says what is wrong with a value
    run_all(stages, after_fold, log)
    scores: dict[str, float] = read_json(FOLDS)["cv"]
    of_folds = folds.get(_first(names, scores), [])
    # Until a trial has told by which metric, there is none to be worse than.
    for count in range(len(of_folds) if len(names) > 1 else 0):
        trial.report(of_folds[: count + 1])
    return scores


def _first(names: list[str], scores: dict[str, float]) -> str:
    """Return the first of some metrics that the cross-validation has."""
    for name in names:
        if name in scores:
            return name
    raise ProjectError(
        f"{' or '.join(names)} is undefined in a fold of the cross-validation: "
        "name another in evaluate.metric of params.yaml"
    )


def _wanted() -> list[str]:
    """Return the metrics of which trials are compared by the first that they have."""
    from mlrepo.sweep.experiments import comparable

    params = load_params()
    if not params.train.cross_validation:
        raise ProjectError(
            "train.cross_validation in params.yaml is 0, and trials are compared by it, as test "
            "scores that chose a model no longer judge it: set it to 2 folds or more"
        )
    return comparable(params)


if __name__ == "__main__":
    exit_with_message(main)
