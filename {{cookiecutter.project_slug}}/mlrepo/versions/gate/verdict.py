"""Whether a challenger may take the champion's place: both are scored on the same rows.

The interval of the difference in the metric that leads is held against the margin.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from mlrepo.core.errors import ProjectError
from mlrepo.core.owner import load_params
from mlrepo.core.params import LibraryParams
from mlrepo.core.paths import TEST, TRAIN
from mlrepo.core.prepared import read_table
from mlrepo.learning import metrics, saved_model
from mlrepo.learning.predictions import IndexArray, Predictions
from mlrepo.pipeline import status
from mlrepo.pipeline.dvc_yaml import declared
from mlrepo.pipeline.output import Tell
from mlrepo.scoring import bootstrap
from mlrepo.scoring.units import Drawn, units
from mlrepo.storage.store import Store
from mlrepo.versions import fetch, write_tags
from mlrepo.versions.gate import bounds
from mlrepo.versions.gate.bounds import number
from mlrepo.versions.gate.champion import Champion, predict
from mlrepo.versions.gate.paired import paired
from mlrepo.versions.records import old_records
from mlrepo.versions.registry import Registry, Version
from mlrepo.versions.rules.policy import Gate, load_settings

Verdict = dict[str, Any]


def compare(version: Version, champion: Version | None, rules: Gate) -> Verdict:
    """Return the verdict on a version, on its own test rows: see `judge`."""
    params = _as_made(version, load_params())
    with TemporaryDirectory() as folder:
        store = Store()
        file = fetch.fetch(version, Path(folder), store)
        test = read_table(fetch.table(version, TEST, Path(folder), store))
        rival = Champion.fetch(champion, Path(folder, "champion"), store) if champion else None
        known = rival and not params.data.id and TRAIN.as_posix() in version.tag.record["files"]
        train = fetch.table(version, TRAIN, Path(folder), store) if known else None
        model = fetch.load(version, file)
        return judge(version.name, file, rival, test, train, params, rules, model)


def _as_made(version: Version, params: LibraryParams) -> LibraryParams:
    """Return params with the data and the split by which the version's own rows were made."""
    record, made_for = version.tag.record, version.record["architecture"]
    goal = {"task": made_for["task"], "target": made_for["target"]}
    data = old_records.data_params(record).model_copy(update=goal)
    split = old_records.split_params(record) or params.prepare.split
    prepare = params.prepare.model_copy(update={"split": split})
    return params.model_copy(update={"data": data, "prepare": prepare})


def compare_here(model: str, champion: Version | str | None, rules: Gate) -> Verdict:
    """Return the verdict on the model in this folder, on the test rows here: see `judge`.

    The champion is a version, or what the commit of that name made.
    """
    file = Path(declared()[model]["path"])
    with TemporaryDirectory() as folder:
        if isinstance(champion, str):
            rival = Champion.at_commit(champion, file.as_posix(), Path(folder), Store())
        else:
            rival = Champion.fetch(champion, Path(folder), Store()) if champion else None
        model, test = fetch.load_here(file), read_table(TEST)
        return judge("this model", file, rival, test, TRAIN, load_params(), rules, model)


def against(model: str, stage: str | None, tell: Tell) -> Verdict:
    """Return the verdict on the model in this folder against a stage, the last one unless said.

    Where the Git remote cannot be asked, the tags here count, if something is in the stage.
    """
    settings = load_settings()
    stage = stage or settings.last
    settings.stage(stage)
    status.report().refuse_stale("the model is not of these params and code:")
    try:
        write_tags.fetch(model)
    except ProjectError as error:  # CI may hold the tags, and no right to fetch them again
        if not Registry.load(model).current(stage):
            raise
        tell(f"the tags of this clone count: {error}")
    current = Registry.load(model).current(stage)
    return compare_here(model, current.version if current else None, settings.gate)


def opens(verdict: Verdict, rules: Gate) -> bool:
    """Return whether the gate opens."""
    return rules.allows(verdict["verdict"])


