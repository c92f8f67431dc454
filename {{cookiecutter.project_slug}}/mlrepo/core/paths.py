"""The files that stages write and others read, from the folder of the model.

That is the project's own folder, or one below it: a second model has a folder with a pipeline,
params and outputs of its own, and shares the library, packages and settings in the folder above.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from mlrepo.core.errors import ProjectError

PARAMS: Final = Path("params.yaml")
ENVIRONMENT: Final = Path("env.json")

TRAIN: Final = Path("data/prepared/train.parquet")
TEST: Final = Path("data/prepared/test.parquet")
ROWS: Final = Path("metrics/prepare.json")

MODEL: Final = Path("models/model.skops")
DIGEST: Final = Path("models/model.skops.sha256")
FOLDS: Final = Path("metrics/cross_validation.json")

METRICS: Final = Path("metrics/evaluate.json")
SCORES: Final = Path("reports/scores.csv")
PLOTS: Final = Path("reports/plots")
IMPORTANCE: Final = PLOTS / "importance.csv"
PRECISION_RECALL: Final = PLOTS / "precision_recall.csv"

CARD: Final = Path("MODEL_CARD.md")


def refuse_unreadable(path: Path) -> None:
    """Refuse a path that polars, which knows names in UTF-8 alone, would not find or not take."""
    encoding, is_same = sys.getfilesystemencoding(), False
    with suppress(UnicodeEncodeError):
        is_same = os.fsencode(path) == str(path).encode()
    if not is_same:
        fix = "give it another name"
        if encoding != "utf-8":
            fix = f"run this with PYTHONUTF8=1 in the environment, or {fix}"
        raise ProjectError(f"{path} has letters that names in {encoding} lack here: {fix}")


def above() -> str:
    """Return what leads from the current folder to the project's: "", or "../" out of a model's."""
    here = Path.cwd()
    own = (here / here.name / "__init__.py").exists() and not Path("mlrepo").exists()
    return "../" if own and Path("../mlrepo/__init__.py").exists() else ""


def in_project(path: str) -> Path:
    """Return the path of a file that all models share, from the current folder."""
    return Path(above() + path)


def refuse_other_code(why: str) -> None:
    """Raise if the library that runs is not that of this project, as in a copy of its folder."""
    here, runs = in_project("mlrepo/core/paths.py"), Path(__file__)
    if here.exists() and not here.samefile(runs):
        raise ProjectError(
            f"this would run the code in {runs.parents[2]} and not that of this folder, {why}"
        )


def let_import() -> None:
    """Let Python find the package of a second model, which is in the folder of that."""
    if above() and (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
