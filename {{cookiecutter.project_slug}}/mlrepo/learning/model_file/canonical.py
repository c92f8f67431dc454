"""Write an estimator so that equal content gives equal bytes.

The format is skops' own (a zip of ``schema.json`` and NumPy arrays), so ``skops.io.load`` reads
it. What skops writes depends on memory addresses, on which objects happen to be shared, on the
order of sets and on the clock; here all of that is replaced. So is what an estimator remembers of
the run that fitted it: threads, times, counters and addresses change no prediction.
"""

import hashlib
import io
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy
import scipy.sparse
import scipy.special
import skops.io
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from mlrepo.core.errors import ProjectError
from mlrepo.learning.model_file.trusted_types import State, nodes

SEARCHES: Final = (
    "sklearn.model_selection._search.",
    "sklearn.model_selection._search_successive_halving.",
)
_BIN_MAPPER: Final = "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper"
_LIGHTGBM: Final = "lightgbm.basic.Booster"
_NEIGHBOUR_TREES: Final = (
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
)
# Four numbers in the state of such a tree, which is a tuple, count the queries it answered:
# https://github.com/scikit-learn/scikit-learn/blob/1.9.1/sklearn/neighbors/_binary_tree.pxi.tp
_QUERY_COUNTERS: Final = slice(7, 11)
_SCHEMA: Final = "schema.json"
_RECORDS: Final = b"{'descr': ["  # how the header of a .npy starts if its items have fields


def write(estimator: BaseEstimator, target: BinaryIO, folder: Path | None) -> None:
    """Write ``estimator`` to the open file ``target``; the estimator itself is left as it is.

    What skops writes is put down in ``folder``, or where temporary files are, for the time being:
    it holds one copy of the model in memory already.
    """
    with tempfile.TemporaryFile(dir=folder) as raw:
        try:
            skops.io.dump(estimator, raw)
        except (OSError, MemoryError):
            raise
        except Exception as error:  # whatever the state of a foreign class makes of it
            raise ProjectError(
                f"{describe(estimator)} cannot be stored in a skops file ({error}): use another "
                "estimator, or keep only arrays, numbers, text and estimators in one of your own"
            ) from error
        with ZipFile(raw) as source, ZipFile(target, "w", ZIP_STORED) as archive:
            _Rewrite(source, archive).run()


def describe(estimator: BaseEstimator) -> str:
    """Return the names of the classes that a person would know the estimator by."""
    if not isinstance(estimator, Pipeline):
        return type(estimator).__name__
    return " + ".join(type(step).__name__ for _, step in estimator.steps)


class _Rewrite:
    """One pass over a skops file that copies what is content and replaces what is not."""

    def __init__(self, source: ZipFile, target: ZipFile) -> None:
        self.source, self.target = source, target
        self.names: dict[str, str] = {}  # SHA-256 of a member's content -> its new name

    def run(self) -> None:
        schema = json.loads(self.source.read(_SCHEMA))
        for number, node in enumerate(nodes(schema), start=1):
            self._rewrite(node, number)
        text = json.dumps(schema, separators=(",", ":"))
        _add(self.target, _SCHEMA, text.encode("ascii"))

    def _rewrite(self, node: State, number: int) -> None:
        # A number of its own for every node. skops would load nodes of one id as one object, but
        # which equal values share an object is an accident (interned text, cached numbers), and
        # an array shared by mistake would change in two places in a later partial_fit.
        node["__id__"] = number
        if node["__loader__"] == "ObjectNode":
            _reset(node)
        elif node["__loader__"] == "FunctionNode":
            _name_by_home(node)
        elif node["__loader__"] == "DictNode":
            _keep_false(node)
        _unordered(node).sort(key=self._content_key)
        if "file" in node:
            node["file"] = self._copy(node["file"])

    def _copy(self, name: str) -> str:
        """Copy a member unless its content is there already, and return its new name."""
        content = self._read(name)
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self.names:
            self.names[digest] = f"{len(self.names)}{Path(name).suffix}"
            _add(self.target, self.names[digest], content)
        return self.names[digest]

    def _read(self, name: str) -> bytes:
        content = self.source.read(name)
        if name.endswith(".npz"):
            return _canonical_matrix(content)
        if name.endswith(".npy") and _RECORDS in content[:64]:
            return _without_gaps(content)
        return content

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


