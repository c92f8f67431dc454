"""docs/auditors.md: a line says what it rests on, and names fields and commands that exist."""

import re
from fnmatch import fnmatchcase

import pytest
from conftest import TEMPLATE

from mlrepo.commands.app import app

PAGE = (TEMPLATE / "{{cookiecutter.project_slug}}/docs/auditors.md").read_text(encoding="utf-8")
LINES = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.partition("## What regulations ask for")[2].splitlines()
    if re.match(r"\| (?!---|Point|Article|Part|Control|Subcategory)", line)
]
FIELDS = {
    name: line.split(" | ")[1]
    for line in PAGE.splitlines()
    if line.startswith("| `") and line.count(" | ") == 2
    for name in re.findall("`(.+?)`", line.split(" | ")[0])
}


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line[0]}: {line[1]}")
def test_a_line_rests_on_what_it_says(line: list[str]) -> None:
    _, _, rests, where = line
    assert rests in {"proven", "observed", "a person's word", "not here"}
    assert (where.rstrip("|") == "") <= (rests == "not here")
    record = re.match("record: ((?:`[^`]+`(?:, )?)+)", where)
    for name in re.findall("`([^`]+)`", record[1]) if record else ():
        kinds = {kind for field, kind in FIELDS.items() if fnmatchcase(name, field)}
        assert kinds == {"derived" if rests == "proven" else rests}, name


def test_the_page_has_lines_and_fields() -> None:
    assert len(LINES) > 60
    assert len(FIELDS) > 50


def test_the_commands_of_the_page_are_there() -> None:
    known = {command.name or command.callback.__name__ for command in app.registered_commands}  # type: ignore[union-attr]
    known |= {group.name for group in app.registered_groups}
    named = set(re.findall(r"(?:`|uv run )model ([a-z]+)", PAGE))
    assert len(named) > 12
    assert named <= known
