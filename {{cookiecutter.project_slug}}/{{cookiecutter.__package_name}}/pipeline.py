"""dvc.yaml as its stages stand in dvc.lock, read without DVC (importing it takes 0.3 s).

It knows what https://dvc.org/doc/user-guide/project-structure/dvcyaml-files says of stages with
`${...}` from params.yaml and `vars`, but not a stage's own `vars`, `foreach`, `matrix` and `wdir`.
"""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from . import strict_yaml
from .errors import ProjectError

PIPELINE = "dvc.yaml"
PARAMS = "params.yaml"

_REFERENCE = re.compile(r"(?<!\\)\$\{\s*([^{}]+?)\s*\}")
_UNREAD = {"foreach", "matrix", "vars", "wdir"}
_OUTS = ("outs", "metrics", "plots")


@dataclass(frozen=True)
class Stage:
    """One stage of dvc.yaml."""

    name: str
    cmd: Any
    deps: tuple[str, ...]
    # file -> dotted keys; None: all of the file
    params: dict[str, tuple[str, ...] | None]
    # path -> whether DVC keeps it in its cache (Git keeps the others)
    outs: dict[str, bool]


@dataclass(frozen=True)
class Pipeline:
    """The stages of dvc.yaml, and the names of those that only DVC can read."""

    stages: tuple[Stage, ...]
    unread: tuple[str, ...]


def load_pipeline(folder: Path = Path()) -> Pipeline:
    """Read dvc.yaml in ``folder``.

    Raises:
        ProjectError: if it is missing or broken, or a `${...}` names no value.
    """
    content = mapping(strict_yaml.load(folder / PIPELINE), PIPELINE)
    values = _values(folder, content.get("vars") or [])
    stages, unread = [], []
    for name, entry in mapping(content.get("stages"), f"{PIPELINE}: stages").items():
        stage = mapping(entry, f"{PIPELINE}: {name}")
        if _UNREAD & stage.keys():
            unread.append(name)
        elif not stage.get("frozen"):
            resolved = mapping(_resolve(stage, values), f"{PIPELINE}: {name}")
            stages.append(_stage(name, resolved))
    return Pipeline(tuple(stages), tuple(unread))


def mapping(value: object, name: str) -> dict[str, Any]:
    """Return ``value``, which must be a mapping.

    Raises:
        ProjectError: if it is something else.
    """
    if not isinstance(value, dict):
        raise ProjectError(f"{name} must hold keys and values, not {value!r:.60}")
    return value


def lookup(values: object, key: str) -> object:
    """Return the value at a dotted ``key``.

    Raises:
        KeyError: if there is none.
    """
    for part in key.split("."):
        if not isinstance(values, dict):
            raise KeyError(key)
        values = values[part]
    return values


def normal(path: str) -> str:
    """Return ``path`` without a trailing slash or dots, so that two spellings compare equal."""
    return PurePosixPath(path).as_posix()


def _values(folder: Path, sources: list[Any]) -> dict[str, Any]:
    params = folder / PARAMS
    values = dict(mapping(strict_yaml.load(params), PARAMS)) if params.exists() else {}
    for source in sources:
        if isinstance(source, str):
            source = strict_yaml.load(folder / source.split(":")[0])
        values.update(mapping(source, f"{PIPELINE}: vars"))
    return values


def _resolve(node: object, values: dict[str, Any]) -> object:
    if isinstance(node, dict):
        return {_resolve(key, values): _resolve(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_resolve(item, values) for item in node]
    if isinstance(node, str):
        text = _REFERENCE.sub(lambda match: _text(match[1], values), node)
        return text.replace(r"\${", "${")  # a backslash keeps it from being a reference
    return node


def _text(key: str, values: dict[str, Any]) -> str:
    try:
        value = lookup(values, key)
    except KeyError:
        raise ProjectError(f"{PIPELINE}: ${{{key}}} names no value of {PARAMS}") from None
    if isinstance(value, dict | list):
        raise ProjectError(f"{PIPELINE}: ${{{key}}} is not one value: name one below it")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _stage(name: str, entry: dict[str, Any]) -> Stage:
    outs = {}
    for kind in _OUTS:
        for out in entry.get(kind) or []:
            path, options = next(iter(out.items())) if isinstance(out, dict) else (out, {})
            outs[normal(path)] = (options or {}).get("cache", True)
    return Stage(
        name=name,
        cmd=entry.get("cmd"),
        deps=tuple(normal(dep) for dep in entry.get("deps") or []),
        params=_params(entry.get("params") or []),
        outs=outs,
    )


def _params(entries: list[Any]) -> dict[str, tuple[str, ...] | None]:
    found: dict[str, tuple[str, ...] | None] = {}
    for entry in entries:
        files = entry if isinstance(entry, dict) else {PARAMS: [entry]}
        for file, keys in files.items():
            known = found.get(file) or ()
            found[file] = (*known, *(str(key) for key in keys)) if keys else None
    return found
