"""The model file: the same bytes for the same model, and no code runs when it is loaded.

``save`` writes canonical skops (see ``canonical.py``) and beside it ``<name>.sha256``, which
``sha256sum -c`` understands. ``load`` checks the SHA-256, then every type that the file names
against ``trusted_types.py``, and only then builds the estimator. ``load_released`` does so by what
a release says of its file.
"""

import hashlib
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, cast

import skops.io
from sklearn.base import BaseEstimator
from skops.io.exceptions import UntrustedTypesFoundException

from mlrepo.core.errors import ProjectError
from mlrepo.core.errors.shell import quoted
from mlrepo.core.files import atomic
from mlrepo.learning.model_file import canonical, trusted_types

_File: TypeAlias = io.BufferedReader | io.BufferedRandom


def save(estimator: BaseEstimator, path: Path) -> str:
    """Write ``estimator`` to ``path`` and its SHA-256, which is returned, to ``<path>.sha256``.

    What was there before stays until the new file is proven: it was loaded under the rules of
    ``load``, and the loaded estimator wrote the same bytes again.
    """
    with atomic(_sidecar(path)) as partial_sidecar, atomic(path) as partial:
        with partial.open("w+b") as file:
            digest = _write(estimator, file, folder=path.parent)
        partial_sidecar.write_text(f"{digest}  {path.name}\n", encoding="utf-8", newline="\n")
    return digest


def refuse_unkept(estimator: BaseEstimator) -> None:
    """Refuse what ``save`` would refuse; an estimator need not be fitted for that."""
    with tempfile.TemporaryFile() as file:
        _write(estimator, file, folder=None)


def load(path: Path) -> BaseEstimator:
    """Return the estimator in ``path``, which must be the file that ``save`` wrote."""
    restores = f"`dvc checkout {quoted(path)}` restores the file of this commit"
    fix = f"{restores}, `dvc repro` makes a new one"
    expected = partial(_read_sidecar, _sidecar(path), path.name)
    return _load(path, expected, fix, trusted_types.trusted_types)


def load_released(path: Path, sha256: str, trusted: list[str]) -> BaseEstimator:
    """Return the estimator in ``path``, which must have this SHA-256 and name no other types.

    skops' own types need not be among those ``trusted``.
    """
    return _load(path, lambda: sha256, "take the release again", lambda _: trusted)


def trusted_in(path: Path) -> list[str]:
    """Return the types beyond skops' own that a file names which ``load`` has taken before."""
    with zipfile.ZipFile(path) as archive:
        schema = json.loads(archive.read("schema.json"))
    return trusted_types.trusted_types(schema, proven=True)


def _load(
    path: Path, expected: Callable[[], str], fix: str, trust: Callable[[Any], list[str]]
) -> BaseEstimator:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise ProjectError(f"the model {path} is missing: {fix}") from None
    # Hash and load through one open file: what was hashed is what is loaded.
    with file:
        digest, right = _digest(file), expected()
        if digest != right:
            raise ProjectError(
                f"{path} is not the file that was saved (its SHA-256 is {digest[:12]}..., not "
                f"{right[:12]}...), so it was not loaded: {fix}"
            )
        return _construct(file, str(path), fix, trust)


def _digest(file: _File) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _sidecar(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _read_sidecar(sidecar: Path, name: str) -> str:
    fix = f"`dvc checkout {quoted(sidecar)}` restores it"
    try:
        text = sidecar.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        words = f"{sidecar} is missing, so nothing tells whether {name} is intact: {fix}"
        raise ProjectError(words) from None
    if match := re.fullmatch(rf"([0-9a-f]{{64}})  {re.escape(name)}\n", text):
        return match[1]
    raise ProjectError(f"{sidecar} does not hold the SHA-256 of {name}: {fix}")


def _write(estimator: BaseEstimator, file: _File, folder: Path | None) -> str:
    """Write a file that can be loaded and says the same again; return its SHA-256."""
    canonical.write(estimator, file, folder)
    digest, name = _digest(file), canonical.describe(estimator)
    fix = (
        "write classes and functions of your own in model.py, each with a name of its own, or use "
        f"scikit-learn's; add a type that you trust to {trusted_types.__name__}"
    )
    loaded = _construct(file, f"{name} cannot be kept: its file", fix, trusted_types.trusted_types)
    with tempfile.TemporaryFile(dir=folder) as again:
        canonical.write(loaded, again, folder)
        if _digest(again) != digest:
            raise ProjectError(
                f"{name} cannot be kept: it comes back from its file changed, as a dict does that "
                "has keys of one text, such as 1 and '1'; keep such values in lists or arrays"
            )
    return digest


def _construct(
    file: _File, name: str, fix: str, trust: Callable[[Any], list[str]]
) -> BaseEstimator:
    """Build the estimator in an open skops file; ``name`` and ``fix`` are for messages."""
    if not zipfile.is_zipfile(file):
        raise ProjectError(
            f"{name} is no skops file or is cut short, so it was not loaded (a pickle or joblib "
            f"file never is, as it can run any code): {fix}"
        )
    try:
        with zipfile.ZipFile(file) as archive:
            schema = json.loads(archive.read("schema.json"))
        loaded = skops.io.load(file, trusted=trust(schema))
    except UntrustedTypesFoundException as error:
        # skops adds its own advice below the first line, which does not fit here.
        found = str(error).partition("\n")[0].rpartition(": ")[2].rstrip(".")
        raise ProjectError(f"{name} holds types that are not trusted, {found}: {fix}") from error
    except (ProjectError, OSError, MemoryError):
        raise
    except Exception as error:  # skops trusts the structure of a file, so anything can come
        # Of a module inside a package that is here it says nothing that installing would change.
        if isinstance(error, ModuleNotFoundError) and "." not in str(error.name):
            raise ProjectError(
                f"{name} needs {error.name}, which is not installed here: `uv sync` installs what "
                "uv.lock names, `pip install -r requirements.txt` what a release names"
            ) from error
        reason = f"{type(error).__name__}: {error}"
        raise ProjectError(f"{name} cannot be read ({reason}): {fix}") from error
    if not isinstance(loaded, BaseEstimator):
        raise ProjectError(f"{name} holds a {type(loaded).__name__} and no estimator: {fix}")
    return cast(BaseEstimator, loaded)
