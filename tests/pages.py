"""The commands and the code of the pages, which tests run as they stand there."""

import re
from pathlib import Path

from conftest import CHOICES, PROMPTS, TEMPLATE
from jinja2 import Template

# As the default answers leave a page.
DEFAULTS = {name: values[0] for name, values in CHOICES.items()}
NAMES = {"project_slug": "penguins", "__package_name": "penguins"}


def page(path: str) -> str:
    """Return a page of the generated project, in a project called penguins."""
    text = (TEMPLATE / "{{cookiecutter.project_slug}}" / path).read_text(encoding="utf-8")
    answers = {**PROMPTS, **DEFAULTS, **NAMES}
    rendered: str = Template(text, keep_trailing_newline=True).render(cookiecutter=answers)
    return rendered


def section(text: str, title: str) -> str:
    """Return the part of a page below a title."""
    _, found, rest = text.partition(f"\n## {title}\n")
    assert found, f"no part is called {title}"
    return rest.partition("\n## ")[0]


def console(text: str) -> list[str]:
    """Return the commands of the console blocks."""
    return [line for block in consoles(text) for line in block]


def consoles(text: str) -> list[list[str]]:
    """Return the commands of each console block."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [[line[2:] for line in b.splitlines() if line.startswith("$ ")] for b in blocks]


def listing(text: str, name: str) -> str:
    """Return the block of code below the line that names a file."""
    words = rf"`{re.escape(name)}`[^`\n]*(?:`[^\n]*)?:"
    found = re.search(rf"{words}\n\n```\w+\n(.*?)```", text, re.DOTALL)
    assert found, f"no code for {name}"
    return found[1]


def paste(folder: Path, text: str) -> None:
    """Do by hand what a part of docs/data.md says of extract.py and dvc.yaml."""
    (folder / "penguins/extract.py").write_text(
        listing(text, "penguins/extract.py"), encoding="utf-8"
    )
    pipeline = folder / "dvc.yaml"
    before, stages, after = pipeline.read_text(encoding="utf-8").partition("\nstages:\n")
    assert stages
    stage = listing(text, "dvc.yaml")
    pipeline.write_text(f"{before}{stages}{stage}\n{after}", encoding="utf-8")
