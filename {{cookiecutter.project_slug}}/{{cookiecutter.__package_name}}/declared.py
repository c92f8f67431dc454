"""The models that dvc.yaml declares under `artifacts`."""

from pathlib import Path
from typing import Any

from . import strict_yaml
from .errors import ProjectError

PIPELINE = Path("dvc.yaml")


def choose_model(name: str | None) -> str:
    """Return the model that is meant: the named one, or the only one of dvc.yaml.

    Raises:
        ProjectError: if it is not declared, or several are and none is named.
    """
    known = list(declared())
    if name is None and len(known) == 1:
        return known[0]
    if name is None or name not in known:
        said = f"no model '{name}'" if name else "several models: name one with --model"
        raise ProjectError(f"{PIPELINE} declares {said}; under `artifacts` it has {known}")
    return name


def declared() -> dict[str, dict[str, Any]]:
    """Return name -> path, type and desc of the models under `artifacts` in dvc.yaml."""
    artifacts = strict_yaml.load(PIPELINE).get("artifacts") or {}
    if not artifacts:
        shape = "`artifacts: {model: {path: models/model.skops}}`"
        raise ProjectError(f"{PIPELINE} declares no model: add {shape}")
    return dict(artifacts)
