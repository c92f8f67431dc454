"""The jobs of each provider's own file, in a project of two models."""

import json
from pathlib import Path

import pytest
from ci_runners import RUNNERS, Job
from ci_team import Team, gather
from conftest import Bake, Project, Tool
from helpers import QUICK, Copy, in_long_form, quick_project
from servers import S3, serve_api

pytestmark = [pytest.mark.slow, in_long_form]


@pytest.fixture(scope="module")
def quick(s3_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return quick_project(s3_project, tmp_path_factory.mktemp("quick") / "penguins")


def succeeded(job: Job) -> Job:
    assert job.code == 0, job.output
    return job


def change(team: Team, message: str, trees: int) -> None:
    """Change the second model alone, reproduce, commit and push."""
    folder = Copy(team.copy.path / "fraud", team.copy.project)
    folder.set_params({**QUICK, "train.arguments.n_estimators": trees, "data.target": "species"})
    team.run("dvc", "repro", "--quiet", "--all-pipelines")
    team.run("git", "add", "--all")
    team.run("git", "commit", "--quiet", "--message", message)
    team.run("git", "push", "--quiet", "--set-upstream", "origin", "HEAD")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("provider", RUNNERS)
def test_each_job_serves_both(
    quick: Copy, bake: Bake, s3: S3, tool: Tool, tmp_path: Path, provider: str
) -> None:
    with serve_api() as api:
        team = gather(quick, bake, provider, tmp_path, s3, tool, api)
        team.run("model", "add", "fraud")
        change(team, "A second model", 5)
        team.run("git", "switch", "--quiet", "--create", "change")
        change(team, "More trees", 8)
        reported = succeeded(team.job("report", "change"))
        first, second = reported.file("reports/ci/report.md").split("## Model fraud ")
        assert first.startswith("## Model model ")
        assert "| train.arguments.n_estimators | 5    | 8    |" in second
        assert "n_estimators" not in first
        done = reported if "check" in reported.ran else succeeded(team.job("check", "change"))
        for name in ("types of fraud", "model: dvc.lock", "fraud: dvc.lock", "tests"):
            assert f"ok     {name}" in done.output, done.output
        team.merge("change")

        version = team.tag("register", "-m", "More trees", "--model", "fraud")
        assert version == "fraud=fraud@v1.0.0"
        succeeded(team.job("release", version))
        assert list(api.releases) in ([version], [])
        promoted = team.tag("promote", "v1", "prod", "-m", "Go", "--model", "fraud")
        succeeded(team.job("deploy", promoted))
        place = Path(team.runner.environment["DEPLOY_TARGET"], "fraud/prod/VERSION.json")
        assert json.loads(place.read_text(encoding="utf-8"))["stage_tag"] == promoted

        verified = succeeded(team.job("verify"))
        [verdict] = json.loads(verified.file("reports/ci/verify.json"))
        assert (verdict["tag"], verdict["rebuild"]["verdict"]) == (promoted, "identical")
        if provider != "jenkins":  # whose job train is the same command
            params = "fraud/params.yaml:train.arguments.n_estimators=12"
            trained = succeeded(team.job("train", params=params))
            assert "is pushed" in trained.output
            [branch] = team.copy.git("ls-remote", "--heads", "origin", "train-*").splitlines()
            team.merge(branch.partition("refs/heads/")[2])
            changed = team.copy.git("diff", "--name-only", "HEAD~1").splitlines()
            assert "fraud/dvc.lock" in changed
            assert "dvc.lock" not in changed