def _reset(node: State) -> None:
    """Reset in place what an object remembers of its run; refuse a search, which is all of that."""
    name = f"{node['__module__']}.{node['__class__']}"
    if name.startswith(SEARCHES):
        raise ProjectError(
            f"{node['__class__']} keeps the times of its fits, so its file differs in every run: "
            "make it the last step, train.estimator, whose place its best_estimator_ takes"
        )
    state = (node.get("content") or {}).get("content")
    if isinstance(state, list):
        if name in _NEIGHBOUR_TREES:
            state[_QUERY_COUNTERS] = [_json(0)] * 4
    elif isinstance(state, dict):
        if "n_jobs" in state:
            state["n_jobs"] = _json(None)
        if "_stop_words_id" in state:  # an address in memory; text vectorizers find a new one
            state["_stop_words_id"] = _json(None)
        if name == _BIN_MAPPER:  # its Cython code takes numbers only
            state["n_threads"] = _json(1)
        if name == _LIGHTGBM:
            _reset_lightgbm(state)


def _reset_lightgbm(state: State) -> None:
    # It resolves n_jobs to the number of cores and writes that into the text of the model.
    params = state["params"]["content"]
    if "num_threads" in params:
        params["num_threads"] = _json(0)
    text = state["_handle"]
    text["content"] = re.sub(r"\[num_threads: -?\d+\]", "[num_threads: 0]", text["content"])


def _json(value: int | None) -> State:
    kind = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode"}
    return {**kind, "content": json.dumps(value), "is_json": True}


def _keep_false(node: State) -> None:
    # skops makes a key again as bool("false"), which is true; of no letters it is false.
    kinds = [kind["__class__"].rstrip("_") for kind in node["key_types"]["content"]]
    items = zip(kinds, node["content"].items(), strict=False)
    node["content"] = {
        "" if (kind, key) == ("bool", "false") else key: value for kind, (key, value) in items
    }


def _unordered(node: State) -> list[State]:
    """Return the items of a set or frozenset, whose order follows the hash seed."""
    items: list[State] = []
    if node["__loader__"] == "SetNode":
        items = node["content"]
    elif f"{node['__module__']}.{node['__class__']}" == "builtins.frozenset":
        items = node["content"]["content"][0]["content"]
    return items


def _name_by_home(node: State) -> None:
    # A ufunc knows no module of its own, so skops writes the first imported one that holds it:
    # the user's model.py, say, after `from numpy import log1p`.
    named = getattr(sys.modules.get(node["__module__"]), node["__class__"], None)
    for home in (numpy, scipy.special):
        if isinstance(named, numpy.ufunc) and named is getattr(home, node["__class__"], None):
            node["__module__"] = home.__name__
            return


def _canonical_matrix(archive: bytes) -> bytes:
    """Return a sparse matrix's ``.npz`` with SciPy's index type and without zlib's own bytes."""
    plain, buffer = io.BytesIO(), io.BytesIO()
    scipy.sparse.save_npz(plain, scipy.sparse.load_npz(io.BytesIO(archive)), compressed=False)
    with ZipFile(plain) as source, ZipFile(buffer, "w", ZIP_STORED) as target:
        for name in sorted(source.namelist()):
            _add(target, name, source.read(name))
    return buffer.getvalue()


def _without_gaps(array: bytes) -> bytes:
    """Return a ``.npy`` whose records hold zeros between their fields, not what memory held.

    The nodes of a decision tree are such records, and those of a loaded tree have random gaps.
    """
    records = numpy.load(io.BytesIO(array), allow_pickle=False)
    clean = numpy.zeros(records.shape, records.dtype)  # zeros_like leaves the gaps as they are
    for field in records.dtype.names:
        clean[field] = records[field]
    buffer = io.BytesIO()
    numpy.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def _add(archive: ZipFile, name: str, content: bytes) -> None:
    member = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))  # the earliest date of the zip format
    member.create_system = 3  # Unix, also on Windows
    member.external_attr = 0o644 << 16
    archive.writestr(member, content)
