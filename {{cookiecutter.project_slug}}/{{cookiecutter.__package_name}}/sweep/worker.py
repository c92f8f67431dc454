"""Try one combination after the other, in a copy of the commit.

`start` runs this as a command in the copy, so that it imports the code of the commit.
"""

import os
import sys
from pathlib import Path

from .. import environment
from ..errors import ProjectError, run
from ..params import Params, load_params
from ..pipeline import load_pipeline
from . import PATH, TRIALS
from .affected import stages_of
from .space import Sweep, load_sweep, refuse_unknown


def work(folder: Path, project: Path, commit: str) -> int:
    """Do what is left of the sweep in ``folder``, and return the exit code.

    Raises:
        ProjectError: if it cannot begin, or the machine fails it.
    """
    sweep, params = load_sweep(folder / PATH), load_params()
    refuse_unknown(sweep, str(PATH))
    stages = stages_of(load_pipeline(), sweep.space)
    environment.check()
    # Imports wait until here, where `run` can say what is missing.
    from ..metrics import SMALLER_IS_BETTER
    from ..progress import bar
    from .attempt import attempt
    from .record import Recorder
    from .study import Study
    from .told import summary

    _refuse_metric(sweep, params)
    recorder = Recorder(project, commit, stages)
    study = Study(sweep, folder / TRIALS, sweep.metric in SMALLER_IS_BETTER)
    total = min(sweep.trials, sweep.size or sweep.trials)
    log = (folder / "log.txt").open("a", encoding="utf-8", buffering=1)
    try:
        with log, bar(sweep.name, total, study.counts.all) as shown:
            for trial in study.trials():
                said = attempt(trial, sweep, stages, recorder, log)
                best = study.best
                known = f"best {sweep.experiment(best[0])} {best[1]:.5g}" if best else ""
                shown.write(f"{sweep.experiment(trial.number)} {said}  {known}", file=sys.stdout)
                shown.set_postfix_str(known, refresh=False)
                shown.update()
    except KeyboardInterrupt:
        print(f"stopped after {study.counts.all} trials; the same command goes on from there")
        return 130
    os.chdir(project)
    print(summary(sweep, study, commit))
    return 0 if study.counts.complete or study.counts.pruned else 1


def _refuse_metric(sweep: Sweep, params: Params) -> None:
    from .. import metrics

    known = metrics.of_task(params.data.task)
    if sweep.metric not in known:
        raise ProjectError(f"{PATH}: metric '{sweep.metric}' is none of {', '.join(known)}")
    if not params.train.cross_validation:
        raise ProjectError(
            "train.cross_validation in params.yaml is 0, and trials are compared by it, as test "
            "scores that chose a model no longer judge it: set it to 2 folds or more"
        )


def main() -> None:
    """Do what `start` asks."""
    folder, project, commit = sys.argv[1:]
    from .. import numerics

    if load_params().numerics.pinned:
        numerics.pin()  # before numpy is imported
    sys.exit(work(Path(folder), Path(project), commit))


if __name__ == "__main__":
    run(main)
