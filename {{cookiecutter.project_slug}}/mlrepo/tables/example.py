"""A row that obeys a schema, for people who have no table yet."""

from datetime import date
from typing import Any

from mlrepo.tables.schema import Field


def example(field: Field) -> Any:
    """Return a value of a column as JSON has it: one of its allowed ones, or between its limits."""
    limits = field.constraints
    if limits.enum:
        return limits.enum[0]
    bounds = [bound for bound in (limits.minimum, limits.maximum) if bound is not None]
    match field.type:
        case "integer":
            return round(sum(map(float, bounds)) / len(bounds)) if bounds else 1
        case "number":
            return sum(map(float, bounds)) / len(bounds) if bounds else 1.5
        case "boolean":
            return True
        case "string":
            return "text"
    moment = str(bounds[0]) if bounds else date(2024, 1, 31).isoformat()
    if field.type == "date":
        return moment
    moment = moment if "T" in moment else f"{moment[:10]}T00:00:00"
    return f"{moment}Z" if field.timezone else moment
