"""Predict with what is in a release, without Git, DVC and the project: for its `predict.py`."""

import sys
from pathlib import Path

from mlrepo.core import artifact, owner
from mlrepo.core.files import read_json
from mlrepo.core.params import Data
from mlrepo.core.sections import parse
from mlrepo.learning import model_file, saved_model
from mlrepo.prediction import write
from mlrepo.prediction.predictor import Predictor
from mlrepo.tables.schema import load_schema


def predict(release: Path, code: Path, source: Path, output: Path, set_aside: bool) -> None:
    """Do what `model predict` does, with the model in ``release`` and its unpacked ``code``."""
    owner.PROJECT = code / owner.PROJECT
    facts = read_json(release / "VERSION.json")
    file, sha256 = release / facts["file"], facts["sha256"]
    if artifact.is_own(file):
        model = saved_model.load(file, recorded=sha256)
    else:
        model = model_file.load_released(file, sha256, facts["trusted"])
    data = parse(facts["data"], Data, "VERSION.json")
    schema, add_features = load_schema(release / "schema.yaml"), owner.add_features()
    by = Predictor(model, facts["version"], sha256, data, schema, add_features)
    counts = write.predict(by, source, output, set_aside, _announce)
    print(write.describe(by, counts, output))


def _announce(step: str) -> None:
    print(f"- {step}", file=sys.stderr)
