"""Which model files a stage keeps out: those that can run code when they are loaded."""

from mlrepo.versions.registry import Version
from mlrepo.versions.rules.policy import Stage


def kept_out(rules: Stage | None, version: Version) -> str | None:
    """Return why a model file can run code, if the stage refuses that; None: it may come in."""
    if rules is None or not rules.refuse_code:
        return None
    why = version.record.get("architecture", {}).get("runs_code")
    return None if why is None else str(why)
