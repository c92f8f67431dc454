"""The champion: what is fetched of it, what it has seen, and when it cannot be scored."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.learning.predictions import Predictions
from mlrepo.pipeline import status
from mlrepo.versions import write_tags
from mlrepo.versions.gate import verdict as gate
from mlrepo.versions.gate.champion import Champion
from mlrepo.versions.registry import Assignment, Registry, Version

from . import tagging
from .conftest import TinyProject, render_yaml
from .repository import PathStore, commit, git
from .ring import CLASSIFY, REGRESS, ROWS, Ring, rules


@pytest.fixture
def ring(tiny: TinyProject) -> Ring:
    return Ring(tiny)


def cannot(ring: Ring, champion: Champion) -> str:
    """Return why a champion cannot be scored, which leaves the verdict open."""
    found = ring.judge("good", champion)
    assert found["verdict"] == "inconclusive"
    assert found["champion"] == {"name": "v1.0.0", "value": None}
    assert (found["difference"], found["low"], found["high"]) == (None, None, None)
    [reason] = found["reasons"]
    assert reason.startswith("v1.0.0 cannot be scored on these rows: ")
    assert "ProjectError" not in reason
    return str(reason)


def test_a_column_that_the_table_lacks(ring: Ring) -> None:
    champion = ring.champion("near")
    ring.test = ring.test.drop("near")
    assert ": the model reads ['near'], which the table lacks" in cannot(ring, champion)


@pytest.mark.parametrize("goal", [REGRESS, "the classification of 'kind'"])
def test_another_goal(ring: Ring, goal: str) -> None:
    reason = cannot(ring, ring.champion("near", goal))
    assert f"it was made for {goal}, not for {CLASSIFY}" in reason


def test_other_labels(ring: Ring) -> None:
    champion = ring.champion("near")
    new = {"yes": "oui", "no": "non"}
    ring.test = ring.test.with_columns(pl.col("answer").replace(new))
    assert "it knows none of their labels" in cannot(ring, champion)


def test_a_file_that_does_not_load_here(ring: Ring) -> None:
    champion = ring.champion("near")
    champion.file.write_bytes(b"PK")
    assert "is not the file that was saved" in cannot(ring, champion)


def test_a_column_of_another_type(ring: Ring) -> None:
    champion = ring.champion("near")
    ring.test = ring.test.with_columns(pl.col("near").cast(pl.String) + "!")
    assert "ValueError" in cannot(ring, champion)


@pytest.mark.parametrize("error", [KeyError("old"), RuntimeError("old")])
def test_a_model_that_breaks(ring: Ring, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    break_champion(monkeypatch, error)
    assert f"{type(error).__name__}: " in cannot(ring, ring.champion("near"))


@pytest.mark.parametrize("error", [OSError("disk"), MemoryError("memory")])
def test_a_fault_of_the_machine_is_no_verdict(
    ring: Ring, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_champion(monkeypatch, error)
    with pytest.raises(type(error)):
        ring.judge("good", "near")


def break_champion(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the model that reads `near` raise an error."""
    predict = Predictions.of

    def breaking(model: Any, inputs: pl.DataFrame, truth: Any, weights: Any) -> Predictions:
        if inputs.columns == ["near"]:
            raise error
        return predict(model, inputs, truth, weights)

    monkeypatch.setattr(Predictions, "of", breaking)


SEEN: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], tuple[str, ...], int | None]] = {
    "by the id": (lambda test: test[:7].with_columns(answer=pl.lit("no")), ("id",), 7),
    "by all columns": (lambda test: pl.concat([test[:7], test[7:9].with_columns(far=0.0)]), (), 7),
    "by the columns of both": (lambda test: test[:7].with_columns(new=1).drop("far"), (), 7),
    "without the id": (lambda test: test[:7].drop("id"), ("id",), 7),
    "with half of the id": (lambda test: test[:7].with_columns(near=0.5), ("id", "herd"), 0),
    "an id of another type": (lambda test: test[:7].cast({"id": pl.String}), ("id",), 7),
    "none": (lambda test: test[:7].with_columns(pl.col("id") - 1000), ("id",), 0),
    "no column of both": (lambda test: test.select(other="id"), (), None),
}


@pytest.mark.parametrize("case", SEEN)
def test_rows_that_the_champion_was_fitted_on_are_counted(ring: Ring, case: str) -> None:
    make, key, wanted = SEEN[case]
    train = ring.tiny.folder / "train.parquet"
    make(ring.test).write_parquet(train)
    champion = replace(ring.champion("near"), train=train)
    seen = champion.has_seen(ring.test, None, ring.set({"data.id": list(key)}))
    assert (None if seen is None else int(seen.sum())) == wanted


