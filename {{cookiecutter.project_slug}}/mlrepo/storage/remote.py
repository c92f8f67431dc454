"""DVC's default remote: whether it can be used, told in seconds, by its name and with the fix.

Left alone, DVC retries for half an hour where a server is gone. Here a remote is asked once, for
a few seconds, and what then has to be sent or brought takes as long as it takes.
"""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import Any, TypeVar

from mlrepo.core.errors import ProjectError, told
from mlrepo.pipeline import git
from mlrepo.storage import remote_errors
from mlrepo.storage.remote_errors import BucketError, RemoteError, UnreachableError

Answer = TypeVar("Answer")

PATIENCE = 6  # seconds that a remote has for its first answer


def open_repo(more: dict[str, dict[str, Any]] | None = None) -> Any:
    """Return DVC's repository of this folder, which is closed at the end of a `with` block.

    ``more`` are remotes that DVC's settings need not have, by name.

    Its remotes are those of this folder also where it looks into tagged commits: in their files,
    DVC would take a relative address from the root of the disk.
    """
    # 0.4 s that commands which only read tags do not spend.
    from dvc.repo import Repo  # type: ignore[import-untyped]

    if git.ask("rev-parse", "--git-dir"):
        git.git("ls-files", "--", ".dvc/config")  # DVC would wait forever for a damaged index
    with told():
        with Repo() as here:
            remotes = {name: dict(values) for name, values in here.config["remote"].items()}
        return Repo(config={"remote": remotes | (more or {})})


class Remote:
    """The default remote of a DVC repository, or another, asked when it is first used."""

    def __init__(self, repo: Any, name: str | None = None) -> None:
        """Look up which it is."""
        self.name: str = name or repo.config["core"].get("remote") or ""
        if not self.name:
            adds = "`dvc remote add --default storage ADDRESS` adds one"
            raise ProjectError(f"DVC has no default remote: {adds}")
        self.url: str = repo.config["remote"].get(self.name, {}).get("url", "no address")
        self.refusal: RemoteError | None = None  # why nothing can be written, as `write` found
        self.given_up = False  # it is gone, and is not asked again
        self.is_new = False  # its folder was not there before `write`
        self.is_folder = "://" not in self.url
        self._repo = repo
        self._odb: Any = None

    def __str__(self) -> str:
        """Return what people call it."""
        return f"remote '{self.name}' ({self.url})"

    @contextmanager
    def open(self, patience: float = PATIENCE) -> Iterator[Any]:
        """Yield DVC's object database of the remote, which answers in ``patience`` seconds."""
        if self.given_up:
            raise ProjectError(f"DVC's {self} is given up")
        with remote_errors.explained(f"DVC's {self}", self.name, self.url):
            if self._odb is None:
                odb = self._repo.cloud.get_remote_odb(self.name)
                first_answer(
                    odb.fs, lambda: _ask(odb), f"DVC's {self}", self.name, self.url, patience
                )
                self._odb = odb
            yield self._odb

    def ask(self) -> None:
        """Ask again, however long it takes: on a slow line it waits for its turn behind files."""
        with self.open() as odb:
            _ask(odb)

    def refuse_no_folder(self) -> None:
        """Raise where DVC has nothing in a folder, as where its drive is not mounted."""
        with self.open() as odb:
            if self.is_folder and not odb.fs.exists(odb.path):
                raise UnreachableError(
                    f"DVC's {self} cannot be reached (there is no {odb.path}): mount the drive, or "
                    f"`uv run dvc remote modify --local {self.name} url FOLDER` names its place on "
                    "this machine; where nothing was sent yet, `model push` makes the folder"
                )

    def write(self, patience: float = PATIENCE) -> None:
        """Write and delete a small object, and note as ``refusal`` why that cannot be done.

        A remote that cannot even be read raises it.
        """
        with self.open(patience) as odb:
            try:
                path = odb.fs.join(odb.path, f"probe-{secrets.token_hex(8)}")
                self.is_new = self.is_folder and not odb.fs.exists(odb.path)
                odb.fs.makedirs(odb.path)
                with odb.fs.open(path, "wb") as file:
                    file.write(b"can be deleted")
                odb.fs.remove(path)
            except Exception as error:
                self.refusal = self.explain(error)
        if isinstance(self.refusal, BucketError | UnreachableError):
            raise self.refusal

    def explain(self, error: Exception) -> RemoteError:
        """Return an error of a library as one for people."""
        return remote_errors.explain(error, f"DVC's {self}", self.name, self.url)


def probe(patience: float = PATIENCE, make: bool = True) -> Remote:
    """Return the default remote after an attempt to read, write and delete a small object.

    A folder that is not there is made, or else refused.
    """
    with open_repo() as repo:
        remote = Remote(repo)
        if not make:
            remote.refuse_no_folder()
        remote.write(patience)
    return remote


def first_answer(
    fs: Any,
    asked: Callable[[], Answer],
    subject: str,
    name: str,
    address: str,
    patience: float = PATIENCE,
) -> Answer:
    """Return the first thing that is asked of a file system of DVC, and raise what it raises.

    Args:
        fs: the file system.
        asked: asks it.
        subject: what it is, for people.
        name: of the remote that has its settings.
        address: of the remote or the bucket.
        patience: seconds, after which an UnreachableError is raised.
    """
    if fs.protocol == "s3":  # botocore tries five times with growing pauses
        fs.fs_args.setdefault("config_kwargs", {})["retries"] = {"total_max_attempts": 2}
    fs.fs  # noqa: B018  # imports its libraries, which is no fault of the remote
    answer: Future[Answer] = Future()

    def work() -> None:
        try:
            answer.set_result(asked())
        except Exception as error:
            answer.set_exception(error)

    # What hangs in a library is left behind: Python does not wait for a daemon when it ends.
    Thread(target=work, daemon=True).start()
    try:
        return answer.result(patience)
    except TimeoutError:
        if answer.done():
            raise
        raise UnreachableError(
            f"{subject} does not answer for {patience:g} seconds: "
            f"{remote_errors.helps(UnreachableError, address, name)}"
        ) from None


def _ask(odb: Any) -> None:
    """Ask for one object, and for a list: only that tells of a missing bucket."""
    # A new one each time: libraries remember what they have seen of a folder.
    place = odb.fs.join(odb.path, f"probe-{secrets.token_hex(8)}")
    odb.fs.exists(odb.fs.join(place, "probe"))
    try:
        if odb.fs.CAN_TRAVERSE:
            odb.fs.ls(place, detail=False)
    except FileNotFoundError as error:
        if remote_errors.kind_of(error) is BucketError:
            raise