def describe(verdict: Verdict) -> str:
    """Return a verdict for people, in two to five lines."""
    models = [model for model in (verdict["challenger"], verdict["champion"]) if model]
    values = ", ".join(f"{model['name']} {number(model['value'])}" for model in models)
    lines = [f"{verdict['verdict']}: {'; '.join(verdict['reasons'])}"]
    lines.append(f"{verdict['metric']} on {verdict['rows']} rows: {values}")
    if verdict["difference"] is not None:
        gain, low, high = (number(verdict[key]) for key in ("difference", "low", "high"))
        interval = f"{verdict['confidence']:g} interval {low} to {high}"
        lines.append(f"better by {gain} ({interval}); margin {verdict['margin']:g}")
    if seen := verdict["champion_has_seen_rows"]:
        lines.append(f"{models[-1]['name']} was fitted on {seen} of the test rows, left out here")
    kept = bounds.describe(verdict["bounds"], kept=True)
    return "\n  ".join([*lines, "; ".join(kept)] if kept else lines)


def judge(
    name: str,
    file: Path,
    champion: Champion | None,
    test: pl.DataFrame,
    train: Path | None,
    params: LibraryParams,
    rules: Gate,
    model: Any = None,
) -> Verdict:
    """Return the verdict on the model in ``file``, with all that it rests on, ready for JSON.

    ``params.data`` says what the model predicts. Values are in the unit of the metric; the
    difference is positive where the challenger is better. What is undefined, or has no champion,
    is None. ``paired`` has the difference in each metric, of which one decides. A champion that
    cannot be scored on ``test`` leaves the verdict inconclusive. ``model`` is what ``file`` holds,
    if it is loaded already.

    Both are compared on the rows that the champion was not fitted on, known by data.id or else by
    their content, for which ``train`` is the table that belongs to ``test``.
    """
    task = params.data.task
    model = saved_model.load(file) if model is None else model
    scored = predict(model, test, params)
    metric = metrics.leading(params, scored)
    verdict: Verdict = {
        "verdict": "pass",
        "reasons": ["first version in this stage"],
        "metric": metric,
        "rows": test.height,
        "rows_left_out": 0,
        "challenger": {"name": name, "value": metrics.scores(task, scored).get(metric)},
        **dict.fromkeys(("champion", "difference", "low", "high", "champion_has_seen_rows")),
        "confidence": params.evaluate.intervals.confidence,
        "margin": rules.margin,
        "paired": {},
    }
    if champion:
        verdict["champion"] = {"name": champion.name, "value": None}
        seen, new = champion.has_seen(test, train, params), np.arange(test.height)
        if seen is not None:
            new, count = np.flatnonzero(~seen), int(seen.sum())
            verdict |= {"rows": len(new), "rows_left_out": count, "champion_has_seen_rows": count}
        try:
            if not len(new):
                raise ProjectError("it was fitted on all of them")
            rival = champion.score(test[new], params)
        except ProjectError as error:
            reason = f"{champion.name} cannot be scored on these rows: {error}"
            verdict |= {"verdict": "inconclusive", "reasons": [reason]}
        else:
            verdict["champion"]["value"] = metrics.scores(task, rival).get(metric)
            here = scored.rows(new)
            verdict["challenger"]["value"] = metrics.scores(task, here).get(metric)
            unit = units(test.lazy(), params)
            unit = None if unit is None else unit[new]
            verdict |= _difference(metric, here, rival, unit, params, rules.margin)
    verdict["bounds"] = bounds.check(file, model, scored, test, metric, params, rules)
    if broken := bounds.describe(verdict["bounds"], kept=False):
        kept = [] if verdict["verdict"] == "pass" else verdict["reasons"]
        verdict |= {"verdict": "fail", "reasons": [*broken, *kept]}
    return verdict


def _difference(
    metric: str,
    scored: Predictions,
    rival: Predictions,
    unit: IndexArray | None,
    params: LibraryParams,
    margin: float,
) -> Verdict:
    drawn = Drawn.of(len(scored), unit, bootstrap.MOST)
    few = drawn.too_few(metrics.of_task(params.data.task)[metric])
    found = paired(scored, rival, drawn, params)
    if metric not in found:
        reason = few or f"{metric} is undefined on these rows, or on most resamples of them"
        return {"verdict": "inconclusive", "reasons": [reason], "paired": found}
    if found[metric]["low"] >= -margin:
        said, reason = "pass", "not worse by more than the margin"
    elif found[metric]["high"] < -margin:
        said, reason = "fail", "worse by more than the margin"
    else:
        said, reason = "inconclusive", "these rows cannot tell"
    return {"verdict": said, "reasons": [reason], **found[metric], "paired": found}
