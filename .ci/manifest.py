"""Write mlrepo/MANIFEST.json: the version of the library and the SHA-256 of each of its files.

`python .ci/manifest.py` after a change of the library; for a release with its number, such as 1.1.
"""

import hashlib
import json
import sys
from pathlib import Path

LIBRARY = Path(__file__).parents[1] / "{{cookiecutter.project_slug}}" / "mlrepo"
MANIFEST = LIBRARY / "MANIFEST.json"


def content(version: str) -> str:
    """Return the text of the manifest."""
    files = {
        path.relative_to(LIBRARY).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(LIBRARY.rglob("*"))
        if path.suffix in (".py", ".html", ".css", ".js")
    }
    return json.dumps({"version": version, "files": files}, indent=2) + "\n"


def released() -> str:
    """Return the version that the manifest has now."""
    return str(json.loads(MANIFEST.read_text(encoding="utf-8"))["version"])


if __name__ == "__main__":
    version = sys.argv[1] if len(sys.argv) > 1 else released()
    MANIFEST.write_text(content(version), encoding="utf-8", newline="\n")
