"""The stages of each dvc.yaml as they stand in dvc.lock, without DVC (importing it takes 0.3 s).

It knows what https://dvc.org/doc/user-guide/project-structure/dvcyaml-files says of stages with
`${...}` from params.yaml and `vars`, but not a stage's own `vars`, `foreach` and `matrix`, and no
stage that works in another folder than the project's.
"""

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from . import git, strict_yaml
from .errors import ProjectError

PIPELINE = "dvc.yaml"
PARAMS = "params.yaml"

_REFERENCE = re.compile(r"(?<!\\)\$\{\s*([^{}]+?)\s*\}")
_UNREAD = {"foreach", "matrix", "vars"}
_OUTS = ("outs", "metrics", "plots")


@dataclass(frozen=True)
class Stage:
    """One stage of a dvc.yaml; all paths start at the project's folder."""

    name: str  # as `dvc repro` takes it
    cmd: Any
    deps: tuple[str, ...]
    # file -> dotted keys; None: all of the file
    params: dict[str, tuple[str, ...] | None]
    # path -> whether DVC keeps it in its cache (Git keeps the others)
    outs: dict[str, bool]


@dataclass(frozen=True)
class Pipeline:
    """The stages of every dvc.yaml, and the names of those that only DVC can read."""

    stages: tuple[Stage, ...]
    unread: tuple[str, ...]


def load_pipeline(folder: Path = Path()) -> Pipeline:
    """Read dvc.yaml in ``folder`` and in the folders below it.

    Raises:
        ProjectError: if one is missing or broken, or a `${...}` names no value.
    """
    stages: list[Stage] = []
    unread: list[str] = []
    for path in find(folder):
        content = mapping(strict_yaml.load(folder / path), path)
        place = PurePosixPath(path).parent
        values = _values(folder / place, content.get("vars") or [], path)
        for name, entry in mapping(content.get("stages") or {}, f"{path}: stages").items():
            stage, known = mapping(entry, f"{path}: {name}"), address(path, name)
            elsewhere = posixpath.normpath(place / str(stage.get("wdir", "."))) != "."
            if elsewhere or _UNREAD & stage.keys():
                unread.append(known)
            elif not stage.get("frozen"):
                resolved = mapping(_resolve(stage, values, path), f"{path}: {name}")
                stages.append(_stage(known, resolved))
    return Pipeline(tuple(stages), tuple(unread))


def find(folder: Path = Path()) -> list[str]:
    """Return the path of each dvc.yaml in ``folder`` that Git does not ignore, its own first."""
    tracked = ("--cached", "--others", "--exclude-standard")
    listed = git.ask("-C", str(folder), "ls-files", "-z", *tracked, "--", f"*/{PIPELINE}") or ""
    below = sorted(path for path in set(listed.split("\0")) if path and (folder / path).exists())
    return [PIPELINE, *below]


def address(path: str, name: str) -> str:
    """Return the name by which DVC knows a stage of the dvc.yaml at ``path``."""
    return name if path == PIPELINE else f"{path}:{name}"


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
    """Return ``path`` without a trailing slash or dots, so that two spellings compare equal.

    An address such as s3://bucket/key stays as it is.
    """
    return path if "://" in path else PurePosixPath(path).as_posix()


def _values(folder: Path, sources: list[Any], path: str) -> dict[str, Any]:
    params = folder / PARAMS
    values = dict(mapping(strict_yaml.load(params), PARAMS)) if params.exists() else {}
    for source in sources:
        if isinstance(source, str):
            source = strict_yaml.load(folder / source.split(":")[0])
        values.update(mapping(source, f"{path}: vars"))
    return values


def _resolve(node: object, values: dict[str, Any], path: str) -> object:
    if isinstance(node, dict):
        return {_resolve(k, values, path): _resolve(v, values, path) for k, v in node.items()}
    if isinstance(node, list):
        return [_resolve(item, values, path) for item in node]
    if isinstance(node, str):
        text = _REFERENCE.sub(lambda match: _text(match[1], values, path), node)
        return text.replace(r"\${", "${")  # a backslash keeps it from being a reference
    return node


def _text(key: str, values: dict[str, Any], path: str) -> str:
    try:
        value = lookup(values, key)
    except KeyError:
        raise ProjectError(f"{path}: ${{{key}}} names no value of {PARAMS}") from None
    if isinstance(value, dict | list):
        raise ProjectError(f"{path}: ${{{key}}} is not one value: name one below it")
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
