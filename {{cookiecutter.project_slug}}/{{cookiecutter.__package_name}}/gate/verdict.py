"""Whether a challenger may take the champion's place: both are scored on the same rows.

The paired bootstrap (Koehn, Statistical Significance Tests for Machine Translation Evaluation,
2004): each resample scores both models on one draw, so that rows which are hard for both cancel
out. The percentile interval of the difference is held against the margin.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from .. import metrics, persist
from ..artifacts import TEST, read_table
from ..declared import declared
from ..errors import ProjectError
from ..intervals import bootstrap
from ..output import Tell
from ..params import Params, load_params
from ..predictions import FloatArray, Predictions
from ..settings import Gate, load_settings
from ..versions import deliver, tags
from ..versions.registry import Registry, Version, recorded
from ..weighted import Weights
from . import bounds
from .champion import Champion, predict

Verdict = dict[str, Any]

DEFAULT = {"classification": "accuracy", "regression": "rmse"}


def compare(version: Version, champion: Version | None, rules: Gate) -> Verdict:
    """Return the verdict on a version, on its own test rows: see `judge`.

    Raises:
        ProjectError: if a recorded file is nowhere or was changed.
    """
    made_for, params = recorded(version)["architecture"], load_params()
    goal = {"task": made_for["task"], "target": made_for["target"]}
    params = params.model_copy(update={"data": params.data.model_copy(update=goal)})
    with TemporaryDirectory() as folder:
        file = deliver.fetch(version, Path(folder))
        test = deliver.test_table(version, Path(folder))
        rival = Champion.fetch(champion, Path(folder, "champion")) if champion else None
        return judge(version.name, file, rival, test, params, rules)


def compare_here(model: str, champion: Version | None, rules: Gate) -> Verdict:
    """Return the verdict on the model in this folder, on the test rows here: see `judge`.

    Raises:
        ProjectError: if one of them, or a recorded file of the champion, is missing or changed.
    """
    file = Path(declared()[model]["path"])
    with TemporaryDirectory() as folder:
        rival = Champion.fetch(champion, Path(folder)) if champion else None
        return judge("this model", file, rival, read_table(TEST), load_params(), rules)


def against(model: str, stage: str | None, tell: Tell) -> Verdict:
    """Return the verdict on the model in this folder against a stage, the last one unless said.

    Raises:
        ProjectError: as `compare_here`, or if the Git remote cannot say that the stage is empty.
    """
    settings = load_settings()
    stage = stage or settings.last
    settings.stage(stage)
    try:
        tags.fetch(model)
    except ProjectError as error:  # CI may hold the tags, and no right to fetch them again
        if not Registry.load(model).current(stage):
            raise
        tell(f"the tags of this clone count: {error}")
    current = Registry.load(model).current(stage)
    return compare_here(model, current.version if current else None, settings.gate)


def lets_in(verdict: Verdict, rules: Gate) -> bool:
    """Return whether the gate opens: for a pass, and for what is inconclusive where allowed."""
    allowed = ("pass", "inconclusive") if rules.inconclusive == "allow" else ("pass",)
    return verdict["verdict"] in allowed


def says(verdict: Verdict) -> str:
    """Return a verdict for people, in two to five lines."""
    models = [model for model in (verdict["challenger"], verdict["champion"]) if model]
    values = ", ".join(f"{model['name']} {_number(model['value'])}" for model in models)
    lines = [f"{verdict['verdict']}: {'; '.join(verdict['reasons'])}"]
    lines.append(f"{verdict['metric']} on {verdict['rows']} rows: {values}")
    if verdict["difference"] is not None:
        gain, low, high = (_number(verdict[key]) for key in ("difference", "low", "high"))
        interval = f"{verdict['confidence']:g} interval {low} to {high}"
        lines.append(f"better by {gain} ({interval}); margin {verdict['margin']:g}")
    if verdict["champion_has_seen_rows"]:
        seen = f"{verdict['champion_has_seen_rows']} of these rows"
        lines.append(f"{models[-1]['name']} was fitted on {seen}, which flatters it")
    kept = [bounds.says(name, each) for name, each in verdict["bounds"].items() if each["holds"]]
    return "\n  ".join([*lines, *(["; ".join(kept)] if kept else [])])


def judge(
    name: str,
    file: Path,
    champion: Champion | None,
    test: pl.DataFrame,
    params: Params,
    rules: Gate,
) -> Verdict:
    """Return the verdict on the model in ``file``, with all that it rests on, ready for JSON.

    ``params.data`` says what the model predicts. Values are in the unit of the metric; the
    difference is positive where the challenger is better. What is undefined, or has no champion,
    is None. A champion that cannot be scored on ``test`` leaves the verdict inconclusive.

    Raises:
        ProjectError: if the model cannot be scored, or `gate.metric` is no metric of its task.
    """
    task, model = params.data.task, persist.load(file)
    metric = rules.metric or DEFAULT[task]
    if metric not in metrics.of_task(task):
        known = ", ".join(metrics.of_task(task))
        raise ProjectError(f"gate.metric in versions.yaml: '{metric}' is none of {task}: {known}")
    scored = predict(model, test, params)
    verdict: Verdict = {
        "verdict": "pass",
        "reasons": ["first version in this stage"],
        "metric": metric,
        "rows": test.height,
        "challenger": {"name": name, "value": metrics.scores(task, scored).get(metric)},
        **dict.fromkeys(("champion", "difference", "low", "high", "champion_has_seen_rows")),
        "confidence": params.evaluate.intervals.confidence,
        "margin": rules.margin,
    }
    if champion:
        verdict["champion"] = {"name": champion.name, "value": None}
        verdict["champion_has_seen_rows"] = champion.has_seen(test, params.data.id)
        try:
            rival = champion.score(test, params)
        except ProjectError as error:
            reason = f"{champion.name} cannot be scored on these rows: {error}"
            verdict |= {"verdict": "inconclusive", "reasons": [reason]}
        else:
            verdict["champion"]["value"] = metrics.scores(task, rival).get(metric)
            verdict |= _difference(metric, scored, rival, params, rules.margin)
    verdict["bounds"] = bounds.check(file, model, scored, test, metric, params, rules)
    broken = [bounds.says(name, b) for name, b in verdict["bounds"].items() if not b["holds"]]
    if broken:
        kept = [] if verdict["verdict"] == "pass" else verdict["reasons"]
        verdict |= {"verdict": "fail", "reasons": [*broken, *kept]}
    return verdict


def _difference(
    metric: str, scored: Predictions, rival: Predictions, params: Params, margin: float
) -> Verdict:
    score = metrics.of_task(params.data.task)[metric]
    sign = -1.0 if metric in metrics.SMALLER_IS_BETTER else 1.0

    def gain(weights: Weights) -> FloatArray:
        return sign * (score(scored, weights) - score(rival, weights))

    knobs, rows = params.evaluate, len(scored)
    resamples, confidence = knobs.intervals.resamples, knobs.intervals.confidence
    interval = bootstrap({metric: gain}, rows, resamples, confidence, knobs.seed).get(metric)
    difference = float(gain(np.ones((1, rows)))[0])
    if interval is None or not np.isfinite(difference):
        reason = f"{metric} is undefined on these rows, or on most resamples of them"
        return {"verdict": "inconclusive", "reasons": [reason]}
    low, high = interval
    if low >= -margin:
        said, reason = "pass", "not worse by more than the margin"
    elif high < -margin:
        said, reason = "fail", "worse by more than the margin"
    else:
        said, reason = "inconclusive", "these rows cannot tell"
    values = {"difference": difference, "low": low, "high": high}
    return {"verdict": said, "reasons": [reason], **values}


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4g}"
