"""The files that DVC keeps, by their hashes: in the cache of this machine and in the remote.

Raw data may stay in a bucket instead (`imports`).
"""

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from mlrepo.core.errors import ProjectError
from mlrepo.core.files import atomic
from mlrepo.core.progress import progress
from mlrepo.pipeline import dvc_files
from mlrepo.storage import imports, remote

_CHUNK = 1 << 20

Hashes = dict[str, Any]  # of a file: md5, sha256 and its size in bytes


@dataclass(frozen=True)
class Stored:
    """A file or folder that DVC keeps: where it belongs, and the MD5 that DVC knows it by."""

    path: str
    md5: str


class Store:
    """DVC's cache and its default remote; opened in the folder of the project."""

    def __init__(self, repo: Any = None) -> None:
        """Open both, of DVC's repository if it is open already."""
        self.repo = repo or remote.open_repo()
        self.cache = self.repo.cache.local

    @cached_property
    def remote(self) -> remote.Remote:
        """The default remote."""
        return remote.Remote(self.repo)

    @property
    def remote_name(self) -> str:
        """The name and address of the remote, for people."""
        return str(self.remote)

    def remote_settings(self) -> tuple[str, dict[str, Any]]:
        """Return name and settings of the default remote, with absolute paths."""
        return self.remote.name, self.remotes().get(self.remote.name, {})

    def remotes(self) -> dict[str, dict[str, Any]]:
        """Return the settings of each remote by its name, with absolute paths."""
        return {name: dict(settings) for name, settings in self.repo.config["remote"].items()}

    @property
    def cache_folder(self) -> Path:
        """Where DVC keeps the files of this machine."""
        return Path(self.cache.path)

    def in_cache(self, md5: str) -> Path | None:
        """Return the path of an object in the cache, if it is there."""
        path = Path(self.cache.oid_to_path(md5))
        return path if path.exists() else None

    def at_remote(self, hashes: set[str]) -> set[str]:
        """Return those objects that the remote has."""
        with self.remote.open() as odb:
            # Of a folder, `oids_exist` deletes what holds other bytes.
            ask = odb.list_oids_exists if self.remote.is_folder else odb.oids_exist
            return set(ask(list(hashes))) if hashes else set()

    def absent_from_remote(self, files: list[Stored]) -> list[str]:
        """Return the paths of those files that the remote lacks and that are in no bucket.

        Raises:
            ProjectError: if it cannot be reached, or holds other bytes for one of them.
        """
        for damaged in self._damaged_in_remote(files):
            raise ProjectError(damaged)
        return self._absent(files)

    def _absent(self, files: list[Stored]) -> list[str]:
        there = self.at_remote({file.md5 for file in files})
        absent = [file for file in files if file.md5 not in there]
        for file in absent:
            for each in self._imported(file):
                each.check()
        lacking = sorted({file.path for file in absent if not self._imported(file)})
        if lacking:
            self.remote.refuse_no_folder()
        return lacking

    def _damaged_in_remote(self, files: list[Stored]) -> Iterator[str]:
        """Yield which of the files are damaged in a folder: a server would have to send them."""
        with self.remote.open() as odb:
            for file in progress(files if self.remote.is_folder else [], "remote", len(files)):
                path = Path(odb.oid_to_path(file.md5))
                if path.exists() and dvc_files.md5(path) != file.md5.removesuffix(".dir"):
                    yield (
                        f"{file.path} is damaged in {self.remote_name}: {path} holds other bytes. "
                        "Move it away (it may tell how), then `model push --all` sends it again "
                        "from where the cache has it"
                    )

    def not_pushed(self) -> Iterator[str]:
        """Yield what another clone could not pull of this folder and of every tagged commit."""
        kept = {
            Stored(str(out), out.hash_info.value)
            for _ in self.repo.brancher(all_tags=True)
            # Not `used_objs`, which brings lists of folders into the cache and deletes there.
            for out in self.repo.index.outs
            if out.use_cache and out.can_push and out.hash_info and not out.stage.is_repo_import
        }
        files = set(kept)
        for stored in kept:
            with suppress(ProjectError):  # of a list of files, which is among the files itself
                files.update(self.parts(stored))
        yield from self._damaged_in_remote(list(files))
        absent = self._absent(list(files))
        for path in absent[:10]:
            yield f"{path} is not in {self.remote_name}: `model push` sends it"
        if len(absent) > 10:
            yield f"and {len(absent) - 10} more"
        for each in self._all_imported:
            try:
                each.check()
            except ProjectError as error:
                yield str(error)

    def parts(self, stored: Stored) -> list[Stored]:
        """Return the files of a folder, in their order; a file is its own only part."""
        if not stored.md5.endswith(".dir"):
            return [stored]
        listing = json.loads(self._read(stored))
        return [Stored(f"{stored.path}/{each['relpath']}", each["md5"]) for each in listing]

    def fetch(self, stored: Stored, target: Path, sha256: str | None) -> None:
        """Write a file to ``target``, wherever it is from, if its hashes are right."""
        with atomic(target) as partial:
            with self._open(stored) as source, partial.open("wb") as file:
                md5, sha, _ = _copy(source, file).values()
            if md5 != stored.md5 or sha256 not in (None, sha):
                raise ProjectError(
                    f"{stored.path} is not the recorded file: its SHA-256 is {sha[:12]}..., not "
                    f"{(sha256 or '?')[:12]}... (MD5 {md5}, not {stored.md5}): `model verify` "
                    "tells whether the cache or the remote is wrong"
                )

    def look(self, stored: Stored, everywhere: bool) -> Iterator[tuple[str, Hashes]]:
        """Yield where a file is, and its hashes there: in the cache and, `everywhere`, the remote.

        Of one that the remote lacks, the hashes are {}.
        """
        if cached := self.in_cache(stored.md5):
            yield f"DVC's cache ({cached})", hashes(cached)
        if everywhere:
            with self._open_elsewhere(stored) as (file, place):
                found = _copy(file, None) if file else {}
            yield place, found

    def _read(self, stored: Stored) -> bytes:
        with self._open(stored) as file:
            content: bytes = file.read()
        if f"{hashlib.md5(content, usedforsecurity=False).hexdigest()}.dir" != stored.md5:
            raise ProjectError(f"the list of files of {stored.path} is damaged in DVC's store")
        return content

    @contextmanager
    def _open(self, stored: Stored) -> Iterator[IO[bytes]]:
        cached = self.in_cache(stored.md5)
        if cached:
            with cached.open("rb") as file:
                yield file
            return
        with self._open_elsewhere(stored) as (found, place):
            if found is None:
                raise ProjectError(
                    f"{stored.path} (MD5 {stored.md5}) is neither in DVC's cache nor in {place}: "
                    "whoever has it runs `model push --all`"
                )
            yield found

    @contextmanager
    def _open_elsewhere(self, stored: Stored) -> Iterator[tuple[IO[bytes] | None, str]]:
        """Yield a file of the remote or else of a bucket, None if neither has it, and the place."""
        with self.remote.open() as odb:
            path, there = odb.oid_to_path(stored.md5), True
            try:
                odb.fs.info(path)  # `exists` calls what it may not see absent
            except FileNotFoundError:
                there = False
            if there:
                with odb.fs.open(path, "rb") as file:
                    yield file, self.remote_name
                return
        for each in self._imported(stored):
            with each.open() as file:
                yield file, each.address
            return
        self.remote.refuse_no_folder()
        yield None, self.remote_name

    def _imported(self, stored: Stored) -> list[imports.Imported]:
        return [each for each in self._all_imported if each.md5 == stored.md5]

    @cached_property
    def _all_imported(self) -> list[imports.Imported]:
        return imports.find(self.repo, all_tags=True)


def hashes(path: Path) -> Hashes:
    """Return MD5, SHA-256 and size in bytes of a file."""
    with path.open("rb") as file:
        return _copy(file, None)


def hashes_of(content: bytes) -> Hashes:
    """Return the same of what a file holds."""
    return _copy(io.BytesIO(content), None)


def _copy(source: IO[bytes], target: IO[bytes] | None) -> Hashes:
    """Return the hashes of what is read, and write it to ``target`` on the way."""
    md5, sha, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    for chunk in progress(iter(lambda: source.read(_CHUNK), b""), "reading"):
        md5.update(chunk)
        sha.update(chunk)
        size += len(chunk)
        if target:
            target.write(chunk)
    return {"md5": md5.hexdigest(), "sha256": sha.hexdigest(), "size": size}
