"""Every provider's file has the same jobs, passes its linters, and only calls the project's own."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from ci_runners import read_yaml
from conftest import CHOICES, TEMPLATE, Bake, Tool, run

JOBS = ["check", "report", "train", "verify", "release", "deploy"]
PROVIDERS = [name for name in CHOICES["ci"] if name != "none"]
COMMAND = re.compile(r"uv run --frozen model ci (\w+)")


def workflows(bake: Bake) -> list[Path]:
    return sorted((bake(ci="github") / ".github/workflows").glob("*.yml"))


def jobs_of(path: Path, provider: str) -> dict[str, str]:
    """Job -> all that it runs."""
    if provider == "github":
        files = [read_yaml(file)["jobs"] for file in (path / ".github/workflows").glob("*.yml")]
        return {name: json.dumps(job) for file in files for name, job in file.items()}
    if provider == "gitlab":
        entries: dict[str, Any] = read_yaml(path / ".gitlab-ci.yml")
        named = {name: entry for name, entry in entries.items() if "rules" in entry}
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


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_has_the_same_jobs(bake: Bake, provider: str) -> None:
    jobs = jobs_of(bake(ci=provider), provider)
    called = {name: COMMAND.findall(text) for name, text in jobs.items()}
    assert {name: calls for name, calls in called.items() if calls} == {n: [n] for n in JOBS}
    # Nothing of the project is called past the command: not a module, not DVC.
    rest = COMMAND.sub("", "\n".join(jobs.values()))
    set_up = re.compile(r"python3? -m (pip install --quiet|venv \.uv).*")
    run = [each.strip() for each in re.findall(r"(?:uv run|python3?) [^\"\n]*", rest)]
    assert [each for each in run if not set_up.fullmatch(each)] == []


def test_workflows_pass_zizmor_and_actionlint(
    bake: Bake, environment: dict[str, str], tmp_path: Path
) -> None:
    own = list((TEMPLATE / ".github/workflows").glob("*.yml"))
    files = [str(file) for file in [*workflows(bake), *own]]
    assert len(files) == len(JOBS) + len(own)  # check and report share one, tags starts two
    run("zizmor", "--offline", "--no-progress", *files, cwd=tmp_path, environment=environment)
    run("actionlint", *files, cwd=tmp_path, environment=environment)


def test_files_keep_to_their_schemas(
    bake: Bake, environment: dict[str, str], tmp_path: Path
) -> None:
    gitlab = bake(ci="gitlab") / ".gitlab-ci.yml"
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    for schema, files in (("github-workflows", workflows(bake)), ("gitlab-ci", [gitlab])):
        command = [*check, f"vendor.{schema}", *map(str, files)]
        run(*command, cwd=tmp_path, environment=environment)


def test_no_linter_is_told_to_look_away(bake: Bake) -> None:
    files = [
        *workflows(bake),
        bake(ci="gitlab") / ".gitlab-ci.yml",
        bake(ci="jenkins") / "Jenkinsfile",
    ]
    for file in files:
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
                    assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])
                if step.get("uses", "").startswith("actions/checkout@"):
                    assert step["with"]["persist-credentials"] is False


def test_jenkinsfile_is_groovy(
    bake: Bake, environment: dict[str, str], tool: Tool, tmp_path: Path
) -> None:
    compiler = tool("groovyc", "apt-get install groovy default-jre-headless")
    java = Path(tool("java", "apt-get install default-jre-headless")).resolve().parent.parent
    file = bake(ci="jenkins") / "Jenkinsfile"
    variables = {**environment, "JAVA_HOME": str(java)}
    run(compiler, "-d", str(tmp_path), str(file), cwd=tmp_path, environment=variables)
