"""Mistakes that a person can fix, and the one place where they are printed."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from io import TextIOWrapper
from pathlib import Path

from mlrepo.core.errors import known
from mlrepo.core.errors.known import first_line as first_line

EXIT_MISTAKE = 2
EXIT_DOES_NOT_HOLD = 1
EXIT_INTERRUPTED = 130
EXIT_NO_READER = 141  # as the shell says of a program that SIGPIPE has ended

# In the place of a value of a column that the schema marks as private.
PRIVATE = "(a private value)"
LETTERS = 60  # of a value that are shown
_LISTED = 5  # values


class ProjectError(Exception):
    """A mistake in the data, the params or the machine; its text is all that the user reads."""

    code = EXIT_MISTAKE


class NotPassedError(ProjectError):
    """No mistake: what was checked does not let it happen."""

    code = EXIT_DOES_NOT_HOLD


class ArgumentsError(ProjectError):
    """A mistake in what params.yaml names; no table is needed to find it."""


def shown(value: object) -> str:
    """Return a value for a message: the start of a long one is enough."""
    text = repr(value)
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}..."


def listed(values: Sequence[object]) -> str:
    """Return values for a message: the first five, and how many more there are."""
    more = f" and {len(values) - _LISTED} more" if len(values) > _LISTED else ""
    return f"{', '.join(map(shown, values[:_LISTED]))}{more}"


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the end of a sentence about an unknown ``name``: the closest of those ``known``."""
    close = get_close_matches(name, list(known), n=1)
    return f": did you mean '{close[0]}'?" if close else otherwise


@contextmanager
def told() -> Iterator[None]:
    """Raise what other packages raise in the block as a ProjectError, unless it is a defect."""
    try:
        yield
    except ProjectError:
        raise
    except Exception as error:
        if words := known.explain(error):
            raise ProjectError(words) from None
        raise


def exit_with_message(main: Callable[[], None]) -> None:
    """Run a command and end the process with one message instead of a traceback.

    A mistake of the user exits with code 2, also one that another package tells (`known`). A defect
    of the code keeps its traceback, and exits with code 1.
    """
    _open_what_is_closed()
    _print_any_letter()
    try:
        main()
        sys.stdout.flush()
    except ProjectError as error:
        _fail(str(error), error.code)
    except ModuleNotFoundError as error:
        # A missing module of a package in this folder is a defect of that package's code.
        if Path((error.name or "").partition(".")[0]).is_dir():
            raise
        _fail(
            f"{error.name} is not installed in {sys.executable}: run `uv sync`, and start commands "
            "with `uv run`, for example `uv run dvc repro`; `uv add` first adds a package that "
            "pyproject.toml does not name"
        )
    except KeyboardInterrupt:
        _fail("interrupted", EXIT_INTERRUPTED)
    except MemoryError:
        _fail("out of memory: use a smaller table, fewer features or a smaller model")
    except BrokenPipeError:
        _drop_output()  # who reads, such as `head`, has seen enough
        sys.exit(EXIT_NO_READER)
    except Exception as error:
        if words := known.explain(error):
            _fail(words)
        raise


def _open_what_is_closed() -> None:
    """Go on as with /dev/null where the shell was told `>&-`.

    What is opened later would get the number, and what a child prints would be written into it.
    """
    for name, mode in {"stdin": "r", "stdout": "w", "stderr": "w"}.items():
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8"))


def _print_any_letter() -> None:
    """Print UTF-8 into files and programs, as all our files are, whatever the locale is.

    A terminal is written to in its own encoding, with the number of a letter that it lacks.
    """
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        encoding = None if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def _fail(message: str, code: int = EXIT_MISTAKE) -> None:
    print(f"error: {message}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        _drop_output()
    sys.exit(code)


def _drop_output() -> None:
    """Let go of what cannot be printed; Python would complain of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
