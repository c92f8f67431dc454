"""From a branch to a deployed model and back, with the jobs of each provider's own file.

Each job of GitHub and GitLab runs, and of Jenkins those of a branch, a version and a stage. What a
job does when it runs again is the same command at all of them: GitHub's story has that. With LONG=1
all have all.

Git and S3 are real. The interface of the provider (comments, releases, started workflows) is a
stand-in on this machine that keeps what it was asked: see servers.py and ci_runners.py.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ci_runners import RUNNERS, GitHub, Job
from ci_team import Team, gather
from conftest import Bake, Project, Tool
from helpers import LONG, QUICK, Copy, own_environment, sha256
from servers import S3, serve_api

pytestmark = pytest.mark.slow


def succeeded(job: Job) -> Job:
    """Return a job that ended well."""
    assert job.code == 0, job.output
    return job


@pytest.fixture(scope="module")
def quick(s3_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The commit that every team starts from: a small model of LightGBM, added as the docs say."""
    project = own_environment(s3_project, tmp_path_factory.mktemp("quick") / "penguins")
    project.run("uv", "add", "--quiet", "lightgbm")
    copy = Copy(project.path, project)
    copy.set_params({**QUICK, "train.estimator": "lightgbm.LGBMClassifier"})
    copy.repro()
    copy.commit("A small model")
    return copy


@pytest.mark.timeout(3600)  # a dozen jobs, of which one rebuilds a version
@pytest.mark.parametrize("provider", RUNNERS)
def test_from_a_branch_to_a_deployed_model_and_back(
    quick: Copy, bake: Bake, s3: S3, tool: Tool, tmp_path: Path, provider: str
) -> None:
    with serve_api() as api:
        team = gather(quick, bake, provider, tmp_path, s3, tool, api)
        whole = LONG or provider == "github"
        review(team, twice=whole)
        deliver(team)
        if LONG or provider != "jenkins":
            promoted = train(team)
            if whole:
                back_and_forth(team, promoted)


def review(team: Team, twice: bool) -> None:
    api = team.runner.api

    # A branch with another param: its checks, its report, and perhaps a second one, which replaces
    # the comment.
    team.run("git", "switch", "--quiet", "--create", "change")
    team.change("More trees", {"train.arguments.n_estimators": 8})
    reported = succeeded(team.job("report", "change"))
    said = reported.file("reports/ci/report.md")
    # Jenkins runs both for a pull request.
    both = "check" in reported.ran
    done = reported if both else succeeded(team.job("check", "change"))
    checked = done.output
    if not isinstance(team.runner, GitHub):  # which shows no results of tests
        [results] = done.left.rglob("reports/ci/tests.xml")
        assert "<testcase" in results.read_text(encoding="utf-8")
    for name in (
        "lint",
        "types",
        "imports",
        "tests",
        "dvc.lock",
        "uv.lock",
        "data at DVC's remote",
    ):
        assert re.search(rf"ok +{name}", checked), checked
    row = "| train.arguments.n_estimators | 5    | 8    |"
    assert row in said
    assert row in reported.output  # the summary, which act prints, or the log
    assert "| accuracy " in said
    assert "Gate: open" in said
    assert [c["body"].partition("\n")[2].strip() for c in api.comments] == [said.strip()]
    if twice:
        team.change("Still more trees", {"train.arguments.n_estimators": 9})
        again = succeeded(team.job("report", "change")).file("reports/ci/report.md")
        assert [c["body"].partition("\n")[2].strip() for c in api.comments] == [again.strip()]
    team.merge("change")


def deliver(team: Team) -> None:
    api = team.runner.api

    # The first version, with a release that holds the bytes.
    first = team.tag("register", "-m", "More trees")
    assert first == "model@v1.0.0"
    model = sha256(team.copy.path / "models/model.skops")
    released = succeeded(team.job("release", first))
    files = {name.rsplit("/", 1)[-1]: content for name, content in api.files.items()}
    if not files:  # Jenkins keeps the folder
        files = {
            path.name: path.read_bytes() for path in (released.left / "release" / first).iterdir()
        }
    assert hashlib.sha256(files["model.skops"]).hexdigest() == model
    assert {"VERSION.json", "record.json", "MODEL_CARD.md", "model.skops.sha256"} < files.keys()
    assert list(api.releases) in ([first], [])
    assert succeeded(team.job("deploy", team.tag("promote", "v1", "prod", "-m", "Go"))).code == 0
    assert team.deployed()["version"] == "v1.0.0"


