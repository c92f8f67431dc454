"""The model in its file, whatever kind it is: written, proven, and read by one place.

A file called *.skops is the library's own (`model_file`). Any other is of the owner's kind: `save`
and `load` of model.py write and read it, after its SHA-256 was compared, and what comes out has the
interface of scikit-learn (`wrapper`).
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
import polars as pl

from mlrepo.core import artifact, owner, prepared
from mlrepo.core.artifact import About
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import all_or_nothing, atomic, put_json, scratch
from mlrepo.core.paths import FOLDS
from mlrepo.learning.features import select
from mlrepo.learning.predictions import Predictions
from mlrepo.learning.saved_model import kinds
from mlrepo.learning.saved_model.wrapper import OwnModel, gives_probabilities, of_owner, wrap

if TYPE_CHECKING:
    from mlrepo.learning.training_table import TrainingTable

_TRIED: Final = 100  # train rows that a model predicts before it is saved
_NOISE: Final = 1e-9  # between predictions before and after the file
_ARCHIVE: Final = ".zip"
_OLDEST: Final = (1980, 1, 1, 0, 0, 0)  # date of ZIP


def save(model: Any, table: "TrainingTable") -> None:
    """Write a fitted model to the path in dvc.yaml, and its SHA-256 beside it.

    What was there before stays until the new file is proven: it is loaded, and predicts as the
    model in memory does.
    """
    path, module = artifact.path(), owner.kind_of_model()
    file = f"{owner.name()}/model.py"
    if module is None:
        if artifact.is_own(path):
            raise ProjectError(
                f"dvc.yaml calls the model {path}, and {file} has no save and load for it: write "
                "them (docs/models.md), or let its name end in .skops"
            )
        from mlrepo.learning import model_file  # skops

        _refuse_silent(model, table)
        model_file.save(model, path)
        return
    if not artifact.is_own(path):
        raise ProjectError(
            f"{file} has a save of its own, and dvc.yaml calls the model {path}, which is the name "
            "of a skops file: give it another suffix there, such as .json (docs/models.md)"
        )
    if table.params.train.threshold is not None:
        raise ProjectError(
            f"train.threshold in params.yaml is not for a model with save and load in {file}: let "
            "predict return labels there, and set it to null"
        )
    with scratch(path.with_name(f"{path.name}.new")) as folder:
        made = folder / path.name
        _write(module, model, made)
        about = _about(model, module, made, table)
        _refuse_changed(model, module, made, about, table)
        with atomic(artifact.sidecar(path)) as beside, atomic(path) as whole:
            text = artifact.sidecar_text(path, artifact.sha256_of(made), about)
            beside.write_text(text, encoding="utf-8", newline="\n")
            made.replace(whole)


def finish(model: Any, table: "TrainingTable", scores: Mapping[str, float] | None = None) -> None:
    """Leave all that *train* must leave, or nothing: the model, its SHA-256 and ``scores``.

    They are of the cross-validation: metric -> mean, and metric_std -> deviation.
    """
    with all_or_nothing() as new:
        put_json(new(FOLDS), {"cv": dict(scores or {})})
        save(model, table)


def load(path: Path | None = None, code: Any = None, recorded: str | None = None) -> Any:
    """Return the model in a file, the one of dvc.yaml unless named, if its SHA-256 is right.

    Args:
        path: the file; what is said of it stands beside it.
        code: the model.py that it is of, if that is not this folder's.
        recorded: its SHA-256, if that is known from elsewhere.
    """
    path = artifact.path() if path is None else path
    if not artifact.is_own(path):
        from mlrepo.learning import model_file

        return model_file.load(path)
    digest = artifact.sha256_of(path)
    beside, about = artifact.read_sidecar(path)
    for right in (beside, recorded or beside):
        artifact.refuse_wrong(path, digest, right)
    module = owner.kind_of_model(code)
    if module is None or about is None:
        lacks = f"{owner.name()}/model.py has no load" if about else f"{path}.sha256 lacks its part"
        raise ProjectError(f"{path} is no skops file, and {lacks}: see docs/models.md")
    return wrap(_read(module, path), module, about)


def kept_by_owner() -> bool:
    """Return whether model.py writes the model of this folder itself."""
    return artifact.is_own(artifact.path())


def _write(module: owner.Model, model: Any, made: Path) -> None:
    if made.suffix == _ARCHIVE:
        folder = made.with_suffix("")
        folder.mkdir()
        of_owner("save", module.save, model, folder)
        _pack(folder, made)
    else:
        of_owner("save", module.save, model, made)
    if not made.is_file() or not made.stat().st_size:
        found = ", ".join(sorted(each.name for each in made.parent.iterdir())) or "nothing"
        raise ProjectError(
            f"save of {owner.name()}/model.py has written {found}, and no {made.name}: it gets the "
            "path of the file to write"
        )


def _pack(folder: Path, made: Path) -> None:
    """Put files into one archive that has the same bytes whenever it is made."""
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    if not files:
        raise ProjectError(f"save of {owner.name()}/model.py has written no file into its folder")
    with ZipFile(made, "w", ZIP_STORED) as archive:
        for file in files:
            name = file.relative_to(folder).as_posix()
            entry = archive.open(ZipInfo(name, _OLDEST), "w", force_zip64=True)
            with file.open("rb") as content, entry as target:
                shutil.copyfileobj(content, target)


def _read(module: owner.Model, path: Path) -> Any:
    if path.suffix != _ARCHIVE:
        return of_owner("load", module.load, path)
    with tempfile.TemporaryDirectory() as folder:
        with ZipFile(path) as archive:
            archive.extractall(folder)
        return of_owner("load", module.load, Path(folder))


def _about(model: Any, module: owner.Model, made: Path, table: "TrainingTable") -> About:
    code = Path(str(vars(module)["__file__"])).read_text(encoding="utf-8")
    kind, runs_code = kinds.describe(made, code)
    data = table.params.data
    regression = data.task == "regression"
    return About(
        kind=kind,
        runs_code=runs_code,
        features=table.features.names,
        classes=None if regression else prepared.classes(table.path, data).tolist(),
        probabilities=not regression and gives_probabilities(model, module, _some(table)[1]),
    )


def _some(table: "TrainingTable") -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the first train rows, and what a model sees of them."""
    rows = table.scan.head(_TRIED).collect()
    return rows, select(rows, table.features)


