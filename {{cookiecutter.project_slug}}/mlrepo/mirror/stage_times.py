"""When the stages of a commit ran, which neither Git nor DVC keeps.

`python -m mlrepo STAGE` notes it in a file of this folder that Git ignores. A commit goes with the
last run of each stage since the commit or experiment before it.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mlrepo.core.paths import above, in_project

if TYPE_CHECKING:
    from mlrepo.mirror.runs import Source

NOTES = ".dvc/tmp/stages.jsonl"

_SECOND = timedelta(seconds=1)  # to which Git rounds down


def told(sources: list["Source"]) -> list["Source"]:
    """Return sources, oldest first, with begin and end of their stages where this folder knows."""
    notes = _notes()
    found, before = [], datetime.min.replace(tzinfo=UTC)
    for source in sources:
        own = {n[0]: n for n in notes if before <= n[1] and n[2] < source.date + _SECOND}
        if own:
            begun, ended = min(n[1] for n in own.values()), max(n[2] for n in own.values())
            source, before = replace(source, begun=begun, ended=ended), ended
        before = max(before, source.date)
        found.append(source)
    return found


def _notes() -> list[tuple[str, datetime, datetime]]:
    """Return stage, begin and end of each run of this folder's stages, in their order."""
    place, folder = in_project(NOTES), Path.cwd().name if above() else ""
    if not place.exists():
        return []
    found = []
    for line in place.read_text("utf-8").splitlines():
        try:
            stage, begun, ended = json.loads(line)
            times = (datetime.fromtimestamp(begun, UTC), datetime.fromtimestamp(ended, UTC))
            if str(stage).rpartition("/")[0] == folder:
                found.append((str(stage), *times))
        except (ValueError, TypeError):  # cut short
            continue
    return found
