"""Every provider's file has the same jobs, passes its linters, and only calls the project's own."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from ci_runners import read_yaml
from conftest import CHOICES, TEMPLATE, Bake, Tool, run

JOBS = ["check", "report", "train", "verify", "release", "deploy", "page"]
PROVIDERS = [name for name in CHOICES["ci"] if name != "none"]
COMMAND = re.compile(r"uv run --frozen model ci (\w+)")
# Whose actions are trusted: GitHub's, uv's and each cloud's own.
OF = ["actions", "astral-sh", "aws-actions", "azure", "google-github-actions"]
# Each kind of remote, each tracker, with and without the service.
PARTS = {
    "local": {},
    "s3": {"tracker": "mlflow", "service": "fastapi"},
    "gs": {"tracker": "wandb"},
    "azure": {"tracker": "mlflow"},
    "ssh": {"tracker": "wandb", "service": "fastapi"},
}
# How the jobs come into each remote: without a key, with one, and what both need.
NAMES = {
    "local": "",
    "s3": "AWS_ROLE_ARN AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY"
    " AWS_SESSION_TOKEN",
    "gs": "GOOGLE_WORKLOAD_IDENTITY_PROVIDER GOOGLE_KEY GOOGLE_APPLICATION_CREDENTIALS",
    "azure": "AZURE_CLIENT_ID AZURE_TENANT_ID AZURE_STORAGE_ACCOUNT AZURE_STORAGE_KEY",
    "ssh": "SSH_PRIVATE_KEY SSH_KNOWN_HOSTS",
}
NAMES_OF_PARTS = {
    "mlflow": "MLFLOW_TRACKING_URI MLFLOW_TRACKING_PASSWORD MLFLOW_TRACKING_TOKEN",
    "wandb": "WANDB_API_KEY",
    "fastapi": "MODEL_IMAGE",
}


def with_remote(bake: Bake, provider: str, remote: str) -> Path:
    return bake(ci=provider, remote=remote, **PARTS[remote])


def workflows(bake: Bake) -> list[Path]:
    """Every workflow, for each kind of remote."""
    folders = [with_remote(bake, "github", remote) / ".github/workflows" for remote in PARTS]
    return [file for folder in folders for file in sorted(folder.glob("*.yml"))]


def jobs_of(path: Path, provider: str) -> dict[str, str]:
    """Job -> all that it runs."""
    if provider == "github":
        files = [read_yaml(file)["jobs"] for file in (path / ".github/workflows").glob("*.yml")]
        return {name: json.dumps(job) for file in files for name, job in file.items()}
    if provider == "gitlab":
        entries: dict[str, Any] = read_yaml(path / ".gitlab-ci.yml")
        entries["deploy"] = entries.pop(".deploy")  # deploy-staging and deploy-prod extend it
        entries["page"] = entries.pop("pages")  # the name by which GitLab publishes it
        named = {name: entry for name, entry in entries.items() if "script" in entry}
        return {name: json.dumps(entry) for name, entry in named.items()}
    parts = re.split(r"stage\('(\w+)'\)", (path / "Jenkinsfile").read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_a_missing_tool_skips_its_tests_with_the_words_that_install_it_but_fails_in_ci(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "no-such-program is not installed: apt-get install it"
    for ci, outcome in (("", pytest.skip.Exception), ("true", pytest.fail.Exception)):
        monkeypatch.setenv("CI", ci)
        with pytest.raises(outcome, match=words):
            tool("no-such-program", "apt-get install it")


@pytest.mark.parametrize("remote", PARTS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_has_the_same_jobs(bake: Bake, provider: str, remote: str) -> None:
    jobs = jobs_of(with_remote(bake, provider, remote), provider)
    called = {name: COMMAND.findall(text) for name, text in jobs.items()}
    # Jenkins mirrors in a stage of its own.
    mirrors = {n: [n, "mirror"] for n in ("check", "train", "release", "deploy")}
    mirrors = {"mirror": ["mirror"]} if provider == "jenkins" else mirrors
    wanted = {n: [n] for n in JOBS} | (mirrors if "tracker" in PARTS[remote] else {})
    assert {name: calls for name, calls in called.items() if calls} == wanted
    # Nothing of the project is called past the command: not a module, not DVC.
    rest = COMMAND.sub("", "\n".join(jobs.values()))
    set_up = re.compile(r"python3? -m (pip install --quiet|venv \.uv).*")
    run = [each.strip() for each in re.findall(r"(?:uv run|python3?) [^\"\n]*", rest)]
    assert [each for each in run if not set_up.fullmatch(each)] == []


@pytest.mark.parametrize("remote", PARTS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_answers_decide_which_variables_are_named(
    bake: Bake, provider: str, remote: str
) -> None:
    path = with_remote(bake, provider, remote)
    page = (path / "docs/ci.md").read_text("utf-8")
    files = "".join(file.read_text("utf-8") for file in files_of(path))
    known = {name: set(text.split()) for name, text in (NAMES | NAMES_OF_PARTS).items()}
    wanted = set().union(*(known[part] for part in [remote, *PARTS[remote].values()]))
    # In the page stand those that somebody has to set, and Google's differ.
    own = {
        "github": {"GOOGLE_APPLICATION_CREDENTIALS", "MODEL_IMAGE"},  # which the files set
        "gitlab": {"GOOGLE_KEY", "MODEL_IMAGE"},
        "jenkins": {"GOOGLE_KEY", "GOOGLE_WORKLOAD_IDENTITY_PROVIDER", *known["ssh"]},
    }[provider]
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", page))
    every = set().union(*known.values())
    assert named & every == wanted - own
    assert set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", files)) & every <= wanted
    assert "DEPLOY_TARGET" in page


def test_the_image_goes_where_the_job_signs_in(bake: Bake) -> None:
    path = with_remote(bake, "github", "s3")
    steps = read_yaml(path / ".github/workflows/release.yml")["jobs"]["release"]["steps"]
    deploy = (path / ".github/workflows/deploy.yml").read_text(encoding="utf-8")
    [login] = [step for step in steps if "docker login" in step.get("run", "")]
    [release] = [step for step in steps if "ci release" in step.get("run", "")]
    registry, image = login["env"]["REGISTRY"], release["env"]["MODEL_IMAGE"]
    assert 'docker login "$REGISTRY"' in login["run"]
    assert image == f"{registry}/${{{{ github.repository }}}}"
    assert f"MODEL_IMAGE: {image}\n" in deploy
    # Which the page names.
    named = re.findall(r"vars\.(\w+) \|\| '(.*)'", registry)[0]
    assert set(re.findall("`([^`]+)`", (path / "docs/ci.md").read_text("utf-8"))) >= {*named}


def files_of(path: Path) -> list[Path]:
    """The files of the provider."""
    alone = [path / ".gitlab-ci.yml", path / "Jenkinsfile"]
    return [*(path / ".github/workflows").glob("*.yml"), *(f for f in alone if f.exists())]


def test_keys_are_there_for_the_step_that_needs_them_alone(bake: Bake) -> None:
    """What signs in goes first, and no secret but a question whether there is one is the job's."""
    for file in workflows(bake):
        workflow = read_yaml(file)
        assert "secrets." not in json.dumps(workflow.get("env"))
        for job in workflow["jobs"].values():
            asked = [str(v) for v in job.get("env", {}).values() if "secrets." in str(v)]
            assert all(value.endswith("!= '' }}") for value in asked)
            for step in job["steps"]:
                if "secrets." in json.dumps(step):
                    assert "env" in step or step["uses"].startswith("google-github-actions/auth@")


