"""Raw data that stays in a bucket: `dvc import-url --version-aware` pins a version of an object.

DVC's own remote never has it (`push: false` in the .dvc file), so it is read from where it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

from mlrepo.core.errors import ProjectError
from mlrepo.core.errors.shell import quoted
from mlrepo.storage.remote import first_answer
from mlrepo.storage.remote_errors import explained


@dataclass(frozen=True)
class Imported:
    """An object of a bucket as a .dvc file pins it."""

    path: str  # in this project
    md5: str
    address: str  # without the version: s3://bucket/key or remote://name/key
    version: str | None  # None: the bucket kept none when it was imported
    is_folder: bool
    size: int  # of that version, in bytes
    size_here: int  # of the file
    place: str  # with the version, as ``files`` takes it
    files: Any  # DVC's access to the bucket
    out: Any  # DVC's of the file

    def check(self) -> None:
        """Ask the bucket for the version."""
        if self.is_folder:
            raise ProjectError(
                f"{self.path} is a folder of {self.address}, and only single objects can stay in a "
                f"bucket: take an extract (docs/data.md), or {self._own}"
            )
        if self.version is None:
            raise ProjectError(
                f"{self.path} was imported from {self.address}, which kept no versions, so that "
                "nothing pins it and nobody else can pull it: turn versioning on there and run "
                f"`dvc import-url --force --version-aware {quoted(self.address)} "
                f"{quoted(self.path)}`, or let DVC keep a copy: {self._own}"
            )
        if self.size != self.size_here:
            raise ProjectError(
                f"{self.path}.dvc pins another version of {self.address} than the file is, as "
                f"`dvc repro --force` and `dvc commit` leave it: `git checkout HEAD~1 {self._pin}` "
                f"brings an earlier pin back, `dvc update {self._pin}` takes the newest"
            )
        with self._explained():
            asked = partial(self.files.info, self.place)
            first_answer(self.files, asked, self._stays, self._remote, self._kind)

    def keep(self) -> None:
        """Put the file into the cache, if it is here and is the one that is pinned.

        DVC (3.67) checks an import out past its cache, and the next `dvc repro` then takes the
        newest version for what is pinned.
        """
        if not self.out.exists or not self.out.changed_cache():
            return
        if self.out.changed_checksum():
            raise ProjectError(
                f"{self.path} is not what {self.path}.dvc says: `git checkout HEAD~1 "
                f"{self._pin}` brings an earlier one back"
            )
        self.out.commit()

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Read the version that is pinned."""
        self.check()
        with self._explained(), self.files.open(self.place, "rb") as file:
            yield file

    @property
    def _own(self) -> str:
        """How an import becomes a file that DVC keeps: `dvc add` alone leaves it an import."""
        return f"`dvc remove {self._pin}`, `dvc add {quoted(self.path)}`"

    @property
    def _pin(self) -> str:
        return quoted(f"{self.path}.dvc")

    @property
    def _stays(self) -> str:
        return f"{self.path} stays in {self.address}, which"

    @property
    def _remote(self) -> str:
        scheme, _, rest = self.address.partition("://")
        return rest.partition("/")[0] if scheme == "remote" else "NAME"

    @property
    def _kind(self) -> str:
        """An address of the kind that it is, which remote://NAME/KEY is not."""
        return f"{self.files.protocol}://"

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with explained(self._stays, self._remote, self._kind):
            try:
                yield
            except FileNotFoundError:
                raise ProjectError(
                    f"{self._stays} no longer has the version {self.version}: where DVC's cache "
                    f"has the file, {self._own} and `model push` keep it"
                ) from None


def find(repo: Any, all_tags: bool) -> list[Imported]:
    """Return what the .dvc files of this folder, and of every tagged commit, import so.

    ``repo`` is DVC's, with the remotes as they are set up in this folder.
    """
    found: dict[tuple[str, str, str], Imported] = {}
    for _ in repo.brancher(all_tags=all_tags):
        for stage in repo.index.stages:
            if stage.is_import and not stage.is_repo_import and not stage.outs[0].can_push:
                each = _of(stage.deps[0], stage.outs[0])
                found.setdefault((each.path, each.md5, each.place), each)
    return list(found.values())


def _of(dep: Any, out: Any) -> Imported:
    path = "/".join(out.index_key[1])
    address = dep.def_path.partition("?")[0]
    version = dep.meta.version_id
    place = dep.fs.version_path(dep.fs_path, version) if version else dep.fs_path
    facts = dep.meta.isdir, dep.meta.size, out.meta.size
    return Imported(path, out.hash_info.value, address, version, *facts, place, dep.fs, out)
