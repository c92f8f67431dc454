"""DVC's default remote: whether it can be used, told in seconds, by its name and with the mend.

Left alone, DVC tells `unexpected error - Forbidden` of a wrong key, and retries for half an hour
where a server is gone.
"""

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread, Timer
from typing import Any, TypeVar

from .errors import ProjectError

Answer = TypeVar("Answer")

PATIENCE = 6  # seconds that a remote has for its first answer
# botocore's own default is five attempts with growing pauses, for each file.
SHORT = {"AWS_MAX_ATTEMPTS": "2", "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "1"}

NONE = "DVC has no default remote: `dvc remote add --default storage ADDRESS` adds one"

# What the libraries below DVC say, what it means, and what mends it.
_MEANINGS = (
    (
        r"requires? .*dvc-|not supported\. Supported",
        "needs a plug-in that is not installed",
        "`uv add --dev 'dvc[KIND]'` adds it, with s3, gs, azure or ssh as KIND",
    ),
    (
        r"locate credentials|NoCredential|DefaultCredentials|no credentials|NoAuth|InvalidCred",
        "gets no credentials",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or what its kind uses), or name a "
        "profile: `dvc remote modify --local NAME profile PROFILE`",
    ),
    (
        r"NoSuchBucket|bucket does not exist|NoSuchContainer|ContainerNotFound|404.*bucket",
        "has no such bucket",
        "make the bucket, or `dvc remote modify NAME url ADDRESS`",
    ),
    (
        r"\b40[13]\b|Forbidden|AccessDenied|InvalidAccessKey|SignatureDoesNot|Permission|denied",
        "refuses the key, the secret or what they may do",
        "check the credentials in the environment or .dvc/config.local, and their rights",
    ),
    (
        r"[Cc]onnect|[Tt]imed? ?out|Name or service|resolve|unreachable|getaddrinfo|EndpointConn",
        "cannot be reached",
        "check the network and the address: `dvc remote modify NAME endpointurl ADDRESS`",
    ),
    (
        r"No such file|FileNotFound|Read-only|Not a directory",
        "is no folder that can be written",
        "mount the drive or make the folder, or `dvc remote modify NAME url FOLDER`",
    ),
)


@dataclass(frozen=True)
class Remote:
    """A remote that answered."""

    name: str
    url: str
    writable: bool
    says: str  # why it is not writable


def explain(error: Exception, name: str, url: str) -> str:
    """Return what an error of a remote means and what mends it."""
    return f"DVC's remote '{name}' ({url}) {meaning(error, name)}"


def meaning(error: Exception, name: str) -> str:
    """Return the same without its subject; the mends call the remote by ``name``."""
    chain: list[str] = []
    cause = error.__cause__
    while cause is not None and len(chain) < 5:
        chain.append(f"{type(cause).__name__} {cause}")
        cause = cause.__cause__
    said = f"{error}" or type(error).__name__
    for pattern, means, mend in _MEANINGS:
        if re.search(pattern, " ".join([type(error).__name__, said, *chain])):
            return f"{means} ({said}): {mend.replace('NAME', name)}"
    return f"cannot be used: {said}"


def is_gone(error: Exception) -> bool:
    """Return whether an error tells of a remote that cannot be reached, and not of one file."""
    return "cannot be reached" in explain(error, "", "")


def silent(name: str, url: str, patience: float) -> str:
    """Return what is to be said of a remote that gives no answer at all."""
    return (
        f"DVC's remote '{name}' ({url}) does not answer for {patience:g} seconds: check the "
        f"network and the address: `dvc remote modify {name} url ADDRESS`"
    )


def ask(odb: Any) -> None:
    """Ask a remote for one object, and for a list: only that tells of a missing bucket.

    Raises:
        Exception: of a library, if it cannot be used.
    """
    # A new one each time: libraries remember what they have seen of a folder.
    place = odb.fs.join(odb.path, f"probe-{secrets.token_hex(8)}")
    odb.fs.exists(odb.fs.join(place, "probe"))
    try:
        if odb.fs.CAN_TRAVERSE:
            odb.fs.ls(place, detail=False)
    except FileNotFoundError as error:
        if "no such bucket" in explain(error, "", ""):
            raise


def first_answer(odb: Any, name: str, url: str, patience: float = PATIENCE) -> None:
    """Ask a remote here, without a process more, for commands that go on to read from it.

    Raises:
        ProjectError: if it does not answer in ``patience`` seconds.
        Exception: of a library, if it cannot be used.
    """
    in_time(lambda: ask(odb), silent(name, url, patience), patience)


def in_time(asked: Callable[[], Answer], otherwise: str, patience: float = PATIENCE) -> Answer:
    """Return what a library answers, and raise what it raises.

    Raises:
        ProjectError: with the text ``otherwise``, if that takes more than ``patience`` seconds.
    """
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
        raise ProjectError(otherwise) from None


class Deadline(Timer):
    """Ends a process after some seconds, and knows that it has."""

    def __init__(self, child: "subprocess.Popen[str]", patience: float) -> None:
        """Start to count."""
        super().__init__(patience, self._end)
        self.child, self.over = child, False
        self.start()

    def _end(self) -> None:
        self.over = True  # before the process is gone, which is what others wait for
        self.child.kill()


def probe(patience: float = PATIENCE) -> Remote:
    """Read, write and delete a small object at the remote.

    Raises:
        ProjectError: if there is no remote, or it does not answer in ``patience`` seconds.
    """
    # In a process of its own, which can be ended whatever the library below is doing.
    command = [sys.executable, "-m", __spec__.name]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **SHORT},
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        asked = child.stdout.readline()  # DVC's own start is no fault of the remote
        deadline = Deadline(child, patience)
        said, failed = child.stdout.read(), child.stderr.read()
        deadline.cancel()
    if asked and not said and deadline.over:
        raise ProjectError(silent(**json.loads(asked), patience=patience))
    if child.returncode:
        raise ProjectError(failed.strip().removeprefix("error: "))
    return Remote(**json.loads(said))


def _answer() -> dict[str, Any]:
    from dvc.repo import Repo  # type: ignore[import-untyped]

    repo = Repo()
    name, url = named(repo)
    print(json.dumps({"name": name, "url": url}), flush=True)  # for whoever waits in vain
    try:
        odb = repo.cloud.get_remote_odb()
        ask(odb)
    except Exception as error:  # each kind of remote has errors of its own
        raise ProjectError(explain(error, name, url)) from None
    says = ""
    try:
        path = odb.fs.join(odb.path, f"probe-{os.getpid()}")
        odb.fs.makedirs(odb.path)
        with odb.fs.open(path, "wb") as file:
            file.write(b"can be deleted")
        odb.fs.remove(path)
    except Exception as error:
        says = explain(error, name, url)
        if "no such bucket" in says or "cannot be reached" in says:
            raise ProjectError(says) from None
    return {"name": name, "url": url, "writable": not says, "says": says}


def named(repo: Any) -> tuple[str, str]:
    """Return name and address of the default remote of a DVC repository.

    Raises:
        ProjectError: if there is none.
    """
    name = repo.config["core"].get("remote")
    if not name:
        raise ProjectError(NONE)
    return name, repo.config["remote"].get(name, {}).get("url", "no address")


def main() -> None:
    """Print what the remote answered, as JSON."""
    print(json.dumps(_answer()))


if __name__ == "__main__":
    from .errors import run

    run(main)
