"""READMEs and docs say what is so: by the rules of words.py, each with a mistake that it finds."""

import json
import re
from typing import Any

import measured
import pytest
import typer.main
import words
from conftest import TEMPLATE
from pages import page

from mlrepo.commands.app import app

PAGES = words.pages()
PROSE = {name: words.prose(text) for name, text in PAGES.items()}
# What readers make or have, in the words of a page: their own files, and tools of others.
THEIRS = {
    *words.AHEAD,
    *("predictions.csv", "predictions.bad.csv", "row.json", "rows.json", "cluster.yaml"),
    *("reports/ci/report.md", "reports/ci/verify.json", "projects/.../providers/..."),
    *("fraud/", "fraud/params.yaml", "fraud/data/raw"),
    *("fraud/fraud/data.py", "seal-fraud.json"),  # of a second model
    *(".dvc/tmp/mirror.log", "mlruns/", "wandb/"),
    *(
        "notebooks/",
        "build/site",
        "data/raw/",
        ".venv/",
        ".dvc/cache",
        ".dvc/tmp",
        ".dvc/config.local",
    ),
    *("data/raw/penguins.parquet.dvc", "Europe/Berlin"),
    *("data.csv", "environment.lock"),  # keys, of params.yaml and of a record
    *("VERSION.json", "example.csv", "predict.py", "seal.json", "authority.pem", "uv.lock"),
}


def helps() -> dict[str, str]:
    """Return the help of each command and option."""
    found = {}
    todo: list[tuple[str, Any]] = [("model", typer.main.get_command(app))]
    while todo:
        name, command = todo.pop()
        options = [getattr(each, "help", None) for each in command.params]
        texts = [each for each in (command.help, *options) if each]
        found[f"{name} --help"] = " ".join(" ".join(texts).split())
        todo += [(f"{name} {each}", sub) for each, sub in getattr(command, "commands", {}).items()]
    return found


TEXTS = {**PROSE, **helps()}


def test_a_sentence_that_promises_much_names_the_test_that_holds_it() -> None:
    held = words.held()["sentences"]
    assert words.unheld(words.STRONG, TEXTS, held) == []
    assert words.stale(TEXTS, held) == []


@pytest.mark.parametrize(
    "word", ["always", "Never", "every", "only", "any", "exactly", "identical"]
)
def test_a_new_one_without_an_entry_is_found(word: str) -> None:
    text = f"{PROSE['README.md']} It {word} works."
    [found] = words.unheld(words.STRONG, {"README.md": text}, words.held()["sentences"])
    assert found.endswith(f"It {word} works.")


def test_an_entry_for_words_that_are_gone_or_a_test_that_is_gone_is_found() -> None:
    gone = {"README.md": {"It works every time": "tests/words.py"}}
    assert words.stale(TEXTS, gone) == ["README.md does not say: It works every time"]
    no_test = {"README.md": {"the same bytes in every project": "tests/words.py::test_nothing"}}
    assert words.stale(TEXTS, no_test) == ["README.md: tests/words.py::test_nothing is not there"]


def test_a_number_with_a_unit_names_the_file_that_it_is_from() -> None:
    held = words.held()["numbers"]
    prose = {name: words.prose(text, tables=False) for name, text in PAGES.items()}
    assert words.unheld(words.NUMBER, prose, held) == []
    assert words.stale(prose, held) == []
    assert words.unheld(words.NUMBER, {"README.md": "It takes 3 seconds."}, held)


def test_numbers_of_benchmarks_are_those_of_the_kept_results() -> None:
    assert measured.not_measured(PAGES) == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("README.md", "about 24 seconds", "about 12 seconds"),
        ("project/docs/scale.md", "| 21.9 | 2,210 MB |", "| 11.9 | 2,210 MB |"),
        ("project/docs/scale.md", "| hard links | 10 | 11 |", "| hard links | 10 | 10 |"),
        ("project/docs/experiments.md", "costs 0.09 of", "costs 0.01 of"),
    ],
)
def test_another_number_is_found(name: str, old: str, new: str) -> None:
    assert old in PAGES[name]
    wrong = {**PAGES, name: PAGES[name].replace(old, new)}
    assert len(measured.not_measured(wrong)) == 1


@pytest.mark.parametrize("name", [*PAGES, "CONTRIBUTING.md"])
def test_paths_that_a_page_names_are_there(name: str) -> None:
    text = PAGES.get(name) or (TEMPLATE / name).read_text(encoding="utf-8")
    assert words.absent_paths(text, THEIRS) == []


