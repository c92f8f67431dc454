"""What DVC refuses in dvc.yaml and dvc.lock, without DVC: `dvc.schema` takes 0.1 s to import."""

from typing import Any

from mlrepo.core.errors import ProjectError, did_you_mean, known

# As in `dvc.schema`. A type; a tuple: one of these; a list: of these; `str` as a key: any name.
_NEEDED = {"cmd", "do", "foreach", "path", "schema"}  # where they are known
_NOTES = {"desc": str, "type": str, "labels": [str], "meta": object}
_OUT = {**_NOTES, **dict.fromkeys(("cache", "persist", "checkpoint", "push"), bool), "remote": str}
_PLOT = dict.fromkeys(("template", "x_label", "y_label", "title"), str)
_PLOTTED = {**_OUT, **_PLOT, "x": str, "y": str, "header": bool}
_STAGE = {
    "cmd": (str, list),
    "wdir": str,
    "deps": [str],
    "params": [(str, dict)],
    "vars": [(str, dict)],
    "frozen": bool,
    "meta": object,
    "desc": str,
    "always_changed": bool,
    "outs": [(str, {str: _OUT})],
    "metrics": [(str, {str: _OUT})],
    "plots": [(str, {str: (_PLOTTED, [_PLOTTED])})],
    "matrix": {str: (str, list)},
}
_EACH = {"foreach": (dict, list, str), "do": _STAGE}
_X_AND_Y = {"x": (str, {str: str}), "y": (str, [str], {str: (str, [str])})}
PIPELINE = {
    "stages": {str: _STAGE},
    "datasets": object,
    "vars": [(str, dict)],
    "params": [str],
    "metrics": [str],
    "plots": [(str, {str: ({**_PLOT, **_X_AND_Y}, type(None))})],
    "artifacts": {str: {**_NOTES, "path": str}},
}
_HASHES = dict.fromkeys(("md5", "checksum", "etag"), (str, int, type(None)))
_META = {"size": int, "nfiles": int, "isexec": bool, "version_id": str}
_FILE = {**_HASHES, **_META, "path": str, "cloud": dict, "files": [dict], "hash": str}
_FILES = [{**_FILE, "dataset": dict}]
_RUN = {"cmd": (str, list), "deps": _FILES, "params": {str: {str: object}}, "outs": _FILES}
LOCK = {"schema": str, "datasets": object, "stages": {str: _RUN}}


def refuse(content: object, shape: dict[str, Any], path: str) -> None:
    """Raise if DVC does not take what the file at ``path`` holds."""
    if wrong := _wrong(content, shape, ""):
        raise ProjectError(f"{path} is not as DVC wants it: {wrong}: {known.how_to_fix(path)}")


def _wrong(node: Any, shape: Any, place: str) -> str | None:
    choices = shape if isinstance(shape, tuple) else (shape,)
    found = next((each for each in choices if isinstance(node, _outer(each))), None)
    if found is None:
        return f"{place or 'the whole'} cannot be {node!r:.60}"
    if found is _STAGE and _EACH.keys() & node.keys():
        found = _EACH
    if isinstance(found, list):
        parts = {f"{place}[{number}]": (each, found[0]) for number, each in enumerate(node)}
    elif isinstance(found, dict):
        below = f"{place}." if place else ""
        for key in node:
            if _of(found, key) is None:
                return f"{below}{key} is no key of DVC's{did_you_mean(str(key), _names(found))}"
        if absent := sorted(_NEEDED & _names(found) - node.keys()):
            return f"{place or 'the whole'} has no {absent[0]}"
        parts = {f"{below}{key}": (each, _of(found, key)) for key, each in node.items()}
    else:
        return None
    return next((said for at, part in parts.items() if (said := _wrong(*part, at))), None)


def _names(shape: dict[Any, Any]) -> set[str]:
    return {key for key in shape if key is not str}


def _of(shape: dict[Any, Any], key: object) -> Any:
    return shape.get(key, shape.get(str) if isinstance(key, str) else None)


def _outer(shape: Any) -> type:
    return shape if isinstance(shape, type) else type(shape)
