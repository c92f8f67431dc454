"""Write MODEL_CARD.md.

Its head is the metadata of the Hugging Face Hub
(https://github.com/huggingface/hub-docs/blob/main/modelcard.md). It says nothing of when and where
it was written, so that a commit has one card.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from . import environment, results, score_tables
from .files import atomic
from .layout import escape, markdown
from .params import Params
from .results import read_csv, read_json

OUTPUT = Path("MODEL_CARD.md")

_NAME = (__package__ or "").split(".")[0]
_PINNED = "pinned to one thread and one instruction set"
_FREE = "not pinned: the bytes of the model may differ between machines"


def write(params: Params) -> None:
    """Write the model card of the last run.

    Raises:
        ProjectError: if a file of the run is missing.
    """
    with atomic(OUTPUT) as partial:
        partial.write_text(card(params), encoding="utf-8", newline="\n")


def card(params: Params) -> str:
    """Return the model card of the last run; raises as ``write``."""
    said, scores = params.card, read_csv(results.SCORES)
    head = yaml.safe_dump(_metadata(params, scores), sort_keys=False, allow_unicode=True)
    limits = [f"- {_prose(limit)}" for limit in said.limits] or ["Nobody has stated any."]
    sections = {
        "Model": _model(params),
        "Data": _data(params),
        "Scores": _scores(params, scores),
        "Environment": _environment(params),
        "Limits": limits,
        "Verify": _verify(),
    }
    parts = [f"---\n{head}---", f"# {escape(_NAME)}", _prose(said.purpose)]
    parts += [f"## {title}\n\n" + "\n".join(lines) for title, lines in sections.items()]
    parts.append("`dvc repro` writes this file; params.yaml holds what people say in it.")
    return "\n\n".join(parts) + "\n"


def _metadata(params: Params, scores: list[score_tables.Row]) -> dict[str, Any]:
    task = f"tabular-{params.data.task}"
    overall = [row for row in scores if not row["slice"]]
    metrics = [{"type": row["metric"], "value": float(row["estimate"])} for row in overall]
    origin = {"type": Path(params.data.path).name, "name": params.card.data.source, "split": "test"}
    result = {"task": {"type": task}, "dataset": origin, "metrics": metrics}
    return {
        "library_name": "sklearn",
        "pipeline_tag": task,
        "tags": ["sklearn", "skops", task],
        "model-index": [{"name": _NAME, "results": [result]}],
    }


def _model(params: Params) -> list[str]:
    train, steps = params.train, params.train.preprocessing
    features = [escape(row["feature"]) for row in read_csv(results.IMPORTANCE)]
    return [
        f"- Predicts: {escape(params.data.target)} ({params.data.task})",
        f"- From, the most important first: {', '.join(features)}",
        f"- Numbers: {_json(steps.numbers.model_dump())}",
        f"- Categories: {_json(steps.categories.model_dump())}",
        f"- Estimator: {escape(train.estimator)}, {_json(train.arguments)}, seed {train.seed}",
        f"- Owner: {_prose(params.card.owner)}",
    ]


def _data(params: Params) -> list[str]:
    origin, split = params.card.data, params.prepare.split
    rows = read_json(results.PREPARE)["rows"]
    column = f" by {escape(split.column)}" if split.column else ""
    return [
        f"- Source: {_prose(origin.source)}",
        f"- Licence: {_prose(origin.licence)}",
        f"- Table: {escape(params.data.path)}",
        f"- Rows: {rows['raw']}, of them {rows['no_target']} left out without a target, "
        f"{rows['train']} for training, {rows['test']} for the test",
        f"- Split: {split.method}{column}, test share {split.test_size:g}, seed {split.seed}",
    ]


def _scores(params: Params, scores: list[score_tables.Row]) -> list[str]:
    knobs = params.evaluate.intervals
    lines = score_tables.overall(scores, read_json(results.EVALUATE)["train"])
    folds = read_json(results.CROSS_VALIDATION)["cv"]
    if folds:
        lines[0].append(f"mean ± deviation of {params.train.cross_validation} folds")
        for line in lines[1:]:
            name = line[0]
            known = name in folds
            line.append(f"{folds[name]:.3f} ± {folds[f'{name}_std']:.3f}" if known else "")
    said = [
        markdown(lines),
        "",
        f"Intervals: {100 * knobs.confidence:g}%, of {knobs.resamples} bootstrap resamples.",
    ]
    worst = score_tables.worst_slice(scores, params.data.task)
    if worst:
        where = f"{escape(worst['slice'])} {escape(worst['value'])}"
        told = f"Worst slice by {worst['metric']}: {where}, {float(worst['estimate']):.3f}."
        said += ["", told, "", markdown(score_tables.by_slice(scores))]
    return said


def _environment(params: Params) -> list[str]:
    locked = read_json(environment.OUTPUT)
    python, estimator = locked.pop("python"), locked.pop("estimator")
    known = {name for closure in locked.values() for name in closure}
    versions = {name: closure[name] for name, closure in locked.items()}
    versions |= {name: version for name, version in estimator.items() if name not in known}
    packages = ", ".join(f"{name} {escape(version)}" for name, version in versions.items())
    return [
        f"- Python {python}",
        f"- Locked packages: {packages}; uv.lock has those below them",
        f"- Arithmetic: {_PINNED if params.numerics.pinned else _FREE}",
    ]


def _verify() -> list[str]:
    digest, name = results.read_text(results.DIGEST).split()
    return [
        f"- SHA-256 of {escape(name)}: `{digest}`",
        "- `uv run model verify` proves the files of a registered version",
    ]


def _json(value: object) -> str:
    return escape(json.dumps(value, ensure_ascii=False))


def _prose(text: str) -> str:
    """Return what a person wrote, over as many lines as they liked, as one line."""
    return escape(" ".join(text.split()))