def test_no_pull_request_is_checked_twice_and_main_is_never_cancelled(bake: Bake) -> None:
    github = read_yaml(bake(ci="github") / ".github/workflows/ci.yml")
    assert github[True] == {"push": {"branches": ["main"]}, "pull_request": None}
    assert github["concurrency"]["group"].endswith("pull_request.number || github.sha }}")
    gitlab = read_yaml(bake(ci="gitlab") / ".gitlab-ci.yml")
    request, main = gitlab["check"]["rules"]
    assert request == {"if": '$CI_PIPELINE_SOURCE == "merge_request_event"', "interruptible": True}
    assert main["if"].endswith("&& $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH")
    assert "interruptible" not in main
    assert gitlab["workflow"] == {"auto_cancel": {"on_new_commit": "interruptible"}}
    alone = [n for n, e in gitlab.items() if isinstance(e, dict) and e.get("interruptible")]
    assert alone == ["report"]


def test_each_stage_has_an_environment(bake: Bake) -> None:
    stages = read_yaml(bake() / "versions.yaml")["stages"]
    gitlab = read_yaml(bake(ci="gitlab") / ".gitlab-ci.yml")
    assert {gitlab[f"deploy-{stage}"]["environment"] for stage in stages} == set(stages)
    github = read_yaml(bake(ci="github") / ".github/workflows/deploy.yml")
    assert github["jobs"]["deploy"]["environment"] == "${{ inputs.stage }}"


