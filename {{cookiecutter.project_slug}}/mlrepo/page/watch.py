"""Write the page again whenever what it is made of has changed."""

import time
from collections.abc import Iterator
from itertools import count

from mlrepo.pipeline import git

_SECONDS = 1.0


def changes(seconds: float = _SECONDS) -> Iterator[str]:
    """Yield what is there now, and from then on whenever tags, branches or experiments differ."""
    before = None
    for n in count():
        if n:
            time.sleep(seconds)
        now = git.git("for-each-ref", "--format=%(refname) %(objectname)")
        if now != before:
            yield now
            before = now
