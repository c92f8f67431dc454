"""The MD5 by which DVC knows a file or a folder, and the files that count for a folder's."""

import hashlib
import json
import os
import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mlrepo.core.paths import above

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_ALWAYS_IGNORED = (".git", ".hg/", ".dvc/")


class DvcIgnore:
    """What the .dvcignore files of a project leave out; the deepest has the last word."""

    def __init__(self, project: Path, read: Callable[[str], str] | None = None) -> None:
        """Read each file when it is needed.

        Args:
            project: the folder.
            read: gives the text of a .dvcignore by its path, in place of the folder; or "".
        """
        self._project = project
        self._read = read or self._here
        # Where this folder is in the project, whose own .dvcignore counts as well.
        self._place = f"{Path.cwd().name}/" if above() else ""
        self._specs: dict[PurePosixPath, GitIgnoreSpec] = {}

    def leaves_out(self, path: str) -> bool:
        """Return whether ``path``, or a folder that it lies in, is left out; a folder ends in /."""
        above = [f"{folder}/" for folder in reversed(PurePosixPath(path).parents[:-1])]
        return any(map(self._matches, [*above, path]))

    def walk(self, folder: str) -> Iterator[str]:
        """Yield the files of a folder that are not left out; paths start at the project."""
        for root, names, files in os.walk(self._project / folder):
            place = Path(root).relative_to(self._project)
            inner = {name: f"{(place / name).as_posix()}/" for name in names}
            # A folder with a .dvc of its own is another project.
            names[:] = [
                name
                for name in names
                if not self._matches(inner[name]) and not Path(root, name, ".dvc").exists()
            ]
            paths = ((place / file).as_posix() for file in files)
            yield from (path for path in paths if not self._matches(path))

    def _matches(self, path: str) -> bool:
        path = posixpath.normpath(self._place + path) + "/" * path.endswith("/")
        for folder in PurePosixPath(path).parents:
            below = path if folder.name == "" else path.removeprefix(f"{folder}/")
            said = self._spec(folder).check_file(below).include
            if said is not None:
                return said
        return False

    def _spec(self, folder: PurePosixPath) -> "GitIgnoreSpec":
        if folder not in self._specs:
            from pathspec import GitIgnoreSpec  # comes with DVC; takes 25 ms

            file = posixpath.relpath(folder / ".dvcignore", self._place or ".")
            lines = self._read(file).splitlines()
            always = _ALWAYS_IGNORED if folder.name == "" else ()
            stripped = (line.strip() for line in lines)
            self._specs[folder] = GitIgnoreSpec.from_lines([*always, *stripped])
        return self._specs[folder]

    def _here(self, path: str) -> str:
        file = self._project / path
        return file.read_text(encoding="utf-8") if file.is_file() else ""


def digest(path: str, project: Path = Path()) -> str:
    """Return the MD5 of a file, or of DVC's JSON list of a folder's files; that ends in .dir."""
    if (project / path).is_dir():
        return of_folder({name: md5(project / path / name) for name in files_in(path, project)})
    return md5(project / path)


def files_in(folder: str, project: Path = Path()) -> list[str]:
    """Return the files that count for a folder's MD5, sorted; their paths start in the folder."""
    paths = DvcIgnore(project).walk(folder)
    return sorted(PurePosixPath(path).relative_to(folder).as_posix() for path in paths)


def of_folder(parts: dict[str, str]) -> str:
    """Return the MD5 by which DVC knows a folder; ``parts`` are the MD5 of its files."""
    listing = [{"md5": parts[name], "relpath": name} for name in sorted(parts)]
    text = json.dumps(listing, sort_keys=True).encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest() + ".dir"


def md5(path: Path) -> str:
    """Return the MD5 of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
