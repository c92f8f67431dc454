"""sweep.yaml: what a sweep tries, and how it chooses."""

import math
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError, did_you_mean
from mlrepo.core.sections import Section, Seed, parse
from mlrepo.pipeline.dvc_yaml import PARAMS, PIPELINE
from mlrepo.pipeline.mappings import flatten

Scalar = bool | int | float | str | None
Number = int | float


def _two(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(values) != 2 or not all(map(math.isfinite, values)) or values[0] >= values[1]:
        raise ValueError("must be [from, to], the smaller number first")
    return values


Integers = Annotated[tuple[int, ...], Field(strict=False), AfterValidator(_two)]
Floats = Annotated[tuple[float, ...], Field(strict=False), AfterValidator(_two)]
Choices = Annotated[tuple[Scalar, ...], Field(strict=False, min_length=2)]


class Knob(Section):
    """The values that one param may take."""

    integers: Integers | None = Field(None, alias="int")
    floats: Floats | None = Field(None, alias="float")
    choice: Choices | None = None
    step: Annotated[Number, Field(gt=0)] | None = None
    log: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> "Knob":
        given = [kind for kind in (self.integers, self.floats, self.choice) if kind is not None]
        if len(given) != 1:
            raise ValueError("needs one of int: [from, to], float: [from, to] and choice: [...]")
        if self.choice is not None:
            if self.step is not None or self.log:
                raise ValueError("step and log are for int and float")
            if len(set(map(repr, self.choice))) < len(self.choice):
                raise ValueError("names a choice twice")
            return self
        if self.log and self.step is not None:
            raise ValueError("takes step or log, not both")
        if self.log and self.bounds[0] <= 0:
            raise ValueError("log needs a range above 0")
        if self.integers is not None and isinstance(self.step, float):
            raise ValueError("the step of an int is a whole number")
        return self

    @property
    def bounds(self) -> tuple[Number, Number]:
        """The ends of a range, both of which it has."""
        low, high = self.integers or self.floats or (0, 0)
        return low, high

    @property
    def values(self) -> list[Scalar] | None:
        """Every value that it may take, None if there is no end to them."""
        if self.choice is not None:
            return list(self.choice)
        low, high = self.bounds
        step = self.step or (1 if self.integers else None)
        if step is None:
            return None
        # Decimal, because 0.1 + 0.2 is not 0.3.
        first, each = Decimal(str(low)), Decimal(str(step))
        kind = int if self.integers else float
        count = int((Decimal(str(high)) - first) // each) + 1
        return [kind(first + number * each) for number in range(count)]


class Sweep(Section):
    """The whole of sweep.yaml."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]
    trials: Annotated[int, Field(ge=1)]
    sampler: Literal["tpe", "random", "grid"]
    seed: Seed
    pruner: Literal["none", "median", "wilcoxon"]
    space: Annotated[dict[str, Knob], Field(min_length=1)]

    @model_validator(mode="after")
    def _grid_has_ends(self) -> "Sweep":
        endless = [key for key, knob in self.space.items() if knob.values is None]
        if self.sampler == "grid" and endless:
            raise ValueError(f"sampler grid needs a step for {', '.join(endless)}")
        return self

    @property
    def size(self) -> int | None:
        """How many combinations there are, None if there is no end to them."""
        values = [knob.values for knob in self.space.values()]
        return math.prod(len(each) for each in values if each) if all(values) else None

    @property
    def total(self) -> int:
        """How many trials it has when it is done."""
        return min(self.trials, self.size or self.trials)

    def experiment(self, number: int) -> str:
        """Return the name of the experiment that a trial becomes."""
        return f"{self.name}-{number:04d}"

    def same_but_for_trials(self, other: "Sweep") -> bool:
        """Return whether both try the same, one of them perhaps for longer."""
        return self.model_copy(update={"trials": other.trials}) == other


def load_sweep(path: Path) -> Sweep:
    """Read and check a file like sweep.yaml."""
    return parse(yaml.load(path), Sweep, str(path))


def refuse_unknown(sweep: Sweep, name: str) -> None:
    """Refuse keys of the file ``name`` that cannot be tried in this project, a line for each."""
    known = flatten(yaml.load(Path(PARAMS)))
    text = Path(PIPELINE).read_text(encoding="utf-8")
    wrong = []
    for key in sweep.space:
        if key == "numerics.pinned":
            wrong.append(f"{key} holds for a whole process: it cannot change between trials")
        elif re.search(rf"\$\{{\s*{re.escape(key)}\s*\}}", text):
            wrong.append(f"{key} stands in {PIPELINE}: only `dvc exp run` can change the steps")
        elif any(leaf.startswith(f"{key}.") for leaf in known):
            wrong.append(f"{key} is a section of {PARAMS}: name a value in it")
        elif key not in known:
            hint = did_you_mean(key, known, f": add it to {PARAMS} and commit that")
            wrong.append(f"{key} is not in {PARAMS}{hint}")
    if wrong:
        raise ProjectError("\n       ".join(f"{name}: space: {line}" for line in wrong))
