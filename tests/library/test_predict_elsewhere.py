"""Predictions for a table that was written elsewhere: in another dialect, under another name."""

from pathlib import Path

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.prediction import write

from .conftest import TinyProject, tiny_table
from .test_prediction import chosen


@pytest.mark.parametrize(
    ("separator", "encoding", "says"),
    [
        (";", "utf-8", "seems to be separated by a semicolon: save it with a comma"),
        ("\t", "utf-8", "seems to be separated by a tab: save it with a comma"),
        (",", "utf-16", "is not in utf-8: save it in utf-8 (it may be in utf-16"),
        (",", "latin-1", "is not in utf-8 (line 3): save it in utf-8 (it may be in cp1252"),
    ],
)
def test_it_says_how_to_save_a_table_and_not_what_to_change(
    tiny: TinyProject, separator: str, encoding: str, says: str
) -> None:
    """A model that is made reads what its params said; a release has no params.yaml."""
    lines = tiny_table().write_csv(separator=separator).replace("green", "grün")
    Path("new.csv").write_text(lines, encoding=encoding)
    with pytest.raises(ProjectError) as caught:
        write.predict(chosen(), Path("new.csv"), Path("out.csv"), False, print)
    words = str(caught.value)
    assert words.startswith(f"new.csv {says}")
    assert words.endswith("as this model reads its tables")
    assert not Path("out.csv").exists()
