"""Whether every dvc.lock says what params, code and files are now; needs neither data nor DVC.

`dvc status` fails in a clone without data, `dvc repro --dry` ends with 0 also when something is
stale (DVC issue 9861), and neither sees that a dependency was removed (9913).
"""

import sys
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError, exit_with_message, known
from mlrepo.core.errors.shell import quoted
from mlrepo.core.files import read_json
from mlrepo.core.paths import above
from mlrepo.pipeline import dvc_lock, models
from mlrepo.pipeline.dvc_files import digest
from mlrepo.pipeline.dvc_yaml import PIPELINE, Stage, find, load_pipeline, normal
from mlrepo.pipeline.mappings import as_mapping, flatten, lookup
from mlrepo.pipeline.output import few

FIX = "Run `dvc repro`, look at what changed, and commit it together with dvc.lock."

_ABSENT = "<absent>"
_DATASET = "ds://"  # and its name: data in a bucket, see `dvc dataset add`


@dataclass
class Report:
    """What is stale, one line each, and what could not be compared."""

    stale: list[str] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    unread: tuple[str, ...] = ()

    def refuse_stale(self, what: str, fix: str = FIX) -> None:
        """Raise a ProjectError with the first that is stale, if something is."""
        if self.stale:
            raise ProjectError("\n  ".join([what, *few(self.stale), fix]))


def report() -> Report:
    """Compare each dvc.yaml, params, code and files of this folder with its dvc.lock.

    A file of DVC's that is not on this machine is set aside; of raw data, the pointer is compared.
    """
    locked = dvc_lock.here()
    pipeline = load_pipeline()
    found = Report(unread=pipeline.unread)
    written = {
        path: out.get("md5")
        for entry in locked.values()
        for path, out in _files(entry, "outs").items()
    }
    for stage in pipeline.stages:
        if stage.name not in locked:
            found.stale.append(f"{stage.name}: never run")
            continue
        entry = locked[stage.name]
        lines = []
        if stage.cmd != entry.get("cmd"):
            lines.append("its command has changed")
        lines += _params(stage, entry.get("params", {}))
        lines += _deps(stage, _files(entry, "deps"), written, found)
        lines += _outs(stage, _files(entry, "outs"), found)
        found.stale += [f"{stage.name}: {line}" for line in lines]
    return found


