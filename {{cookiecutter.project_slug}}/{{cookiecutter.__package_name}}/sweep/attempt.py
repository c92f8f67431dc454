"""Try one combination of params: the one place where a trial is evaluated."""

from pathlib import Path
from typing import TextIO

from ..errors import ProjectError
from ..params import load_params
from ..pipeline import Stage
from ..results import CROSS_VALIDATION, read_json
from .record import Recorder
from .space import Sweep
from .stages import run_all
from .study import Trial


class HopelessError(Exception):
    """The pruner's verdict on a trial under way."""


def attempt(
    trial: Trial, sweep: Sweep, stages: list[Stage], recorder: Recorder, log: TextIO
) -> str:
    """Run the stages with the params of ``trial``, keep the experiment, and say what came out.

    Raises:
        ProjectError: if it is the machine that fails: the trial is then tried again.
        OSError: as well.
    """
    name = sweep.experiment(trial.number)
    print(f"{name} {trial.params}", file=log, flush=True)
    recorder.set_params(trial.params)
    # A process that was killed may have kept the experiment and not come to say so.
    scores = recorder.scores_of(name)
    if scores is None:
        try:
            scores = _run(trial, sweep, stages, log)
        except HopelessError:
            trial.prune()
            return "pruned"
        except Exception as error:  # an estimator may raise anything
            if isinstance(error, OSError | MemoryError) or isinstance(error.__cause__, OSError):
                raise
            known = isinstance(error, ProjectError)
            trial.fail(str(error) if known else f"{type(error).__name__}: {error}")
            return "failed"
        recorder.save(name)
    trial.complete(scores[sweep.metric])
    return f"{scores[sweep.metric]:.5g}"


def _run(trial: Trial, sweep: Sweep, stages: list[Stage], log: TextIO) -> dict[str, float]:
    def after_fold(values: dict[str, list[float]]) -> None:
        # A metric that a fold leaves undefined is reported at the end.
        if values.get(sweep.metric) and trial.report(values[sweep.metric]):
            raise HopelessError

    load_params(Path("params.yaml"))  # which says what is wrong with a value
    run_all(stages, after_fold, log)
    scores: dict[str, float] = read_json(CROSS_VALIDATION)["cv"]
    if sweep.metric not in scores:
        raise ProjectError(f"{sweep.metric} is undefined in a fold of the cross-validation")
    return scores
