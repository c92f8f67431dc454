"""What a row of a request must look like: a type made from the schema of the served version.

The types read the bytes of a body in one go, without an object for each row, and `document` makes
the OpenAPI page of the same types.
"""

import json
import math
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Literal, NotRequired
from zoneinfo import ZoneInfo

import polars as pl
from fastapi import HTTPException
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    NaiveDatetime,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic import Field as Info
from pydantic_core import PydanticCustomError, ValidationError
from typing_extensions import TypedDict

from mlrepo.core.errors import PRIVATE, ProjectError, did_you_mean, listed, shown
from mlrepo.learning import features
from mlrepo.prediction.frames import LARGEST
from mlrepo.prediction.predictor import Predictor
from mlrepo.serving import repeated_keys
from mlrepo.tables.columns import value_type
from mlrepo.tables.example import example
from mlrepo.tables.schema import Constraints, Field

Row = dict[str, Any]

# A table's times have no zone, which OpenAPI's date-time would ask for.
_NO_ZONE = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?$"}
_INT64 = 2**63
_SHOWN = 20  # mistakes
_LETTERS = 100  # of a name that the client made up


class Rows:
    """Reads bodies of requests for one version.

    What breaks the schema is an HTTPException that names each row and column, as FastAPI's own do.
    """

    def __init__(self, chosen: Predictor, most: int) -> None:
        """Make the types; ``most`` rows fit into a batch."""
        self._target = chosen.data.target
        self.fields = [f for f in chosen.schema.read if f.name != self._target]
        self._types = {field.name: value_type(field) for field in self.fields}
        self.needed = _needed(chosen, self._types)
        self.most = most
        self.row = closed("Row", {field.name: self._column(field) for field in self.fields})
        rows = Annotated[list[self.row], Info(min_length=1, max_length=most)]  # type: ignore[name-defined]
        self.batch = closed("Batch", {"rows": rows})
        self._one, self._many = TypeAdapter(self.row), TypeAdapter(self.batch)

    def one(self, body: bytes) -> list[Row]:
        """Return the row that a body is."""
        row: Row = self._read(self._one, body)
        repeated_keys.refuse(body, len(row))
        return [row]

    def many(self, body: bytes) -> list[Row]:
        """Return the rows of a body such as ``{"rows": [...]}``."""
        rows: list[Row] = self._read(self._many, body)["rows"]
        repeated_keys.refuse(body, 1 + sum(map(len, rows)))
        return rows

    def table(self, rows: list[Row]) -> pl.DataFrame:
        """Return rows as the columns of the schema: shape (rows, columns without the target)."""
        return pl.from_dicts(rows, schema=self._types)

    def example(self, *, public: bool = False) -> Row:
        """Return a row that obeys the schema, as JSON has it, or what of it ``public`` allows."""
        return {f.name: example(_public(f) if public else f) for f in self.fields}

    def loggable(self, rows: list[Row]) -> list[Row]:
        """Return rows without the values that are shown to nobody."""
        hidden = {field.name for field in self.fields if field.private}
        return [{k: v for k, v in row.items() if k not in hidden} for row in rows]

    def _column(self, whole: Field) -> Any:
        field = _public(whole)
        limits, shown, values = field.constraints, field.description, _values(field)
        if whole.private:
            check = partial(_refuse_privately, TypeAdapter(_values(whole)))
            values = Annotated[values, AfterValidator(check)]
        if field.type in ("date", "datetime") and (limits.minimum, limits.maximum) != (None, None):
            shown = shown or f"From {limits.minimum} to {limits.maximum}."
        facts = Info(title=field.title, description=shown, examples=[example(field)])
        if field.name not in self.needed or limits.maxMissing > 0:
            return NotRequired[Annotated[values | None, facts]]
        return Annotated[values, facts]

    def _read(self, adapter: TypeAdapter[Any], body: bytes) -> Any:
        try:
            return adapter.validate_json(body)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False)
        is_batch = adapter is self._many
        raise HTTPException(422, [self._told(mistake, is_batch) for mistake in found[:_SHOWN]])

    def _told(self, mistake: Any, is_batch: bool) -> dict[str, Any]:
        """Return a mistake as FastAPI tells it, by the names of the schema."""
        where = [p[:_LETTERS] if isinstance(p, str) else p for p in mistake["loc"]]
        is_beside = is_batch and len(where) == 1
        says = self._beside(where[0], mistake) if is_beside else self._says(where, mistake)
        return {"loc": where, "msg": says, "type": mistake["type"]}

    def _beside(self, name: str, mistake: Any) -> str:
        """Return what is wrong with the list of rows, or with what stands beside it."""
        own = {
            "missing": "'rows' is missing",
            "too_short": "'rows' is empty: send one row or more",
            "too_long": f"'rows' has more than {self.most} rows: send fewer at once",
            "extra_forbidden": f"'{name}' stands beside 'rows': leave it out",
        }
        says = mistake["msg"].replace("Input should be", "must be")
        return own.get(mistake["type"], f"'rows' {says}")

    def _says(self, where: list[Any], mistake: Any) -> str:
        kind, says = mistake["type"], mistake["msg"].replace("Input should be", "must be")
        if not where:
            return f"the body: {says}"
        # Counted as `model predict` counts them; `loc` is of JSON, whose lists begin at 0.
        row = f"row {where[1] + 1}, " if len(where) > 1 else ""
        if len(where) == 2:
            return f"{row.rstrip(', ')}: {says}"
        name = where[-1]
        if kind == "missing":
            return f"{row}'{name}' is missing"
        if kind != "extra_forbidden":
            field = next(field for field in self.fields if field.name == name)
            if kind == "literal_error":
                says = f"must be one of {listed(field.constraints.enum or ())}"
            value = "" if field.private else f", not {_shown(mistake['input'])}"
            return f"{row}'{name}': {says.partition(', got ')[0]}{value}"
        if name == self._target:
            return f"{row}'{name}' is what the model predicts: leave it out"
        return f"{row}'{name}' is no column of the schema{did_you_mean(str(name), self._types)}"


