"""The stages and models of each dvc.yaml, without DVC (importing it takes 0.3 s).

It knows what https://dvc.org/doc/user-guide/project-structure/dvcyaml-files says of stages with
`${...}` from params.yaml and `vars`, but not a stage's own `vars`, `foreach` and `matrix`, and no
stage that works in another folder than the project's.
"""

import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError, known
from mlrepo.pipeline import git, layout
from mlrepo.pipeline.dvc_files import DvcIgnore
from mlrepo.pipeline.mappings import as_mapping, lookup

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
    """Read dvc.yaml in ``folder`` and in the folders below it."""
    stages: list[Stage] = []
    unread: list[str] = []
    for path in find(folder):
        content = as_mapping(yaml.load(folder / path), path)
        layout.refuse(content, layout.PIPELINE, path)
        place = PurePosixPath(path).parent
        values = _values(folder / place, content.get("vars") or [], path)
        for name, entry in as_mapping(content.get("stages") or {}, f"{path}: stages").items():
            stage, named = as_mapping(entry, f"{path}: {name}"), address(path, name)
            elsewhere = posixpath.normpath(place / str(stage.get("wdir", "."))) != "."
            if elsewhere or _UNREAD & stage.keys():
                unread.append(named)
            elif not stage.get("frozen"):
                stages.append(_stage(named, _resolve(stage, values, path)))
    return Pipeline(tuple(stages), tuple(unread))


def find(folder: Path = Path()) -> list[str]:
    """Return the path of each dvc.yaml in ``folder`` that DVC sees, the folder's own first.

    Those of other models, which have folders of their own, are not among them. Neither Git nor
    .dvcignore leaves them out. Where there is no Git, as in the checkout of an index that the hook
    pre-commit looks at, all files count.
    """
    ignored = DvcIgnore(folder)
    tracked = ("--cached", "--others", "--exclude-standard")
    listed = git.ask("-C", str(folder), "ls-files", "-z", *tracked, "--", f"*/{PIPELINE}")
    if listed is None:
        below = [path for path in ignored.walk("") if path.endswith(f"/{PIPELINE}")]
    else:
        below = [path for path in set(listed.split("\0")) if path and not ignored.leaves_out(path)]
    below = [path for path in below if (folder / path).exists()]
    return [PIPELINE, *sorted(own(below, lambda path: (folder / path).exists()))]


def own(paths: Iterable[str], exists: Callable[[str], bool]) -> list[str]:
    """Return those of ``paths`` that lie neither in the folder of another model nor above."""
    paths = list(paths)
    tops = {path.partition("/")[0] for path in paths}
    others = {"..", *(top for top in tops if exists(marker(top)) and exists(f"{top}/{PIPELINE}"))}
    return [path for path in paths if path.partition("/")[0] not in others]


def marker(name: str) -> str:
    """Return the file that tells a second model's folder from others: its package has its name."""
    return f"{name}/{name}/__init__.py"


def address(path: str, name: str) -> str:
    """Return the name by which DVC knows a stage of the dvc.yaml at ``path``."""
    return name if path == PIPELINE else f"{path}:{name}"


def declared() -> dict[str, dict[str, Any]]:
    """Return name -> path, type and desc of the models under `artifacts` in dvc.yaml."""
    artifacts = as_mapping(yaml.load(Path(PIPELINE)), PIPELINE).get("artifacts")
    if not artifacts:
        shape = "`artifacts: {model: {path: models/model.skops}}`"
        raise ProjectError(f"{PIPELINE} declares no model: add {shape}")
    named = as_mapping(artifacts, f"{PIPELINE}: artifacts")
    return {name: as_mapping(each, f"{PIPELINE}: {name}") for name, each in named.items()}


def normal(path: str) -> str:
    """Return ``path`` without a trailing slash or dots, so that two spellings compare equal.

    An address such as s3://bucket/key stays as it is.
    """
    return path if "://" in path else PurePosixPath(path).as_posix()


def _values(folder: Path, sources: list[Any], path: str) -> dict[str, Any]:
    params = folder / PARAMS
    values = dict(as_mapping(yaml.load(params), PARAMS)) if params.exists() else {}
    for source in sources:
        if isinstance(source, str):
            source = yaml.load(folder / source.split(":")[0])
        values.update(as_mapping(source, f"{path}: vars"))
    return values


def _resolve(node: Any, values: dict[str, Any], path: str) -> Any:
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
        fix = known.how_to_fix(PARAMS, "add it there")
        raise ProjectError(f"{path}: ${{{key}}} names no value of {PARAMS}: {fix}") from None
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
            before = found.get(file) or ()
            found[file] = (*before, *(str(key) for key in keys)) if keys else None
    return found
