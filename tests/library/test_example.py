"""The example's words on a card: they stay with the example's table, and go no further."""

from pathlib import Path
from typing import Any

import pytest

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.owner import load_params
from mlrepo.pipeline import dvc_lock, git
from mlrepo.scoring import card, example
from mlrepo.versions import register

from .conftest import TinyProject, render_yaml, template_yaml

OF_EXAMPLE: dict[str, Any] = template_yaml("params.yaml")["card"]
OWN = {"purpose": "To try.", "data": {"source": "ours", "licence": "CC0-1.0"}, "limits": []}


def write_fields(*names: str) -> None:
    fields = [{"name": name, "type": "number"} for name in names]
    Path("schema.yaml").write_text(yaml.dump({"fields": fields}), encoding="utf-8")


def test_the_texts_are_those_of_a_new_project() -> None:
    said = (OF_EXAMPLE["purpose"], OF_EXAMPLE["data"]["source"], OF_EXAMPLE["limits"])
    assert said == (example.PURPOSE, example.SOURCE, [example.LIMIT])
    fields = template_yaml("schema.yaml")["fields"]
    assert {field["name"] for field in fields} > example.COLUMNS


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        (["purpose"], "card.purpose"),
        (["data"], "card.data.source"),
        (["limits"], "card.limits"),
        (["purpose", "data", "limits"], "card.purpose, card.data.source, card.limits"),
    ],
)
def test_another_table_is_refused_with_them(
    tiny: TinyProject, keys: list[str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {**OF_EXAMPLE, **{key: value for key, value in OWN.items() if key not in keys}}
    params = tiny.set({"card": said})
    with pytest.raises(ProjectError) as refused:
        card.card(params)
    assert str(refused.value).startswith(f"{named} in params.yaml still speak of the example's")
    for key in ("purpose", "data.source", "data.licence", "limits"):
        assert f"card.{key}" in str(refused.value)
    # The same by `model register`, where a project has no stage for the card.
    render_yaml("dvc.yaml")
    monkeypatch.setattr(git, "require_clean_commit", lambda: "1" * 40)
    monkeypatch.setattr(register, "_refuse_stale", lambda: None)
    monkeypatch.setattr(dvc_lock, "here", dict)
    monkeypatch.setattr(dvc_lock.Lineage, "of", lambda *_: None)
    with pytest.raises(ProjectError, match=named):
        register.register("model", "minor", None, "New", sign=False, tell=print)


@pytest.mark.parametrize("rest", [[], ["island"], ["sex", "weather"]])
@pytest.mark.parametrize("name", sorted(example.COLUMNS))
def test_the_example_keeps_them_whatever_becomes_of_its_table(
    tiny: TinyProject, name: str, rest: list[str]
) -> None:
    params = tiny.set({"card": OF_EXAMPLE, "data.path": "data/raw/other.parquet"})
    write_fields(name, *rest)
    example.refuse(params)


@pytest.mark.parametrize("text", ["", "fields: 3", "fields: [3]", "columns: []"])
def test_a_schema_without_fields_is_told(tiny: TinyProject, text: str) -> None:
    params = tiny.set({"card": OF_EXAMPLE})
    Path("schema.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=r"^schema\.yaml has no `fields`: fix it"):
        example.refuse(params)


def test_own_words_pass_with_any_table(tiny: TinyProject) -> None:
    example.refuse(tiny.set({"card": {**OWN, "owner": "Us"}}))
    Path("schema.yaml").unlink()  # which is of no interest then
    example.refuse(load_params())
