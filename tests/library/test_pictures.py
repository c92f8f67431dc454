"""Plots as pictures for trackers, drawn by the templates of the commit."""

import json
from pathlib import Path

import pytest
import yaml

from mlrepo.mirror import pictures

from .conftest import PROJECT
from .test_mirror_runs import Repository, repository

__all__ = ["repository"]  # a fixture

CURVE = "class,false_positive_rate,true_positive_rate,threshold,reference\na,0,0,1,0\na,1,1,0,1\n"
PIPELINE = {
    "stages": {
        "evaluate": {
            "plots": [
                "reports/other.csv",
                {"reports/scores.csv": {"template": "curve", "x": "estimate", "y": "low"}},
            ]
        }
    },
    "plots": [
        {"roc": {"template": "curve", "x": "false_positive_rate", "y": {"roc.csv": "reference"}}},
        {"empty": {"template": "curve", "x": "false_positive_rate", "y": {"empty.csv": "a"}}},
        {"absent": {"template": "curve", "x": "a", "y": {"absent.csv": "b"}}},
        {"strange": {"template": "curve", "x": "no column", "y": {"roc.csv": "reference"}}},
        {"two": {"x": "a", "y": {"roc.csv": "reference", "empty.csv": "b"}}},
    ],
}


@pytest.fixture
def commit(repository: Repository) -> str:
    template = (PROJECT / ".dvc/plots/curve.json").read_text(encoding="utf-8")
    return repository.commit({"dvc.yaml": yaml.dump(PIPELINE), ".dvc/plots/curve.json": template})


def test_each_plot_with_rows_becomes_a_picture(commit: str, tmp_path: Path) -> None:
    files = tmp_path / "files"
    (files / "reports").mkdir(parents=True)
    (files / "roc.csv").write_text(CURVE, encoding="utf-8")
    (files / "empty.csv").write_text(CURVE.splitlines()[0] + "\n", encoding="utf-8")
    (files / "reports/scores.csv").write_text("estimate,low,reference,class\n0,1,0,a\n", "utf-8")
    drawn = pictures.draw(commit, files)
    assert [path.relative_to(files).as_posix() for path in drawn] == [
        "plots/roc.png",
        "plots/scores.png",
    ]
    for path in drawn:
        assert path.read_bytes().startswith(b"\x89PNG")


def test_a_picture_is_of_its_rows_and_of_the_template_of_the_commit(
    commit: str, repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "roc.csv").write_text(CURVE, encoding="utf-8")

    def drawn(of: str) -> bytes:
        return pictures.draw(of, tmp_path)[0].read_bytes()

    first = drawn(commit)
    template = json.loads(Path(".dvc/plots/curve.json").read_text(encoding="utf-8"))
    other = json.dumps(template | {"width": 100})
    assert drawn(repository.commit({".dvc/plots/curve.json": other})) != first
    assert drawn(commit) == first
    (tmp_path / "roc.csv").write_text(CURVE.replace("1,1,0,1", "1,1,0,0.5"), encoding="utf-8")
    assert drawn(commit) != first
