"""The page of `dvc plots` holds all that it needs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.page import offline_plots

from .conftest import PROJECT


def make_project(folder: Path) -> Path:
    """Make an empty DVC project without Git."""
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").write_text(
        "[core]\n    no_scm = True\n    analytics = false\n    check_update = false\n",
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which the command ran: made once, because a page takes a second."""
    folder = make_project(tmp_path_factory.mktemp("prepared"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        offline_plots.main()
    return folder


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, as the current folder."""
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


def test_dvc_plots_uses_the_page_and_asks_no_other_machine(prepared: Path) -> None:
    (prepared / "curve.csv").write_text("x,y\n1,2\n2,3\n", encoding="utf-8")
    command = [sys.executable, "-m", "dvc", "plots", "show", "-x", "x", "-y", "y", "curve.csv"]
    subprocess.run(command, check=True, capture_output=True, cwd=prepared)
    html = (prepared / "dvc_plots/index.html").read_text(encoding="utf-8")
    assert not re.search(r"<(script|link)[^>]*(src|href)=", html)
    assert "window.vegaEmbed" in html
    assert "vegaEmbed('#curve_csv', spec)" in html
    assert not re.search(r"\{(plot_divs|refresh_tag|scripts)\}", html)


def test_a_second_run_changes_nothing(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [prepared / offline_plots.TEMPLATE, prepared / ".dvc/config.local"]
    before = [path.read_bytes() for path in files]
    monkeypatch.chdir(prepared)
    offline_plots.main()
    assert before == [path.read_bytes() for path in files]


def test_a_page_of_your_own_stays(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = clone / ".dvc/config.local"
    settings.write_text("[plots]\n    html_template = mine.html\n", encoding="utf-8")
    offline_plots.main()
    assert settings.read_text(encoding="utf-8") == "[plots]\n    html_template = mine.html\n"
    assert not (clone / offline_plots.TEMPLATE).exists()
    assert "keeps its page mine.html" in capsys.readouterr().out


def test_another_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError, match=r"no folder \.dvc here"):
        offline_plots.main()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(ProjectError, match=r"vl-convert-python is missing.*uv sync"):
        offline_plots.page()


def test_git_ignores_the_page() -> None:
    ignored = PROJECT / ".dvc/.gitignore"
    assert "/plots/offline.html" in ignored.read_text(encoding="utf-8").splitlines()