def test_no_champion_is_scored_on_rows_that_it_was_fitted_on(ring: Ring) -> None:
    train = ring.tiny.folder / "train.parquet"
    ring.test[:7].write_parquet(train)
    champion = replace(ring.champion("near"), train=train)
    found = ring.judge("good", champion)
    assert (found["champion_has_seen_rows"], found["rows_left_out"], found["rows"]) == (7, 7, 193)
    assert "v1.0.0 was fitted on 7 of the test rows, left out here" in gate.describe(found)
    # The same verdict as on a table that never had these rows.
    ring.test = ring.test[7:]
    without = ring.judge("good", champion)
    for key in ("verdict", "rows", "challenger", "champion", "difference", "low", "high"):
        assert found[key] == without[key], key

    ring.test.write_parquet(train)
    found = ring.judge("good", champion)
    assert (found["verdict"], found["rows"]) == ("inconclusive", 0)
    assert "v1.0.0 cannot be scored on these rows: it was fitted on all of them" in found["reasons"]


def test_without_an_id_new_rows_that_look_like_old_ones_stay(ring: Ring) -> None:
    """They do where the old ones are in train today; where they are not, the old ones are these."""
    ring.set({"data.id": []})
    ring.train = ring.tiny.folder / "today.parquet"
    then = ring.tiny.folder / "train.parquet"
    ring.test[:7].write_parquet(then)
    champion = replace(ring.champion("near"), train=then)
    for in_train, left_out in ((ring.test[:7], 0), (ring.test[:4], 3), (ring.test[:0], 7)):
        in_train.write_parquet(ring.train)
        found = ring.judge("good", champion)
        assert found["champion_has_seen_rows"] == found["rows_left_out"] == left_out
        assert found["rows"] == ROWS - left_out
        assert ("was fitted on" in gate.describe(found)) == (left_out > 0)


def of_data(ring: Ring) -> Any:
    """Return the section `data` of params.yaml as dvc.lock has it."""
    return ring.params.data.model_dump(mode="json", by_alias=True)


def version(ring: Ring, name: str, column: str, **changes: Any) -> Version:
    """Return a registered version, with its files in a folder of its own."""
    folder = ring.tiny.folder / name
    model = ring.model(column, path=folder / "model.skops")
    digest = model.with_name("model.skops.sha256").read_text(encoding="utf-8").split()[0]
    ring.test[:9].write_parquet(folder / "train.parquet")
    ring.test.write_parquet(folder / "test.parquet")
    record: dict[str, Any] = {
        "model": "model",
        "artifact": {"path": "models/model.skops", "md5": str(model), "sha256": digest},
        "architecture": {"task": "classification", "target": "answer", "features": [column]},
        "environment": {"python": "3"},
        "stages": {"prepare": {"params": {"params.yaml": {"data": of_data(ring)}}}},
        "version": name,
        "files": {
            f"data/prepared/{part}.parquet": {"md5": str(folder / f"{part}.parquet"), "sha256": ""}
            for part in ("train", "test")
        },
    }
    return tagging.in_memory(name[1:], "0" * 40, record | changes)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "Store", PathStore)


@pytest.mark.usefixtures("store")
def test_two_versions_are_compared_by_what_is_recorded_of_them(ring: Ring) -> None:
    old, new = version(ring, "v1.0.0", "bad"), version(ring, "v1.1.0", "good")
    ring.set({"data.target": "elsewhere", "data.task": "regression"})
    found = gate.compare(new, old, rules())
    assert (found["verdict"], found["difference"]) == ("pass", pytest.approx(35 / 191))
    assert (found["challenger"]["name"], found["champion"]["name"]) == ("v1.1.0", "v1.0.0")
    assert found["champion_has_seen_rows"] == 9
    assert gate.compare(old, new, rules())["verdict"] == "fail"
    assert gate.compare(new, None, rules())["champion"] is None


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(("in_train", "seen"), [(9, 0), (5, 4), (None, 9)])
def test_without_an_id_the_train_rows_of_the_version_say_what_the_champion_saw(
    ring: Ring, in_train: int | None, seen: int
) -> None:
    ring.set({"data.id": []})
    old, new = version(ring, "v1.0.0", "bad"), version(ring, "v1.1.0", "good")
    table = ring.tiny.folder / "v1.1.0" / "train.parquet"
    if in_train is None:
        del new.tag.record["files"]["data/prepared/train.parquet"]
    else:
        ring.test[:in_train].write_parquet(table)
    ring.set({"data.id": ["id"]})  # its own record counts
    found = gate.compare(new, old, rules())
    assert found["champion_has_seen_rows"] == found["rows_left_out"] == seen


