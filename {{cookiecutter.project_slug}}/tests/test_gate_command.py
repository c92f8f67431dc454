"""The command `model gate`: it computes as the stages do and ends with the verdict."""

import json
import shutil
from typing import Any

import pytest
import typer

from {{ cookiecutter.__package_name }}.commands import prove
from {{ cookiecutter.__package_name }}.gate import verdict as gate

from .conftest import ROOT, TinyProject
from .ring import Ring


@pytest.fixture
def ring(tiny: TinyProject) -> Ring:
    return Ring(tiny)


def test_the_command_computes_as_stages_do_and_ends_with_the_verdict(
    ring: Ring, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("dvc.yaml", "versions.yaml"):
        shutil.copy(ROOT / name, ring.tiny.folder)
    steps: list[Any] = []
    monkeypatch.setattr(prove, "pin", lambda: steps.append("pin"))
    verdicts = {"staging": ring.judge("bad", "good"), None: ring.judge("near", "good")}

    def against(model: str, stage: str | None, _: Any) -> gate.Verdict:
        steps.append((model, stage))
        return verdicts[stage]

    monkeypatch.setattr(gate, "against", against)
    prove.gate()
    assert capsys.readouterr().out == f"{gate.says(verdicts[None])}\n"
    with pytest.raises(typer.Exit) as end:
        prove.gate(against="staging", json=True)
    assert end.value.exit_code == 1
    assert json.loads(capsys.readouterr().out) == verdicts["staging"]
    assert steps == ["pin", ("model", None), "pin", ("model", "staging")]
