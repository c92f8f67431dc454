"""Objects that no commit needs any more, in DVC's cache and at its remote."""

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.storage.needed import Needed
from mlrepo.storage.remote import open_repo
from mlrepo.storage.store import Store

_OBJECT = re.compile(r"[0-9a-f]{32}(\.dir)?")
# When an object was written, as file systems call it.
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified")
_DAY = 86_400


@dataclass(frozen=True)
class Place:
    """The cache or the remote, and what of it can go."""

    name: str
    odb: Any
    times: dict[str, float]  # object -> when it was written
    size: int  # in bytes, of all
    young: int  # objects that nothing needs and that stay

    def __str__(self) -> str:
        """Return what would go, for people."""
        kept = f"; {self.young} more are too young" if self.young else ""
        if not self.times:
            return f"{self.name}: nothing can go{kept}"
        ends = (datetime.fromtimestamp(f(self.times.values()), UTC) for f in (min, max))
        days = " to ".join(f"{each:%Y-%m-%d}" for each in ends)
        what = f"{len(self.times)} objects, {self.size:,} bytes, of {days}"
        return f"{self.name}: {what}{kept}"


def collect(
    cloud: bool, days: float, without_missing: bool, agree: Callable[[list[Place]], bool]
) -> bool:
    """Delete the objects of the cache, and of the remote if asked, that nothing in Git needs.

    Of the remote only what is older than some ``days`` goes: a colleague sends files first and
    commits later. Returned is whether ``agree`` said so of what was found.
    """
    from dvc.lock import LockError  # type: ignore[import-untyped]

    with ExitStack() as stack:
        repo = stack.enter_context(open_repo())
        try:
            stack.enter_context(repo.lock)
        except LockError:
            raise ProjectError("DVC is at work in this folder: run this again later") from None
        store = Store(repo)
        commits = git.history(fetch=cloud)
        if cloud:
            store.remote.write()
            if store.remote.refusal:
                raise store.remote.refusal
        # The folder itself, too: what is not committed yet.
        needed = Needed(store, everywhere=True, revs=commits)
        if needed.unread and not without_missing:
            lost = "\n  ".join(needed.tell(set()))
            raise ProjectError(
                "what these need is not known, so nothing is deleted; `--without-missing` "
                f"deletes all the same:\n  {lost}"
            )
        places = [_look(f"DVC's cache ({store.cache_folder})", store.cache, needed, time.time())]
        if cloud:
            with store.remote.open() as odb:
                limit = time.time() - days * _DAY
                places.append(_look(f"DVC's {store.remote}", odb, needed, limit))
        agreed = agree(places)
        for place in places if agreed else ():
            if place.times:
                _delete(place)
    return agreed


def _look(name: str, odb: Any, needed: Needed, limit: float) -> Place:
    """Find what was written before ``limit`` and is not needed."""
    times, size, young = {}, 0, 0
    found = odb.fs.fs.find(odb.path, detail=True)  # a server's list tells more than names
    for path in found:
        oid = "".join(path.replace("\\", "/").split("/")[-2:])
        if _OBJECT.fullmatch(oid) and oid not in needed.hashes:
            info = found[path] if isinstance(found, dict) else odb.fs.info(path)
            written = _written(info)
            if written < limit:
                times[oid], size = written, size + (info.get("size") or 0)
            else:
                young += 1
    return Place(name, odb, times, size, young)


def _written(info: dict[str, Any]) -> float:
    told = next((info[name] for name in _TIMES if info.get(name)), None)
    if isinstance(told, str):
        told = datetime.fromisoformat(told)
    if told is None:
        return time.time()  # nobody knows, so it is kept as the youngest
    return told.timestamp() if isinstance(told, datetime) else float(told)


def _delete(place: Place) -> None:
    from dvc_data.hashfile.db import get_index

    get_index(place.odb).clear()  # where DVC notes which folders are whole there
    # The lists of folders go first, so that a run which is killed leaves none without its files.
    for lists in (True, False):
        paths = [place.odb.oid_to_path(oid) for oid in place.times if oid.endswith(".dir") is lists]
        if paths:
            place.odb.fs.remove(paths)
