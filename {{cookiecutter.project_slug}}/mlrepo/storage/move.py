"""All that any commit needs on its way from one remote of DVC to another.

Nothing passes through DVC's cache, and what is at the new remote is read again before it counts.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.core.progress import progress
from mlrepo.pipeline import git
from mlrepo.storage.needed import Needed
from mlrepo.storage.remote import Remote
from mlrepo.storage.remote_errors import RemoteError, explained
from mlrepo.storage.store import Store

_BATCH = 256  # objects, after which a remote that is gone is noticed


def carry(store: Store, new: Remote, without_missing: bool) -> str:
    """Copy what any commit needs to ``new``, from the old remote or else from the cache.

    What was done is returned, for people. A remote that cannot be used is raised, and so is what
    is nowhere, unless the user moves ``without_missing``.
    """
    old, sources, cached = store.remote, [], set(store.cache.all())
    try:
        with old.open() as odb:
            sources.append((odb, set(odb.all())))
        new_project = not sources[0][1]
    except RemoteError:
        new_project = not git.ask("for-each-ref", "--count=1", "refs/remotes", "refs/tags")
        if not (new_project or without_missing):
            raise
        old.given_up = True
    if new_project:
        needed = Needed(store, revs=git.history())
        if not needed.unread and needed.hashes <= cached:
            return "nothing was at the old address: `model push` sends what is here"
    needed = Needed(store, revs=git.history(fetch=True))
    new.write()
    if new.refusal:
        raise new.refusal
    with new.open() as target, explained(f"DVC's {old} or {new}", new.name, new.url):
        whole = had = _whole(target, needed.hashes & set(target.all()))
        for source, names in [*sources, (store.cache, cached)]:
            wanted = (needed.hashes - whole) & names
            send(source, target, wanted)
            whole = whole | _whole(target, wanted)
    absent = needed.hashes - whole
    said = [f"{len(whole - had)} objects copied and checked, {len(had)} were there before"]
    if absent or needed.unread:
        said.append(f"These are whole neither at DVC's {old} nor in its cache:")
        said += [f"  {line}" for line in needed.tell(absent)]
        if not without_missing:
            fix = "`--without-missing` gives these up"
            raise ProjectError("\n  ".join([*said, f"So the old address stays; {fix}"]))
    return "\n  ".join(said)


def send(source: Any, target: Any, hashes: set[str]) -> None:
    """Copy objects from one object database of DVC to another; raise what hinders it."""
    failed: list[BaseException] = []
    oids = sorted(hashes)
    for start in progress(range(0, len(oids), _BATCH), "copying"):
        batch = oids[start : start + _BATCH]
        target.add(
            [source.oid_to_path(oid) for oid in batch],
            source.fs,
            batch,
            check_exists=False,
            on_error=lambda _, error: failed.append(error),
            batch_size=target.fs.jobs,
        )
        for error in failed:
            if not isinstance(error, FileNotFoundError):
                raise error


def _whole(odb: Any, hashes: set[str]) -> set[str]:
    """Return those objects whose content has their hash; one that has not is deleted."""
    with ThreadPoolExecutor(odb.fs.jobs) as pool:
        right = progress(pool.map(partial(_is_whole, odb), hashes), "checking", len(hashes))
        return {oid for oid, is_right in zip(hashes, right, strict=True) if is_right}


def _is_whole(odb: Any, oid: str) -> bool:
    path, md5 = odb.oid_to_path(oid), oid.removesuffix(".dir")
    try:
        # S3 tells the MD5 of what came in one part, so that nothing has to be read.
        if str(odb.fs.info(path).get("ETag")).strip('"') == md5:
            return True
        with odb.fs.open(path, "rb") as file:
            if hashlib.file_digest(file, "md5").hexdigest() == md5:
                return True
    except FileNotFoundError:
        return False
    odb.fs.remove(path)
    return False
