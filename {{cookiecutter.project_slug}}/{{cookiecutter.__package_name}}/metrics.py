"""What the model is measured by; the names are those of metrics/ and reports/scores.csv.

A metric of your own takes two lines, its import and its entry in a table below. `from_sklearn`
takes any `function(y_true, y_pred)`:

    from sklearn.metrics import matthews_corrcoef
    CLASSIFICATION = {..., "matthews": from_sklearn(matthews_corrcoef)}

If smaller values of it are better, SMALLER_IS_BETTER has to name it too. The library has some more
to name here, with intervals of their own: `mape`, `pinball(0.9)`, `f1_weighted`, `roc_auc_weighted`
and `average_precision_weighted`.
"""

from mlrepo.learning.metrics.aggregates import Metric, from_sklearn
from mlrepo.learning.metrics.functions import (
    accuracy,
    average_precision,
    balanced_accuracy,
    brier,
    f1_macro,
    log_loss,
    mae,
    median_absolute_error,
    r2,
    rmse,
    roc_auc,
)

__all__ = ["CLASSIFICATION", "REGRESSION", "SMALLER_IS_BETTER", "from_sklearn"]

CLASSIFICATION: dict[str, Metric] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "f1_macro": f1_macro,
    "roc_auc": roc_auc,
    "average_precision": average_precision,
    "log_loss": log_loss,
    "brier": brier,
}
REGRESSION: dict[str, Metric] = {
    "rmse": rmse,
    "mae": mae,
    "r2": r2,
    "median_absolute_error": median_absolute_error,
}
SMALLER_IS_BETTER = {"log_loss", "brier", "rmse", "mae", "median_absolute_error"}
