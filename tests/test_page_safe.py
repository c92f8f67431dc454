"""`model page` in a browser: links lead somewhere, texts stay texts, axe finds nothing."""

from pathlib import Path

import pytest
from conftest import Tool
from helpers import in_long_form
from page_in_browser import Element, Visit, by_id, visits
from page_shown import HOSTILE, VIEWS

# A phone and a screen, by night and by day; the other two in the long form.
LOOKS = [
    (390, "dark"),
    (1400, "light"),
    pytest.param(390, "light", marks=in_long_form),
    pytest.param(1400, "dark", marks=in_long_form),
]


def test_every_link_leads_somewhere(browsed: dict[str, Visit], page: Path) -> None:
    links = {each.attributes["href"] for visit in browsed.values() for each in visit.dom.all("a")}
    known = {*VIEWS, "compare", "version"}
    versions = {row[0] for row in by_id(browsed["#model/versions"], "versions-table")}
    for href in sorted(links - {"#main", "#now"}):
        _, view, *rest = href.removeprefix("#").split("/")
        assert href.startswith("#model/")
        assert view in known, href
        assert set(rest) <= versions, href


def elements(root: Element) -> set[str]:
    return {each.name for each in root.all()}


def test_hostile_texts_stay_texts(browsed: dict[str, Visit], page: Path) -> None:
    history = browsed["#model/history"]
    assert any(HOSTILE in row[5] for row in by_id(history, "history-table"))
    for visit in browsed.values():
        assert not visit.wrong
        assert not elements(visit.dom) & {"img", "b", "iframe", "object"}
        assert len(visit.dom.all("script", **{"type": "application/json"})) == 3
        assert not [
            each for each in visit.dom.all() if any(k.startswith("on") for k in each.attributes)
        ]
    assert "alert(1)</script>" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_nothing(tool: Tool, page: Path, tmp_path: Path, width: int, scheme: str) -> None:
    views = ["", *(f"#model/{view}" for view in VIEWS)]
    views += ["#model/version/v1.1.0", "#model/compare/v1.0.0/v1.1.0"]
    look = {"width": width, "scheme": scheme, "axe": True, "dom": False, "settle": True}
    found = visits(tool, page, tmp_path, [{"hash": view, **look} for view in views])
    for view, visit in zip(views, found, strict=True):
        assert visit.violations == [], view
        assert visit.wrong == [], view
        assert visit.overflow <= 0, f"{view} is wider than the window"