def _refuse_silent(model: Any, table: "TrainingTable") -> Predictions:
    """Return what a model says of some train rows; refuse one that cannot predict them."""
    rows, inputs = _some(table)
    try:
        return Predictions.of(model, inputs, prepared.target(rows, table.params.data))
    except (ProjectError, OSError, MemoryError):
        raise
    except Exception as error:  # an estimator of the owner's can raise anything
        says = prepared.what_it_says(error, table.path)
        words = f"the model is fitted and cannot predict: {type(error).__name__}: {says}"
        raise ProjectError(f"{words}. Nothing was saved") from error


def _refuse_changed(
    model: Any, module: owner.Model, made: Path, about: About, table: "TrainingTable"
) -> None:
    before = _refuse_silent(wrap(model, module, about), table)
    after = _refuse_silent(wrap(_read(module, made), module, about), table)
    bound = max(_NOISE, float(getattr(module, "REPEATS_WITHIN", 0.0)))
    for one, other in ((before.predicted, after.predicted), (_shares(before), _shares(after))):
        numbers = one.dtype.kind == "f"
        same = np.allclose(one, other, rtol=bound, atol=bound) if numbers else (one == other).all()
        if not same:
            raise ProjectError(
                f"the model comes back from its file changed: what load of {owner.name()}/model.py "
                "returns predicts otherwise than what save was given. Nothing was saved"
            )


def _shares(said: Predictions) -> Any:
    return np.zeros(0) if said.probabilities is None else said.probabilities


__all__ = ["About", "OwnModel", "finish", "kept_by_owner", "load", "save"]
