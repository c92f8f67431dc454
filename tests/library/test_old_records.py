"""Records of earlier releases are read as long as there are any."""

from typing import Any

import pytest

from mlrepo.core import params
from mlrepo.core.errors import ProjectError
from mlrepo.versions.records import old_records

# As the releases before mlrepo 1.0 wrote it: a section of params.yaml, not to be changed here.
DATA: dict[str, Any] = {
    "path": "data/raw/penguins.csv",
    "schema": "schema.yaml",
    "csv": {"separator": ",", "decimal": ".", "missing": ["", "NA"]},
    "task": "classification",
    "target": "species",
    "id": [],
    "features": {"include": [], "exclude": ["year"]},
}
CLOSURES = {"numpy": {"numpy": "2.4.6"}, "estimator": {"numpy": "2.4.6", "scikit-learn": "1.9.1"}}


def record(**environment: Any) -> dict[str, Any]:
    stages = {
        "train": {"cmd": "python -m penguins.train", "params": {"params.yaml": {"data.id": []}}},
        "prepare": {"cmd": "python -m penguins.prepare", "params": {"params.yaml": {"data": DATA}}},
        "card": {"cmd": "python -m penguins.card", "params": {}},
    }
    return {"version": "v1.0.0", "stages": stages, "environment": environment}


def test_the_params_of_the_data_are_those_of_then() -> None:
    found = old_records.data_params(record())
    assert found.model_dump(mode="json", by_alias=True) == {
        **DATA,
        "weight": None,
        "csv": {**DATA["csv"], "thousands": None, "encoding": "utf-8"},
    }


def test_a_key_that_came_later_means_what_was_done_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Data(params.Data):
        encoding: str

    monkeypatch.setattr(params, "Data", Data)
    with pytest.raises(ProjectError, match=r"record of v1\.0\.0: encoding is missing"):
        old_records.data_params(record())
    monkeypatch.setitem(old_records.ADDED_TO_DATA, "encoding", "utf8")
    found = old_records.data_params(record())
    assert isinstance(found, Data)
    assert found.encoding == "utf8"


@pytest.mark.parametrize("packages", [CLOSURES, {"python": "3.11", **CLOSURES}])
def test_packages_come_with_all_that_they_need(packages: dict[str, Any]) -> None:
    assert old_records.closures(record(packages=packages)) == CLOSURES


def test_files_of_folders_are_files() -> None:
    one, two, three = ({"sha256": str(n)} for n in range(3))
    files = {"a": one, "b": {"md5": "x.dir", "parts": {"c.py": two, "d/e.py": three}}}
    assert old_records.files({"files": files}) == {"a": one, "b/c.py": two, "b/d/e.py": three}
