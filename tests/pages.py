"""The commands and the code of the pages, which tests run as they stand there."""

import re
from pathlib import Path

from conftest import CHOICES, PROMPTS, TEMPLATE
from jinja2 import Template

# As the default answers leave a page.
DEFAULTS = {name: values[0] for name, values in CHOICES.items()}
NAMES = {"project_slug": "penguins", "__package_name": "penguins"}


def page(path: str, **chosen: str) -> str:
    """Return a page of the generated project, in a project called penguins."""
    text = (TEMPLATE / "{{cookiecutter.project_slug}}" / path).read_text(encoding="utf-8")
    answers = {**PROMPTS, **DEFAULTS, **NAMES, **chosen}
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


def shown(text: str) -> dict[str, str]:
    """Return command -> what the console blocks show of its output."""
    found = {}
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found[command] = output
    return found


def blocks(text: str, kind: str) -> list[str]:
    """Return the blocks of a kind, such as python."""
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def consoles(text: str) -> list[list[str]]:
    """Return the commands of each console block."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [[line[2:] for line in b.splitlines() if line.startswith("$ ")] for b in blocks]


def follow(folder: Path, text: str) -> list[Path]:
    """Do by hand what a part of a page says, in its order: new files, changes, ends of files.

    Return what was written. A line that names a file stands above each block.
    """
    blocks = re.findall(
        r"^(At the end of )?`([\w./-]+)`(, all of it)?[^`\n]*:\n\n```(diff|python|yaml|csv)\n"
        r"(.*?)```",
        text,
        re.DOTALL | re.MULTILINE,
    )
    assert blocks, "this part changes nothing"
    for end, name, whole, kind, block in blocks:
        path = folder / name
        if kind == "diff":
            patch(path, block)
        elif end:
            blank = "\n\n" if kind == "python" else "\n"
            path.write_text(path.read_text(encoding="utf-8") + blank + block, encoding="utf-8")
        else:
            assert whole or not path.exists(), (
                f"{name} is there already: the page has to show a change"
            )
            path.write_text(block, encoding="utf-8")
    return [folder / name for _, name, *_ in blocks]


def patch(path: Path, diff: str) -> None:
    """Change a file as a block of lines with +, - or nothing in front says; `...` stands between
    two places."""
    text = path.read_text(encoding="utf-8")
    for place in re.split(r"^\.\.\.\n", diff, flags=re.MULTILINE):
        lines = [line or " " for line in place.splitlines()]
        assert {line[0] for line in lines} <= set(" +-"), place
        old = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
        new = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
        assert old, f"where in {path.name}?\n{place}"
        found = list(re.finditer(rf"^{re.escape(old)}", text, re.MULTILINE))
        assert len(found) == 1, f"{len(found)} places in {path.name} are\n{old}"
        text = f"{text[: found[0].start()]}{new}{text[found[0].end() :]}"
    path.write_text(text, encoding="utf-8")
