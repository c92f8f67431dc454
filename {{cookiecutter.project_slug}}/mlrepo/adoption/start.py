"""Take another table as the project's own: `model start`.

What params.yaml and schema.yaml have to say of it is found in the table, or asked of a person.
Nothing is written before everything is known.
"""

import filecmp
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlrepo.adoption.dialect import sniff
from mlrepo.adoption.fields import infer
from mlrepo.adoption.proposal import Proposal
from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError, did_you_mean
from mlrepo.core.files import atomic
from mlrepo.core.params import LibraryParams, Train
from mlrepo.core.paths import in_project
from mlrepo.pipeline import dvc_lock
from mlrepo.pipeline.dvc import dvc, dvc_in_silence
from mlrepo.pipeline.dvc_yaml import load_pipeline
from mlrepo.tables.raw import find_parts, is_csv
from mlrepo.tables.schema import OR

RAW, PARAMS = Path("data/raw"), Path("params.yaml")
# Whole numbers of so many different values are classes, of more a quantity.
_MOST_CLASSES = 20
_LEAST_IN_CLASS = 2
_MANY_ROWS = 50_000

Ask = Callable[[str, list[str]], str]  # an option and its choices, or none -> what a person says


@dataclass(frozen=True)
class Given:
    """What was said on the command line; None where nothing was."""

    target: str | None = None
    task: str | None = None
    id: list[str] = field(default_factory=list)
    formats: dict[str, str] = field(default_factory=dict)
    purpose: str | None = None
    source: str | None = None
    licence: str | None = None
    limits: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Adoption:
    """What is to be written: the changes of params.yaml by dotted keys, and the schema."""

    source: Path
    place: Path
    changes: dict[str, Any]
    proposal: Proposal

    def as_text(self) -> str:
        """Return what was guessed, and how to say something else."""
        found = self.changes
        ids, left_out = (", ".join(found[f"data.{key}"]) for key in ("id", "features.exclude"))
        by_id = f"id: {ids}" if ids else "no column is an id"
        no_features = f"; left out of the features: {left_out}" if left_out else ""
        named = {found["data.target"], *found["data.id"], *found["data.features.exclude"]}
        dates = [
            field["name"]
            for field in self.proposal.fields
            if field["type"] in ("date", "datetime") and field["name"] not in named
        ]
        how = "no features unless train.preprocessing.dates encodes them"
        of_dates = f"dates: {', '.join(dates)} ({how})\n" if dates else ""
        return (
            f"{self.proposal.as_text()}\n"
            f"task: {found['data.task']} of {found['data.target']} (--task, --target)\n"
            f"{by_id} (--id){no_features}\n{of_dates}"
            f"split: {found['prepare.split.method']}; estimator: {found['train.estimator']}"
        )

    def write(self, params: LibraryParams) -> None:
        """Bring the table to its place, tell DVC of it, and write both files."""
        is_new, pointer = not self.place.exists(), Path(f"{self.place}.dvc")
        if pointer.exists():
            yaml.load(pointer)  # of a broken one DVC would say more, and not what helps
        if is_new:
            copy = shutil.copytree if self.source.is_dir() else shutil.copy2
            copy(self.source, self.place)
        try:
            dvc_in_silence("add", str(self.place))
        except ProjectError:
            if is_new:
                shutil.rmtree(self.place) if self.place.is_dir() else self.place.unlink()
            raise
        text = yaml.edited(PARAMS.read_text(encoding="utf-8"), self.changes)
        with atomic(PARAMS) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")
        self.proposal.write(self.place.as_posix(), Path(params.data.table_schema))


def start(table: Path, given: Given, params: LibraryParams, ask: Ask) -> Adoption:
    """Return what is to be written for a table, in this project or anywhere else.

    Raises:
        ProjectError: if the table cannot be read, or a question has no answer.
    """
    place = _place(table)
    csv = params.data.csv
    if is_csv(params.data.model_copy(update={"path": str(table)})):
        csv = sniff(find_parts(table)[0], csv.missing)
    data = params.data.model_copy(update={"path": str(table), "csv": csv, "id": ()})
    split = params.prepare.split.model_copy(update={"column": None})
    prepare = params.prepare.model_copy(update={"split": split})
    seen = params.model_copy(update={"data": data, "prepare": prepare})
    proposal = infer(seen)
    if nothing := [text for text in proposal.nothing if text not in csv.missing]:
        csv = csv.model_copy(update={"missing": (*csv.missing, *nothing)})
        data = data.model_copy(update={"csv": csv})
        proposal = infer(seen.model_copy(update={"data": data}))
    kinds = {each["name"]: each["type"] for each in proposal.fields if each["type"] != "any"}
    _choose_formats(proposal, given, ask)
    target = _one_of(kinds, "--target", given.target or ask("--target", list(kinds)))
    task = given.task or ("regression" if _is_quantity(proposal, target) else "classification")
    ids = [_one_of(kinds, "--id", name) for name in given.id] or _ids(proposal, target)
    for name in ids:
        proposal.forget_bounds(name)
    said = {
        "card.purpose": given.purpose or ask("--purpose", []),
        "card.data.source": given.source or ask("--source", []),
        "card.data.licence": given.licence or ask("--licence", []),
    }
    of_csv = {f"data.csv.{key}": value for key, value in csv.model_dump(mode="json").items()}
    changes = {
        "data.path": place.as_posix(),
        **of_csv,
        "data.task": task,
        "data.target": target,
        "data.weight": None,
        "data.id": ids,
        "data.features.include": [],
        "data.features.exclude": [n for n in proposal.useless if n not in (target, *ids)],
        "prepare.split.method": "stratified" if _has_classes(proposal, target, task) else "random",
        "prepare.split.column": None,
        "prepare.split.equal_features": "apart",
        **_estimator(params.train, task, proposal.rows),
        "train.cross_validation": _folds(params, proposal, target, task),
        "train.threshold": None,
        "evaluate.metric": None,
        "evaluate.slices": [],
        **said,
        "card.limits": given.limits,
    }
    return Adoption(table, place, changes, proposal)


