"""What commits need of DVC: files, and folders with their parts; and which versions need them."""

from typing import Any

from mlrepo.core.errors import ProjectError, first_line, known
from mlrepo.pipeline import git
from mlrepo.pipeline.output import few
from mlrepo.storage.remote_errors import RemoteError
from mlrepo.storage.store import Store, Stored

_TAGS = "%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end) %(refname:strip=2)"
_SHOWN = 10
_COMMIT = 40  # letters of a hash, which the name of this folder has not


class Needed:
    """All that some commits need, and what cannot be found out of them."""

    def __init__(self, store: Store, everywhere: bool = False, **revisions: Any) -> None:
        """Read the commits.

        Args:
            store: DVC's cache and remote.
            everywhere: whether to count what the default remote never gets as well, such as raw
                data that stays in a bucket.
            revisions: arguments of DVC's `Repo.brancher`.
        """
        self._outs: dict[Stored, list[str]] = {}  # with the commits that name it
        self._parts: dict[str, list[Stored]] = {}  # of folders
        self.unread: dict[str, list[str]] = {}  # what cannot be read, and so what more is needed
        name = None if everywhere else store.remote_settings()[0]
        for commit in store.repo.brancher(sha_only=True, **revisions):
            try:
                for out in store.repo.index.outs:
                    pushed = out.can_push and out.remote in (None, name)
                    if out.use_cache and out.hash_info and (everywhere or pushed):
                        self._add(out, commit)
            except Exception as error:  # YAML's as well as DVC's own
                if len(commit) != _COMMIT and (words := known.of_files(error)):
                    raise ProjectError(words) from None  # of this folder, where it can be fixed
                self.unread.setdefault(first_line(error), []).append(commit)
        self.hashes = {out.md5 for out in self._outs}
        for folder in [out for out in self._outs if out.md5.endswith(".dir")]:
            try:
                self._parts[folder.md5] = store.parts(folder)
            except RemoteError:
                raise
            except ProjectError:
                self.unread[folder.path] = self._outs[folder]
            else:
                self.hashes.update(part.md5 for part in self._parts[folder.md5])

    def tell(self, absent: set[str]) -> list[str]:
        """Return a line for each file of ``absent``, and for each commit that cannot be read."""
        found: dict[str, list[str]] = {}
        for out, commits in self._outs.items():
            for stored in (out, *self._parts.get(out.md5, ())):
                if stored.md5 in absent:
                    found.setdefault(stored.path, []).extend(commits)
        for what, commits in self.unread.items():
            found.setdefault(what, []).extend(commits)
        tags: dict[str, list[str]] = {}
        for line in git.git("for-each-ref", f"--format={_TAGS}", "refs/tags").splitlines():
            commit, name = line.split(" ", 1)
            if "@" in name:  # a version, as versions.tags names it
                tags.setdefault(commit, []).append(name)
        lines = [f"{what}: {_who(commits, tags)}" for what, commits in sorted(found.items())]
        return lines[:_SHOWN] + [f"and {len(lines) - _SHOWN} more"] * (len(lines) > _SHOWN)

    def _add(self, out: Any, commit: str) -> None:
        if out.hash_name != "md5":
            fix = "`dvc cache migrate --dvc-files` and a commit bring it to that of DVC 3"
            raise ProjectError(f"{out} is kept in the format of DVC 2: {fix}")
        if not out.stage.is_repo_import:
            stored = Stored("/".join(out.index_key[1]), out.hash_info.value)
            self._outs.setdefault(stored, []).append(commit)


def _who(commits: list[str], tags: dict[str, list[str]]) -> str:
    """Return the versions that are among the commits, or else the commits."""
    versions = sorted({name for commit in commits for name in tags.get(commit, ())})
    others = [f"commit {each[:7]}" for each in dict.fromkeys(commits) if len(each) == _COMMIT]
    return ", ".join(few(versions or others)) or "this folder"
