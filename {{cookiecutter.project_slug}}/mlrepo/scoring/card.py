"""The text of MODEL_CARD.md.

Its head is the metadata of the Hugging Face Hub
(https://github.com/huggingface/hub-docs/blob/main/modelcard.md). It says nothing of when and where
it was written, so that a commit has one card.
"""

import json
from pathlib import Path
from typing import Any

from mlrepo.core import artifact, owner, paths, yaml
from mlrepo.core.artifact import About
from mlrepo.core.files import read_csv, read_json
from mlrepo.core.markdown import escape, markdown
from mlrepo.core.params import LibraryParams
from mlrepo.core.sections import Preprocessing
from mlrepo.scoring import example, score_report

_PINNED = "pinned to one thread and one instruction set"
_FREE = "not pinned: the bytes of the model may differ between machines"


def card(params: LibraryParams) -> str:
    """Return the model card of the last run; refuse one of another table than it has."""
    example.refuse(params)
    said, scores = params.card, read_csv(paths.SCORES)
    limits = [f"- {_prose(limit)}" for limit in said.limits] or ["Nobody has stated any."]
    model = artifact.path()
    digest, about = artifact.read_sidecar(model)
    name = model.name
    head = yaml.dump(_metadata(params, scores, about))
    sections = {
        "Model": _model(params, about),
        "Data": _data(params),
        "Scores": _scores(params, scores),
        "Use": _use(name, about),
        "Environment": _environment(params),
        "Limits": limits,
        "Verify": [
            f"- SHA-256 of {escape(name)}: `{digest}`",
            "- `uv run model verify` proves the files of a registered version",
        ],
    }
    parts = [f"---\n{head}---", f"# {escape(owner.name())}", _prose(said.purpose)]
    parts += [f"## {title}\n\n" + "\n".join(lines) for title, lines in sections.items()]
    parts.append("`dvc repro` writes this file; params.yaml holds what people say in it.")
    return "\n\n".join(parts) + "\n"


def _metadata(
    params: LibraryParams, scores: list[score_report.Row], about: About | None
) -> dict[str, Any]:
    task = f"tabular-{params.data.task}"
    overall = [row for row in scores if not row["slice"]]
    metrics = [{"type": row["metric"], "value": float(row["estimate"])} for row in overall]
    origin = {"type": Path(params.data.path).name, "name": params.card.data.source, "split": "test"}
    result = {"task": {"type": task}, "dataset": origin, "metrics": metrics}
    library = params.train.estimator.partition(".")[0] if about else "sklearn"
    return {
        "library_name": library,
        "pipeline_tag": task,
        "tags": [library, about.kind if about else "skops", task],
        "model-index": [{"name": owner.name(), "results": [result]}],
    }


def _model(params: LibraryParams, about: About | None) -> list[str]:
    train, steps = params.train, params.train.preprocessing
    features = [escape(row["feature"]) for row in read_csv(paths.IMPORTANCE)]
    return [
        f"- Predicts: {escape(params.data.target)} ({params.data.task})",
        f"- From, the most important first: {', '.join(features)}",
        *(_own_kind(about) if about else _preprocessing(steps)),
        f"- Estimator: {escape(train.estimator)}, {_json(train.arguments)}, seed {train.seed}",
        *([f"- Inside it: {escape(', '.join(train.inside))}"] if train.inside else []),
        *_threshold(),
        f"- Owner: {_prose(params.card.owner)}",
    ]


def _preprocessing(steps: Preprocessing) -> list[str]:
    return [
        f"- Numbers: {_json(steps.numbers.model_dump())}",
        f"- Categories: {_json(steps.categories.model_dump())}",
        *([f"- Dates: {steps.dates}"] if steps.dates != "none" else []),
        *([f"- Texts: {_json(steps.texts)}"] if steps.texts else []),
    ]


def _own_kind(about: About) -> list[str]:
    """Say what the owner's own `save` has written, and whether it is safe to load."""
    package = owner.name()
    return [
        f"- Columns are prepared, and the model is saved and loaded, by {package}/model.py",
        f"- Kind of its file: {escape(about.kind)}, "
        + (
            f"**which can run any code when it is loaded**: {escape(about.runs_code)}. Load it "
            "only if its SHA-256 is the one below, and you trust who made it"
            if about.runs_code
            else "which is data alone: nothing in it runs when it is loaded"
        ),
    ]


def _threshold() -> list[str]:
    limit = read_json(paths.FOLDS).get("threshold")
    return [] if limit is None else [f"- Decision threshold: {limit}"]


def _data(params: LibraryParams) -> list[str]:
    data, origin, split = params.data, params.card.data, params.prepare.split
    prepared = read_json(paths.ROWS)
    rows, found = prepared["rows"], prepared["split"]
    column = f" by {escape(split.column)}" if split.column else ""
    return [
        f"- Source: {_prose(origin.source)}",
        f"- Licence: {_prose(origin.licence)}",
        f"- Table: {escape(data.path)}",
        f"- Rows: {rows['raw']}, of them {rows['no_target']} left out without a target, "
        f"{rows['train']} for training, {rows['test']} for the test",
        *([f"- Weights of the rows: {escape(data.weight)}"] if data.weight else []),
        f"- Split: {split.method}{column}, test share {found['test_share']:g}, where "
        f"{split.test_size:g} was asked for, seed {split.seed}",
        f"- Test rows that have the features of a train row: {found['test_rows_like_train']}",
    ]


