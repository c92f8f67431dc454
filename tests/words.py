"""What the words of READMEs and docs are held to; each rule returns what breaks it.

`tests/library/held.yaml` has the sentences that promise much, with the test that holds each, and
the numbers, with the file that they are from.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from conftest import TEMPLATE

PROJECT = TEMPLATE / "{{cookiecutter.project_slug}}"
HELD = TEMPLATE / "tests/library/held.yaml"
STRONG = re.compile(r"\b(always|never|every|only|any|exactly|identical)\b", re.IGNORECASE)
NUMBER = re.compile(
    r"\b\d[\d.,]*\s?(?:[kKMG]B|CPU s|s|seconds?|minutes?|hours?|ms|bytes|%)(?![\w-])"
)
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.*-]*|[\w-]+\.(?:md|ya?ml|py|json|csv|lock|toml|skops))`")
TABLE = re.compile(r"^[-─ ]*[-─]{4,}[-─ ]*$", re.MULTILINE)
CODES = re.compile(r"exit code (\d+)", re.IGNORECASE)
# Pages that the README of a project names and that are not written yet.
AHEAD: tuple[str, ...] = ()
Pages = Mapping[str, str]  # name -> Markdown
Entries = Mapping[str, Mapping[str, str]]  # page -> words in it -> what holds them


def pages() -> dict[str, str]:
    """Return the README of the template, and all pages of a generated project."""
    found = {"README.md": TEMPLATE / "README.md"}
    # A name may have template code behind its .md.
    for path in (*PROJECT.glob("*.md"), *sorted(PROJECT.glob("docs/*.md*"))):
        name = re.sub(r"{%.*?%}", "", path.relative_to(PROJECT).as_posix())
        found[f"project/{name}"] = path
    return {name: path.read_text(encoding="utf-8") for name, path in found.items()}


def prose(text: str, tables: bool = True) -> str:
    """Return a page without code, as one line, with its tables or without."""
    text = re.sub(r"```.*?```|{%.*?%}", " ", text, flags=re.DOTALL)
    if not tables:
        text = re.sub(r"^\|.*$", " ", text, flags=re.MULTILINE)
    return " ".join(re.sub(r"`[^`]*`", "`.`", text).split())


def held() -> dict[str, Any]:
    """Return the two lists."""
    lists: dict[str, Any] = yaml.safe_load(HELD.read_text(encoding="utf-8"))
    return lists


def unheld(pattern: re.Pattern[str], texts: Pages, entries: Entries) -> list[str]:
    """Return each place where a pattern is found, and no entry of the page has it in its words."""
    missing = []
    for page, text in texts.items():
        spans = [
            match.span()
            for words in entries.get(page, {})
            for match in re.finditer(re.escape(words), text)
        ]
        for match in pattern.finditer(text):
            if not any(start <= match.start() and match.end() <= end for start, end in spans):
                missing.append(f"{page}: {text[max(0, match.start() - 60) : match.end() + 40]}")
    return missing


def stale(texts: Pages, entries: Entries) -> list[str]:
    """Return the entries whose words are in no page, and those whose test or file is not there."""
    wrong = []
    for page, words_and_holders in entries.items():
        for words, holder in words_and_holders.items():
            file, _, test = holder.partition("::")
            path = TEMPLATE / file
            if words not in texts.get(page, ""):
                wrong.append(f"{page} does not say: {words}")
            if not path.is_file() or (test and f"def {test}(" not in path.read_text("utf-8")):
                wrong.append(f"{page}: {holder} is not there")
    return wrong


@cache
def known_paths() -> frozenset[str]:
    """Return the files and folders of both trees, and what set-up and a run write."""
    git = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(git, cwd=TEMPLATE, capture_output=True, text=True, check=True).stdout
    files = set()
    for line in listed.splitlines():
        name = re.sub(r"{%.*?%}", "", line.strip('"'))
        name = name.replace("{{cookiecutter.__package_name}}", "penguins")
        files.add(name)
        files.add(name.removeprefix("{{cookiecutter.project_slug}}/"))
    written = re.findall(r"(?:metrics|models|reports|data/prepared)/[\w./]+", read("dvc.yaml"))
    made = ("dvc.lock", "uv.lock", "env.json", "environment/dvc.lock", "MODEL_CARD.md")
    files |= {*written, *made, "reports/scores.csv"}
    folders = {parent.as_posix() for file in files for parent in Path(file).parents}
    return frozenset(files | folders)


def read(name: str) -> str:
    """Return a file of the project."""
    return (PROJECT / name).read_text(encoding="utf-8")


def absent_paths(text: str, own: Iterable[str] = ()) -> list[str]:
    """Return the paths that a text names and that are nowhere; capitals stand for a name."""
    text = re.sub(r"{{ cookiecutter.(__package_name|project_slug) }}", "penguins", text)
    made = re.findall(r"^(?:At the end of )?`([\w./-]+)`[^`\n]*:$", text, re.MULTILINE)
    known = known_paths() | {each.rstrip("/") for each in own} | set(made)
    absent = []
    for name in PATH.findall(text):
        path = name.removeprefix("../").rstrip("/")
        if "*" in path:
            found = any(Path(each).match(path) for each in known)
        else:
            # A folder of the library, or a module of the owner, may go by its own name.
            found = any(each == path or each.endswith(f"/{path}") for each in known)
        stands_for = re.search(r"\b[A-Z]{2,}\b|\.\.\.", path.removesuffix(".md"))
        if not (found or stands_for):
            absent.append(name)
    return absent


def comments(text: str) -> str:
    """Return the comments of YAML as one text."""
    return " ".join(re.findall(r"(?:^|\s)#\s?(.*)", text))


def yaml_files() -> Iterator[Path]:
    """Yield the YAML files of a generated project."""
    for name in ("params", "schema", "sweep", "versions", "dvc", "environment/dvc"):
        yield PROJECT / f"{name}.yaml"


def unlisted_codes(texts: Pages, codes: Iterable[str]) -> list[str]:
    """Return each exit code that is not among those of the table."""
    wrong = {f"{page}: {code}" for page, text in texts.items() for code in CODES.findall(text)}
    return sorted(each for each in wrong if each.rpartition(" ")[2] not in set(codes))


def table_of_codes(text: str) -> dict[str, str]:
    """Return code -> meaning of the table of exit codes."""
    table = text.partition("## Exit codes")[2]
    return dict(re.findall(r"^\| (\d+) \| ([^|]+) \|", table, re.MULTILINE))


def blocks_with_output(text: str) -> list[str]:
    """Return the first line of each block that shows what a command prints."""
    blocks = re.findall(r"```(?:text|console)\n(.*?)```", text, re.DOTALL)
    shown = [block.splitlines() for block in blocks if TABLE.search(block)]
    return [lines[0] for lines in shown]