def train(team: Team) -> str:
    """Train, promote and verify; return the tag of the promotion."""
    # A model that CI trains, on a branch of its own, with its objects at S3.
    before = team.s3.objects(team.bucket)
    trained = succeeded(team.job("train", params="train.arguments.n_estimators=12"))
    assert "is pushed" in trained.output
    pushed = team.s3.objects(team.bucket) - before
    [branch] = team.copy.git("ls-remote", "--heads", "origin", "train-*").splitlines()
    team.merge(branch.partition("refs/heads/")[2])
    assert pushed
    assert pushed == team.kept() - before
    second = team.tag("register", "-m", "Twelve trees")
    promoted = team.tag("promote", second.split("@")[1], "prod", "-m", "Better")
    verified = succeeded(team.job("verify"))
    verdicts = json.loads(verified.file("reports/ci/verify.json"))
    assert [(v["version"], v["rebuild"]["verdict"]) for v in verdicts] == [("v1.1.0", "identical")]
    sealed = json.loads(verified.file("reports/ci/seal.json"))
    assert sealed["every"].keys() == set(team.copy.git("tag").splitlines())

    return promoted


def back_and_forth(team: Team, promoted: str) -> None:
    succeeded(team.job("deploy", promoted))
    assert team.deployed()["version"] == "v1.1.0"

    # Back, and nothing undoes that: the job of the earlier tag, run again, is refused.
    back = team.tag("rollback", "-m", "Slow")
    succeeded(team.job("deploy", back))
    assert team.deployed()["version"] == "v1.0.0"
    refused = team.job("deploy", promoted)
    assert refused.code != 0
    assert f"{back} (v1.0.0) came after it" in refused.output.replace("\n", " ")

    # And forth.
    succeeded(team.job("deploy", team.tag("promote", "v1.1", "prod", "-m", "Fixed")))
    deployed = team.deployed()
    assert deployed["version"] == "v1.1.0"
    assert deployed["stage_tag"] == "model#prod#4"
    assert deployed["bytes"] == (team.copy.path / "models/model.skops").read_bytes()


@pytest.fixture(scope="module")
def team(
    quick: Copy,
    bake: Bake,
    s3: S3,
    tool: Tool,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Team]:
    """A team at GitHub whose bucket is not the story's."""
    with serve_api() as api:
        folder = tmp_path_factory.mktemp("review")
        yield gather(quick, bake, "github", folder, s3, tool, api, bucket="models-none")


def test_a_worse_model_fails_the_gate(team: Team) -> None:
    team.run("git", "switch", "--quiet", "--create", "worse", "main")
    team.change("One leaf", {"train.arguments": {"n_estimators": 1, "min_child_samples": 250}})
    job = team.job("report", "worse")
    assert job.code != 0
    said = job.file("reports/ci/report.md")
    assert "**Gate: SHUT**" in said
    assert "worse by more than the margin" in said
    assert [comment["body"].count("SHUT") for comment in team.runner.api.comments] == [1]


def test_a_stale_lock_fails_the_check_and_is_told_in_the_report(team: Team) -> None:
    team.run("git", "switch", "--quiet", "--create", "stale", "main")
    team.change("No run", {"train.arguments.n_estimators": 6}, reproduce=False)
    job = team.job("check", "stale")
    assert job.code != 0
    assert re.search(
        r"WRONG +dvc\.lock\s.*train\.arguments\.n_estimators was 5, is 6", job.output, re.S
    )
    assert "ok     types" in job.output  # the others are told as well
    said = succeeded(team.job("report", "stale")).file("reports/ci/report.md")
    assert "**dvc.lock is stale**" in said
    assert "- train: params.yaml: train.arguments.n_estimators was 5, is 6" in said
    assert "Gate: open" in said  # of the run that the report made


def test_a_fork_has_no_secrets_and_gets_the_summary(team: Team) -> None:
    team.run("git", "switch", "--quiet", "--create", "fork", "main")
    team.change("More trees", {"train.arguments.n_estimators": 7})
    team.runner.api.refuses = True
    fork = replace(team, runner=replace(team.runner, trusted=False))
    job = succeeded(fork.job("report", "fork"))
    team.runner.api.refuses = False
    assert "Gate: not asked" in job.output  # act prints the summary
    assert "| train.arguments.n_estimators | 5    | 7    |" in job.file("reports/ci/report.md")
    assert "gets no credentials" in job.output
    assert "no comment was written" in job.output
