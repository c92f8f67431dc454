"""The declared schema of the raw table.

The file is a Table Schema of the Data Package standard (https://datapackage.org/standard/table-schema/)
with three keys more: `maxMissing`, the largest share of absent values that a column may have,
`timezone` of a datetime, and `private`: no value of such a column is printed, logged or sent. A
column of the type `any` is there and is not read.
"""

import re
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import Field as Constraint
from pydantic import model_validator

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError, known
from mlrepo.core.sections import Names, Section, parse

Type = Literal["string", "integer", "number", "boolean", "date", "datetime", "any"]
OR = " or "  # between formats of which a person has to choose one
Bound = int | float | str | None


_ENUM: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "date": (str,),
    "datetime": (str,),
    "any": (),
}
_QUOTE = "put it in quotes"


@cache
def _timezones() -> set[str]:
    """Return the names of all zones; none where the system has no list of them."""
    return available_timezones()


class Constraints(Section):
    """What the values of a column must obey; absent values obey all but `maxMissing`."""

    minimum: Bound = None
    maximum: Bound = None
    enum: Annotated[tuple[str | int | float | bool, ...], Constraint(strict=False)] | None = None
    unique: bool = False
    maxMissing: Annotated[float, Constraint(ge=0, le=1)] = 0.0  # noqa: N815 -- a key of the file


class Field(Section):
    """One column."""

    name: str
    type: Type
    # How a date or datetime is written, in strftime's letters; ISO 8601 when absent.
    format: str | None = None
    # The zone in which times with offsets, such as Z or +02:00, are kept; nothing: they have none.
    timezone: str | None = None
    # false: signs of currencies and % around the number are cut.
    bareNumber: bool = True  # noqa: N815 -- a key of the standard
    title: str | None = None
    description: str | None = None
    # A value that shows people what to send, as JSON has it: dates and times in ISO 8601.
    example: Bound | bool = None
    private: bool = False
    constraints: Constraints = Constraints()

    @model_validator(mode="after")
    def _keys_fit_type(self) -> "Field":
        if self.format and self.type not in ("date", "datetime"):
            raise ValueError(
                f"'{self.name}' is a {self.type}: only dates and datetimes have a format"
            )
        if self.format and OR in self.format:
            raise ValueError(f"'{self.name}' can be read as {self.format}: write the right format")
        if self.format and self.timezone and "z" not in self.format.lower():
            raise ValueError(
                f"'{self.name}' has the timezone {self.timezone} and no offset in its format: %z "
                "reads one; without it remove the timezone"
            )
        if self.format and not self.timezone and re.search("%[:#]*z", self.format):
            raise ValueError(f"'{self.name}' has an offset in its format: add timezone: UTC")
        if not self.bareNumber and self.type not in ("integer", "number"):
            raise ValueError(f"'{self.name}' is a {self.type}: bareNumber is for numbers")
        if self.timezone is not None:
            if self.type != "datetime":
                raise ValueError(f"'{self.name}' is a {self.type}: only a datetime has a timezone")
            zones = _timezones()
            if zones and self.timezone not in zones:
                raise ValueError(f"'{self.timezone}' is no timezone: try UTC or Europe/Berlin")
        return self

    @model_validator(mode="after")
    def _allowed_values_fit_type(self) -> "Field":
        kinds = _ENUM[self.type]
        for value in self.constraints.enum or ():
            if type(value) not in kinds:
                words = " or ".join(kind.__name__ for kind in kinds)
                raise ValueError(
                    f"'{self.name}' is a {self.type} and its enum has {value!r}, which YAML reads "
                    f"as {type(value).__name__}: {_QUOTE if str in kinds else f'write {words}'}"
                )
        return self

    @model_validator(mode="after")
    def _example_obeys(self) -> "Field":
        value: Any = self.example
        if value is None:
            return self
        limits, said = self.constraints, f"the example {value!r} of '{self.name}'"
        low, high = limits.minimum, limits.maximum
        if self.private:
            raise ValueError(f"'{self.name}' is private: it has no example")
        if type(value) not in _ENUM[self.type]:
            raise ValueError(f"{said} is no {self.type}")
        if self.type in ("date", "datetime"):
            kind = date if self.type == "date" else datetime
            try:
                kind.fromisoformat(value)
            except ValueError:
                raise ValueError(f"{said} is not written as in ISO 8601") from None
        if limits.enum is not None and value not in limits.enum:
            raise ValueError(f"{said} is not in its enum")
        # Moments in ISO 8601 are in the order of their texts.
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError(f"{said} is beyond its minimum or maximum")
        return self

    @model_validator(mode="after")
    def _bounds_fit_type(self) -> "Field":
        numeric = self.type in ("integer", "number")
        for bound in (self.constraints.minimum, self.constraints.maximum):
            if bound is not None and isinstance(bound, str) == numeric:
                kind = "a number" if numeric else "a text in quotes, such as '2024-01-31'"
                raise ValueError(f"minimum and maximum of '{self.name}' must be {kind}")
            if bound is not None and self.type in ("string", "boolean", "any"):
                raise ValueError(f"'{self.name}' is a {self.type}: it has no minimum or maximum")
        return self


class Schema(Section):
    """All columns of the table, in any order."""

    fields: Annotated[tuple[Field, ...], Constraint(strict=False, min_length=1)]
    primaryKey: Names = ()  # noqa: N815 -- a key of the standard

    @property
    def names(self) -> list[str]:
        """The columns' names, in the order of the file."""
        return [field.name for field in self.fields]

    @property
    def read(self) -> list[Field]:
        """The columns that are read: all but those of the type `any`."""
        return [field for field in self.fields if field.type != "any"]

    @property
    def private(self) -> list[str]:
        """The columns whose values are shown to nobody."""
        return [field.name for field in self.fields if field.private]

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Schema":
        names = self.names
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the column '{name}' is declared twice")
        for name in self.primaryKey:
            if name not in names:
                raise ValueError(f"the primaryKey names '{name}', which is no column")
        return self


def marked_private(path: Path) -> list[str]:
    """Return the columns that a schema marks as private, also one that has mistakes elsewhere."""
    try:
        content = yaml.load(path)
    except ProjectError:
        return []
    fields = content.get("fields") if isinstance(content, dict) else None
    declared = [each for each in fields or () if isinstance(each, dict)]
    return [str(each.get("name")) for each in declared if each.get("private") is True]


def load_schema(path: Path) -> Schema:
    """Read the declared schema."""
    if not path.exists():
        fix = known.brought_back(path, "`model schema` proposes one from the data")
        raise ProjectError(f"{path} does not exist: {fix}")
    return parse(yaml.load(path), Schema, str(path))
