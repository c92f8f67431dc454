"""Each page reads no value of params.yaml that dvc.yaml does not name for its stage.

Every section notes what is read from it while the page runs, whoever reads it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import BaseModel

from mlrepo.core.owner import load_params
from mlrepo.core.params import LibraryParams
from mlrepo.core.sections import Section
from penguins import evaluate, prepare, train

from .conftest import TinyProject, template_yaml

PAGES = {"prepare": prepare, "train": train, "evaluate": evaluate}
SPLITS: list[dict[str, object]] = [
    {},
    {"equal_features": "together"},
    {"method": "stratified"},
    {"method": "group", "column": "herd"},
    {"method": "time", "column": "seen"},
]
# Read to refuse a mistake before the work, and in no output.
REFUSED_EARLY = {
    "prepare": {"evaluate.slices", "train.preprocessing.texts"},
    "train": {"evaluate.metric"},
}


@contextmanager
def noted(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Note the dotted keys of the values that are read in the block."""
    places: dict[int, str] = {}
    kept: list[Any] = []  # so that no other section gets the id of one that is gone
    seen: set[str] = set()
    own = BaseModel.__getattribute__

    def read(section: Any, name: str) -> Any:
        value = own(section, name)
        if name.startswith("__"):
            return value
        # Not isinstance, which asks the section for an attribute in turn.
        if LibraryParams in type(section).__mro__:
            places[id(section)] = ""
        place = places.get(id(section))
        if place is None or name not in type(section).model_fields:
            if place and name == "model_dump":
                seen.update(f"{place}{field}" for field in type(section).model_fields)
            return value
        if Section in type(value).__mro__:
            places[id(value)] = f"{place}{name}."
            kept.append(value)
        else:
            seen.add(place + name)
        return value

    with monkeypatch.context() as patch:
        patch.setattr(BaseModel, "__getattribute__", read)
        yield seen


def named(stage: str) -> list[str]:
    """Return the keys of params.yaml that dvc.yaml names for a stage."""
    params = template_yaml("dvc.yaml")["stages"][stage]["params"]
    return [key for key in params if isinstance(key, str)]


def unnamed(stage: str, seen: set[str]) -> list[str]:
    known = [*named(stage), *REFUSED_EARLY.get(stage, ())]
    return sorted(
        key for key in seen if not any(f"{key}.".startswith(f"{each}.") for each in known)
    )


def run(monkeypatch: pytest.MonkeyPatch, stage: str, page: Callable[[Any], None]) -> list[str]:
    params = load_params()
    with noted(monkeypatch) as seen:
        page(params)
    assert len(seen) > 3
    return unnamed(stage, seen)


@pytest.mark.parametrize("split", SPLITS, ids=str)
def test_a_stage_reads_what_dvc_yaml_names(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch, split: dict[str, object]
) -> None:
    tiny.set({f"prepare.split.{key}": value for key, value in split.items()})
    tiny.set({"train.cross_validation": 2, "evaluate.slices": ["colour"]})
    for stage in ("prepare", "train", "evaluate"):
        assert run(monkeypatch, stage, PAGES[stage].main) == [], stage


def test_what_is_read_and_not_named_is_seen(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(params: LibraryParams) -> None:
        prepare.main(params)
        print(params.evaluate.intervals.confidence, params.train.estimator)

    wanted = ["evaluate.intervals.confidence", "train.estimator"]
    assert run(monkeypatch, "prepare", page) == wanted
