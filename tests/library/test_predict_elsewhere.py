"""Predictions for a table that was written elsewhere: in another dialect, under another name."""

import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.prediction import write

from .conftest import PROJECT, TinyProject, tiny_table
from .test_prediction import chosen


@pytest.mark.parametrize(
    ("separator", "encoding", "says"),
    [
        (";", "utf-8", "seems to be separated by a semicolon: save it with a comma"),
        ("\t", "utf-8", "seems to be separated by a tab: save it with a comma"),
        (",", "utf-16", "is not in utf-8: save it in utf-8 (now it may be in utf-16"),
        (",", "latin-1", "is not in utf-8 (line 3): save it in utf-8 (now it may be in cp1252"),
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


def test_a_release_in_a_folder_of_an_odd_name_says_what_can_be_typed(tmp_path: Path) -> None:
    release = tmp_path / ("rel x" if sys.platform == "win32" else "rel x#%ü'")
    release.mkdir()
    shutil.copy(PROJECT / "mlrepo/prediction/predict.py", release)
    (release / "VERSION.json").write_text('{"numerics_pinned": false}', encoding="utf-8")
    with zipfile.ZipFile(release / "code.zip", "w") as code:  # and nothing of mlrepo.prediction
        for path in sorted((PROJECT / "mlrepo/core").rglob("*.py")):
            code.write(path, path.relative_to(PROJECT))
    command = [sys.executable, "-E", str(release / "predict.py"), "a.csv", "-o", "b.csv"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2, done.stderr
    _, install, _ = done.stderr.split("`")
    if sys.platform != "win32":
        assert shlex.split(install)[-1] == str(release / "requirements.txt")
