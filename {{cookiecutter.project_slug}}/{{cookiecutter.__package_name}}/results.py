"""What the last run found, read from its files by what tells people of it."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from .errors import ProjectError

PREPARE = Path("metrics/prepare.json")
CROSS_VALIDATION = Path("metrics/cross_validation.json")
EVALUATE = Path("metrics/evaluate.json")
SCORES = Path("reports/scores.csv")
IMPORTANCE = Path("reports/plots/importance.csv")
DIGEST = Path("models/model.skops.sha256")


def read_text(path: Path) -> str:
    """Return the text of a file, line ends as they are.

    Raises:
        ProjectError: if there is no run yet.
    """
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        raise ProjectError(f"{path} does not exist: `dvc repro` makes it") from None


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; raises as ``read_text``."""
    return json.loads(read_text(path))


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file; raises as ``read_text``."""
    return list(csv.DictReader(io.StringIO(read_text(path), newline="")))
