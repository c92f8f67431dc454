"""The page in a real Chromium without a network: what stands in it, and what it says is wrong."""

import json
import os
import subprocess
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from conftest import Tool, lack

SCRIPT = Path(__file__).with_name("open_page.cjs")
INSTALL = "npm install puppeteer-core@24 axe-core@4, and NODE_PATH has to name its node_modules"
VOID = {"meta", "link", "br", "input", "img", "hr", "wbr"}


@dataclass
class Element:
    """An element of a page."""

    name: str
    attributes: dict[str, str]
    content: "list[Element | str]"

    def all(self, name: str = "", **attributes: str) -> "list[Element]":
        """Return the elements below it that have a name and attributes."""
        found = []
        for each in self.content:
            if isinstance(each, Element):
                asked = {key.rstrip("_"): value for key, value in attributes.items()}
                same = all(each.attributes.get(key) == value for key, value in asked.items())
                found += [each] if name in ("", each.name) and same else []
                found += each.all(name, **attributes)
        return found

    def one(self, name: str = "", **attributes: str) -> "Element":
        """Return the only such element."""
        [found] = self.all(name, **attributes)
        return found

    @property
    def text(self) -> str:
        """All text in it; of an exact value, that value."""
        if self.name in ("script", "style", "title") and self.name != "title":
            return ""
        if self.name == "data":
            return self.attributes["value"]
        if self.name == "time":
            return self.attributes["datetime"]
        return "".join(each if isinstance(each, str) else each.text for each in self.content)

    def rows(self) -> list[list[str]]:
        """Return the texts of the cells of a table, row by row, without its head."""
        body = self.one("tbody")
        return [
            [cell.text for cell in row.content if isinstance(cell, Element)]
            for row in body.all("tr")
        ]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {}, [])
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs}, [])
        self._open[-1].content.append(made)
        if tag not in VOID:
            self._open.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].content.append(Element(tag, {n: v or "" for n, v in attrs}, []))

    def handle_endtag(self, tag: str) -> None:
        while tag in [each.name for each in self._open] and self._open.pop().name != tag:
            pass

    def handle_data(self, data: str) -> None:
        self._open[-1].content.append(data)


def read(html: str) -> Element:
    """Return the elements of a page."""
    reader = _Reader()
    reader.feed(html)
    return reader.root


@dataclass(frozen=True)
class Visit:
    """What a visit found: the page after its scripts, and all that was wrong."""

    dom: Element
    wrong: list[str]
    violations: list[str] | None
    paint: float | None  # milliseconds, of a fresh visit
    loaded: float
    done: Any
    overflow: int


def visits(tool: Tool, page: Path, folder: Path, asked: list[dict[str, Any]]) -> list[Visit]:
    """Open a page once for each visit; see open_page.cjs for what can be asked."""
    chromium, node = (
        tool("chromium", "apt-get install chromium"),
        tool("node", "apt-get install npm"),
    )
    known = [node, "-e", "require.resolve('puppeteer-core'); require.resolve('axe-core')"]
    if subprocess.run(known, capture_output=True, check=False).returncode:
        lack(f"puppeteer-core or axe-core is not installed: {INSTALL}")
    file = folder / "asked.json"
    content = {"chromium": chromium, "profile": str(folder / "browser"), "page": page.as_uri()}
    file.write_text(json.dumps({**content, "visits": asked}), encoding="utf-8")
    done = subprocess.run(
        [node, str(SCRIPT), str(file)], capture_output=True, check=False, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr.decode()
    return [Visit(**{**each, "dom": read(each["dom"])}) for each in json.loads(done.stdout)]


def by_id(visit: Visit, name: str) -> list[list[str]]:
    """Return the rows of a table that a visit found."""
    return visit.dom.one("table", id=name).rows()
