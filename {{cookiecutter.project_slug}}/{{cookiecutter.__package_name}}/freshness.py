"""Whether every dvc.lock says what params, code and files are now; needs neither data nor DVC.

`dvc status` fails in a clone without data, `dvc repro --dry` ends with 0 also when something is
stale (DVC issue 9861), and neither sees that a dependency was removed (9913).
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from . import datasets, locks, strict_yaml
from .errors import ProjectError, run
from .leaves import leaves
from .pipeline import Stage, load_pipeline, lookup, mapping, normal

MEND = "Run `dvc repro`, look at what changed, and commit it together with dvc.lock."

_CHUNK = 1 << 20
_ABSENT = "<absent>"


@dataclass
class Report:
    """What is stale, one line each, and what could not be compared."""

    stale: list[str] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    unread: tuple[str, ...] = ()

    def refuse_stale(self, what: str, mend: str = MEND) -> None:
        """Raise a ProjectError with all that is stale, if something is."""
        if self.stale:
            raise ProjectError("\n  ".join([what, *self.stale, mend]))


def report(folder: Path = Path()) -> Report:
    """Compare each dvc.yaml, params, code and files in ``folder`` with its dvc.lock.

    A file of DVC's that is not on this machine is set aside; of raw data, the pointer is compared.

    Raises:
        ProjectError: if a file is missing or broken so that nothing can be compared.
    """
    locked = locks.here(folder)
    pipeline = load_pipeline(folder)
    found = Report(unread=pipeline.unread)
    written = {
        normal(out["path"]): out.get("md5")
        for entry in locked.values()
        for out in entry.get("outs", [])
    }
    for stage in pipeline.stages:
        if stage.name not in locked:
            found.stale.append(f"{stage.name}: never run")
            continue
        entry = locked[stage.name]
        lines = []
        if stage.cmd != entry.get("cmd"):
            lines.append("its command has changed")
        lines += _params(stage, entry.get("params", {}), folder)
        lines += _deps(stage, _files(entry, "deps"), written, folder, found)
        lines += _outs(stage, _files(entry, "outs"), folder, found)
        found.stale += [f"{stage.name}: {line}" for line in lines]
    return found


def _files(entry: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {normal(file["path"]): file for file in entry.get(kind, [])}


def _params(stage: Stage, locked: dict[str, dict[str, Any]], folder: Path) -> Iterator[str]:
    for file in sorted(locked.keys() - stage.params.keys()):
        yield _removed(stage, file, "params")
    for file, keys in stage.params.items():
        content = _content(folder / file)
        before = dict(locked.get(file, {}))
        if keys is not None:
            for key in sorted(before.keys() - set(keys)):
                del before[key]
                yield _removed(stage, f"{file}: {key}", "params")
            content = {key: _value(content, key) for key in keys}
        old, new = leaves(before), leaves(content)
        for key in sorted(old.keys() | new.keys()):
            was, now = old.get(key, _ABSENT), new.get(key, _ABSENT)
            if was != now:
                yield f"{file}: {key} was {was}, is {now}"


def _removed(stage: Stage, name: str, kind: str) -> str:
    return (
        f"{name} is no longer among its {kind}, which `dvc repro` does not see: "
        f"run `dvc repro -f -s {stage.name}`"
    )


def _content(path: Path) -> object:
    if path.suffix == ".json" and path.exists():
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ProjectError(f"{path} is not valid JSON: {error}") from None
    return strict_yaml.load(path) if path.exists() else {}


def _value(content: object, key: str) -> object:
    try:
        return lookup(content, key)
    except KeyError:
        return _ABSENT


def _deps(
    stage: Stage,
    locked: dict[str, dict[str, Any]],
    written: dict[str, str | None],
    folder: Path,
    found: Report,
) -> Iterator[str]:
    for path in sorted(locked.keys() - set(stage.deps)):
        yield _removed(stage, path, "deps")
    for path in stage.deps:
        if "://" in path and not datasets.is_named(path):
            found.absent.add(path)
            continue
        if path not in locked:
            yield f"{path} is new among its deps"
            continue
        if datasets.is_named(path):
            yield from datasets.changes(path, locked[path], folder)
            continue
        before, file = locked[path].get("md5"), folder / path
        pointed = _pointed(folder / f"{path}.dvc")
        # The stage that writes a file compares it with dvc.lock; here it is lock against lock.
        if path in written:
            changed = written[path] != before
        elif pointed is None:
            if not file.exists() and _inside(path, written, folder):
                found.absent.add(path)
                continue
            changed = not _same(file, locked[path])
        else:
            changed = pointed != before
            if not file.exists():
                found.absent.add(path)
            elif not changed and not _same(file, locked[path]):
                yield (
                    f"{path} is not what {path}.dvc says: `dvc add {path}` takes the change, "
                    f"`dvc checkout {path}.dvc` drops it"
                )
        if changed:
            yield f"{path} has changed"


def _inside(path: str, written: dict[str, str | None], folder: Path) -> bool:
    """Return whether ``path`` lies in a folder that DVC keeps as a whole."""
    above = [parent.as_posix() for parent in PurePosixPath(path).parents]
    return any(parent in written or (folder / f"{parent}.dvc").exists() for parent in above)


def _outs(
    stage: Stage, locked: dict[str, dict[str, Any]], folder: Path, found: Report
) -> Iterator[str]:
    for path in sorted(locked.keys() - stage.outs.keys()):
        yield _removed(stage, path, "outs")
    for path, cached in stage.outs.items():
        if path not in locked:
            yield f"{path} is new among its outs"
        elif not _same(folder / path, locked[path]):
            if cached and not (folder / path).exists():
                found.absent.add(path)
            else:
                yield f"{path} is not what the stage wrote"


def _pointed(path: Path) -> str | None:
    """Return the MD5 in a .dvc file."""
    if not path.exists():
        return None
    outs = mapping(strict_yaml.load(path), str(path)).get("outs") or [{}]
    digest = outs[0].get("md5")
    return str(digest) if digest else None


def _same(path: Path, locked: dict[str, Any]) -> bool:
    if path.is_dir():
        return _folder_digest(path) == locked.get("md5")
    if not path.is_file() or path.stat().st_size != locked.get("size", path.stat().st_size):
        return False
    return _digest(path) == locked.get("md5")


def _digest(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _folder_digest(folder: Path) -> str:
    """Return the name that DVC gives to a folder: the MD5 of the JSON list of its files."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    listing = [
        {"md5": _digest(path), "relpath": name}
        for name, path in sorted(files.items())
        if path.is_file()
    ]
    text = json.dumps(listing, sort_keys=True).encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest() + ".dir"


def main() -> None:
    """Print what is stale; exit code 1 if something is."""
    found = report()
    for name in found.unread:
        print(f"{name}: foreach, matrix, vars or another folder: only `dvc status` can compare it")
    if found.stale:
        print("\n".join([*found.stale, MEND]))
        sys.exit(1)
    count = len(found.absent)
    aside = f"; {count} files of DVC's are not on this machine, so not compared" if count else ""
    print(f"dvc.lock is up to date{aside}")


if __name__ == "__main__":
    run(main)
