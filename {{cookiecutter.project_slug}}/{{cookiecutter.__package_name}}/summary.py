"""Print the test scores of the last run: ``python -m <package>.summary``."""

from . import layout, score_tables
from .errors import run
from .results import EVALUATE, SCORES, read_csv, read_json


def main() -> None:
    """Print the table of the last run.

    Raises:
        ProjectError: if there is no run yet.
    """
    print(layout.plain(score_tables.overall(read_csv(SCORES), read_json(EVALUATE)["train"])))


if __name__ == "__main__":
    run(main)
