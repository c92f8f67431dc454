"""Data and models on their way to DVC's remote and from there."""

import json
import logging
import os
import subprocess
import sys
from contextlib import redirect_stdout
from typing import Any

from mlrepo.core.errors import ProjectError, known
from mlrepo.pipeline import dvc_lock, models
from mlrepo.pipeline.dvc import FEW_ATTEMPTS
from mlrepo.storage import imports, move
from mlrepo.storage.needed import Needed
from mlrepo.storage.remote import PATIENCE, Remote, open_repo
from mlrepo.storage.remote_errors import RemoteError, UnreachableError
from mlrepo.storage.store import Store

_PAUSE = 5  # seconds between two looks at a remote that is at work
_AGAIN = "Not all is done: run this again, what is done stays done"
_ANYWAY = "Nothing is pushed; `git push --no-verify` goes on without it"


def transfer(verb: str, all_versions: bool, allow_missing: bool = False) -> None:
    """Push or pull what this commit needs, or every tagged version, once the remote has answered.

    What was sent stays sent, and the next run goes on from there. What is not there in the end is
    raised with the versions that need it, unless a pull is to ``allow_missing``.
    """
    with open_repo() as repo:
        store = Store(repo)
        if verb == "pull":
            store.remote.refuse_no_folder()
        else:
            store.remote.write()
        if store.remote.refusal:
            raise store.remote.refusal
        for _ in models.each_folder():
            dvc_lock.here()  # DVC takes one that is not there for nothing to push or to pull
        in_buckets = imports.find(repo, all_versions)
        if verb == "pull":
            for each in in_buckets:
                if not store.in_cache(each.md5):
                    each.check()
        if allow_missing:
            count = _move(store.remote, verb, all_tags=all_versions, allow_missing=True)
        else:
            count = _deliver(
                store, Needed(store, all_tags=all_versions), verb, all_tags=all_versions
            )
        print(f"{count} files {verb}ed")
        if verb == "push":
            for each in in_buckets:  # which no push sends
                each.check()
    if verb == "pull":
        with open_repo() as repo:  # as the pull has left it
            for each in imports.find(repo, all_tags=False):
                each.keep()


def send(commits: list[str], patience: float = PATIENCE) -> None:
    """Send the files of ``commits``, and not those of the working folder.

    The remote has ``patience`` seconds for its first answer.
    """
    what: dict[str, Any] = {"revs": commits, "workspace": False}
    try:
        with open_repo() as repo:
            store = Store(repo)
            with store.remote.open(patience):
                needed = Needed(store, **what)
            if needed.unread or needed.hashes - store.at_remote(needed.hashes):
                count = _deliver(store, needed, "push", **what)
                print(f"{count} files sent to DVC's remote", file=sys.stderr)
    except ProjectError as error:
        raise type(error)(f"{error}\n  {_ANYWAY}") from None


def _deliver(store: Store, needed: Needed, verb: str, **what: Any) -> int:
    """Push or pull and return the number of files; raise what is not there afterwards.

    DVC itself warns of what is nowhere, and takes a folder whose list is there for whole.
    """
    cached = {each for each in needed.hashes if store.in_cache(each)}
    lost = needed.hashes - cached
    lost -= store.at_remote(lost)
    count, failed = 0, None
    try:
        count = _move(store.remote, verb, **what)
    except ProjectError as error:
        if not lost:
            raise
        failed = error
    if verb == "pull":
        absent = {each for each in needed.hashes if not store.in_cache(each)}
    else:
        absent = needed.hashes - store.at_remote(needed.hashes)
        if again := absent & cached:
            with store.remote.open() as odb:
                move.send(store.cache, odb, again)
            absent, count = absent - again, count + len(again)
    if failed and absent - lost:
        raise failed
    if absent or needed.unread:
        told = f"neither in DVC's cache nor in its {store.remote}, so not all is {verb}ed"
        fix = "whoever has these sends them by `model push --all`"
        if store.remote.is_new:
            fix = f"mount its drive, as the folder was not there; else {fix}"
        raise ProjectError("\n  ".join([f"{told}: {fix}", *needed.tell(absent)]))
    return count


def _move(remote: Remote, verb: str, **what: Any) -> int:
    """Push or pull in a process of its own, and end that if the remote is gone.

    DVC would first try all other files, one by one. The number of files is returned.
    """
    with subprocess.Popen(
        [sys.executable, "-m", __spec__.name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **FEW_ATTEMPTS},
    ) as child:
        order: str | None = json.dumps({"verb": verb, **what})
        failed = 0
        while True:
            try:
                said, _ = child.communicate(order, timeout=1 if failed else _PAUSE)
                break
            except subprocess.TimeoutExpired:
                order = None  # it has it
            try:
                remote.ask()
                failed = 0
            except UnreachableError as error:
                failed += 1
                if failed == 2:
                    child.kill()
                    raise ProjectError(f"{error}. {_AGAIN}") from None
            except RemoteError:
                pass  # the child will tell
    answer = json.loads(said) if child.returncode == 0 else {}
    if "files" in answer:
        return int(answer["files"])
    raise ProjectError(answer.get("error") or f"the {verb} failed, as it says above. {_AGAIN}")


class _Failures(logging.Handler):
    """What DVC tells of each file that it could not send or bring, with a traceback each time."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Exception] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep an exception, and print all else."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, Exception):
            self.found.append(error)
        else:
            print(record.getMessage(), file=sys.stderr)


def _carry_out(verb: str, **what: Any) -> int:
    """Let DVC push or pull; one reason stands for all files that it could not send or bring."""
    failures = _Failures()
    logging.getLogger().addHandler(failures)
    with open_repo() as repo:
        try:
            done = repo.push(**what) if verb == "push" else repo.pull(**what)["stats"]["fetched"]
            return int(done)
        except Exception as error:  # each kind of remote has errors of its own
            reason, remote = failures.found[0] if failures.found else error, Remote(repo)
            words = known.of_files(error)
            # The cache of this machine and a file that is read here are none of the remote's.
            if not str(getattr(reason, "filename", None) or remote.url).startswith(remote.url):
                words = words or known.of_system(reason)
            raise ProjectError(f"{words or remote.explain(reason)}. {_AGAIN}") from None


def main() -> None:
    """Carry out the order of the standard input and answer it, both in JSON."""
    try:
        with redirect_stdout(sys.stderr):
            answer: dict[str, Any] = {"files": _carry_out(**json.load(sys.stdin))}
    except ProjectError as error:
        answer = {"error": str(error)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
