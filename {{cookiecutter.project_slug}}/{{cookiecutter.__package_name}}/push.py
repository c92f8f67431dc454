"""Bring data and models of the commits that `git push` sends to DVC's remote first.

The Git hook pre-push calls it with what Git tells that hook (`git help githooks`). Without it, a
forgotten `dvc push` is found by whoever clones.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable

from .errors import ProjectError, run
from .git import git
from .remote import PATIENCE, SHORT, Deadline, ask, explain, named, silent
from .transfer import one_reason

DELETED = "0" * 40
# References of DVC experiments: `dvc exp push` sends their files itself.
EXPERIMENTS = ("refs/exps/", "refs/dvc/")

_ANYWAY = "`git push --no-verify` goes on without it"


def commits_to_send(remote: str, lines: Iterable[str]) -> list[str]:
    """Return the commits, not at ``remote`` yet, that change what DVC has to hold.

    Args:
        remote: name of the Git remote.
        lines: "<local ref> <local commit> <remote ref> <remote commit>" each.
    """
    tips = []
    for line in lines:
        _, commit, reference, _ = line.split()
        if commit != DELETED and not reference.startswith(EXPERIMENTS):
            tips.append(commit)
    if not tips:
        return []
    known = ["--not", f"--remotes={remote}"]
    return git("rev-list", "--full-history", *tips, *known, "--", "*dvc.lock", "*.dvc").split()


def send(commits: list[str], patience: float = PATIENCE) -> None:
    """Send the files of ``commits``, in a process that can be ended if the remote is dead.

    The remote has ``patience`` seconds for its first answer; what then has to be sent takes as
    long as it takes.

    Raises:
        ProjectError: if the remote does not answer or refuses, or a file is nowhere.
    """
    command = [sys.executable, "-m", f"{__package__}.push", "--send"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, **SHORT},
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write("\n".join(commits))
        child.stdin.close()
        asked = child.stdout.readline()  # which files these commits need takes DVC its time, too
        deadline = Deadline(child, patience)
        answered = child.stdout.readline()
        deadline.cancel()
        failed = child.wait() != 0
    if asked and not answered and deadline.over:
        name, url = json.loads(asked)
        raise ProjectError(f"{silent(name, url, patience)}. Nothing is pushed; {_ANYWAY}")
    if failed:
        raise ProjectError(f"the files of these commits are not at DVC's remote; {_ANYWAY}")


def _send(commits: list[str]) -> None:
    from dvc.repo import Repo  # type: ignore[import-untyped]

    with Repo() as here:
        # In the files of a commit DVC takes a relative address from the root of the disk.
        remotes = {"remote": dict(here.config["remote"])}
        name, url = named(here)
    with Repo(config=remotes) as repo:
        files = set()
        try:
            # Only the commits: what the working folder holds is not being pushed.
            for _ in repo.brancher(revs=commits, workspace=False):
                files.update(repo.index.used_objs(push=True).get(None, ()))
            print(json.dumps([name, url]), flush=True)
            ask(repo.cloud.get_remote_odb())
            print("answered", flush=True)
            status = repo.cloud.status(files)
            if status.missing:
                names = ", ".join(sorted(str(file.obj_name or file) for file in status.missing))
                raise ProjectError(f"neither in DVC's cache nor at its remote: {names}")
            if status.new:
                with one_reason(repo, name, url):
                    count = repo.push(revs=commits, workspace=False)
                print(f"{count} files sent to DVC's remote", file=sys.stderr)
        except ProjectError:
            raise
        # Each kind of remote has errors of its own: of fsspec, botocore, asyncssh, ...
        except Exception as error:
            raise ProjectError(explain(error, name, url)) from None


def main() -> None:
    """Do what the hook asks: the arguments are its own, and so is the input."""
    if sys.argv[1:] == ["--send"]:
        _send(sys.stdin.read().split())
        return
    commits = commits_to_send(sys.argv[1], sys.stdin)
    if commits:
        send(commits)


if __name__ == "__main__":
    run(main)
