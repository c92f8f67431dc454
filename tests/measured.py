"""The numbers of benchmarks that pages quote, compared with the kept results."""

import sys

from conftest import TEMPLATE
from words import Pages

sys.path.insert(0, str(TEMPLATE / "benchmarks"))
import quoted

SCALE = "project/docs/scale.md"


def not_measured(texts: Pages) -> list[str]:
    """Return what the kept results say and a page does not."""
    wrong = [each for each in quoted.lines() if each not in texts[SCALE]]
    for page, many in quoted.words().items():
        text = " ".join(texts[page].split())
        wrong += [f"{page}: {each}" for each in many if each not in text]
    return wrong
