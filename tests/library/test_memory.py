"""A fit that memory has no room for is refused before it starts."""

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.core.paths import MODEL
from mlrepo.learning import memory
from penguins.prepare import main as prepare
from penguins.train import main as train

from .conftest import TinyProject


def test_a_fit_that_needs_more_memory_than_there_is_is_refused(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = tiny.set({})
    prepare(params)
    monkeypatch.setattr(memory, "available", lambda: (10**8, "this test"))
    with pytest.raises(ProjectError, match=r"need about 0.4 GB .* this test leaves 0.1 GB"):
        train(params)
    assert not MODEL.exists()


def test_what_other_programs_use_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """On each system, also where nothing but the machine sets a limit."""
    assert memory.available()[0] < psutil.virtual_memory().total
    machine = SimpleNamespace(total=16 * 10**9, available=10**6)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)
    assert memory.available() == (10**6, "this machine")


@pytest.mark.parametrize(("limit", "left"), [("1000000", 400_000), ("500000", 0), ("max", None)])
def test_a_container_has_what_its_control_group_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, left: int | None
) -> None:
    files = tmp_path / "memory.max", tmp_path / "memory.current"
    for file, text in zip(files, (limit, "600000"), strict=True):
        file.write_text(f"{text}\n", encoding="ascii")
    monkeypatch.setattr(memory, "_CONTROL_GROUPS", [files])
    found = memory.available()
    assert (found[1] == "the control group (container)") == (left is not None)
    assert left is None or found[0] == left
