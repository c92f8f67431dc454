"""The address of a commit at the forge that the Git remote is of."""

import re
from urllib.parse import quote

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git

COMMIT = "COMMIT"  # stands for the hash in an address

# https://host/path, ssh://git@host:22/path and git@host:path; a folder is no forge.
_FORMS = (
    re.compile(r"(?:https?|ssh|git)://(?:[^@/]*@)?([\w.-]+)(?::\d+)?/(.+?)(?:\.git)?/?"),
    re.compile(r"(?:[\w.-]+@)([\w.-]+):(?!/)(.+?)(?:\.git)?/?"),
)


def commits() -> str | None:
    """Return the address of a commit, with `COMMIT` for its hash; None where there is no forge."""
    try:
        remote = git.origin()
    except ProjectError:  # of several remotes none is chosen
        return None
    return address(git.ask("config", f"remote.{remote}.url") or "") if remote else None


def address(remote: str) -> str | None:
    """Return the same for the address of a Git remote; what signs in is no part of it."""
    for form in _FORMS:
        if found := form.fullmatch(remote):
            host, path = found[1], quote(found[2])
            between = "/-/commit/" if "gitlab" in host else "/commit/"
            return f"https://{host}/{path}{between}{COMMIT}"
    return None
