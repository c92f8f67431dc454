"""The record of a version as text, also in the words of others."""

from ..output import as_json
from ..versions.registry import Version, recorded
from .cyclonedx import bill
from .slsa import statement


def render(version: Version, form: str) -> str:
    """Return the record as "json" (as it stands in the tag), "slsa" or "cyclonedx".

    Raises:
        ProjectError: if the tag holds no record.
    """
    record = recorded(version)
    if form == "slsa":
        return as_json(statement(record))
    return as_json(bill(record, version.tag) if form == "cyclonedx" else record)
