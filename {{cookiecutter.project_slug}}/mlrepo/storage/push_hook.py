"""Bring data and models of the commits that `git push` sends to DVC's remote first.

The Git hook pre-push calls it with what Git tells that hook (`git help githooks`). Without it, a
forgotten push is found by whoever clones.
"""

import sys
from collections.abc import Iterable

from mlrepo.core.errors import exit_with_message
from mlrepo.pipeline.git import git

DELETED = "0" * 40
# References of DVC experiments: `dvc exp push` sends their files itself.
EXPERIMENTS = ("refs/exps/", "refs/dvc/")


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


def main() -> None:
    """Do what the hook asks: the arguments are its own, and so is the input."""
    commits = commits_to_send(sys.argv[1], sys.stdin)
    if commits:
        from mlrepo.storage.transfer import send  # DVC, which most pushes do not wait for

        send(commits)


if __name__ == "__main__":
    exit_with_message(main)
