"""Tidy what the answers left empty and say what comes next; cruft runs this again on updates."""

import json
import sys
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
SLUG, PACKAGE = ANSWERS["project_slug"], ANSWERS["__package_name"]

# By name, deepest first: generating over an existing project must leave the user's own empty
# folders alone, and those inside .git.
for folder in (".github/workflows", ".github", f"{PACKAGE}/mirror", f"{PACKAGE}/serving"):
    path = Path(folder)
    if path.is_dir() and not any(path.iterdir()):
        path.rmdir()

# Standard error, because the output of `cruft diff` is a patch.
print(f"\n{SLUG} is ready. Next:\n\n  cd {SLUG}\n  python bootstrap.py\n", file=sys.stderr)
