"""The life of a model: every reader of its tags tells the same, at every step."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from helpers import sha256
from releases import Released, copied, refused

STAGES = ("staging", "prod")
# v2 has a column more, so that without an id its rows are dealt anew. Most of its test rows taught
# the old one, and are left out: what remains is too few for the gate to tell.
EVENTS = [
    ("promote", "v1", "staging", "-m", "To try it"),
    ("promote", "v1", "prod", "-m", "It is good"),
    ("promote", "v1.1", "prod", "-m", "It is better"),
    ("promote", "v2", "staging", "-m", "To try it as well"),
    ("promote", "v2", "prod", "-m", "It knows the wing"),
    ("rollback", "-m", "It does not know the wing"),
    ("promote", "v1", "prod", "-m", "The quiet one"),
]
IN_STAGES = [
    {"staging": "v1.0.0"},
    {"staging": "v1.0.0", "prod": "v1.0.0"},
    {"staging": "v1.0.0", "prod": "v1.1.0"},
    {"staging": "v2.0.0", "prod": "v1.1.0"},
    {"staging": "v2.0.0", "prod": "v2.0.0"},
    {"staging": "v2.0.0", "prod": "v1.1.0"},
    {"staging": "v2.0.0", "prod": "v1.0.0"},
]


@dataclass(frozen=True)
class Told:
    """What was said after an event: by `model`, by GTO, and by DVC as the SHA-256 of the model."""

    show: Any
    history: Any
    gto_show: Any
    gto_history: Any
    delivered: dict[str, str]


@pytest.fixture(scope="module")
def lived(three_versions: Released, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """Where the events happen."""
    return copied(three_versions, tmp_path_factory.mktemp("lived") / "copy")


@pytest.fixture(scope="module")
def told(lived: Released, tmp_path_factory: pytest.TempPathFactory) -> list[Told]:
    """What every reader says after each of the events."""
    said = []
    for number, event in enumerate(EVENTS):
        lived.model(*event)
        delivered = {}
        for stage in STAGES if number else STAGES[:1]:
            out = tmp_path_factory.mktemp("delivered") / "model.skops"
            get = ("dvc", "artifacts", "get", ".", "model", "--stage", stage, "-o", str(out))
            lived.run(*get)
            delivered[stage] = sha256(out)
        said.append(
            Told(
                lived.json("show"),
                lived.json("history"),
                json.loads(lived.run("gto", "show", "--json").stdout),
                json.loads(lived.run("gto", "history", "--json").stdout),
                delivered,
            )
        )
    return said


@pytest.fixture
def copy(lived: Released, told: list[Told], tmp_path: Path) -> Released:
    return copied(lived, tmp_path / "copy")


def test_show_says_what_is_in_each_stage_at_every_step(told: list[Told]) -> None:
    for step, expected in zip(told, IN_STAGES, strict=True):
        assert {stage: row["version"] for row in step.show for stage in row["stages"]} == expected
        assert [row["version"] for row in step.show] == ["v2.0.0", "v1.1.0", "v1.0.0"]
        assert [row["notes"] for row in step.show][1:] == ["New rows", "The first one"]


def test_gto_shows_the_same_at_every_step(told: list[Told]) -> None:
    for step, expected in zip(told, IN_STAGES, strict=True):
        assert step.gto_show["model"]["version"] == "v2.0.0"
        assert step.gto_show["model"]["stage"] == expected


def test_history_tells_every_event_as_gto_does(told: list[Told]) -> None:
    for number, step in enumerate(told):
        events = [(row["event"], row["version"], row["stage"]) for row in step.history]
        latest = [
            (event[0], expected[stage], stage)
            for event, expected in zip(EVENTS, IN_STAGES, strict=True)
            for stage in ["prod" if event[0] == "rollback" else event[2]]
        ][number::-1]
        assert events == [
            *latest,
            ("register", "v2.0.0", ""),
            ("register", "v1.1.0", ""),
            ("register", "v1.0.0", ""),
        ]
        assert [(row["tag"], row["version"], row["stage"] or None) for row in step.history] == [
            (event["ref"], event["version"], event["stage"]) for event in step.gto_history
        ]
        why = [row["why"] for row in step.history]
        assert why[: number + 1] == [event[-1] for event in EVENTS[number::-1]]


def test_dvc_delivers_the_model_of_each_stage_at_every_step(
    lived: Released, told: list[Told]
) -> None:
    digests = {v: lived.record(v)["artifact"]["sha256"] for v in ("v1.0.0", "v1.1.0", "v2.0.0")}
    assert len(set(digests.values())) == 3
    for step, expected in zip(told, IN_STAGES, strict=True):
        assert step.delivered == {stage: digests[v] for stage, v in expected.items()}


def moments(told: list[Told], stage: str) -> list[tuple[datetime, str]]:
    """Return when what came into a stage, oldest first."""
    rows = [row for row in told[-1].history if row["stage"] == stage]
    return [(datetime.fromisoformat(row["when"]), row["version"]) for row in reversed(rows)]


def was(lived: Released, date: str, stage: str, **variables: str) -> str | None:
    rows = lived.json("at", date, stage, **variables)
    return rows[0]["version"] if rows else None


@pytest.mark.parametrize("stage", STAGES)
def test_at_answers_right_in_every_interval(lived: Released, told: list[Told], stage: str) -> None:
    events, second = moments(told, stage), timedelta(seconds=1)
    assert was(lived, (events[0][0] - second).isoformat(), stage) is None
    ends = [*(when - second for when, _ in events[1:]), events[-1][0] + timedelta(days=9)]
    for (start, version), end in zip(events, ends, strict=True):
        assert was(lived, start.isoformat(), stage) == version
        assert was(lived, end.isoformat(), stage) == version


@pytest.mark.parametrize(("zone", "hours"), [("EAST-14", 14), ("WEST+12", -12)])
def test_a_day_means_its_end_where_one_is(
    lived: Released, told: list[Told], zone: str, hours: int
) -> None:
    here = timezone(timedelta(hours=hours))
    events = [(when.astimezone(here).date(), version) for when, version in moments(told, "prod")]
    for day in sorted({day for day, _ in events}):
        expected = [version for date, version in events if date <= day][-1]
        assert was(lived, day.isoformat(), "prod", TZ=zone) == expected
    before = events[0][0] - timedelta(days=1)
    assert was(lived, before.isoformat(), "prod", TZ=zone) is None


def test_a_second_rollback_goes_further_back(copy: Released) -> None:
    """And the last one finds nothing that was there before."""
    copy.model("promote", "v2", "prod", "-m", "Once more")
    for version in ("v1.0.0", "v1.1.0", "v1.0.0"):
        done = copy.model("rollback", "-m", "Further back")
        assert done.stdout.startswith(f"{version} is in 'prod' again (model#prod#")
    words = ["no good version was in 'prod' before v1.0.0: name one with --to"]
    refused(copy, "rollback", "-m", "Further back", words=words)
    copy.model("rollback", "--to", "v2", "-m", "Named")
    assert copy.json("show")[0]["stages"] == ["staging", "prod"]


def test_a_version_marked_bad_never_comes_back(copy: Released) -> None:
    copy.model("promote", "v2", "prod", "-m", "Once more")
    copy.model("deprecate", "v1", "-m", "It leaks")
    assert {row["version"]: row["bad"] for row in copy.json("show")} == {
        "v2.0.0": False, "v1.1.0": False, "v1.0.0": True,
    }  # fmt: skip
    done = copy.model("rollback", "-m", "Back")
    assert done.stdout.startswith("v1.1.0 is in 'prod' again")

    bad = ["v1.0.0 is marked bad: It leaks"]
    refused(copy, "rollback", "-m", "Back", words=["no good version was in 'prod' before v1.1.0"])
    refused(copy, "rollback", "--to", "v1", "-m", "Back", words=bad)
    refused(copy, "promote", "v1", "prod", "-m", "Back", words=bad)
    refused(copy, "deprecate", "v1", "-m", "Twice", words=["v1.0.0 is marked bad: It"])
    newest = copy.json("history")[1]
    assert (newest["event"], newest["version"], newest["stage"]) == ("deprecate", "v1.0.0", "")
