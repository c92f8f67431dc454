"""Parts of the page that need no project: addresses, shared values, texts in scripts."""

import json
from typing import Any

import pytest

from mlrepo.page import forge, plot_specs, trials
from mlrepo.page.overview import overview
from mlrepo.page.shared_values import DEPTH, Shared
from mlrepo.page.write_page import _in_script, _json
from mlrepo.pipeline import git as project_git
from mlrepo.versions.registry import Registry

from . import tagging
from .repository import commit, git


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/team/penguins.git", "https://github.com/team/penguins/commit/COMMIT"),
        ("https://me:secret@github.com/team/a", "https://github.com/team/a/commit/COMMIT"),
        ("git@github.com:team/penguins.git", "https://github.com/team/penguins/commit/COMMIT"),
        (
            "ssh://git@gitlab.example.com:2222/a/b/c.git",
            "https://gitlab.example.com/a/b/c/-/commit/COMMIT",
        ),
        ("../origin.git", None),
        ("/srv/git/penguins.git", None),
        ("file:///srv/git/penguins.git", None),
        ("javascript:alert(1)", None),
        ('https://example.com/"><script>', "https://example.com/%22%3E%3Cscript%3E/commit/COMMIT"),
    ],
)
def test_a_commit_is_linked_where_there_is_a_forge(remote: str, address: str | None) -> None:
    assert forge.address(remote) == address


def opened(shared: Shared, place: int, depth: int) -> Any:
    """What data.js does."""
    value = shared.values[place]
    if not depth or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        return [opened(shared, each, depth - 1) for each in value]
    return {key: opened(shared, each, depth - 1) for key, each in value.items()}


def test_versions_share_what_is_equal_and_keep_what_is_not() -> None:
    facts = [
        {
            "compared params": {"train": {"trees": 5}, "data": {"path": "a.csv"}},
            "scores": {"metric": ["roc_auc"], "estimate": [str(n)]},
            "card_text": ["# A model", "", f"Version {n}"],
            "rows": {"total": 344},
            "gate": None if n else 0,
        }
        for n in range(2)
    ]
    shared = Shared()
    places = [shared.take(each) for each in facts]
    found = [
        {key: opened(shared, place, DEPTH.get(key, 0)) for key, place in each.items()}
        for each in places
    ]
    assert json.dumps(found) == json.dumps(facts)
    same = {key for key in places[0] if places[0][key] == places[1][key]}
    assert same == {"compared params", "rows"}


@pytest.mark.parametrize("text", ["</script>", "<!--", "</SCRIPT x", "<script", "\u2028"])
def test_no_text_ends_the_script_that_it_stands_in(text: str) -> None:
    made = _json({text: [text]})
    assert "<" not in made
    assert "\u2028" not in made
    assert json.loads(made) == {text: [text]}
    assert "</script" not in _in_script("a = '</script>'")


def test_a_long_curve_is_thinned_and_a_matrix_is_not() -> None:
    rows = "".join(f"{c},{n / 1000},{n}\n" for c in "ab" for n in range(1000))
    found = plot_specs.columns(f"class,x,y\n{rows}", "curve")
    assert len(found["x"]) == 2 * plot_specs.POINTS
    for name in "ab":
        of_class = [x for x, c in zip(found["x"], found["class"], strict=True) if c == name]
        assert (of_class[0], of_class[-1]) == (0.0, 0.999)
    assert len(plot_specs.columns(f"class,x,y\n{rows}", "matrix")["x"]) == 2000
    assert plot_specs.columns("class,x,y\n", "curve") == {}


@pytest.fixture
def empty(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository with a versions.yaml, as the current folder."""
    monkeypatch.chdir(tmp_path)
    project_git.folder_in_repository.cache_clear()
    git("init", "--quiet")
    from .conftest import PROJECT

    text = (PROJECT / "versions.yaml").read_text(encoding="utf-8")
    (tmp_path / "versions.yaml").write_text(text, encoding="utf-8")
    commit()


@pytest.mark.usefixtures("empty")
def test_what_was_in_a_stage_is_told_of_each_moment() -> None:
    tagging.version("1.0.0")
    tagging.assign("1.0.0", "staging")
    tagging.assign("1.0.0", "prod")
    tagging.assign("1.0.0", "prod", "retire")
    said = overview(Registry.load("model"))
    assert list(said["stages"]) == ["prod", "staging"]  # production first
    assert [each["version"] for each in said["stages"]["prod"]] == ["v1.0.0", ""]
    assert [each["event"] for each in said["events"]] == [
        "retire",
        "promote",
        "promote",
        "register",
    ]
    assert all(each["when"].endswith("+00:00") for each in said["events"])


@pytest.mark.usefixtures("empty")
def test_without_experiments_there_are_none() -> None:
    assert trials.of_all(several=False) == []