@pytest.mark.usefixtures("store")
def test_the_split_of_a_version_is_that_of_its_record(ring: Ring) -> None:
    """Three regions are too few to draw from, whatever is in this folder."""
    group = {"method": "group", "column": "region", "test_size": 0.3, "seed": 0}
    reason = ["fewer than 30 groups or blocks of rows"]
    old, new = version(ring, "v1.0.0", "bad"), version(ring, "v1.1.0", "good")
    stage = new.tag.record["stages"]["prepare"]["params"]["params.yaml"]
    stage["prepare"] = {"drop_missing_target": True, "split": group}  # before equal_features
    found = gate.compare(new, old, rules())
    assert (found["verdict"], found["reasons"], found["paired"]) == ("inconclusive", reason, {})
    assert found["difference"] is None
    del stage["prepare"]
    assert gate.compare(new, old, rules())["verdict"] == "pass"
    ring.set({"prepare.split": {**group, "equal_features": "apart"}})
    assert gate.compare(new, old, rules())["reasons"] == reason


@pytest.mark.usefixtures("store")
def test_a_version_without_train_rows_on_record(ring: Ring) -> None:
    old = version(ring, "v1.0.0", "bad", files={})
    found = gate.compare(version(ring, "v1.1.0", "good"), old, rules())
    assert (found["verdict"], found["champion_has_seen_rows"]) == ("pass", None)


def unreachable(_: str) -> None:
    raise ProjectError("no network")


@pytest.mark.usefixtures("store")
def test_the_model_of_this_folder_meets_what_is_in_a_stage(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    render_yaml("dvc.yaml", "versions.yaml")
    ring.model("near", path=Path("models/model.skops"))
    Path("data/prepared").mkdir(parents=True)
    ring.test.write_parquet("data/prepared/test.parquet")
    old = version(ring, "v1.0.0", "good")
    registry = Registry("model", {old.number: old}, [Assignment(1, "prod", old, old.tag)])
    monkeypatch.setattr(Registry, "load", lambda _: registry)
    fetched: list[str] = []
    monkeypatch.setattr(write_tags, "fetch", fetched.append)
    told: list[str] = []

    monkeypatch.setattr(status, "report", lambda: status.Report(["train: params changed"]))
    with pytest.raises(ProjectError, match=r"not of these params and code:\n.*train"):
        gate.against("model", None, told.append)
    monkeypatch.setattr(status, "report", status.Report)
    found = gate.against("model", None, told.append)
    assert (found["verdict"], found["difference"]) == ("inconclusive", pytest.approx(-1 / 191))
    assert (found["challenger"]["name"], found["champion"]["name"]) == ("this model", "v1.0.0")
    assert (fetched, told) == (["model"], [])
    assert gate.against("model", "staging", told.append)["champion"] is None
    with pytest.raises(ProjectError, match="'qa' is no stage"):
        gate.against("model", "qa", told.append)

    monkeypatch.setattr(write_tags, "fetch", unreachable)
    assert gate.against("model", "prod", told.append) == found
    assert told == ["the tags of this clone count: no network"]
    with pytest.raises(ProjectError, match="no network"):
        gate.against("model", "staging", told.append)


@pytest.mark.parametrize("with_train", [True, False])
def test_the_model_of_this_folder_meets_what_a_commit_made(
    ring: Ring, monkeypatch: pytest.MonkeyPatch, with_train: bool
) -> None:
    """As a pull request does before there is any version."""
    render_yaml("dvc.yaml", "versions.yaml")
    git("init", "--quiet")
    empty = commit()
    made = ring.model("good", path=Path("base/model.skops"))
    ring.test[:9].write_parquet("base/train.parquet")
    names = {"models/model.skops": made, "models/model.skops.sha256": Path(f"{made}.sha256")}
    if with_train:
        names["data/prepared/train.parquet"] = Path("base/train.parquet")
    outs = [{"path": name, "md5": str(file.resolve())} for name, file in names.items()]
    lock = {"stages": {"train": {"cmd": "train", "outs": outs}}}
    Path("dvc.lock").write_text(yaml.dump(lock), encoding="utf-8")
    base = commit()
    monkeypatch.setattr(gate, "Store", PathStore)
    ring.set({"train.seed": 3})
    ring.model("near", path=Path("models/model.skops"))
    Path("data/prepared").mkdir(parents=True)
    ring.test.write_parquet("data/prepared/test.parquet")

    found = gate.compare_here("model", base, rules())
    assert (found["verdict"], found["difference"]) == (
        "inconclusive",
        pytest.approx(-1 / 191 if with_train else -1 / 200),
    )
    assert found["champion"]["name"] == f"base {base[:7]}"
    assert found["champion_has_seen_rows"] == (9 if with_train else None)

    assert gate.compare_here("model", empty, rules())["champion"] is None
    Path("params.yaml").write_text("data: {task: regression, target: amount}\n", encoding="utf-8")
    other = commit()
    ring.set({})
    [reason] = gate.compare_here("model", other, rules())["reasons"]
    assert f"it was made for {REGRESS}, not for {CLASSIFY}" in reason


def test_classes_of_other_code_are_not_scored(ring: Ring) -> None:
    champion = replace(ring.champion("near"), changed=("penguins/model.py",))
    assert "its classes are other code here: penguins/model.py" in cannot(ring, champion)
