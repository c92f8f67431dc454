"""A model of the owner's kind, with the interface of scikit-learn that all else knows models by."""

from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mlrepo.core import owner, prepared
from mlrepo.core.artifact import About
from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import TEST, TRAIN

Says = Callable[[Any, pl.DataFrame], Any]


class OwnModel:
    """What `load` of model.py returned, and its `predict`: here, of numbers."""

    def __init__(self, loaded: Any, says: Says, about: About) -> None:
        """Take them, and what the file says of itself."""
        self.loaded, self._says = loaded, says
        self.feature_names_in_ = about.features

    def __getstate__(self) -> dict[str, Any]:
        """Return what two models can be compared by: only model.py knows more."""
        return {"features": list(self.feature_names_in_)}

    def predict(self, rows: pl.DataFrame) -> NDArray[Any]:
        """Return a number for each row: shape (rows,)."""
        said = self._said(rows)
        if said.dtype.kind not in "fiub" or said.size != rows.height:
            raise _wrong(
                f"{said.dtype} of shape {said.shape}", f"numbers of shape ({rows.height},)"
            )
        return said.reshape(-1).astype(np.float64)

    def _said(self, rows: pl.DataFrame) -> NDArray[Any]:
        return np.asarray(of_owner("predict", self._says, self.loaded, rows))


class OwnLabels(OwnModel):
    """The same of labels, without probabilities."""

    def __init__(self, loaded: Any, says: Says, about: About) -> None:
        """Take them."""
        super().__init__(loaded, says, about)
        self.classes_ = np.asarray(about.classes)

    def predict(self, rows: pl.DataFrame) -> NDArray[Any]:
        """Return a label for each row: shape (rows,)."""
        said = self._said(rows).reshape(-1)
        if said.size != rows.height or not np.isin(said, self.classes_).all():
            raise _wrong(f"{said[:3]} ...", f"{rows.height} of the labels {self.classes_.tolist()}")
        return said.astype(self.classes_.dtype)


class OwnProbabilities(OwnLabels):
    """The same of probabilities."""

    def predict(self, rows: pl.DataFrame) -> NDArray[Any]:
        """Return the most probable label of each row: shape (rows,)."""
        return self.most_probable(self.predict_proba(rows))

    def most_probable(self, shares: NDArray[np.float64]) -> NDArray[Any]:
        """Return the label of the highest of each row's probabilities: shape (rows,)."""
        found: NDArray[Any] = self.classes_[shares.argmax(axis=1)]
        return found

    def predict_proba(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """Return a probability for each row and class: shape (rows, classes)."""
        said, shape = self._said(rows), (rows.height, len(self.classes_))
        if said.dtype.kind == "f" and said.size == rows.height and shape[1] == 2:
            second = said.reshape(-1).astype(np.float64)
            said = np.stack([1 - second, second], axis=1)
        whole = np.abs(said.sum(axis=1) - 1) if said.dtype.kind == "f" and said.ndim == 2 else None
        if whole is None or said.shape != shape or (said < 0).any() or not (whole < 1e-3).all():
            shares = f"probabilities of shape {shape}, each row with the sum 1"
            raise _wrong(f"{said.dtype} of shape {said.shape}", shares)
        return said.astype(np.float64)


def wrap(loaded: Any, module: owner.Model, about: About) -> OwnModel:
    """Return the model that model.py has loaded, for all that predicts."""
    says = getattr(module, "predict", _by_itself)
    if about.classes is None:
        return OwnModel(loaded, says, about)
    return (OwnProbabilities if about.probabilities else OwnLabels)(loaded, says, about)


def gives_probabilities(loaded: Any, module: owner.Model, rows: pl.DataFrame) -> bool:
    """Return whether a classifier's `predict` gives probabilities, by what it says of some rows."""
    said = np.asarray(of_owner("predict", getattr(module, "predict", _by_itself), loaded, rows))
    return said.dtype.kind == "f"


def _by_itself(model: Any, rows: pl.DataFrame) -> Any:
    return (model.predict_proba if hasattr(model, "predict_proba") else model.predict)(rows)


def of_owner(function: str, call: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of model.py, and tell in one message where it fails."""
    try:
        return call(*arguments)
    except (ProjectError, OSError, MemoryError, ModuleNotFoundError):
        raise
    except Exception as error:  # the owner's code, and any library below it
        frames = [each for each in extract_tb(error.__traceback__) if _is_owners(each.filename)]
        line = f", line {frames[-1].lineno}" if frames else ""
        says = prepared.what_it_says(error, TRAIN, TEST).strip()
        file = f"{owner.name()}/{Path(frames[-1].filename).name if frames else 'model.py'}"
        raise ProjectError(
            f"{function} of {owner.name()}/model.py fails ({file}{line}): "
            f"{type(error).__name__}: {says}"
        ) from error


def _is_owners(file: str) -> bool:
    folder = Path(file).parent.name  # that of another commit is NAME_at_COMMIT
    return folder == owner.name() or folder.startswith(f"{owner.name()}_at_")


def _wrong(found: str, wanted: str) -> ProjectError:
    return ProjectError(f"predict of {owner.name()}/model.py returns {found}, not {wanted}")
