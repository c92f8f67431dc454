"""Tidy what the answers left empty and say what comes next; cruft runs this again on updates."""

import json
import sys
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
SLUG = ANSWERS["project_slug"]

# By name, deepest first: generating over an existing project must leave the user's own empty
# folders alone, and those inside .git.
for folder in (".github/workflows", ".github"):
    path = Path(folder)
    if path.is_dir() and not any(path.iterdir()):
        path.rmdir()

# Standard error, because the output of `cruft diff` is a patch. Debian has no `python`.
python = "python" if sys.platform == "win32" else "python3"
print(f"\nNext, in the new folder {SLUG}:\n\n  {python} bootstrap.py\n", file=sys.stderr)