@pytest.mark.parametrize("path", [*words.yaml_files()], ids=lambda path: path.name)
def test_paths_in_a_comment_of_yaml_are_there(path: Any) -> None:
    text = words.comments(path.read_text(encoding="utf-8"))
    named = re.sub(r"(?<![`\w])((?:docs|mlrepo)/[\w./]+\w)", r"`\1`", text)
    assert words.absent_paths(named, THEIRS) == []


@pytest.mark.parametrize("wrong", ["docs/dates.md", "mlrepo/core/owners.py", "metrics/test.json"])
def test_a_path_that_is_nowhere_is_found(wrong: str) -> None:
    assert words.absent_paths(f"`params.yaml`, `{wrong}` and `mlrepo/`") == [wrong]


def test_pages_that_are_named_ahead_are_not_there_yet() -> None:
    """Else the name comes out of the list."""
    assert [name for name in words.AHEAD if (words.PROJECT / name).exists()] == []


def test_exit_codes_are_those_of_the_table() -> None:
    table = words.table_of_codes(page("docs/problems.md"))
    assert set(table) == {"0", "1", "2", "130", "141"}
    told = re.findall(r"^  (\d+)  ", typer.main.get_command(app).help or "", re.MULTILINE)
    assert set(table) == set(told)
    assert words.unlisted_codes(TEXTS, table) == []


def test_a_code_that_is_in_no_table_is_found() -> None:
    assert words.unlisted_codes({"a.md": "Exit code 3: no."}, ["0", "1"]) == ["a.md: 3"]


def test_what_pages_show_of_commands_is_compared_by_a_test() -> None:
    shown = words.held()["shown"]
    found = {name: words.blocks_with_output(text) for name, text in PAGES.items()}
    assert {name: lines for name, lines in found.items() if lines} == {
        name: list(lines) for name, lines in shown.items()
    }
    for test in [test for lines in shown.values() for test in lines.values()]:
        assert words.stale({"": ""}, {"": {"": test}}) == []


def test_a_table_that_no_test_compares_is_found() -> None:
    text = "```text\nname  n\n----  -\na     1\n```\n"
    assert words.blocks_with_output(text) == ["name  n"]


def test_the_readme_of_a_project_is_read_in_one_sitting() -> None:
    assert len(PAGES["project/README.md"].splitlines()) <= 200
    glossary = PAGES["project/README.md"].partition("## Ten words")[2].partition("## More")[0]
    assert len(re.findall(r"^\| ", glossary, re.MULTILINE)) == 2 + 10


def test_each_page_of_a_project_is_in_the_list_of_its_readme() -> None:
    names = {name.removeprefix("project/") for name in PAGES if "docs/" in name}
    more = PAGES["project/README.md"].partition("## More")[2]
    listed = re.findall(r"\| \[docs/[\w.]+\]\((docs/[\w.]+)\) \|", more)
    assert sorted(listed) == sorted({*names, *words.AHEAD})


# The answer that leaves a part out -> its words.
PARTS = {
    "ci": r"\bCI\b|model ci|continuous integration",
    "service": r"model serve|service\.md",
    "tracker": r"MLflow|W&B|Weights & Biases|trackers\.md|model mirror",
}


@pytest.mark.parametrize("part", PARTS)
def test_what_was_not_chosen_is_not_spoken_of(part: str) -> None:
    """But for the fields that a record may have."""
    found = []
    docs = (f"docs/{path.name}" for path in words.PROJECT.glob("docs/*.md"))
    for name in ("README.md", "AGENTS.md", "SECURITY.md", "Makefile", "pyproject.toml", *docs):
        lines = page(name, **{part: "none"}).splitlines()
        found += [line for line in lines if re.search(PARTS[part], line)]
    assert [line for line in found if "`environment.ci`" not in line] == []
    assert re.search(PARTS["ci"], page("README.md", ci="github"))


def test_the_template_says_which_version_it_is() -> None:
    manifest = json.loads(words.read("mlrepo/MANIFEST.json"))["version"]
    assert f"The library is `mlrepo` {manifest}." in PAGES["README.md"]


def test_the_picture_is_what_its_script_draws() -> None:
    import runpy

    drawn = runpy.run_path(str(TEMPLATE / "site/picture.py"))["picture"]()
    assert (TEMPLATE / "site/picture.svg").read_text(encoding="utf-8") == drawn
