"""The files that stages write and others read."""

from pathlib import Path
from typing import Final

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
