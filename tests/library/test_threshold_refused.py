"""A threshold that makes no sense is refused before anything is fitted."""

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import MODEL

from .conftest import TinyProject
from .test_threshold import trained

REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "no metric": (
        {"train.threshold": {"tune": "f1"}},
        r"f1 is no metric; tune it by one of accuracy, balanced_accuracy, f1_macro$",
    ),
    "a metric of scores": (
        {"train.threshold": {"tune": "roc_auc"}},
        r"roc_auc does not depend on the threshold; tune it by one of accuracy,",
    ),
    "three classes": (
        {"data.target": "colour", "train.threshold": 0.5},
        r"train.threshold in params.yaml divides two classes, .* have 3: blue, green, red$",
    ),
    "no class": (
        {"data.target": "size", "data.task": "regression", "train.threshold": 0.5},
        r"train.threshold is for classification: set it to null$",
    ),
    "no folds": (
        {"train.threshold": {"tune": "f1_macro"}, "train.cross_validation": 0},
        r"train: threshold.tune looks for it on folds .* at least 2$",
    ),
    "no probability": (
        {"train.threshold": 30},
        r"train.threshold in params.yaml is 30, and the scores of RandomForestClassifier are",
    ),
    "no scores": (
        {
            "train.estimator": "sklearn.multiclass.OutputCodeClassifier",
            "train.arguments": {"estimator": "sklearn.linear_model.LogisticRegression"},
            "train.threshold": {"tune": "f1_macro"},
        },
        r"needs scores, and OutputCodeClassifier has none: choose another estimator$",
    ),
    "infinite": ({"train.threshold": float("inf")}, r"must be a number, .* not inf$"),
    "a word": (
        {"train.threshold": "high"},
        r"params.yaml: train.threshold: must be a number, \{tune: METRIC\} or nothing, not 'high'$",
    ),
    "true": ({"train.threshold": True}, r"train.threshold: must be a number, .* not True$"),
    "another word": (
        {"train.threshold": {"tuned": "f1_macro"}},
        r"train.threshold: must be a number, .* not \{'tuned': 'f1_macro'\}$",
    ),
}


@pytest.mark.parametrize(("changes", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_makes_no_sense_is_refused_before_the_fit(
    tiny: TinyProject, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(ProjectError, match=says):
        trained(tiny.set({"train.cross_validation": 3, **changes}))
    assert not MODEL.exists()
