"""Data and models on their way to DVC's remote, from there, and out of it."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from . import git, imported
from .errors import EXIT_MISTAKE, ProjectError, run
from .remote import SHORT, ask, explain, is_gone, named, probe

_PAUSE = 5  # seconds between two looks at a remote that is at work
_AGAIN = "run this again, what is done stays done"


def transfer(verb: str, all_versions: bool) -> None:
    """Push or pull what this commit needs, or every tagged version, once the remote has answered.

    Raises:
        ProjectError: naming the remote and the mend, if it fails. What was sent stays sent, and
            the next run goes on from there.
    """
    answered = probe()
    if verb == "push" and not answered.writable:
        raise ProjectError(answered.says)
    command = [sys.executable, "-m", __spec__.name, verb, *(["all"] if all_versions else [])]
    done = subprocess.run(command, env={**os.environ, **SHORT}, check=False)
    if done.returncode == EXIT_MISTAKE:
        sys.exit(EXIT_MISTAKE)  # it has told why
    if done.returncode:
        raise ProjectError(
            f"not all was {verb}ed with DVC's remote '{answered.name}' ({answered.url}): mend what "
            "it says above and run this again; what is done stays done"
        )


def collect_garbage(cloud: bool) -> None:
    """Delete the objects of the cache, and of the remote if asked, that nothing in Git names.

    Raises:
        ProjectError: if this clone cannot tell what others name, or DVC fails.
    """
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
    command = ["gc", "--force", *kept, *(["--cloud"] if cloud else [])]
    environment = {**os.environ, **SHORT}
    done = subprocess.run([sys.executable, "-m", "dvc", *command], env=environment, check=False)
    if done.returncode:
        raise ProjectError("`dvc gc` failed: mend what it says above")


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


@contextmanager
def one_reason(repo: Any, name: str, url: str) -> Iterator[None]:
    """Tell once why files could not be sent or brought, and soon if the remote is gone.

    Raises:
        ProjectError: naming the remote and the mend.
    """
    failures, over, odb = _Failures(), Event(), repo.cloud.get_remote_odb()
    logging.getLogger().addHandler(failures)
    Thread(target=_watch, args=(odb, name, url, over), daemon=True).start()
    try:
        yield
    except Exception as error:  # each kind of remote has errors of its own
        reason = failures.found[0] if failures.found else error
        raise ProjectError(f"{explain(reason, name, url)}. Not all is done: {_AGAIN}") from None
    finally:
        over.set()


def _watch(odb: Any, name: str, url: str, over: Event) -> None:
    """End this process if the remote is gone: DVC would first try all other files, one by one."""
    failed = 0
    while not over.wait(1 if failed else _PAUSE):
        try:
            ask(odb)  # without a limit: on a slow line it waits for its turn behind the files
            failed = 0
        except Exception as error:
            failed += is_gone(error)
            if failed == 2 and not over.is_set():
                told = explain(error, name, url)
                print(f"\nerror: {told}. Not all is done: {_AGAIN}", file=sys.stderr, flush=True)
                os._exit(EXIT_MISTAKE)


def _transfer(verb: str, all_versions: bool) -> None:
    from dvc.repo import Repo  # type: ignore[import-untyped]

    with Repo() as here:
        # In the files of a tag DVC takes a relative address from the root of the disk.
        remotes = {"remote": dict(here.config["remote"])}
        name, url = named(here)
    with Repo(config=remotes) as repo:
        in_buckets = imported.find(repo, all_versions)
        if verb == "pull":
            for each in in_buckets:
                if not repo.cache.local.exists(each.md5):
                    each.check()
        with one_reason(repo, name, url):
            if verb == "push":
                print(f"{repo.push(all_tags=all_versions)} files pushed")
            else:
                print(f"{repo.pull(all_tags=all_versions)['stats']['fetched']} files pulled")
        if verb == "push":
            for each in in_buckets:  # which no push sends
                each.check()
    if verb == "pull":
        imported.keep_all()


def main() -> None:
    """Push or pull, as the arguments say."""
    _transfer(sys.argv[1], all_versions="all" in sys.argv[2:])


if __name__ == "__main__":
    run(main)
