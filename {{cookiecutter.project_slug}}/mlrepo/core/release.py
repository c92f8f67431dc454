"""Whether the library is as it was released: MANIFEST.json has its version and a hash of each file.

An owner may edit the library. Nothing breaks: `model doctor`, the card and the record of a version
then name the files that differ.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from mlrepo.core.files import sha256

FOLDER = Path(__file__).parents[1]
MANIFEST = FOLDER / "MANIFEST.json"
# What stages import; other folders shape no output.
OF_STAGES = ("core", "tables", "learning", "scoring")


@dataclass(frozen=True)
class Release:
    """The version of the library, and the paths in it that are not the released ones."""

    version: str
    differing: tuple[str, ...]

    def __str__(self) -> str:
        """Return both as text, such as "mlrepo 1.0.0, as released"."""
        if not self.differing:
            return f"mlrepo {self.version}, as released"
        verb = "differs" if len(self.differing) == 1 else "differ"
        return f"mlrepo {self.version}, but {', '.join(self.differing)} {verb} from the release"


def compare(folders: tuple[str, ...] = ()) -> Release:
    """Compare the files of the library, or of some of its folders, with the manifest.

    A file that was added or is missing differs as well.
    """
    try:
        manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return Release("unknown", (MANIFEST.name,))
    released: dict[str, str] = manifest["files"]
    here = {path.relative_to(FOLDER).as_posix(): path for path in FOLDER.rglob("*.py")}
    names = sorted(released.keys() | here.keys())
    if folders:
        names = [name for name in names if name.partition("/")[0] in folders]
    differing = [n for n in names if n not in here or sha256(here[n]) != released.get(n)]
    return Release(str(manifest["version"]), tuple(differing))
