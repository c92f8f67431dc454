"""`model page`: what its DOM says is what the commands say."""

import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import Tool
from helpers import sha256
from page_facts import same_as_at, same_as_diff, same_as_history, same_as_record, same_as_show
from page_in_browser import Visit, by_id
from page_shown import HOSTILE, VERSIONS
from pages import console, section
from pages import page as docs
from releases import Released


def test_nothing_is_wrong_in_the_browser(browsed: dict[str, Visit]) -> None:
    assert {view: visit.wrong for view, visit in browsed.items() if visit.wrong} == {}


def test_the_list_is_that_of_show(shown: Released, browsed: dict[str, Visit]) -> None:
    same_as_show(shown, browsed["#model/versions"])


def test_the_history_is_that_of_history(shown: Released, browsed: dict[str, Visit]) -> None:
    same_as_history(shown, browsed["#model/history"])


@pytest.mark.parametrize("stage", ["prod", "staging"])
def test_the_ruler_says_what_at_says(
    tool: Tool, shown: Released, page: Path, tmp_path: Path, stage: str
) -> None:
    same_as_at(tool, shown, page, tmp_path, stage)


def test_what_differs_is_what_diff_says(shown: Released, browsed: dict[str, Visit]) -> None:
    same_as_diff(shown, browsed["#model/compare/v1.0.0/v1.1.0"], "v1.0.0", "v1.1.0")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_is_what_its_record_says(
    shown: Released, browsed: dict[str, Visit], version: str
) -> None:
    same_as_record(shown, browsed[f"#model/version/{version}"], version)


def test_the_plots_of_a_version_and_of_two_are_drawn(browsed: dict[str, Visit]) -> None:
    for view in ("#model/version/v1.0.0", "#model/compare/v1.0.0/v1.1.0"):
        figures = browsed[view].dom.all("figure")
        assert {each.one("figcaption").text for each in figures} >= {"Confusion matrix"}
        for each in figures:
            assert each.all("svg"), each.text
            assert "cannot be drawn" not in each.text


def test_the_experiments_are_those_of_the_sweep(shown: Released, browsed: dict[str, Visit]) -> None:
    visit = browsed["#model/experiments"]
    rows = by_id(visit, "experiments-table")
    names = shown.git("for-each-ref", "--format=%(refname:lstrip=4)", "refs/exps").split()
    assert sorted(row[0] for row in rows) == names
    heads = [
        each.text for each in visit.dom.one("table", id="experiments-table").all("th", scope="col")
    ]
    [losses] = [[float(row[heads.index("log_loss")]) for row in rows]]
    assert losses == sorted(losses)
    assert len(visit.dom.one("section", id="experiments").all("svg")) == 2


def test_what_is_in_use_says_who_why_and_how_to_get_it(browsed: dict[str, Visit]) -> None:
    prod = browsed[""].dom.one("article", **{"data-stage": "prod"}).text
    said = ("v1.0.0", HOSTILE, "Past the rules", "model get v1.0.0 -o FOLDER")
    for words in (*said, "test rows"):
        assert words in prod
    staging = browsed[""].dom.one("article", **{"data-stage": "staging"}).text
    assert "Somebody has emptied this stage" in staging


def test_the_same_tags_give_the_same_bytes(shown: Released, page: Path) -> None:
    shown.model("page", "-o", "again.html", TZ="America/Lima", LANG="C")
    assert sha256(page) == sha256(shown.path / "again.html")


def test_the_commands_of_its_page(shown: Released) -> None:
    """What stands in page.md, but for --watch, which has a test of its own."""
    typed = console(section(docs("docs/page.md"), "Write it"))
    assert typed == ["uv run model page", "uv run model page --open", "uv run model page --watch"]
    for command in typed[:2]:
        said = shown.model(*command.split()[3:], "-o", "typed.html", BROWSER="true")
        assert re.fullmatch(r"typed.html: \d\.\d MB\n", said.stdout)
        assert said.stderr == ""


def test_it_names_no_place_of_the_machine(shown: Released, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert str(shown.path.parent) not in text
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text.partition('id="vega"')[0])


def test_watch_writes_it_again_when_a_tag_comes(shown: Released) -> None:
    command = ["python", "-u", "-m", "mlrepo.commands", "page", "-o", "seen.html", "--watch"]
    environment = shown.project.active()
    program = shutil.which("python", path=environment["PATH"])
    with subprocess.Popen(
        [str(program), *command[1:]],
        cwd=shown.path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("seen.html: ")
        before = (shown.path / "seen.html").read_bytes()
        assert b"data-watch" in before
        shown.model("note", "v1.1", "-m", "Seen while one works")
        assert child.stdout.readline().startswith("seen.html: ")
        assert b"Seen while one works" in (shown.path / "seen.html").read_bytes()
        child.send_signal(signal.SIGINT)
        assert child.wait() == 130
