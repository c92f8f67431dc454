"""Where the code of a run is, in words that mean something on another machine."""

import re
from urllib.parse import urlsplit

from mlrepo.core import owner
from mlrepo.pipeline import git


def address() -> str:
    """Return the address of the Git remote without a password, or the name of the project.

    A path of this machine says nothing to others.
    """
    remote = git.origin()
    found = (git.ask("remote", "get-url", remote) if remote else "") or ""
    parts = urlsplit(found)
    if parts.scheme in ("http", "https", "ssh", "git"):
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return found if re.match(r"[\w.-]+@[\w.-]+:", found) else owner.project_name()
