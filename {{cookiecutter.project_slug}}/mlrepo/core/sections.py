"""A part of a YAML file as a typed, frozen object; messages say what is wrong in it.

The sections of train.preprocessing, by kind of feature, are at the end.
"""

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from mlrepo.core.errors import ProjectError, did_you_mean, known, shown

# Lists of YAML become tuples, so that they cannot change under way.
Names = Annotated[tuple[str, ...], Field(strict=False)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Section(BaseModel):
    """A part of the file: every key must be there, no other key may be."""

    # Built when it is first used: a command that reads one file does not wait for the other.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


Parsed = TypeVar("Parsed", bound=BaseModel)


def parse(content: object, model: type[Parsed], name: str) -> Parsed:
    """Return ``content`` as a ``model``, or tell every mistake in words of the file ``name``."""
    try:
        return model.model_validate(content if content is not None else {})
    except ValidationError as error:
        if content is None:
            raise ProjectError(f"{name} is empty: {known.how_to_fix(name)}") from None
        lines = [_explain(name, model, mistake) for mistake in error.errors(include_url=False)]
        raise ProjectError("\n       ".join(lines)) from None


def _explain(name: str, model: type[BaseModel], mistake: ErrorDetails) -> str:
    where = f"{name}: {'.'.join(str(part) for part in mistake['loc'])}".rstrip(": ")
    if mistake["type"] == "missing":
        return f"{where} is missing"
    if mistake["type"] == "extra_forbidden":
        return f"{where} is no key of this file{_suggest(model, mistake['loc'])}"
    if mistake["type"] == "value_error":
        return f"{where}: {mistake['msg'].removeprefix('Value error, ')}"
    wanted = mistake["msg"].replace("Input should be", "must be").replace("a valid tuple", "a list")
    wanted = re.sub(r"a valid dictionary( or instance of \w+)?", "a mapping", wanted)
    return f"{where} {wanted}, not {shown(mistake['input'])}"


def _suggest(section: Any, location: tuple[int | str, ...]) -> str:
    for part in location:
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            return ""
        fields = section.model_fields.items()
        keys = {field.alias or key: field.annotation for key, field in fields}
        section = keys.get(str(part))
    return did_you_mean(str(location[-1]), keys, f": its keys are {', '.join(keys)}")


class Numbers(Section):
    """What is done to numeric features before the estimator sees them."""

    impute: Literal["median", "mean", "most_frequent", "none"]
    scale: Literal["none", "standard", "minmax", "robust"]


class Categories(Section):
    """What is done to text and boolean features before the estimator sees them."""

    impute: Literal["most_frequent", "own_category"]
    encode: Literal["onehot", "ordinal"]
    max_categories: Annotated[int, Field(ge=2)] | None


class Preprocessing(Section):
    """Imputation, encoding and scaling, by kind of feature.

    Dates that nothing encodes are no features; texts that are not named here are categories.
    """

    numbers: Numbers
    categories: Categories
    dates: Literal["none", "parts", "cyclic"]
    texts: dict[str, Literal["tfidf", "hashed"]]
