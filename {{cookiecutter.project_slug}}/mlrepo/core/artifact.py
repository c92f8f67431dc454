"""The model as *train* leaves it: where it is, and what has to be there when the stage has run.

The page train.py may do what it likes. At its end these three are there, all of this run:

- the model, one file at the path that dvc.yaml has under `artifacts`, and
- beside it PATH.sha256;
- metrics/cross_validation.json: `{"cv": {METRIC: NUMBER}}`, `{"cv": {}}` without one.

`saved_model.finish(model, table)` writes all three.

A file PATH.sha256 is read by `sha256sum -c`. Of a model that is no skops file its first line is a
comment, which says in JSON what `About` has.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.core.errors.shell import quoted
from mlrepo.core.files import read_text, sha256
from mlrepo.core.paths import FOLDS, MODEL

SKOPS = ".skops"  # the suffix of the library's own file; one of any other name is the owner's
_PIPELINE = Path("dvc.yaml")
_SECTION = re.compile(r"^artifacts:[ \t]*\n((?:[ \t#].*\n|\n)+)", re.M)
_PATH = re.compile(r"^ +path: +([\w./-]+)$", re.M)
_SIDECAR = re.compile(r"(?:# (\{.*\})\n)?([0-9a-f]{64})  (.+)\n")


@dataclass(frozen=True)
class About:
    """What has to be known of a model of the owner's kind before it predicts.

    Attributes:
        kind: what its file is, such as "ubj" or "zip of h5, json".
        runs_code: why it can run code when it is loaded; None where it is data alone.
        features: the columns that it reads.
        classes: the labels, in the order of its probabilities; None to regress.
        probabilities: whether it gives them.
    """

    kind: str
    runs_code: str | None
    features: list[str]
    classes: list[Any] | None
    probabilities: bool


def path() -> Path:
    """Return the path of the model that *train* writes, by dvc.yaml."""
    try:
        text = _PIPELINE.read_text(encoding="utf-8")
    except FileNotFoundError:  # as where a stage runs in a folder of its own
        return MODEL
    # A stage does not pay for YAML where there is one model, laid out as usual.
    sections = _SECTION.findall(text)
    if len(sections) == 1 and len(paths := _PATH.findall(sections[0])) == 1:
        return Path(paths[0])
    from mlrepo.core import yaml

    content = yaml.load(_PIPELINE) or {}
    declared = [str(each["path"]) for each in (content.get("artifacts") or {}).values()]
    outs = (content.get("stages") or {}).get("train", {}).get("outs") or []
    written = {out if isinstance(out, str) else next(iter(out)) for out in outs}
    return next((Path(each) for each in declared if each in written), MODEL)


def is_own(model: Path) -> bool:
    """Return whether a model file is of the owner's kind, which save and load in model.py know."""
    return model.suffix != SKOPS


def sidecar(model: Path) -> Path:
    """Return where the SHA-256 of a model is."""
    return model.with_name(f"{model.name}.sha256")


def sidecar_text(model: Path, digest: str, about: About) -> str:
    """Return what stands beside a model of the owner's kind."""
    facts = json.dumps(asdict(about), ensure_ascii=False)
    return f"# {facts}\n{digest}  {model.name}\n"


def read_sidecar(model: Path) -> tuple[str, About | None]:
    """Return the SHA-256 that is recorded beside a model, and what is said of it."""
    beside, fix = sidecar(model), f"`dvc checkout {quoted(sidecar(model))}` restores it"
    try:
        text = beside.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        words = f"{beside} is missing, so nothing tells whether {model.name} is intact: {fix}"
        raise ProjectError(words) from None
    match = _SIDECAR.fullmatch(text)
    if not match or match[3] != model.name:
        raise ProjectError(f"{beside} does not hold the SHA-256 of {model.name}: {fix}")
    try:
        return match[2], About(**json.loads(match[1])) if match[1] else None
    except (TypeError, ValueError):
        raise ProjectError(f"{beside} does not say what {model.name} is: {fix}") from None


def checked(main: Callable[[Any], None], page: Path) -> Callable[[Any], None]:
    """Return ``main`` of train.py, which then fails unless it leaves what it must.

    Where it fails, what it wrote of this is moved aside: no file is of another run than the rest.
    """

    def run(params: Any) -> None:
        model = path()
        files = [model, sidecar(model), FOLDS]
        before = {file: _state(file) for file in files}
        try:
            main(params)
            _refuse_incomplete(model, before, page)
        except Exception:
            for file in files:
                if _state(file) not in (None, before[file]):
                    file.replace(_aside(file))
            raise

    return run


def _state(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _aside(file: Path) -> Path:
    return file.with_name(f".{file.name}.unfinished.partial")  # Git ignores *.partial


def _refuse_incomplete(model: Path, before: dict[Path, tuple[int, int] | None], page: Path) -> None:
    wrong, new = [], []
    for file, state in before.items():
        if (now := _state(file)) is None:
            wrong.append(f"{file} is missing")
        elif now == state:
            wrong.append(f"{file} is of an earlier run")
        else:
            new.append(file)
    if model in new and sidecar(model) in new:
        recorded, about = read_sidecar(model)
        if recorded != sha256(model):
            wrong.append(f"{sidecar(model)} has the SHA-256 of another file")
        elif is_own(model) and about is None:
            wrong.append(f"{sidecar(model)} does not say what {model.name} is")
    if FOLDS in new and not _is_scores(read_text(FOLDS)):
        wrong.append(f'{FOLDS} does not hold {{"cv": {{METRIC: NUMBER}}}}')
    text = _PIPELINE.read_text(encoding="utf-8") if _PIPELINE.exists() else f"{sidecar(model)}"
    if f"{sidecar(model)}" not in text:
        wrong.append(f"dvc.yaml names {model} and not {sidecar(model)}: put both into its outs")
    if wrong:
        kept = [f"{_aside(file)}" for file in new]
        aside = [f"What it did write is now {', '.join(kept)}."] if kept else []
        raise ProjectError(
            "\n  ".join(
                [
                    f"{page} has not left what *train* must leave:",
                    *wrong,
                    "`saved_model.finish(model, table)` writes all of it: see docs/models.md",
                    *aside,
                ]
            )
        )


def _is_scores(text: str) -> bool:
    try:
        scores = json.loads(text)["cv"]
        return all(isinstance(value, int | float) for value in scores.values())
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


def refuse_wrong(model: Path, found: str, recorded: str) -> None:
    """Refuse a model file of another SHA-256 than is recorded, before it is opened."""
    if found != recorded:
        raise ProjectError(
            f"{model} is not the file that was saved (its SHA-256 is {found[:12]}..., not "
            f"{recorded[:12]}...), so it was not loaded: `dvc checkout {quoted(model)}` restores "
            "the file of this commit, `dvc repro` makes a new one"
        )


def sha256_of(model: Path) -> str:
    """Return the SHA-256 of a model file that has to be there."""
    try:
        return sha256(model)
    except FileNotFoundError:
        fix = f"`dvc checkout {quoted(model)}` restores that of this commit, `dvc repro` makes it"
        raise ProjectError(f"the model {model} is missing: {fix}") from None
