"""From a branch to a deployed model and back, with the jobs of each provider's own file.

Git and S3 are real. The interface of the provider (comments, releases, started workflows) is a
stand-in on this machine that keeps what it was asked: see servers.py and ci_runners.py.
"""

import hashlib
import json
from pathlib import Path

import pytest
from ci_runners import RUNNERS, Job
from ci_team import Team, gather
from conftest import Bake, Project, Tool
from helpers import sha256
from servers import S3, serve_api

pytestmark = pytest.mark.slow


def succeeded(job: Job) -> Job:
    """Return a job that ended well."""
    assert job.code == 0, job.output
    return job


@pytest.mark.parametrize("provider", RUNNERS)
def test_from_a_branch_to_a_deployed_model_and_back(
    s3_project: Project, bake: Bake, s3: S3, tool: Tool, tmp_path: Path, provider: str
) -> None:
    with serve_api() as api:
        deliver(gather(s3_project, bake, provider, tmp_path, s3, tool, api))


def deliver(team: Team) -> None:
    api = team.runner.api

    # A branch with another param, its report, and a second one, which replaces the comment.
    team.run("git", "switch", "--quiet", "--create", "change")
    team.change("More trees", {"train.arguments.n_estimators": 8})
    said = succeeded(team.job("report", "change")).file("reports/ci/report.md")
    assert "| train.arguments.n_estimators | 5    | 8    |" in said
    assert "| accuracy " in said
    assert "Gate: open" in said
    assert [c["body"].partition("\n")[2].strip() for c in api.comments] == [said.strip()]
    team.change("Still more trees", {"train.arguments.n_estimators": 9})
    again = succeeded(team.job("report", "change")).file("reports/ci/report.md")
    assert [c["body"].partition("\n")[2].strip() for c in api.comments] == [again.strip()]
    assert len(api.comments) == 1
    team.merge("change")

    # The first version, with a release that holds the bytes.
    first = team.tag("register", "-m", "Nine trees")
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

    # A model that CI trains, on a branch of its own, with its objects at S3.
    before = team.s3.objects(team.bucket)
    trained = succeeded(team.job("train", params="train.arguments.n_estimators=12"))
    assert "is pushed" in trained.output
    assert team.s3.objects(team.bucket) > before
    [branch] = team.copy.git("ls-remote", "--heads", "origin", "train-*").splitlines()
    team.merge(branch.partition("refs/heads/")[2])
    second = team.tag("register", "-m", "Twelve trees")
    promoted = team.tag("promote", second.split("@")[1], "prod", "-m", "Better")
    succeeded(team.job("deploy", promoted))
    assert team.deployed()["version"] == "v1.1.0"
    verdicts = json.loads(succeeded(team.job("verify")).file("reports/ci/verify.json"))
    assert [(v["version"], v["rebuild"]["verdict"]) for v in verdicts] == [("v1.1.0", "identical")]

    # Back, and nothing undoes that: the job of the earlier tag, run again, is refused.
    back = team.tag("rollback", "-m", "Slow")
    succeeded(team.job("deploy", back))
    assert team.deployed()["version"] == "v1.0.0"
    refused = team.job("deploy", promoted)
    assert refused.code != 0
    assert f"{back} (v1.0.0) came after it" in refused.output.replace("\n", " ")

    # And forth.
    succeeded(team.job("deploy", team.tag("promote", "v1.1", "prod", "-m", "Mended")))
    deployed = team.deployed()
    assert deployed["version"] == "v1.1.0"
    assert deployed["stage_tag"] == "model#prod#4"
    assert deployed["bytes"] == (team.copy.path / "models/model.skops").read_bytes()
