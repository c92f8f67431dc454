"""`model ci train`: what is asked for is what is set, and what comes out is offered."""

import sys
from typing import Any

import pytest

from mlrepo.ci import train as job
from mlrepo.commands import app
from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError

from .conftest import TinyProject

TWO_WORDS = "card.purpose=Two words"


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["-S", TWO_WORDS, "-S", "train.seed=1"], [TWO_WORDS, "train.seed=1"]),
        (["--params", f"train.seed=1  '{TWO_WORDS}'"], ["train.seed=1", TWO_WORDS]),
        (["-S", "train.seed=1", "--params", f'"{TWO_WORDS}"'], ["train.seed=1", TWO_WORDS]),
        (["--params", "", "--branch", ""], []),  # the empty form of a provider
    ],
)
def test_a_value_of_two_words_stays_whole(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch, options: list[str], wanted: list[str]
) -> None:
    (tiny.folder / "dvc.yaml").touch()
    asked: list[Any] = []
    monkeypatch.setattr(job, "train", lambda *arguments: asked.extend(arguments))
    monkeypatch.setattr(sys, "argv", ["model", "ci", "train", *options])
    with pytest.raises(SystemExit) as end:
        app.main()
    assert end.value.code == 0
    assert asked[0] == wanted


def test_what_is_asked_for_is_what_is_set(tiny: TinyProject) -> None:
    job._override([TWO_WORDS, "train.seed=7", "+train.arguments.max_depth=3"])
    params = yaml.load(tiny.folder / "params.yaml")
    assert params["card"]["purpose"] == "Two words"
    assert params["train"]["seed"] == 7
    assert params["train"]["arguments"] == {"n_estimators": 5, "max_depth": 3}


@pytest.mark.parametrize("wrong", ["train.sead=7", "words"])
def test_what_cannot_be_set_is_named_with_how_to_write_it(tiny: TinyProject, wrong: str) -> None:
    before = (tiny.folder / "params.yaml").read_text(encoding="utf-8")
    with pytest.raises(ProjectError, match=rf"-S {wrong}: .*write key=value with a key of params"):
        job._override([wrong])
    assert (tiny.folder / "params.yaml").read_text(encoding="utf-8") == before


def test_an_open_quote_is_told() -> None:
    with pytest.raises(ProjectError, match=r"--params 'card.purpose=Two: No closing quotation"):
        job.several("'card.purpose=Two")
