"""Predict with the model beside this file: `python predict.py INPUT -o OUTPUT`.

A release of a version has this file, and needs nothing but Python and requirements.txt. The model
is loaded once its SHA-256 is that of VERSION.json, and only if it names no types but the trusted
ones there. Rows that break schema.yaml are refused.
"""

import argparse
import json
import sys
import tempfile
import zipfile
from pathlib import Path

RELEASE = Path(__file__).resolve().parent


def main() -> None:
    """Read the command line and predict."""
    parser = argparse.ArgumentParser(description="Predict for the rows of a table.")
    parser.add_argument("input", type=Path, help="a CSV or Parquet file, or a folder of parts")
    parser.add_argument("-o", "--output", type=Path, required=True, help=".csv or .parquet")
    parser.add_argument(
        "--bad-rows",
        choices=["refuse", "set-aside"],
        default="refuse",
        help="rows that break the schema: write nothing, or keep them in a file",
    )
    asked = parser.parse_args()
    facts = json.loads((RELEASE / "VERSION.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(RELEASE / "code.zip").extractall(folder)
        sys.path.insert(0, folder)
        from mlrepo.core.errors import ProjectError, exit_with_message
        from mlrepo.core.errors.shell import quoted

        def predict() -> None:
            try:
                from mlrepo.core import numerics

                if facts["numerics_pinned"]:
                    numerics.pin()  # before numpy is imported
                from mlrepo.prediction import released
            except ModuleNotFoundError as error:
                raise ProjectError(
                    f"{error.name} is not installed in {sys.executable}: `python -m pip install "
                    f"--require-hashes -r {quoted(RELEASE / 'requirements.txt')}` installs what is "
                    "needed"
                ) from None
            aside = asked.bad_rows == "set-aside"
            released.predict(RELEASE, Path(folder), asked.input, asked.output, aside)

        exit_with_message(predict)


if __name__ == "__main__":
    main()
