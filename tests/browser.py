"""A real browser that reaches no other machine."""

import subprocess
from html.parser import HTMLParser
from pathlib import Path


def opened(chromium: str, address: str, action: str, folder: Path) -> str:
    """Open a page in headless Chromium, `--dump-dom` or `--screenshot=FILE`; return what it says.

    ``folder`` is for the browser's profile.
    """
    command = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        f"--user-data-dir={folder}",
        "--virtual-time-budget=10000",
        "--window-size=1500,2400",
        action,
        address,
    ]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, encoding="utf-8", timeout=120
    ).stdout


class _Texts(HTMLParser):
    """What stands on a page, but for what is code."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._code = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._code = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._code = False

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._code:
            self.found.append(data.strip())


def texts(page: str) -> list[str]:
    """Return the texts of a page, in their order."""
    reader = _Texts()
    reader.feed(page)
    return reader.found
