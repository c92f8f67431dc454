"""Write files whole or not at all, and read what stages have written."""

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from mlrepo.core.errors import ProjectError, known


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place when the block ends well.

    The temporary name is fixed, so a killed run leaves at most one file, which Git ignores and
    the next run overwrites.
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
        ours = getattr(error, "filename", None) in (None, str(partial))
        if isinstance(error, Exception) and ours and (words := known.of_system(error, path)):
            raise ProjectError(words) from error
        raise


@contextmanager
def all_or_nothing() -> Iterator[Callable[[Path], Path]]:
    """Yield a function that gives a temporary path for each file; all take their places at the end.

    Where the block fails none does, so that no file is from another run than the others.
    """
    with ExitStack() as files:
        yield lambda path: files.enter_context(atomic(path))


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``path`` for what memory shall not hold; it is gone afterwards.

    Its name is fixed as that of ``atomic``: what a killed run leaves, the next one removes.
    """
    folder = path.with_name(f".{path.name}.partial")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        yield folder
    except Exception as error:  # polars tells of a full disk in one of its own
        if words := known.of_system(error, f"{path.parent.as_posix()}/"):
            raise ProjectError(words) from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def folder_or_nothing(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``path``, which is not there, that becomes it at the end."""
    with scratch(path) as folder:
        yield folder
        folder.rename(path)


def write_json(path: Path, content: object) -> None:
    """Write ``content`` as JSON that a person can read and that is the same on every machine."""
    with atomic(path) as partial:
        put_json(partial, content)


def put_json(partial: Path, content: object) -> None:
    """Do what ``write_json`` does, to a temporary path of ``atomic`` or ``all_or_nothing``."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    partial.write_text(text + "\n", encoding="utf-8", newline="\n")


def sha256(path: Path) -> str:
    """Return the SHA-256 of the file at ``path``, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_text(path: Path) -> str:
    """Return the text of a file that a stage has written, line ends as they are."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        raise ProjectError(f"{path} does not exist: `dvc repro` makes it") from None
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8: {known.how_to_fix(path)}") from None


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; raises as ``read_text``."""
    text = read_text(path)
    try:
        return json.loads(text)
    except ValueError as error:
        raise ProjectError(
            f"{path} is not valid JSON ({error}): {known.how_to_fix(path)}"
        ) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file."""
    import tomllib  # 15 ms that no stage pays

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(f"{path} does not exist: {known.brought_back(path)}") from None
    except ValueError as error:
        raise ProjectError(
            f"{path} is not valid TOML ({error}): {known.how_to_fix(path)}"
        ) from None


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file; raises as ``read_text``."""
    return csv_rows(read_text(path))


def csv_rows(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file, given its text."""
    return list(csv.DictReader(io.StringIO(text, newline="")))