def closed(name: str, keys: dict[str, Any]) -> Any:
    """Return the type of a JSON object that has these keys and no other, read without guesses."""
    made: Any = TypedDict(name, keys)  # type: ignore[misc]
    made.__pydantic_config__ = {"extra": "forbid", "strict": True}  # type: ignore[attr-defined]
    return made


def _needed(chosen: Predictor, types: dict[str, Any]) -> set[str]:
    """Return the columns that the model, or the code of its other columns, cannot do without."""
    needed = set()
    for name in types:
        others = {other: kind for other, kind in types.items() if other != name}
        try:
            made = chosen.add_features(pl.LazyFrame(schema=others)).collect_schema()
            features.fitted(chosen.model, made)
        except (ProjectError, pl.exceptions.PolarsError):
            needed.add(name)
    return needed


def _public(field: Field) -> Field:
    """Return what may be known of a column: a private one's limits are values of its cells."""
    if not field.private:
        return field
    limits = Constraints(maxMissing=field.constraints.maxMissing)
    return field.model_copy(update={"constraints": limits})


def _refuse_privately(whole: TypeAdapter[Any], value: Any) -> Any:
    try:
        return whole.validate_python(value)
    except ValidationError:
        raise PydanticCustomError("private", f"must be as the schema says {PRIVATE}") from None


def _values(field: Field) -> Any:
    """Return the type of the values of a column."""
    low, high, enum = field.constraints.minimum, field.constraints.maximum, field.constraints.enum
    found: Any = bool
    if field.type == "string":
        return str if enum is None else Literal[enum]
    if field.type == "integer":
        least = -_INT64 if low is None else math.ceil(float(low))
        most = _INT64 - 1 if high is None else math.floor(float(high))
        # Programs that know a missing value in a column write all its numbers as 181.0.
        found = Annotated[int, Info(ge=least, le=most), BeforeValidator(_whole)]
    elif field.type == "number":
        lowest = -LARGEST if low is None else float(low)
        largest = LARGEST if high is None else float(high)
        found = Annotated[float, Info(ge=lowest, le=largest, allow_inf_nan=False)]
    elif field.type == "date":
        first, last = (bound and date.fromisoformat(str(bound)) for bound in (low, high))
        found = Annotated[date, Info(ge=first, le=last)]
    elif field.type == "datetime":
        begin, end = (bound and datetime.fromisoformat(str(bound)) for bound in (low, high))
        found = Annotated[NaiveDatetime, Info(ge=begin, le=end), WithJsonSchema(_NO_ZONE)]
        if field.timezone:
            zone = ZoneInfo(field.timezone)
            begin, end = (bound and bound.replace(tzinfo=zone) for bound in (begin, end))
            found = Annotated[AwareDatetime, Info(ge=begin, le=end)]
    if enum is not None:
        shown = Info(json_schema_extra={"enum": list(enum)})
        found = Annotated[found, AfterValidator(partial(_one_of, enum)), shown]
    return found


def _shown(value: Any) -> str:
    """Return a value as JSON has it."""
    return json.dumps(value) if value is None or isinstance(value, bool) else shown(value)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _one_of(allowed: tuple[Any, ...], value: Any) -> Any:
    if value in allowed:
        return value
    says = listed(allowed).replace("{", "(").replace("}", ")")
    raise PydanticCustomError("enum", f"must be one of {says}")