def refuse_unreadable() -> None:
    """Refuse files that DVC has to read at the end, and of which it would say less."""
    load_pipeline()
    if Path(dvc_lock.LOCK).exists():
        dvc_lock.here()


def run(found: Adoption, params: LibraryParams) -> None:
    """Write, and run the pipeline in view of the user."""
    found.write(params)
    dvc("repro", fix="params.yaml and schema.yaml are written: fix what it says above")


def _place(table: Path) -> Path:
    """Return where the table is to lie: where it is, if that is below data/, or in data/raw."""
    if not table.exists():
        raise ProjectError(f"{table} does not exist: name a table or a folder of parts")
    find_parts(table)
    here = table.resolve()
    for data in (Path("data"), in_project("data")):  # of a second model, and the project's
        if here.is_relative_to(data.resolve()):
            return data / here.relative_to(data.resolve())
    place = RAW / table.name
    same = table.is_file() and place.is_file() and filecmp.cmp(table, place, shallow=False)
    if place.exists() and not same:
        raise ProjectError(
            f"{place} is there already: give {table} another name, or move that away"
        )
    return place


def _one_of(kinds: Iterable[str], option: str, name: str) -> str:
    if name not in kinds:
        names = list(kinds)
        hint = did_you_mean(name, names, f": it has {', '.join(names[:20])}")
        raise ProjectError(f"{option}: the table has no column '{name}'{hint}")
    return name


def _choose_formats(proposal: Proposal, given: Given, ask: Ask) -> None:
    for each in proposal.fields:
        choices = str(each.get("format", "")).split(OR)
        if len(choices) > 1:
            name = each["name"]
            each["format"] = given.formats.get(name) or ask(f"--format {name}=", choices)
            if each["format"] not in choices:
                raise ProjectError(f"--format {name}: choose {' or '.join(choices)}")
            proposal.forget_bounds(name)


def _is_quantity(proposal: Proposal, target: str) -> bool:
    kind = next(each["type"] for each in proposal.fields if each["name"] == target)
    # Two values are classes also where programs write them as 0.0 and 1.0.
    most = {"integer": _MOST_CLASSES, "number": 2}.get(kind)
    return most is not None and proposal.counts(target) > most


def _has_classes(proposal: Proposal, target: str, task: str) -> bool:
    """Whether each class has enough rows to be on both sides."""
    return task == "classification" and proposal.least(target) >= _LEAST_IN_CLASS


def _folds(params: LibraryParams, proposal: Proposal, target: str, task: str) -> int:
    """Return as many folds as now, or as the rarest class has train rows."""
    wanted = params.train.cross_validation
    if task == "regression":
        return wanted
    rarest = int(proposal.least(target) * (1 - params.prepare.split.test_size))
    return min(wanted, rarest) if rarest > 1 else 0


def _ids(proposal: Proposal, target: str) -> list[str]:
    """Return the first column that is called an id and has another value in each row."""
    for each in proposal.fields:
        name = each["name"]
        called = name.lower() in ("id", "key", "uuid") or name.lower().endswith(("_id", " id"))
        can_be = name != target and each["type"] in ("integer", "string")
        if called and can_be and proposal.counts(name) == proposal.rows:
            return [name]
    return []


def _estimator(train: Train, task: str, rows: int) -> dict[str, Any]:
    """Return the estimator of the task; of many rows a forest is slow and its file large."""
    wrong, right = ("Regressor", "Classifier")[:: 1 if task == "classification" else -1]
    name, arguments = train.estimator, train.arguments
    if rows > _MANY_ROWS and name.startswith("sklearn.ensemble.RandomForest"):
        name, arguments = f"sklearn.ensemble.HistGradientBoosting{right}", {}
    name = name[: -len(wrong)] + right if name.endswith(wrong) else name
    return {"train.estimator": name, "train.arguments": arguments}
