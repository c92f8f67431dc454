"""Whether two runs came to the same: their model files, what these predict, and their numbers.

`model compare` compares model files, in the environment of the version that they are of.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlrepo.core import artifact, owner
from mlrepo.core.errors import first_line
from mlrepo.core.owner import load_params
from mlrepo.learning import features, fingerprint, saved_model

# Noise between processors was below 3e-14, between releases of scikit-learn above 1e-3.
TOLERANCE = 1e-9
_MOST_PARTS = 10
_NUMBER = re.compile(r"-?\d+\.?\d*(?:[eE][-+]?\d+)?")


def differences(a: Any, b: Any, path: str = "model") -> Iterator[str]:
    """Yield each part in which two estimators differ, with the largest difference of numbers."""
    if type(a) is not type(b):
        yield f"{path}: {type(a).__name__} and {type(b).__name__}"
    elif isinstance(a, np.ndarray) and a.dtype != object:
        if a.shape != b.shape:
            yield f"{path}: shapes {a.shape} and {b.shape}"
        elif a.tobytes() != b.tobytes():
            yield f"{path}: {_largest(a, b)}"
    elif isinstance(a, Mapping):
        for key in dict.fromkeys([*a, *b]):
            yield from differences(a.get(key), b.get(key), f"{path}.{key}")
    elif isinstance(a, Sequence | np.ndarray) and not isinstance(a, str | bytes):
        if len(a) != len(b):
            yield f"{path}: lengths {len(a)} and {len(b)}"
        for number, (left, right) in enumerate(zip(a, b, strict=False)):
            yield from differences(left, right, f"{path}[{number}]")
    elif isinstance(a, type | str | bytes | float | int | np.generic):
        if a != b and not (a != a and b != b):  # NaN is as good as NaN
            yield f"{path}: {a!r} and {b!r}"
    elif hasattr(a, "__getstate__") and isinstance(a.__getstate__(), dict):
        yield from differences(a.__getstate__(), b.__getstate__(), path)


def predictions(model: Any, table: pl.DataFrame) -> tuple[Any, Any]:
    """Return what a model predicts, (n,), and its probabilities or numbers as floats."""
    inputs = features.select(table, features.fitted(model, table.schema))
    labels = np.asarray(model.predict(inputs))
    if hasattr(model, "predict_proba"):
        return labels, np.asarray(model.predict_proba(inputs), dtype=np.float64)
    if labels.dtype.kind == "f":
        return np.zeros(len(labels)), labels.astype(np.float64)
    return labels, np.zeros(len(labels))


def compare(before: Path, after: Path, rows: Path) -> dict[str, Any]:
    """Return in what two model files differ, and by how much their predictions do.

    How much is left out where the numbers of one cannot be set against those of the other.
    """
    table = pl.read_parquet(rows)
    machine = fingerprint.machine(load_params().numerics.pinned)
    found: dict[str, Any] = {"rows": table.height, "agrees": False, "machine": machine}
    try:
        models: list[Any] = [saved_model.load(before), saved_model.load(after)]
        (old, old_numbers), (new, new_numbers) = (predictions(each, table) for each in models)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # a model among code and rows of another can raise anything
        return found | {"why": f"one of the models cannot be used here: {first_line(error)}"}
    parts = list(differences(*models))
    more = [f"and {len(parts) - _MOST_PARTS} more parts"] if len(parts) > _MOST_PARTS else []
    found["parts"] = parts[:_MOST_PARTS] + more
    if old_numbers.shape != new_numbers.shape:
        return found
    scale = max(1.0, float(np.abs(old_numbers).max(initial=0.0)))
    largest = float(np.abs(old_numbers - new_numbers).max(initial=0.0))
    equal = bool((old == new).all())
    stated = _stated(before)
    agrees = equal and largest <= max(TOLERANCE * scale, stated or 0.0)
    found |= {"bound": stated} if stated else {}
    return found | {"labels_equal": equal, "largest_difference": largest, "agrees": agrees}


def _stated(model: Path) -> float | None:
    """Return by how much predictions may differ where bytes do not repeat, if model.py says so."""
    if not artifact.is_own(model):
        return None
    return float(getattr(owner.kind_of_model(), "REPEATS_WITHIN", 0.0)) or None


def numbers_agree(a: str, b: str, tolerance: float) -> bool:
    """Whether two texts, such as CSV, differ in numbers only, by no more than ``tolerance``.

    It is relative for numbers above 1, whose last digits are larger, and absolute below.
    """
    if _NUMBER.sub("#", a) != _NUMBER.sub("#", b):
        return False
    numbers = (map(float, _NUMBER.findall(text)) for text in (a, b))
    pairs = zip(*numbers, strict=True)
    return all(math.isclose(*pair, rel_tol=tolerance, abs_tol=tolerance) for pair in pairs)


def _largest(a: Any, b: Any) -> str:
    if a.dtype != b.dtype:
        return f"values of {a.dtype} and of {b.dtype}"
    if a.dtype.names:  # the nodes of a tree
        names = [name for name in a.dtype.names if a[name].tobytes() != b[name].tobytes()]
        return f"{', '.join(names)} of {len(a)} nodes"
    if a.dtype.kind not in "fiu":
        return f"{int((a != b).sum())} of {a.size} values"
    return f"largest difference {float(np.abs(a - b).max()):.3g} in {a.size} numbers"
