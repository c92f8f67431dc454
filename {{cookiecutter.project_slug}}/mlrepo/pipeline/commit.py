"""The files of this folder that Git keeps in a commit, many of them read at once."""

from collections.abc import Iterable
from pathlib import Path

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.pipeline.dvc_files import DvcIgnore
from mlrepo.pipeline.output import few


class Commit:
    """A commit; a file of it is read when it is first asked for."""

    def __init__(self, commit: str) -> None:
        """List its files."""
        self._name, self._tree = commit, git.tree(commit)
        self._known: dict[str, bytes] = {}
        self._ignored = DvcIgnore(
            Path(), lambda path: self.text(path) if path in self._tree else ""
        )

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return path -> content."""
        wanted = list(paths)
        if absent := [path for path in wanted if path not in self._tree]:
            raise ProjectError(f"the commit {self._name[:7]} has no {', '.join(few(absent))}")
        new = [path for path in wanted if path not in self._known]
        found = git.objects([self._tree[path] for path in new]) if new else []
        self._known |= dict(zip(new, found, strict=True))
        return {path: self._known[path] for path in wanted}

    def bytes(self, path: str) -> bytes:
        """Return the content of a file."""
        return self.read([path])[path]

    def text(self, path: str) -> str:
        """Return the text of a file."""
        return self.bytes(path).decode("utf-8", errors="replace")

    def inside(self, path: str) -> list[str]:
        """Return the file at ``path``, or those that count for the MD5 of the folder there."""
        if path in self._tree:
            return [path]
        below = (name for name in self._tree if name.startswith(f"{path}/"))
        return [name for name in below if not self._ignored.leaves_out(name)]
