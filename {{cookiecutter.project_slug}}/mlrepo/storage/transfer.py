"""Data and models on their way to DVC's remote, from there, and out of it."""

import json
import logging
import os
import subprocess
import sys
from contextlib import redirect_stdout
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.pipeline.dvc import FEW_ATTEMPTS, dvc
from mlrepo.storage import imports
from mlrepo.storage.remote import PATIENCE, Remote, open_repo, probe
from mlrepo.storage.remote_errors import RemoteError, UnreachableError

_PAUSE = 5  # seconds between two looks at a remote that is at work
_AGAIN = "Not all is done: run this again, what is done stays done"
_ANYWAY = "Nothing is pushed; `git push --no-verify` goes on without it"


def transfer(verb: str, all_versions: bool, **more: bool) -> None:
    """Push or pull what this commit needs, or every tagged version, once the remote has answered.

    ``more`` are arguments of DVC's own `Repo.push` or `Repo.pull`, such as ``allow_missing``. What
    was sent stays sent, and the next run goes on from there.
    """
    with open_repo() as repo:
        remote = Remote(repo)
        if verb == "pull":
            remote.refuse_no_folder()
        else:
            remote.write()
        if remote.refusal:
            raise remote.refusal
        in_buckets = imports.find(repo, all_versions)
        if verb == "pull":
            for each in in_buckets:
                if not repo.cache.local.exists(each.md5):
                    each.check()
        print(f"{_move(remote, verb, all_tags=all_versions, **more)} files {verb}ed")
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
    try:
        with open_repo() as repo:
            remote = Remote(repo)
            with remote.open(patience):
                files = set()
                for _ in repo.brancher(revs=commits, workspace=False):
                    files.update(repo.index.used_objs(push=True).get(None, ()))
                status = repo.cloud.status(files)
            if status.missing:
                names = ", ".join(sorted(str(file.obj_name or file) for file in status.missing))
                raise ProjectError(f"neither in DVC's cache nor at its remote: {names}")
            if status.new:
                count = _move(remote, "push", revs=commits, workspace=False)
                print(f"{count} files sent to DVC's remote", file=sys.stderr)
    except ProjectError as error:
        raise type(error)(f"{error}\n  {_ANYWAY}") from None


def collect_garbage(cloud: bool) -> None:
    """Delete the objects of the cache, and of the remote if asked, that nothing in Git names."""
    kept = ["--all-branches", "--all-tags", "--all-commits", "--all-experiments"]
    if cloud:
        # A version that another clone has registered since is none of this clone's tags yet.
        git.git("fetch", "--quiet", "--all", "--tags")
        if git.git("rev-parse", "--is-shallow-repository").strip() == "true":
            raise ProjectError(
                "this clone lacks the commits before some point, so that it does not know what "
                "they need: `git fetch --unshallow` brings them"
            )
        probe()
    dvc("gc", "--force", *kept, *(["--cloud"] if cloud else []))


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
    raise ProjectError(answer.get("error") or f"`dvc {verb}` failed, as it says above. {_AGAIN}")


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
            reason = failures.found[0] if failures.found else error
            raise ProjectError(f"{Remote(repo).explain(reason)}. {_AGAIN}") from None


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
