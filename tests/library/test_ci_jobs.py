"""Jobs without a provider: what each tells, refuses and leaves in files."""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from semver import Version as Number

from mlrepo.ci import check, release, report, verify
from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git as pipeline_git
from mlrepo.versions import fetch as versions_fetch
from mlrepo.versions import verify as proofs
from mlrepo.versions.gate import verdict
from mlrepo.versions.registry import Assignment, Registry, Version
from mlrepo.versions.tags import Tag

from .conftest import PROJECT, render_yaml
from .repository import commit, git

SCORES = "slice,value,rows,metric,estimate,low,high\n,,83,accuracy,0.9,0.85,0.95\n"
VERDICT = {"verdict": "pass"}


def tag(name: str) -> Tag:
    made = Tag(name, "1" * 40, "c" * 40, name, datetime.now(UTC), "me", "notes")
    vars(made)["message"] = "notes"
    return made


def registry() -> Registry:
    """v1 and v2 came into prod one after the other; v1 is bad by now."""
    one, two = (Version(Number(n), tag(f"model@v{n}.0.0")) for n in (1, 2))
    events = [("prod", one), ("prod", two), ("deprecated", one)]
    assigned = [
        Assignment(n, stage, version, tag(f"model#{stage}#{n}"))
        for n, (stage, version) in enumerate(events, 1)
    ]
    return Registry("model", {one.number: one, two.number: two}, assigned)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in Git with two versions, at no provider, as the current folder."""
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_SHA", "GITHUB_REPOSITORY", "CI_API_V4_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    pipeline_git.folder_in_repository.cache_clear()
    git("init", "--quiet", "--initial-branch=main")
    render_yaml("dvc.yaml", "versions.yaml", "params.yaml")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/scores.csv").write_text(SCORES, encoding="utf-8")
    commit()
    monkeypatch.setattr(Registry, "load", lambda _: registry())
    return tmp_path


@pytest.fixture
def page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page of the job, as GitHub has one."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "page.md"))
    return folder / "page.md"


# check


def checks(monkeypatch: pytest.MonkeyPatch, **results: Callable[[], list[str]]) -> None:
    """Let checks come to other results than their own."""
    every: dict[str, Callable[..., list[str]]] = {
        name: (lambda *_: []) for name in ("_tool", "_lock", "_packages", "_pushed")
    }
    for name, result in (every | results).items():
        monkeypatch.setattr(check, name, result)


def test_every_check_is_told_whatever_the_others_say(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> list[str]:
        raise ProjectError("dvc.lock is broken")

    checks(monkeypatch, _lock=broken, _pushed=lambda: ["a is not there", "b is not there"])
    assert not check.check()
    said = capsys.readouterr().out
    assert "WRONG  dvc.lock\n  dvc.lock is broken\n" in said
    assert "ok     uv.lock\n" in said
    assert "WRONG  data at DVC's remote\n  a is not there\n  b is not there\n" in said
    written = page.read_text(encoding="utf-8")
    assert "| dvc.lock             | dvc.lock is broken             |" in written
    assert "| data at DVC's remote | a is not there; b is not there |" in written


def test_what_cannot_be_checked_here_is_no_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pushed = check._pushed
    checks(monkeypatch, _pushed=pushed)
    monkeypatch.setattr(check, "shut_out", lambda: "no key")
    assert check.check()
    assert "skipped  data at DVC's remote: no key\n" in capsys.readouterr().out


def test_a_tool_that_fails_is_named_as_it_is_typed() -> None:
    [said] = check._tool("ruff", "check", "no-such-file")
    assert said == "`uv run ruff check no-such-file` ended with exit code 1: see what it says above"
    assert check._tool("ruff", "--version") == []
    assert check._tool("no-such-tool") == ["no-such-tool is not installed: `uv sync` installs it"]


# report


def ask(
    monkeypatch: pytest.MonkeyPatch,
    *,
    closed: str = "",
    passed: bool = True,
    ran: tuple[str, ...] = (),
    stale: tuple[str, ...] = (),
) -> list[Any]:
    """Let the pipeline and the gate answer so; return what the gate was asked."""
    asked: list[Any] = []

    def compare_here(model: str, champion: object, _: object) -> dict[str, Any]:
        asked.append((model, champion))
        return VERDICT

    monkeypatch.setattr(report, "shut_out", lambda: closed)
    monkeypatch.setattr(report, "_stale", lambda: list(stale))
    monkeypatch.setattr(report, "transfer", lambda *_, **__: None)
    monkeypatch.setattr(report, "_reproduce", lambda: list(ran))
    monkeypatch.setattr(verdict, "compare_here", compare_here)
    monkeypatch.setattr(verdict, "describe", lambda _: "what the gate says")
    monkeypatch.setattr(verdict, "opens", lambda *_: passed)
    return asked


@pytest.mark.parametrize("passed", [True, False])
def test_the_gate_decides_and_the_report_shows_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, passed: bool
) -> None:
    asked = ask(monkeypatch, passed=passed, ran=("train",))
    assert report.report("model", None) is passed
    [(model, champion)] = asked
    assert (model, champion.name) == ("model", "v2.0.0")  # what is in the last stage
    written = Path("reports/ci/report.md").read_text(encoding="utf-8")
    assert (
        f"**Gate: {'open' if passed else 'SHUT'}**\n\n```text\nwhat the gate says\n```" in written
    )
    assert "Run again, as DVC's remote lacked their outputs: train." in written


def test_without_a_version_the_model_is_compared_with_the_base(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = git("rev-parse", "HEAD")
    git("switch", "--quiet", "--create", "change")
    Path("more").touch()
    commit()
    asked = ask(monkeypatch)
    monkeypatch.setattr(Registry, "load", lambda _: Registry("model", {}, []))
    report.report("model", "main")
    assert asked == [("model", base)]


def test_a_fork_gets_what_git_knows_and_fails_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ask(monkeypatch, closed="no key", stale=("train: code changed",))
    assert report.report("model", None)
    assert asked == []
    written = Path("reports/ci/report.md").read_text(encoding="utf-8")
    assert "**Gate: not asked**" in written
    assert "**dvc.lock is stale**, so this commit holds another model" in written
    assert "What follows is of the run made here" not in written
    assert "| accuracy | 0.9000 (0.850 to 0.950) | 0.9000 (0.850 to 0.950) | +0.0000 |" in written
    assert written in capsys.readouterr().out  # there is no page


def test_a_branch_that_is_not_here_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ask(monkeypatch)
    monkeypatch.setattr(Registry, "load", lambda _: Registry("model", {}, []))
    assert report.report("model", "gone")
    assert asked == [("model", None)]
    written = Path("reports/ci/report.md").read_text(encoding="utf-8")
    assert "against nothing: no gone is here" in written
    assert "0.9000 (0.850 to 0.950)" in written


# deploy, release


def test_only_the_newest_of_a_stage_is_deployed(folder: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        release.deploy("model#prod#1", None)
    assert "promote model#prod#2 (v2.0.0) came after it" in str(caught.value)
    assert "`model ci deploy 'model#prod#2'` does what is due" in str(caught.value)


def test_a_job_deploys_to_its_own_stage_alone(folder: Path) -> None:
    with pytest.raises(ProjectError, match="this job deploys to 'staging'"):
        release.deploy("model#prod#2", "staging")


def test_a_stage_that_was_emptied_is_not_filled_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def emptied() -> Registry:
        before = registry()
        name, version = "model#prod!#4", before.assignments[1].version
        end = replace(tag(name), claims={"action": "retire"}, stage="prod", counter=4)
        last = Assignment(4, "prod", version, end)
        return replace(before, assignments=[*before.assignments, last])

    monkeypatch.setattr(Registry, "load", lambda _: emptied())
    Path("deploy.py").write_text("raise SystemExit('it was called')", encoding="utf-8")
    assert release.deploy("model#prod!#4", "prod")
    assert "model#prod!#4 empties 'prod': that deploys nothing. Stop" in capsys.readouterr().out
    with pytest.raises(ProjectError, match=r"now: retire model#prod!#4 \(v2\.0\.0\) came after it"):
        release.deploy("model#prod#2", "prod")


def test_a_mark_deploys_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.deploy("model#deprecated#3", None)
    assert "that deploys nothing" in capsys.readouterr().out


def test_an_unknown_tag_is_told(folder: Path) -> None:
    with pytest.raises(ProjectError, match="model#prod#9 is no stage tag here"):
        release.deploy("model#prod#9", None)
    with pytest.raises(ProjectError, match=r"model@v9\.0\.0 is no version here"):
        release.release("model@v9.0.0")


@pytest.mark.parametrize(
    "job", [lambda: release.deploy("model#prod#2", None), lambda: release.release("model@v2.0.0")]
)
def test_what_does_not_hold_is_handed_to_nobody(
    page: Path, monkeypatch: pytest.MonkeyPatch, job: Callable[[], bool]
) -> None:
    found = {"model": ["models/model.skops was changed"], "commit": []}
    monkeypatch.setattr(proofs, "verify", lambda *_, **__: proofs.Proof(None, found, None, {}, []))  # type: ignore[arg-type]
    Path("deploy.py").touch()
    assert not job()
    assert "## model@v2.0.0 DOES NOT HOLD" in page.read_text(encoding="utf-8")
    assert not Path("release").exists()


def test_the_step_of_the_team_gets_the_proven_files(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "import pathlib, sys\nif sys.argv[1:]: pathlib.Path('seen').write_bytes(pathlib.Path("
    script += "sys.argv[1], 'VERSION.json').read_bytes()); sys.exit(sys.argv[2] != 'prod')"
    Path("deploy.py").write_text(script, encoding="utf-8")
    hand_over(monkeypatch)
    assert release.deploy("model#prod#2", "prod")
    facts = json.loads(Path("seen").read_text(encoding="utf-8"))
    assert facts == {"version": "v2.0.0", "stage": "prod", "stage_tag": "model#prod#2"}
    assert "v2.0.0 is deployed to 'prod' (model#prod#2)" in page.read_text(encoding="utf-8")


def test_a_step_that_fails_fails_the_job(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("deploy.py").write_text("import sys; sys.exit(len(sys.argv) - 1)", encoding="utf-8")
    hand_over(monkeypatch)
    with pytest.raises(ProjectError, match=r"deploy\.py failed, so v2\.0\.0 is not in 'prod'"):
        release.deploy("model#prod#2", None)


def test_without_a_target_nothing_is_proven_or_fetched(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(PROJECT / "deploy.py", ".")
    monkeypatch.delenv("DEPLOY_TARGET", raising=False)
    monkeypatch.setattr(release, "_holds", lambda *_: pytest.fail("it was proven"))
    with pytest.raises(ProjectError, match=r"deploy\.py says that it cannot deploy"):
        release.deploy("model#prod#2", None)
    assert "DEPLOY_TARGET is not set: give it a folder" in capfd.readouterr().err


def hand_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let versions hold, and fetch nothing but VERSION.json."""

    def fetch(version: Version, folder: Path, _: object) -> Path:
        text = json.dumps({"version": version.name})
        (folder / "VERSION.json").write_text(text, encoding="utf-8")
        return folder / "model.skops"

    monkeypatch.setattr(release, "_holds", lambda *_: True)
    monkeypatch.setattr(release, "Store", object)
    monkeypatch.setattr(versions_fetch, "fetch", fetch)


