"""What a report says of a change: scores with and without intervals, params, data and plots."""

import json
from pathlib import Path
from typing import Any

import pytest

from mlrepo.ci import changes
from mlrepo.ci.changes import Side
from mlrepo.core import paths, yaml
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git as pipeline_git

from .repository import PathStore, commit, git

HEAD = "slice,value,rows,metric,estimate,low,high\n"
BASE = f"{HEAD},,83,accuracy,0.9,0.85,0.95\nspecies,Gentoo,30,accuracy,0.8,0.7,0.9\n"
# A slice of one row has no interval, and where one class is missing ROC AUC has no lower bound.
HERE = f"{HEAD},,83,accuracy,0.92,,\nspecies,Gentoo,1,accuracy,1.0,,\n"
PIPELINE = {"stages": {"train": {"cmd": "train"}}}


def cells(table: str) -> list[list[str]]:
    """Return the cells of the body of a Markdown table."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def write_lock(**md5: str) -> None:
    outs = [{"path": path, "md5": value, "size": 3} for path, value in md5.items()]
    stages = {"train": {"cmd": "train", "outs": outs}}
    write("dvc.lock", yaml.dump({"schema": "2.0", "stages": stages}))


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Side:
    """A commit with scores, params, data and a plot; the folder is at it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(changes, "Store", PathStore)
    pipeline_git.folder_in_repository.cache_clear()
    git("init", "--quiet")
    write("dvc.yaml", yaml.dump(PIPELINE))
    write("reports/scores.csv", BASE)
    write("params.yaml", "train: {seed: 1, arguments: {}}\n")
    write("metrics/prepare.json", json.dumps({"rows": {"train": 250}}))
    write("data/table.csv.dvc", "outs: []\n")
    kept = tmp_path.parent / f"{tmp_path.name}-plots"
    for name, text in {"importance": "feature,mean\nmass,0.2\n", "roc": "class\n"}.items():
        write(f"{kept}/{name}.csv", text)
    write_lock(**{"data/table.csv": "old", "reports/plots": str(kept)})
    return Side(commit())


def test_a_score_without_interval_stands_alone(base: Side) -> None:
    write("reports/scores.csv", HERE)
    here = Side(None)
    assert cells(changes.scores(base, here, sliced=False)) == [
        ["accuracy", "0.9000 (0.850 to 0.950)", "0.9200", "+0.0200"]
    ]
    assert cells(changes.scores(base, here, sliced=True)) == [
        ["species = Gentoo, 30 rows", "accuracy", "0.8000 (0.700 to 0.900)", "", ""],
        ["species = Gentoo, 1 rows", "accuracy", "", "1.0000", ""],
    ]


def test_a_small_score_keeps_its_digits(base: Side) -> None:
    write("reports/scores.csv", HERE.replace("accuracy", "rmse").replace(",0.92,", ",0.00092,"))
    [line, *_] = cells(changes.scores(Side(None), Side(None), sliced=False))
    assert line == ["rmse", "0.0009200", "0.0009200", "+0.0000"]


def test_the_same_is_said_in_two_words(base: Side) -> None:
    here = Side(None)
    same = [changes.params(base, here), changes.data(base, here), changes.plots(base, here)]
    assert same == ["The same."] * 3


def test_params_and_data_show_both_sides(base: Side) -> None:
    write("params.yaml", "train: {seed: 2, arguments: {depth: 3}}\n")
    write_lock(**{"data/table.csv": "new"})
    write("metrics/prepare.json", json.dumps({"rows": {"train": 260}}))
    here = Side(None)
    assert cells(changes.params(base, here)) == [
        ["train.seed", "1", "2"],
        ["train.arguments", "{}", "(none)"],
        ["train.arguments.depth", "(none)", "3"],
    ]
    assert cells(changes.data(base, here)) == [
        ["data/table.csv: MD5", '"old"', '"new"'],
        ["rows.train", "250", "260"],
    ]


def test_a_plot_that_changed_is_drawn(base: Side) -> None:
    path = paths.IMPORTANCE.as_posix()
    write(path, "feature,mean\nmass,0.4\nwing,-0.1\nbill,0.1\n")
    write("reports/plots/roc.csv", "class\n")
    write_lock(**{"reports/plots": "reports/plots"})
    drawn = changes.plots(base, Side(None))
    assert drawn.startswith(f"Changed: `{path}`, `reports/plots/roc.csv`.")
    assert cells(drawn.partition("\n\n")[2]) == [
        ["mass", "0.2", "0.4", "█" * 20],
        ["wing", "", "-0.1", ""],
        ["bill", "", "0.1", "█" * 5],
    ]


def test_a_plot_that_nobody_has_leaves_its_side_empty(
    base: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: Any) -> None:
        raise ProjectError("nowhere")

    monkeypatch.setattr(PathStore, "fetch", nowhere)
    path = paths.IMPORTANCE.as_posix()
    write(path, "feature,mean\nmass,0.4\n")
    write_lock(**{"reports/plots": "reports/plots"})
    [line] = cells(changes.plots(base, Side(None)).partition("\n\n")[2])
    assert line == ["mass", "", "0.4", "█" * 20]


def test_plots_that_differ_and_whose_list_nobody_has_are_told(
    base: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: Any) -> None:
        raise ProjectError("nowhere")

    monkeypatch.setattr(PathStore, "parts", nowhere)
    write_lock(**{"reports/plots": "new"})
    said = changes.plots(base, Side(None))
    assert said == "Changed: `reports/plots`. `dvc plots diff` draws them."


def test_a_base_from_before_the_pipeline_is_empty(base: Side) -> None:
    git("rm", "-r", "--quiet", "--cached", ".")
    git("commit", "--quiet", "--message", "Nothing")
    nothing, here = Side(git("rev-parse", "HEAD")), Side(None)
    assert nothing.locked() == {}
    assert cells(changes.scores(nothing, here, sliced=False))[0][1:3] == [
        "",
        "0.9000 (0.850 to 0.950)",
    ]
    assert changes.scores(nothing, nothing, sliced=False) == "None."
