"""The files of many versions at once: of Git by two processes, of DVC from its cache or remote."""

import posixpath
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryDirectory

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.storage.store import Store, Stored

_AT_ONCE = 16  # downloads


def at_commits(places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return (commit, path) -> text of each file that Git has there; paths start at this folder."""
    wanted, folder = list(dict.fromkeys(places)), git.folder_in_repository()
    names = [f"{commit}:{posixpath.normpath(folder + path)}" for commit, path in wanted]
    found = find(names) if wanted else []
    oids = list(dict.fromkeys(oid for oid in found if oid))
    contents = dict(zip(oids, git.objects(oids), strict=True)) if oids else {}
    return {
        place: contents[oid].decode(errors="replace")
        for place, oid in zip(wanted, found, strict=True)
        if oid
    }


def find(names: list[str]) -> list[str | None]:
    """Return the hash of each object that is named as COMMIT:PATH, say; None: there is none."""
    given = "\n".join(names)
    lines = git.git("cat-file", "--batch-check=%(objectname)", given=given).splitlines()
    return [None if line.endswith(" missing") else line for line in lines]


def stored(wanted: Iterable[Stored], offline: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Return MD5 -> text of the files that DVC keeps, and path -> why of those it cannot give."""
    files = {each.md5: each for each in wanted}
    texts: dict[str, str] = {}
    lost: dict[str, str] = {}
    if not files:
        return texts, lost
    store = Store()
    with TemporaryDirectory() as folder:

        def read(each: Stored) -> None:
            target = Path(folder, each.md5)
            try:
                store.fetch(each, target, None)
                texts[each.md5] = _text(target.read_bytes())
            except ProjectError as error:
                lost[each.path] = str(error)

        elsewhere = []
        for each in files.values():  # of thousands in the cache, threads would only make it longer
            content = cached.read_bytes() if (cached := store.in_cache(each.md5)) else b""
            if md5(content, usedforsecurity=False).hexdigest() == each.md5:
                texts[each.md5] = _text(content)
            else:
                elsewhere.append(each)
        if offline:
            return texts, {each.path: "not in DVC's cache" for each in elsewhere}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(read, elsewhere))
    return texts, lost


def _text(content: bytes) -> str:
    return content.decode(errors="replace")
