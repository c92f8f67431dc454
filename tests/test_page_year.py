"""`model page` of a year: twelve versions, two stages, approvals, a rollback, a sweep of 64."""

import shutil
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from conftest import Project, Tool
from helpers import in_long_form, sha256
from page_facts import same_as_at, same_as_diff, same_as_history, same_as_record, same_as_show
from page_in_browser import Visit, by_id, visits
from page_projects import a_year
from page_shown import VIEWS
from releases import Released
from signing import make_keys

pytestmark = in_long_form
TRIALS = 64
LOOKS = list(product((1400, 390), ("light", "dark")))


@pytest.fixture(scope="module")
def year(project: Project, tool: Tool, tmp_path_factory: pytest.TempPathFactory) -> Released:
    folder = tmp_path_factory.mktemp("year")
    keys = make_keys(tool("ssh-keygen", "apt-get install openssh-client"), folder)
    return a_year(project, folder / "penguins", keys, TRIALS, rebuild=True)


@pytest.fixture(scope="module")
def names(year: Released) -> list[str]:
    """Its versions, oldest first."""
    return [row["version"] for row in reversed(year.json("show"))]


@pytest.fixture(scope="module")
def page(year: Released) -> Path:
    year.model("page", "-o", "page.html")
    return year.path / "page.html"


@pytest.fixture(scope="module")
def views(names: list[str]) -> list[str]:
    pairs = [f"#model/compare/{before}/{after}" for before, after in pairwise(names)]
    versions = [f"#model/version/{name}" for name in names]
    lists = [f"#model/{view}" for view in (*VIEWS, "compare")]
    return ["", *lists, *versions, *pairs]


@pytest.fixture(scope="module")
def browsed(
    tool: Tool, page: Path, views: list[str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Visit]:
    asked: list[dict[str, Any]] = [{"hash": view, "settle": True} for view in views]
    found = visits(tool, page, tmp_path_factory.mktemp("browser"), asked)
    return dict(zip(views, found, strict=True))


def test_it_is_small_and_the_same_twice(year: Released, page: Path) -> None:
    assert page.stat().st_size < 2 * 10**6
    year.model("page", "-o", "again.html", TZ="America/Lima", LANG="C")
    assert sha256(page) == sha256(year.path / "again.html")


def test_its_facts_are_those_of_the_commands(
    year: Released, browsed: dict[str, Visit], names: list[str]
) -> None:
    same_as_show(year, browsed["#model/versions"])
    same_as_history(year, browsed["#model/history"])
    for name in names:
        same_as_record(year, browsed[f"#model/version/{name}"], name)
    for before, after in pairwise(names):
        same_as_diff(year, browsed[f"#model/compare/{before}/{after}"], before, after)


@pytest.mark.parametrize("stage", ["prod", "staging"])
def test_the_ruler(tool: Tool, year: Released, page: Path, tmp_path: Path, stage: str) -> None:
    same_as_at(tool, year, page, tmp_path, stage)


def test_the_gates_intervals_stand_beside_the_scores(
    year: Released, browsed: dict[str, Visit], names: list[str]
) -> None:
    compared = 0
    for name in names:
        gate = year.record(name)["gate"]
        if not gate or not gate["paired"]:
            continue
        compared += 1
        for row in by_id(browsed[f"#model/version/{name}"], "scores-table"):
            said = gate["paired"].get(row[0].partition(",")[0])
            shown = row[5].split(" ")
            assert float(shown[0]) == pytest.approx(said["difference"], abs=6e-4)
            assert float(shown[1].strip("(")) == pytest.approx(said["low"], abs=6e-4)
            assert float(shown[3].strip(")")) == pytest.approx(said["high"], abs=6e-4)
    assert compared >= 9


def test_the_sweep_is_whole(year: Released, browsed: dict[str, Visit]) -> None:
    visit = browsed["#model/experiments"]
    listed = year.git("for-each-ref", "--format=%(refname:lstrip=4)", "refs/exps").split()
    assert sorted(row[0] for row in by_id(visit, "experiments-table")) == sorted(listed)
    assert len(listed) == TRIALS
    shown = visit.dom.one("table", id="experiments-table")
    heads = [each.text for each in shown.all("th", scope="col")]
    losses = [float(row[heads.index("log_loss")]) for row in shown.rows()]
    assert "the best log_loss first" in shown.one("caption").text
    assert losses == sorted(losses)
    assert len(visit.dom.one("section", id="experiments").all("svg")) == 2


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_view_at_every_look(
    tool: Tool, page: Path, views: list[str], tmp_path: Path, width: int, scheme: str
) -> None:
    """Pictures of all of them are left in the test's folder."""
    look = {"width": width, "scheme": scheme, "axe": True, "settle": True}
    asked = [
        {"hash": view, "picture": str(tmp_path / f"{n:02}.png"), **look}
        for n, view in enumerate(views)
    ]
    for view, visit in zip(views, visits(tool, page, tmp_path, asked), strict=True):
        assert visit.violations == [], view
        assert visit.wrong == [], view
        assert visit.overflow <= 0, f"{view} is wider than the window"
        for each in visit.dom.all("a"):
            href = each.attributes["href"]
            assert href in ("#main", "#now") or not href.startswith("#") or href in views, href
    shutil.rmtree(tmp_path / "browser")
