"""How people write versions."""

import re

from semver import Version as Number

from mlrepo.core.errors import ProjectError


def is_number(text: str) -> bool:
    """Return whether a person who writes ``text`` means the number of a version, not a stage."""
    return re.fullmatch(r"v?\d+(\.\d+)*([-+].*)?", text) is not None


def parse_number(text: str) -> Number:
    """Return the number that v1, 1.2 or v1.2.0-rc.1 stands for."""
    try:
        return Number.parse(text.strip().removeprefix("v"), optional_minor_and_patch=True)
    except ValueError:
        raise ProjectError(
            f"'{text}' is no version: write it like v1.2.0 (https://semver.org)"
        ) from None
