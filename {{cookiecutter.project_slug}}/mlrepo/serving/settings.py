"""What is served, and how."""

import ipaddress
import os
from dataclasses import dataclass

from mlrepo.core.errors import ProjectError

TOKEN = "MODEL_SERVE_TOKEN"
_SHORTEST = 16  # letters of a token; nobody guesses so many
_MAKE = (
    f"set {TOKEN} to a long random text "
    "(`python -c 'import secrets; print(secrets.token_urlsafe(32))'`)"
)


@dataclass(frozen=True)
class Settings:
    """What the command line and the environment say; without a ``token`` everybody may ask."""

    project: str
    model: str
    version: str | None  # this one, or what is in the stage
    stage: str | None
    host: str
    port: int
    max_rows: int
    max_bytes: int
    poll: float  # seconds between two looks at the tags
    fetch: bool
    log_values: bool
    token: str | None


def token_for(host: str) -> str | None:
    """Return the token of the environment, or None where only this machine can ask.

    Raises:
        ProjectError: without a token where others can ask, or with one that can be guessed.
    """
    given = os.environ.get(TOKEN, "")
    token = given.strip() or None
    letters = len(token or "")
    if given and letters < _SHORTEST:
        raise ProjectError(
            f"{TOKEN} has {letters} letters, and fewer than {_SHORTEST} can be guessed: {_MAKE}"
        )
    try:
        alone = ipaddress.ip_address(host).is_loopback
    except ValueError:
        alone = host == "localhost"
    if token is None and not alone:
        raise ProjectError(
            f"without a token, {host} would let everybody in: {_MAKE}, or serve on 127.0.0.1"
        )
    return token
