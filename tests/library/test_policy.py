"""versions.yaml: names of stages, and whose signatures count."""

from pathlib import Path

import pytest

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.versions.rules.policy import load_settings

from .conftest import template_yaml


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("v2", "'v2' reads as a version"),
        ("2025", "'2025' reads as a version"),
        ("v2-canary", "'v2-canary' reads as a version"),
        ("deprecated", "'deprecated' is no stage"),
        ("a b", "'a b' is no stage"),
        ("vision", None),
        ("canary-2", None),
    ],
)
def test_a_stage_has_a_name_that_is_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = template_yaml("versions.yaml")
    settings["stages"][name] = {"gate": False, "protected": False}
    Path("versions.yaml").write_text(yaml.dump(settings), encoding="utf-8")
    if says is None:
        assert load_settings().last == name
    else:
        with pytest.raises(ProjectError, match=says):
            load_settings()
