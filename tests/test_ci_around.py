"""Around the commands in each provider's file: rights, caches, runners, results, updates."""

import re
from pathlib import Path
from typing import Any

import pytest
from ci_runners import read_yaml
from conftest import TEMPLATE, Bake
from test_ci_files import COMMAND, PARTS, with_remote

# For which a cloud takes the token of a job in place of a key, and whom that token is for.
AUDIENCES = {
    "s3": "sts.amazonaws.com",
    "gs": "https://iam.googleapis.com/$GOOGLE_WORKLOAD_IDENTITY_PROVIDER",
    "azure": "api://AzureADTokenExchange",
}
RESULTS = "reports/ci/tests.xml"  # test_ci_story.py finds it there
CACHE = ".cache/uv"


def jobs(bake: Bake, remote: str) -> dict[str, dict[str, Any]]:
    """Job of GitHub -> what it is."""
    folder = with_remote(bake, "github", remote) / ".github/workflows"
    files = [read_yaml(file)["jobs"] for file in folder.glob("*.yml")]
    return {name: job for file in files for name, job in file.items()}


def calls(job: dict[str, Any]) -> bool:
    """Whether a job calls the project's own command."""
    return any(COMMAND.search(step.get("run", "")) for step in job["steps"])


@pytest.mark.parametrize("remote", PARTS)
def test_github_gives_a_token_to_the_jobs_that_sign_in_with_it(bake: Bake, remote: str) -> None:
    found = jobs(bake, remote)
    given = {name for name, job in found.items() if job["permissions"].get("id-token") == "write"}
    calling = {name for name, job in found.items() if calls(job)}
    assert len(calling) == 7
    # GitHub Pages knows by one what publishes the page.
    assert given == {"publish"} | (calling if remote in AUDIENCES else set())


@pytest.mark.parametrize("remote", PARTS)
def test_gitlab_gives_a_token_to_every_job_for_whom_the_page_says(bake: Bake, remote: str) -> None:
    path = with_remote(bake, "gitlab", remote)
    file = read_yaml(path / ".gitlab-ci.yml")
    signs_in = file["default"].get("id_tokens")
    assert not [name for name, entry in file.items() if name != "default" and "id_tokens" in entry]
    if remote not in AUDIENCES:
        assert signs_in is None
        return
    audience = AUDIENCES[remote]
    assert signs_in == {"ID_TOKEN": {"aud": audience}}
    page = (path / "docs/ci.md").read_text(encoding="utf-8")
    assert f"`{audience.split('$')[-1]}`" in page
    # From where a cloud's library reads it. Jobs with more to do before include the same lines.
    set_up = file["default"]["before_script"]
    assert "printf '%s' \"$ID_TOKEN\" > .uv/id-token" in set_up
    others = {n: e["before_script"] for n, e in file.items() if "before_script" in e}
    assert {name for name, lines in others.items() if lines[-1] == set_up or lines == set_up} == {
        "default",
        ".of-a-tag",
    }
    assert len(others) == 2


@pytest.mark.parametrize("remote", PARTS)
def test_github_sets_up_with_uvs_action_and_prunes_its_cache(bake: Bake, remote: str) -> None:
    for name, job in jobs(bake, remote).items():
        assert job["runs-on"] == "${{ vars.RUNNER || 'ubuntu-latest' }}", name
        used = [step for step in job["steps"] if "astral-sh/setup-uv@" in step.get("uses", "")]
        wanted = [{"version": ">=0.9,<1", "prune-cache": True}] if calls(job) else []
        assert [step["with"] for step in used] == wanted, name
    page = (with_remote(bake, "github", remote) / "docs/ci.md").read_text(encoding="utf-8")
    assert "variable `RUNNER` | a label of the runners that take the jobs" in page


def test_github_is_told_of_newer_actions_and_packages(bake: Bake) -> None:
    updates = read_yaml(bake(ci="github") / ".github/dependabot.yml")["updates"]
    kinds = {each["package-ecosystem"]: each["directory"] for each in updates}
    assert kinds == {"github-actions": "/", "uv": "/"}
    assert all(each["schedule"] == {"interval": "weekly"} for each in updates)


def test_gitlab_keeps_a_pruned_cache_and_shows_the_results_of_tests(bake: Bake) -> None:
    file = read_yaml(bake(ci="gitlab") / ".gitlab-ci.yml")
    assert file["default"]["cache"]["paths"] == [CACHE]
    assert file["default"]["cache"]["key"]["files"] == ["uv.lock", ".python-version"]
    assert file["variables"]["UV_CACHE_DIR"] == f"$CI_PROJECT_DIR/{CACHE}"
    # It is what one job sends back, after it was pruned.
    sends = [n for n, e in file.items() if "push" in str(e.get("variables", {}))]
    assert sends == ["check"]
    assert file["variables"]["CACHE_POLICY"] == "pull"
    prune = file["check"]["script"][-1]
    assert prune == '[ "$CACHE_POLICY" = pull ] || uv cache prune --ci'
    assert file["check"]["artifacts"] == {"when": "always", "reports": {"junit": RESULTS}}
    # A label is chosen by taking the mark of a comment off.
    assert re.search(r"^default:\n(?:  .*\n)*  # tags: \[NAME\]", text(bake, "gitlab"), re.M)


def test_jenkins_keeps_a_cache_and_shows_the_results_of_tests(bake: Bake) -> None:
    said = text(bake, "jenkins")
    assert f'UV_CACHE_DIR = "${{env.WORKSPACE}}/{CACHE}"' in said
    check = said.partition("stage('check')")[2].partition("stage('report')")[0]
    always = re.search(r"post {\s+always {\s+junit testResults: '(.*)',", check)
    assert always
    assert always[1] == RESULTS
    assert "agent any // or: agent { label 'NAME' }" in said


def text(bake: Bake, provider: str) -> str:
    """The file of GitLab or Jenkins."""
    path: Path = bake(ci=provider)
    name = {"gitlab": ".gitlab-ci.yml", "jenkins": "Jenkinsfile"}[provider]
    return (path / name).read_text(encoding="utf-8")


def test_the_template_runs_its_long_form_each_week() -> None:
    workflow = read_yaml(TEMPLATE / ".github/workflows/ci.yml")
    [schedule] = workflow[True]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \d", schedule["cron"])
    job = workflow["jobs"]["checks"]
    *_, runs = job["steps"]
    assert runs["env"] == {"LONG": "${{ github.event_name == 'schedule' && '1' || '' }}"}
    assert '"LONG=$LONG" bash .ci/run' in runs["run"]
    assert job["timeout-minutes"] == "${{ github.event_name == 'schedule' && 350 || 90 }}"
