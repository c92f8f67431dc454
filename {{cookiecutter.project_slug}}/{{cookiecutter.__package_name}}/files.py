"""Write files whole or not at all."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import ProjectError, explain


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place when the block ends well.

    The temporary name is fixed, so a killed run leaves at most one file, which Git ignores and
    the next run overwrites.

    Raises:
        ProjectError: if the disk is full or the file may not be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        # Python and polars name the partial, which is gone, or no file at all.
        named = getattr(error, "filename", None)
        if isinstance(error, Exception) and named in (None, str(partial)):
            message = explain(error, path)
            if message:
                raise ProjectError(message) from error
        raise


def write_json(path: Path, content: object) -> None:
    """Write ``content`` as JSON that a person can read and that is the same on every machine.

    Raises:
        ValueError: if a number is NaN or infinite, which JSON does not know.
    """
    with atomic(path) as partial:
        put_json(partial, content)


def put_json(partial: Path, content: object) -> None:
    """Do what ``write_json`` does to a path that ``atomic`` yielded."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    partial.write_text(text + "\n", encoding="utf-8", newline="\n")