# verify

ANSWER: dict[str, Any] = {"rebuild": {"verdict": "identical"}, "emergencies": []}
REBUILT = {"version": "v2.0.0", "ok": True, "checks": {}, **ANSWER}


def rebuild(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    """Let `model verify --rebuild` print an answer."""
    code = f"print({json.dumps(answer)!r})" if answer else "raise SystemExit(2)"
    program = Path("verify-stand-in")
    program.write_text(f"#!{sys.executable}\n{code}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program.resolve()))


def test_what_is_in_the_last_stage_is_made_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rebuild(monkeypatch, REBUILT)
    assert verify.verify("model", [], every=False)
    [found] = json.loads(Path("reports/ci/verify.json").read_text(encoding="utf-8"))
    assert found == {"stage": "prod", "tag": "model#prod#2", **REBUILT}
    assert "| prod  | v2.0.0  | identical |" in capsys.readouterr().out


def test_one_that_differs_fails_and_says_why(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = {"commit": ["dvc.lock has other files"]}
    rebuild(monkeypatch, {**REBUILT, "ok": False, "checks": checks, "rebuild": None})
    assert not verify.verify("model", ["prod"], every=False)
    assert "not rebuilt; dvc.lock has other files" in capsys.readouterr().out


def test_an_emergency_is_told_each_night(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = {"state": "emergency", "stage": "prod", "by": ["Di"], "reason": "It burns"}
    rebuild(monkeypatch, {**REBUILT, "emergencies": [done]})
    assert verify.verify("model", [], every=False)
    told = "| identical; EMERGENCY in prod by Di, not approved yet: It burns |"
    assert told in capsys.readouterr().out


def test_an_empty_stage_is_no_failure_and_an_unknown_one_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rebuild(monkeypatch, REBUILT)
    assert verify.verify("model", [], every=True)
    assert "Nothing is in 'staging', so there is nothing to verify." in capsys.readouterr().out
    with pytest.raises(ProjectError, match="'prd' is no stage"):
        verify.verify("model", ["prd"], every=False)


def test_a_rebuild_that_cannot_be_made_says_nothing_of_the_version(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebuild(monkeypatch, None)
    with pytest.raises(ProjectError, match=r"`model verify prod .*did not come to a verdict"):
        verify.verify("model", [], every=False)
