"""Whether the library is as it was released: MANIFEST.json has its version and a hash of each file.

An owner may edit the library. Nothing breaks: `model doctor`, the card and the record of a version
then name the files that differ.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from mlrepo.core.files import sha256

FOLDER = Path(__file__).parents[1]
MANIFEST = FOLDER / "MANIFEST.json"
SUFFIXES = (".py", ".html", ".css", ".js")  # of the files that are released
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
    found = (path for path in FOLDER.rglob("*") if path.suffix in SUFFIXES)
    here = {path.relative_to(FOLDER).as_posix(): path for path in found}
    text = MANIFEST.read_bytes() if MANIFEST.exists() else b""
    return of(text, here, lambda name: sha256(here[name]), folders)


def of(
    text: bytes, here: Collection[str], digest: Callable[[str], str], folders: tuple[str, ...] = ()
) -> Release:
    """Compare the files of a library, which ``digest`` gives the SHA-256 of, with its manifest."""
    try:
        manifest = json.loads(text)
    except ValueError:
        return Release("unknown", (MANIFEST.name,))
    released: dict[str, str] = manifest["files"]
    names = sorted(released.keys() | set(here))
    if folders:
        names = [name for name in names if name.partition("/")[0] in folders]
    differing = [name for name in names if name not in here or digest(name) != released.get(name)]
    return Release(str(manifest["version"]), tuple(differing))
