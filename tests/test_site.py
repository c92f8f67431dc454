"""The documentation site is built from the Markdown of the repository and needs no other server."""

import runpy
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from conftest import TEMPLATE
from words import AHEAD, pages

BUILD: dict[str, Any] = runpy.run_path(str(TEMPLATE / "site/build.py"))
# Attributes by which a browser loads something without being asked.
LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}


class Page(HTMLParser):
    """What a page loads, where its links lead, and the places in it that have a name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if (address := values.get(LOADED.get(tag, ""))) and values.get("rel") != "canonical":
            self.loaded.append(address)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        self.ids |= {values[name] for name in ("id", "name") if name in values}


def outside(page: Page) -> list[str]:
    """Return what a browser would load from another server."""
    return [each for each in page.loaded if urlsplit(each).netloc]


def broken(site: Path, found: dict[Path, Page]) -> list[str]:
    """Return the links inside the site that lead nowhere."""
    wrong = []
    for path, page in found.items():
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            named = found.get(target)
            if not target.exists() or (
                parts.fragment and named and unquote(parts.fragment) not in named.ids
            ):
                wrong.append(f"{path.relative_to(site)}: {link}")
    return wrong


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    config: Path = BUILD["settings"](folder / "pages", folder / "site")
    for name in AHEAD:
        (folder / "pages/project" / name).write_text("# Not written yet\n", encoding="utf-8")
    if AHEAD:
        config.write_text(f"{config.read_text('utf-8')}not_in_nav: /project/docs/*.md\n", "utf-8")
    BUILD["mkdocs"](config)
    return folder / "site"


@pytest.fixture(scope="module")
def found(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}


def test_each_page_is_in_the_site_and_in_its_menu(site: Path, found: dict[Path, Page]) -> None:
    names = {name.removeprefix("project/") for name in pages() if "docs/" in name}
    for name in names:
        path = site / "project" / Path(name).with_suffix(".html")
        assert path in found
    front = {link.partition("#")[0] for link in found[site / "index.html"].links}
    assert {f"project/{Path(name).with_suffix('.html')}" for name in names} <= front


def test_no_page_loads_anything_from_another_server(found: dict[Path, Page]) -> None:
    assert {path: outside(page) for path, page in found.items() if outside(page)} == {}
    assert outside(Page('<script src="https://cdn.example.com/x.js"></script>'))


def test_links_lead_somewhere(site: Path, found: dict[Path, Page]) -> None:
    pages = {path: page for path, page in found.items() if path.name != "404.html"}
    assert broken(site, pages) == []
    wrong = {**pages, site / "x.html": Page('<a href="index.html#nowhere"></a><a href="no.html">')}
    assert broken(site, wrong) == ["x.html: index.html#nowhere", "x.html: no.html"]


def test_words_are_found_by_the_search(site: Path) -> None:
    index = (site / "search/search_index.json").read_text(encoding="utf-8")
    for words in ("uv run model rollback", "prepare.split", "Four eyes"):
        assert words in index


def test_a_link_to_nowhere_ends_the_build(tmp_path: Path) -> None:
    """The front page with a mistake, and nothing else."""
    config = BUILD["settings"](tmp_path / "pages", tmp_path / "site")
    front = tmp_path / "pages/index.md"
    front.write_text(front.read_text("utf-8") + "\n[gone](project/docs/gone.md)\n", "utf-8")
    with pytest.raises(SystemExit, match=r"project/docs/gone\.md"):
        BUILD["mkdocs"](config)
