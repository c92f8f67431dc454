"""Two clones that release at once: one wins, the other is told, and both know the same after."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import LONG, in_long_form
from releases import Released, copied
from rivals import Rival, rival

ROUNDS = 50 if LONG else 5
AHEAD = ["somebody else was first", "is in 'staging' already"]


@pytest.fixture(scope="module")
def pair(
    two_versions: Released, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Rival, Rival]]:
    one = copied(two_versions, tmp_path_factory.mktemp("races") / "all")
    other = cloned(one, "other")
    with rival(one) as first, rival(other) as second:
        yield first, second


def cloned(source: Released, name: str) -> Released:
    """Clone the Git remote to a folder beside it."""
    folder = source.path.parent / name
    source.run("git", "clone", "--quiet", "../origin.git", str(folder))
    return Released(folder, source.project)


def race(pair: tuple[Rival, Rival], *command: str) -> tuple[Rival, str]:
    """Run a command in both at once; return the winner, and what the other is told."""
    for each in pair:
        each.start(*command)
    ends = [each.end() for each in pair]
    assert sorted(code for code, _ in ends) == [0, 2], ends
    won = [code for code, _ in ends].index(0)
    return pair[won], ends[1 - won][1].partition("error: ")[2]


def events(pair: tuple[Rival, Rival]) -> list[dict[str, Any]]:
    """Return the history that both have after a fetch, oldest first."""
    for each in pair:
        each.clone.run("git", "fetch", "--quiet", "--tags")
        each.start("history", "--json")
    histories = [each.end() for each in pair]
    assert histories[0] == histories[1]
    events: list[dict[str, Any]] = json.loads(histories[0][1])
    return events[::-1]


def test_of_two_clones_exactly_one_wins_each_time(pair: tuple[Rival, Rival]) -> None:
    before, wins, pushed = events(pair), [0, 0], 0
    for number in range(ROUNDS):
        version = f"v1.{number % 2}.0"
        back = ("rollback", "staging", "--to", version)
        command = back if number % 4 > 1 else ("promote", version, "staging")
        winner, told = race(pair, *command, "-m", f"Round {number}")
        assert any(words in told for words in AHEAD), told
        pushed += AHEAD[0] in told
        wins[pair.index(winner)] += 1

        after = events(pair)
        assert after[:-1] == before
        assert (after[-1]["version"], after[-1]["event"]) == (version, command[0])
        before = after
    print(f"{ROUNDS} rounds: won by {wins}; {pushed} decided by the push")
    assert pushed, "the two never met at the Git remote"
    counters = [int(event["tag"].split("#")[2]) for event in before if event["stage"]]
    assert counters == list(range(1, len(counters) + 1)), "a gap"
    dates = [event["when"] for event in before]
    assert dates == sorted(set(dates))


def test_of_two_clones_one_registers_a_number(pair: tuple[Rival, Rival]) -> None:
    """Each has a commit of its own, whose model is that of v1.1.0."""
    for each in pair:
        message = f"A commit of {each.clone.path.name}"
        each.clone.run("git", "commit", "--quiet", "--allow-empty", "--message", message)
        each.clone.run("dvc", "pull", "--quiet")
    before = events(pair)
    winner, told = race(pair, "register", "-m", "Mine")
    # Told by the push, or by the look at the Git remote right before it.
    assert "somebody else was first" in told
    assert "model@v1.2.0" in told
    after = events(pair)
    assert after[:-1] == before
    assert after[-1]["version"] == "v1.2.0"
    assert winner.clone.git("rev-parse", "HEAD") == winner.clone.git("rev-parse", "model@v1.2.0~0")


@in_long_form
def test_in_one_folder_without_a_git_remote_one_wins(
    two_versions: Released, tmp_path: Path
) -> None:
    one = copied(two_versions, tmp_path / "all")
    one.run("git", "remote", "remove", "origin")
    with rival(one) as first, rival(one) as second:
        for number in range(10 if LONG else 2):
            version = f"v1.{number % 2}.0"
            winner, told = race((first, second), "promote", version, "staging", "-m", "Why")
            assert any(words in told for words in AHEAD), told
            history = json.loads(winner.model("history", "--json"))
            assert (history[0]["version"], history[0]["tag"]) == (
                version,
                f"model#staging#{number + 4}",
            )