def _files(entry: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {normal(file["path"]): file for file in entry.get(kind, [])}


def _params(stage: Stage, locked: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield from _removed(stage, locked.keys() - stage.params.keys(), "params")
    for file, keys in stage.params.items():
        content, before = _content(Path(file)), locked.get(file, {})
        if keys is not None:
            gone = before.keys() - set(keys)
            yield from _removed(stage, {f"{file}: {key}" for key in gone}, "params")
            before = {key: value for key, value in before.items() if key not in gone}
            content = {key: _value(content, key) for key in keys}
        old, new = flatten(before), flatten(content)
        for key in sorted(old.keys() | new.keys()):
            was, now = old.get(key, _ABSENT), new.get(key, _ABSENT)
            if was != now:
                yield f"{file}: {key} was {was}, is {now}"


def _removed(stage: Stage, names: Set[str], kind: str) -> Iterator[str]:
    fix = f"which `dvc repro` does not see: run `dvc repro -f -s {stage.name}`"
    return (f"{name} is no longer among its {kind}, {fix}" for name in sorted(names))


def _content(path: Path) -> object:
    if path.suffix == ".json" and path.exists():
        return read_json(path)
    return yaml.load(path) if path.exists() else {}


def _value(content: object, key: str) -> object:
    try:
        return lookup(content, key)
    except KeyError:
        return _ABSENT


def _deps(
    stage: Stage,
    locked: dict[str, dict[str, Any]],
    written: dict[str, str | None],
    found: Report,
) -> Iterator[str]:
    yield from _removed(stage, locked.keys() - set(stage.deps), "deps")
    for path in stage.deps:
        if "://" in path and not path.startswith(_DATASET):
            found.absent.add(path)
        elif path not in locked:
            yield f"{path} is new among its deps"
        elif path.startswith(_DATASET):
            yield from _dataset(path, locked[path].get("dataset"))
        # The stage that writes a file compares it with dvc.lock; here it is lock against lock.
        elif path in written:
            if written[path] != locked[path].get("md5"):
                yield f"{path} has changed"
        else:
            yield from _given(path, locked[path], written, found)


def _given(
    path: str, locked: dict[str, Any], written: dict[str, str | None], found: Report
) -> Iterator[str]:
    """Compare what no stage makes with its pointer, if it has one, or else with its bytes."""
    pointed, is_here = _pointed(Path(f"{path}.dvc")), Path(path).exists()
    if pointed is None:
        if not is_here and _inside(path, written):
            found.absent.add(path)
        elif not is_here:
            yield f"{path} does not exist: {known.brought_back(path)}"
        elif not _same(path, locked):
            yield f"{path} has changed"
        return
    if not is_here:
        found.absent.add(path)
    if pointed != locked.get("md5"):
        yield f"{path} has changed"
    elif is_here and not _same(path, locked):
        yield (
            f"{path} is not what {path}.dvc says: `dvc add {quoted(path)}` takes the change, "
            f"`dvc checkout {quoted(f'{path}.dvc')}` drops it"
        )


def _dataset(dep: str, read: object) -> Iterator[str]:
    """Compare what dvc.yaml names with what dvc.lock pins, and that with what was read."""
    name = dep.removeprefix(_DATASET)
    for path in map(Path, find()):
        named = _entry(path, name)
        if named is None:
            continue
        pinned = _entry(path.with_name(dvc_lock.LOCK), name)
        # DVC as well takes what it pinned for another address for nothing.
        if pinned is None or any(pinned.get(key) != value for key, value in named.items()):
            yield f"{dep} is pinned to no version of its address: `dvc dataset update {name}`"
        elif pinned != read:
            yield f"{dep} has changed"
        return
    yield f"{dep} is no dataset of {PIPELINE}: `dvc dataset add` makes one"


def _entry(path: Path, name: str) -> dict[str, Any] | None:
    entries: list[dict[str, Any]] = (yaml.load(path) or {}).get("datasets") or []
    return next((entry for entry in entries if entry["name"] == name), None)


def _inside(path: str, written: dict[str, str | None]) -> bool:
    """Return whether ``path`` lies in a folder that DVC keeps as a whole."""
    above = [parent.as_posix() for parent in PurePosixPath(path).parents]
    return any(parent in written or Path(f"{parent}.dvc").exists() for parent in above)


def _outs(stage: Stage, locked: dict[str, dict[str, Any]], found: Report) -> Iterator[str]:
    yield from _removed(stage, locked.keys() - stage.outs.keys(), "outs")
    for path, cached in stage.outs.items():
        if path not in locked:
            yield f"{path} is new among its outs"
        elif not _same(path, locked[path]):
            if cached and not Path(path).exists():
                found.absent.add(path)
            else:
                yield f"{path} is not what the step wrote"


def _pointed(path: Path) -> str | None:
    """Return the MD5 in a .dvc file."""
    if not path.exists():
        return None
    outs = as_mapping(yaml.load(path), str(path)).get("outs") or [{}]
    digest = outs[0].get("md5")
    return str(digest) if digest else None


def _same(path: str, locked: dict[str, Any]) -> bool:
    file = Path(path)
    if not file.exists():
        return False
    # Of a file of another size, no byte need be read.
    if file.is_file() and file.stat().st_size != locked.get("size", file.stat().st_size):
        return False
    return digest(path) == locked.get("md5")


def check_each(model: str | None = None) -> bool:
    """Do as ``check`` for a model, or for all that the current folder is the project of."""
    all_well = True
    for label, folder in models.places(model):
        with models.inside(folder):
            all_well = check(label) and all_well
    return all_well


def check(label: str = "") -> bool:
    """Print what is stale, and return whether nothing is; ``label`` says of which model."""
    if label:
        print(label.rstrip(), flush=True)
    found = report()
    for name in found.unread:
        print(f"{name}: foreach, matrix, vars or another folder: only `dvc status` can compare it")
    if found.stale:
        which = f"dvc repro {Path.cwd().name}/{PIPELINE}`" if label and above() else "dvc repro`"
        print("\n".join([*found.stale, FIX.replace("dvc repro`", which)]))
        return False
    count = len(found.absent)
    aside = f"; {count} files of DVC's are not on this machine, so not compared" if count else ""
    print(f"dvc.lock is up to date{aside}")
    return True


if __name__ == "__main__":
    exit_with_message(lambda: sys.exit(not check_each()))