def _scores(params: LibraryParams, scores: list[score_report.Row]) -> list[str]:
    knobs = params.evaluate.intervals
    lines = score_report.overall(scores, read_json(paths.METRICS)["train"])
    folds = read_json(paths.FOLDS)["cv"]
    if folds:
        lines[0].append(f"mean ± deviation of {params.train.cross_validation} folds")
        for line in lines[1:]:
            name = line[0]
            mean, deviation = folds.get(name), folds.get(f"{name}_std")
            # One of an own page has none.
            apart = "" if deviation is None else f" ± {score_report.shown(name, deviation)}"
            line.append("" if mean is None else f"{score_report.shown(name, mean)}{apart}")
    how = f"Intervals: {100 * knobs.confidence:g}%, by the methods of docs/intervals.md."
    said = [markdown(lines), "", how]
    return said + _slices(scores) + _thresholds()


def _slices(scores: list[score_report.Row]) -> list[str]:
    """Return the scores of slices, if there are any, and which is the worst of the large ones."""
    _, *lines = table = score_report.by_slice(scores)
    if not lines:
        return []
    least, worst = score_report.SMALLEST_SLICE, score_report.worst_slice(scores)
    text = f"No slice of {least} rows or more has a score by {scores[0]['metric']}."
    if worst:
        where = f"{escape(worst['slice'])} {escape(worst['value'])}"
        text = f"Worst slice of {least} rows or more by {worst['metric']}: {where}, "
        text += f"{score_report.shown(worst['metric'], worst['estimate'])}."
        large = [row for row in scores if row["slice"] and int(row["rows"]) >= least]
        known = {(row["slice"], row["value"]) for row in large if row["metric"] == worst["metric"]}
        if undefined := len({(row["slice"], row["value"]) for row in large} - known):
            text += f" It is undefined in {undefined} of that size."
    return ["", f"{text} After each stroke: what the constant scores there.", "", markdown(table)]


def _thresholds() -> list[str]:
    """Return recall and precision over thresholds, as points of the curve; for two classes."""
    curve = [row for row in read_csv(paths.PRECISION_RECALL) if row["threshold"]]
    names = {row["class"] for row in curve}
    if len(names) != 1:  # more have a curve each
        return []
    limits = [float(row["threshold"]) for row in curve]
    least, most = min(limits), max(limits)
    even = [least + (most - least) * part / 10 for part in range(1, 10)]
    near = {min(range(len(limits)), key=lambda n: abs(limits[n] - at)) for at in even}
    keys = ["threshold", "recall", "precision"]
    # A threshold with fewer digits would be for other rows.
    lines = [
        keys,
        *(
            [curve[n]["threshold"], *(f"{float(curve[n][key]):.3f}" for key in keys[1:])]
            for n in sorted(near)
        ),
    ]
    said = f"Where the score of {escape(*names)} is at least the threshold, on the test rows:"
    picked = (
        "A threshold that is picked by this table is picked on test rows, whose scores then "
        "flatter it: `train.threshold: {tune: METRIC}` picks one on train rows."
    )
    return ["", said, "", markdown(lines), "", picked]


def _use(name: str, about: About | None) -> list[str]:
    """Say what to do with the folder that holds the model, as the Hub's cards do."""
    return [
        "`model get` and each release give a folder that needs nothing but Python "
        f"{read_json(paths.ENVIRONMENT)['python']}:",
        "",
        "```console",
        "$ python -m pip install --require-hashes -r requirements.txt",
        "$ python predict.py example.csv -o predictions.csv",
        "```",
        "",
        "`schema.yaml` says what a row must look like, and rows that do not are refused."
        + ("" if about else " The same model in Python, for the columns that it reads itself:"),
        *([] if about else _in_python(name)),
    ]


def _in_python(name: str) -> list[str]:
    return [
        "",
        "```python",
        "import json, sys, skops.io",
        "",
        'sys.path.append("code.zip")  # classes of its own, if it has any',
        'trusted = json.load(open("VERSION.json", encoding="utf-8"))["trusted"]',
        f'model = skops.io.load("{name}", trusted=trusted)',
        "```",
    ]


def _environment(params: LibraryParams) -> list[str]:
    locked = read_json(paths.ENVIRONMENT)
    closures = locked["closures"]
    estimator = closures.pop("estimator")
    known = {name for closure in closures.values() for name in closure}
    versions = {name: closure[name] for name, closure in closures.items()}
    versions |= {name: version for name, version in estimator.items() if name not in known}
    packages = ", ".join(f"{name} {escape(version)}" for name, version in versions.items())
    return [
        f"- Python {locked['python']}",
        f"- Locked packages: {packages}; uv.lock has those below them",
        f"- Library: {escape(locked['mlrepo'])}",
        f"- Arithmetic: {_PINNED if params.numerics.pinned else _FREE}",
    ]


def _json(value: object) -> str:
    return escape(json.dumps(value, ensure_ascii=False))


def _prose(text: str) -> str:
    """Return what a person wrote, over as many lines as they liked, as one line."""
    return escape(" ".join(text.split()))
