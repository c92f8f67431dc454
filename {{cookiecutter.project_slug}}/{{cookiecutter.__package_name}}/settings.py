"""versions.yaml."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from . import strict_yaml
from .errors import ProjectError
from .params import Names, Section, parse

PATH = Path("versions.yaml")


class Stage(Section):
    """What a promotion to a stage demands."""

    gate: bool
    protected: bool


class Signing(Section):
    """Whose signatures count."""

    required: bool
    allowed_signers: str
    gpg_fingerprints: Names


class Gate(Section):
    """When a challenger may follow a champion."""

    metric: str | None
    margin: Annotated[float, Field(ge=0)]
    inconclusive: Literal["allow", "refuse"]
    worst_slice: float | None
    max_size_mb: Annotated[float, Field(gt=0)] | None
    max_milliseconds_per_1000_rows: Annotated[float, Field(gt=0)] | None


class Settings(Section):
    """The whole of versions.yaml."""

    stages: Annotated[dict[str, Stage], Field(min_length=1)]
    signing: Signing
    gate: Gate

    @model_validator(mode="after")
    def _stage_names(self) -> "Settings":
        for name in self.stages:
            if name == "deprecated" or not name.replace("-", "").isalnum():
                raise ValueError(f"'{name}' is no stage: use letters, digits and -, not deprecated")
        return self

    def stage(self, name: str) -> Stage:
        """Return the rules of a stage.

        Raises:
            ProjectError: if versions.yaml has no such stage.
        """
        if name not in self.stages:
            raise ProjectError(f"'{name}' is no stage: {PATH} has {', '.join(self.stages)}")
        return self.stages[name]

    def needs_signature(self, stage: str, override: str | None) -> bool:
        """Return whether the tag that brings a version into a stage has to be signed."""
        protected = stage in self.stages and self.stages[stage].protected
        return self.signing.required or (protected and not override)

    @property
    def last(self) -> str:
        """The stage that users see."""
        return list(self.stages)[-1]


def load_settings() -> Settings:
    """Read and check versions.yaml.

    Raises:
        ProjectError: with one line for each mistake.
    """
    return parse(strict_yaml.load(PATH), Settings, str(PATH))
