"""Words of a command that a message tells a person to type."""

import os
import re
import shlex

# What neither cmd nor PowerShell takes apart; a path there cannot hold the mark of a quote.
_BARE = re.compile(r"[\w@+=:./\\~-]+")


def quoted(word: object) -> str:
    """Return a path or a name as a shell of this system takes it for one word."""
    text = str(word)
    if os.name == "nt":
        return text if _BARE.fullmatch(text) else f'"{text}"'
    return shlex.quote(text)
