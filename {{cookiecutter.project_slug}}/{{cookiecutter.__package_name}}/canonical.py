"""Write an estimator so that equal content gives equal bytes.

The format is skops' own (a zip of ``schema.json`` and NumPy arrays), so ``skops.io.load`` reads
it. What skops writes depends on memory addresses, on which objects happen to be shared, on the
order of sets and on the clock; here all of that is replaced.
"""

import hashlib
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy
import scipy.special
import skops.io
from sklearn.base import BaseEstimator

from .errors import ProjectError

State = dict[str, Any]  # one node of schema.json

_SCHEMA: Final = "schema.json"
_BIN_MAPPER: Final = "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper"
# Fit times make every file of a search different, and only its best estimator predicts.
_SEARCHES: Final = (
    "sklearn.model_selection._search.",
    "sklearn.model_selection._search_successive_halving.",
)


def write(estimator: BaseEstimator, target: BinaryIO, folder: Path) -> None:
    """Write ``estimator`` to the open file ``target``; the estimator itself is left as it is.

    What skops writes is put down in ``folder`` for the time being: it holds one copy of the model
    in memory already.

    Raises:
        ProjectError: if skops cannot store the estimator or one of its parts.
    """
    with tempfile.TemporaryFile(dir=folder) as raw:
        try:
            skops.io.dump(estimator, raw)
        except OSError:
            raise
        except Exception as error:  # whatever the state of a foreign class makes of it
            raise ProjectError(
                f"{type(estimator).__name__} cannot be stored in a skops file ({error}): use an "
                "estimator of scikit-learn, or keep only arrays, numbers and text in your own"
            ) from error
        with ZipFile(raw) as source, ZipFile(target, "w", ZIP_STORED) as archive:
            _Rewrite(source, archive).run()


class _Rewrite:
    """One pass over a skops file that copies what is content and replaces what is not."""

    def __init__(self, source: ZipFile, target: ZipFile) -> None:
        self.source = source
        self.target = target
        self.names: dict[bytes, str] = {}  # SHA-256 of a member's content -> its new name
        self.nodes = 0

    def run(self) -> None:
        schema = json.loads(self.source.read(_SCHEMA))
        self._visit(schema)
        text = json.dumps(schema, separators=(",", ":"))
        _add(self.target, _SCHEMA, text.encode("ascii"))

    def _visit(self, value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                self._visit(item)
        elif isinstance(value, dict):
            if isinstance(value.get("__loader__"), str):  # else the content of a dict
                self._normalise(value)
            for item in value.values():
                self._visit(item)

    def _normalise(self, node: State) -> None:
        # A number of its own for every node. skops would load nodes of one id as one object, but
        # which equal values share an object is an accident (interned text, cached numbers), and
        # an array shared by mistake would change in two places in a later partial_fit.
        self.nodes += 1
        node["__id__"] = self.nodes
        if node["__loader__"] == "ObjectNode":
            _forget_runtime(node)
        elif node["__loader__"] == "FunctionNode":
            _name_by_home(node)
        items = _unordered(node)
        if items is not None:
            items.sort(key=self._content_key)
        if "file" in node:
            node["file"] = self._copy(node["file"])

    def _copy(self, name: str) -> str:
        """Copy a member unless its content is there already, and return its new name."""
        content = self._read(name)
        digest = hashlib.sha256(content).digest()
        if digest not in self.names:
            self.names[digest] = f"{len(self.names)}{Path(name).suffix}"
            _add(self.target, self.names[digest], content)
        return self.names[digest]

    def _read(self, name: str) -> bytes:
        content = self.source.read(name)
        if name.endswith(".npz"):
            return _uncompressed(content)
        return _zero_padding(content) if name.endswith(".npy") else content

    def _content_key(self, node: State) -> str:
        """Text that depends on the content of a node alone, to order the items of a set by."""

        def plain(value: Any) -> Any:
            if isinstance(value, list):
                return [plain(item) for item in value]
            if not isinstance(value, dict):
                return value
            kept = {key: plain(item) for key, item in value.items() if key != "__id__"}
            if isinstance(kept.get("file"), str):
                kept["file"] = hashlib.sha256(self._read(kept["file"])).hexdigest()
            return kept

        return json.dumps(plain(node))


def _unordered(node: State) -> list[State] | None:
    """Return the items of a set or frozenset, whose order follows the hash seed."""
    if node["__loader__"] == "SetNode":
        return node["content"]  # type: ignore[no-any-return]
    if f"{node['__module__']}.{node['__class__']}" == "builtins.frozenset":
        return node["content"]["content"][0]["content"]  # type: ignore[no-any-return]
    return None


def _forget_runtime(node: State) -> None:
    """Reset attributes that say how the estimator was run, not what it learned.

    Raises:
        ProjectError: for a hyperparameter search.
    """
    name = f"{node['__module__']}.{node['__class__']}"
    if name.startswith(_SEARCHES):
        raise ProjectError(
            f"{node['__class__']} keeps the times of its fits, so its file differs in every run: "
            "return its best_estimator_ from model.py"
        )
    attributes = (node.get("content") or {}).get("content")
    if not isinstance(attributes, dict):
        return
    if "n_jobs" in attributes:
        attributes["n_jobs"] = _json(None)
    if "_stop_words_id" in attributes:  # a memory address, text vectorizers compute it again
        attributes["_stop_words_id"] = _json(None)
    if name == _BIN_MAPPER:  # Cython needs a number here
        attributes["n_threads"] = _json(1)


def _name_by_home(node: State) -> None:
    # A ufunc knows no module of its own, so skops writes the first imported one that holds it:
    # the user's model.py, say, after `from numpy import log1p`.
    named = getattr(sys.modules.get(node["__module__"]), node["__class__"], None)
    for home in (numpy, scipy.special):
        if isinstance(named, numpy.ufunc) and named is getattr(home, node["__class__"], None):
            node["__module__"] = home.__name__
            return


def _json(value: int | None) -> State:
    return {
        "__class__": "str",
        "__module__": "builtins",
        "__loader__": "JsonNode",
        "content": json.dumps(value),
        "is_json": True,
    }


def _uncompressed(archive: bytes) -> bytes:
    """Return a SciPy ``.npz`` without compression, whose bytes depend on the zlib build."""
    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(archive)) as source, ZipFile(buffer, "w", ZIP_STORED) as target:
        for name in sorted(source.namelist()):
            _add(target, name, source.read(name))
    return buffer.getvalue()


def _zero_padding(array: bytes) -> bytes:
    """Return a ``.npy`` whose bytes between the fields of a record are 0.

    The nodes of a tree are records with 7 bytes of padding, which hold whatever was in memory.
    """
    with io.BytesIO(array) as file:
        values = numpy.load(file, allow_pickle=False)
    if values.dtype.names is None:
        return array
    order: Literal["C", "F"] = "F" if values.flags.fnc else "C"
    clean = numpy.zeros(values.shape, values.dtype, order)
    for name in values.dtype.names:
        clean[name] = values[name]
    buffer = io.BytesIO()
    numpy.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def _add(archive: ZipFile, name: str, content: bytes) -> None:
    member = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))  # the earliest date of the zip format
    member.create_system = 3  # Unix, also on Windows
    member.external_attr = 0o644 << 16
    archive.writestr(member, content)