def test_workflows_pass_zizmor_and_actionlint(
    bake: Bake, environment: dict[str, str], tmp_path: Path
) -> None:
    own = [*(TEMPLATE / ".github").rglob("*.yml"), bake(ci="github") / ".github/dependabot.yml"]
    ours = workflows(bake)
    assert len(ours) == len(JOBS) * len(PARTS)  # check and report share one, tags starts two
    files = [str(file) for file in [*ours, *own]]
    run("zizmor", "--offline", "--no-progress", *files, cwd=tmp_path, environment=environment)
    files = [file for file in files if not file.endswith("dependabot.yml")]
    run("actionlint", *files, cwd=tmp_path, environment=environment)


def test_files_keep_to_their_schemas(
    bake: Bake, environment: dict[str, str], tmp_path: Path
) -> None:
    gitlab = [with_remote(bake, "gitlab", remote) / ".gitlab-ci.yml" for remote in PARTS]
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    dependabot = [bake(ci="github") / ".github/dependabot.yml"]
    kinds = {"github-workflows": workflows(bake), "gitlab-ci": gitlab, "dependabot": dependabot}
    for schema, files in kinds.items():
        command = [*check, f"vendor.{schema}", *map(str, files)]
        run(*command, cwd=tmp_path, environment=environment)


def test_no_linter_is_told_to_look_away(bake: Bake) -> None:
    paths = [with_remote(bake, provider, remote) for provider in PROVIDERS for remote in PARTS]
    for file in [file for path in paths for file in files_of(path)]:
        assert not re.search(
            "zizmor:|shellcheck disable|ignore",
            file.read_text(encoding="utf-8").replace("if-no-files-found: ignore", ""),
        ), file
    for name in ("zizmor.yml", ".github/zizmor.yml", ".github/actionlint.yaml"):
        assert not (bake(ci="github") / name).exists()


def test_actions_are_pinned_and_secrets_are_not_left_in_the_clone(bake: Bake) -> None:
    for file in workflows(bake):
        workflow = read_yaml(file)
        assert workflow["permissions"] == {}, file.name
        for job in workflow["jobs"].values():
            assert job["permissions"]
            for step in job["steps"]:
                if "uses" in step:
                    assert re.fullmatch(rf"({'|'.join(OF)})/[a-z-]+@[0-9a-f]{{40}}", step["uses"])
                if step.get("uses", "").startswith("actions/checkout@"):
                    assert step["with"]["persist-credentials"] is False


def test_jenkinsfile_is_groovy(
    bake: Bake, environment: dict[str, str], tool: Tool, tmp_path: Path
) -> None:
    compiler = tool("groovyc", "apt-get install groovy default-jre-headless")
    java = Path(tool("java", "apt-get install default-jre-headless")).resolve().parent.parent
    variables = {**environment, "JAVA_HOME": str(java)}
    files = []
    for remote in PARTS:
        made = with_remote(bake, "jenkins", remote) / "Jenkinsfile"
        # With the lines for the owner to fill in as if they were filled in.
        text = re.sub("// (?=[A-Z_]+ = )", "", made.read_text(encoding="utf-8"))
        for name, content in ((remote, made.read_text(encoding="utf-8")), (f"{remote}On", text)):
            (tmp_path / f"{name}.groovy").write_text(content, encoding="utf-8")
            files.append(f"{name}.groovy")
    run(compiler, "-d", "classes", *files, cwd=tmp_path, environment=variables)
