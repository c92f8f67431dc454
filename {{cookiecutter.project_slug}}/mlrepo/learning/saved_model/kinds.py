"""What kind a model file is, and whether it can run code when it is loaded.

Nothing is loaded for it. A file counts as data alone if its name is that of a format that holds
nothing else, it does not start as a pickle, it has no Lambda layer of Keras, and model.py uses
nothing that runs code out of files. Whatever else there is can run code.
"""

import re
from pathlib import Path
from typing import Final
from zipfile import ZipFile

_DATA: Final = {
    *(".cbm", ".csv", ".h5", ".hdf5", ".json", ".keras", ".npy", ".npz", ".onnx", ".parquet"),
    *(".safetensors", ".txt", ".ubj"),
}
_PICKLES: Final = {".dill", ".joblib", ".pickle", ".pkl", ".pt", ".pth"}
_PICKLE: Final = re.compile(rb"\x80[\x02-\x05]")
_LAMBDA: Final = b'"class_name": "Lambda"'
# In the text of model.py: what loads pickles, or takes the guards of NumPy and Keras away.
_LOADERS: Final = re.compile(
    r"\b(?:c?[pP]ickle|cloudpickle|joblib|dill|marshal|shelve|torch|allow_pickle=True"
    r"|safe_mode=False|enable_unsafe_deserialization|exec(?=\()|eval(?=\())\b"
)


def describe(model: Path, code: str) -> tuple[str, str | None]:
    """Return what a model file is, and why it can run code, or None where it is data alone.

    ``code`` is the text of the model.py that reads it.
    """
    if model.suffix == ".zip":
        with ZipFile(model) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    else:
        files = {model.name: model.read_bytes()}
    suffixes = sorted({_kind(name) for name in files})
    kind = f"zip of {', '.join(suffixes)}" if model.suffix == ".zip" else suffixes[0]
    reasons = [why for name, content in files.items() if (why := _why(name, content))]
    if found := _LOADERS.search(code):
        reasons.append(f"model.py uses {found[0]}")
    return kind, "; ".join(reasons) or None


def _kind(name: str) -> str:
    return Path(name).suffix.removeprefix(".") or "a file without suffix"


def _why(name: str, content: bytes) -> str | None:
    suffix = Path(name).suffix
    if suffix in _PICKLES or _PICKLE.match(content):
        return f"{name} is a pickle"
    if suffix not in _DATA:
        return f"{name} is of no format that is known to hold data alone"
    return f"{name} has a Lambda layer" if _LAMBDA in content else None
