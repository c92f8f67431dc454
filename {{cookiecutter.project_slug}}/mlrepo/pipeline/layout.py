"""What DVC refuses in dvc.yaml and dvc.lock, by its own schema."""

from functools import reduce
from typing import Any

from mlrepo.core.errors import ProjectError, known

PIPELINE, LOCK = "MULTI_STAGE_SCHEMA", "LOCKFILE_SCHEMA"  # in dvc.schema


def refuse(content: object, schema: str, path: str) -> None:
    """Raise if DVC does not take what the file at ``path`` holds."""
    # Here, as they take 0.1 s.
    import voluptuous
    from dvc import schema as of_dvc  # type: ignore[import-untyped]

    try:
        voluptuous.Schema(getattr(of_dvc, schema))(content)
    except voluptuous.MultipleInvalid as error:
        wrong = _in_words(content, error.errors[0])
        fix = known.how_to_fix(path)
        raise ProjectError(f"{path} is not as DVC wants it: {wrong}: {fix}") from None


def _in_words(content: Any, error: Any) -> str:
    *above, last = [getattr(part, "schema", part) for part in error.path] or [""]
    if "extra keys" in error.msg:
        return f"{_dotted([*above, last])} is no key of DVC's"
    if "required key" in error.msg:
        return f"{_dotted(above)} has no {last}"
    try:
        value = reduce(lambda node, key: node[key], error.path, content)
    except (LookupError, TypeError):  # of two keys that exclude each other
        return f"{_dotted([*above, last])}: {error.msg}"
    return f"{_dotted([*above, last])} cannot be {value!r:.60}"


def _dotted(place: list[Any]) -> str:
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)
    return text.removeprefix(".") or "the whole"
