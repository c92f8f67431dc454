"""Bakes of the template, and one baked project that is set up once for the whole session."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from cookiecutter.main import cookiecutter
from once import once
from servers import S3, serve_s3

if TYPE_CHECKING:
    from releases import Released

TEMPLATE = Path(__file__).resolve().parent.parent
PROMPTS: dict[str, Any] = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
CHOICES = {
    name: values
    for name, values in PROMPTS.items()
    if isinstance(values, list) and not name.startswith("_")
}
# One option at a time, everything else by default.
VARIANTS = [(name, value) for name, values in CHOICES.items() for value in values]

# Variables of this process that are not those of a user: tests/library sets PYTHONPATH, say.
_OF_THE_CALLER = (
    *("GIT_", "DVC_", "COOKIECUTTER_", "VIRTUAL_ENV", "PYTEST_", "PYTHON"),
    *("GITHUB_", "CI_", "BUILD_URL"),  # of the job that runs the tests
)

# Minutes each. They begin first, as what begins last leaves other processes without work.
LONGEST = ("test_ci_story.py", "test_readme.py", "test_mirror.py", "test_take_over.py")

# Fixtures that wait for a project to be set up.
SET_UP = {"project", "s3_project", "two_versions", "three_versions"}

pytest_plugins = ["dask_cluster", "serving", "slowest", "sweeping", "trackers", "page_shown"]

Bake = Callable[..., Path]
Tool = Callable[[str, str], str]


@dataclass(frozen=True)
class Project:
    """A baked project after its own set-up; commands run with its virtual environment first."""

    path: Path
    environment: dict[str, str]
    setup: subprocess.CompletedProcess[str]

    def run(
        self, *command: str, check: bool = True, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` in the project (or in `cwd`); `check` demands exit code 0."""
        environment = {**self.active(), **variables}
        return run(*command, check=check, cwd=cwd or self.path, environment=environment)

    def active(self) -> dict[str, str]:
        """Return the environment variables that commands run with."""
        scripts = self.path / ".venv" / ("Scripts" if os.name == "nt" else "bin")
        path = f"{scripts}{os.pathsep}{self.environment['PATH']}"
        return {**self.environment, "PATH": path}


def run(
    *command: str, cwd: Path, environment: dict[str, str], check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command with no standard input; on a failure show all that it said."""
    # Resolved here, because Windows and macOS look a program up in the parent's PATH.
    program = shutil.which(command[0], path=environment["PATH"]) or command[0]
    result = subprocess.run(
        [program, *command[1:]],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if check and result.returncode != 0:
        pytest.fail(
            f"{' '.join(command)} ended with {result.returncode}\n{result.stdout}\n{result.stderr}"
        )
    return result


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest; whatever needs the project's environment is slow: it is set up."""
    items.sort(key=lambda item: item.path.name not in LONGEST)
    for item in items:
        if SET_UP & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment variables that hide the user's own Git, DVC and cookiecutter settings."""
    home = tmp_path_factory.mktemp("home")
    for name in (".config", "tmp"):
        (home / name).mkdir()
    for name in ("pip", "uv"):  # how this machine reaches its package registry
        settings = Path.home() / ".config" / name
        if settings.is_dir():
            (home / ".config" / name).symlink_to(settings, target_is_directory=True)
    (home / "gitconfig").write_text("[init]\n\tdefaultBranch = main\n", encoding="utf-8")
    (home / "cookiecutter.yaml").write_text(
        json.dumps({"cookiecutters_dir": f"{home}/templates", "replay_dir": f"{home}/replay"}),
        encoding="utf-8",
    )
    uv_cache = subprocess.run(["uv", "cache", "dir"], capture_output=True, text=True, check=True)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(_OF_THE_CALLER)
    }
    return {
        **kept,
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "TEMP": str(home / "tmp"),
        "USERPROFILE": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "UV_CACHE_DIR": uv_cache.stdout.strip(),
        "MYPY_CACHE_DIR": str(home / "mypy"),  # ten seconds for each project that is checked
        "UV_COMPILE_BYTECODE": "0",  # half a minute for each environment
        "COOKIECUTTER_CONFIG": str(home / "cookiecutter.yaml"),
        "DVC_GLOBAL_CONFIG_DIR": str(home / "dvc-global"),
        "DVC_SYSTEM_CONFIG_DIR": str(home / "dvc-system"),
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site-cache"),
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.com",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.com",
    }


@pytest.fixture(scope="session", autouse=True)
def own_temporary_folder(environment: dict[str, str]) -> Iterator[None]:
    """Keep what cookiecutter leaves there (each rendered hook) out of the machine's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", environment["TMPDIR"])
        yield


@pytest.fixture(scope="session")
def bake(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Bake:
    """Generate a project in a folder of its own; the same answers give the same folder.

    cookiecutter raises when a hook fails, so what comes back was generated with exit code 0.
    Tests that change files copy the folder first.
    """
    baked: dict[str, Path] = {}

    def generate(**answers: str) -> Path:
        key = json.dumps(answers, sort_keys=True)
        if key not in baked:
            baked[key] = Path(
                cookiecutter(
                    str(TEMPLATE),
                    no_input=True,
                    extra_context=answers,
                    output_dir=str(tmp_path_factory.mktemp("baked")),
                    config_file=environment["COOKIECUTTER_CONFIG"],
                )
            )
        return baked[key]

    return generate


def set_up(baked: Path, path: Path, environment: dict[str, str]) -> Project:
    """Copy what was generated to `path` and run its set-up."""
    shutil.copytree(baked, path)
    setup = run(sys.executable, "bootstrap.py", cwd=path, environment=environment)
    return Project(path, environment, setup)


@pytest.fixture(scope="session")
def project(
    bake: Bake, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """The default project after `python bootstrap.py`; read it, and change only copies of it."""
    return once(
        tmp_path_factory, "project", lambda at: set_up(bake(), at / "penguins", environment)
    )


def lack(reason: str) -> NoReturn:
    """Skip a test that this machine cannot run, or fail it where CI must be able to."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def two_versions(project: Project, tmp_path_factory: pytest.TempPathFactory) -> "Released":
    """Two versions that are in stages; change only copies."""
    import releases  # which imports this module

    return once(tmp_path_factory, "two-versions", lambda at: releases.two_versions(project, at))


@pytest.fixture(scope="session")
def three_versions(project: Project, tmp_path_factory: pytest.TempPathFactory) -> "Released":
    """Three versions that differ in everything and are in no stage; change only copies."""
    import releases

    return once(tmp_path_factory, "three-versions", lambda at: releases.three_versions(project, at))


@pytest.fixture(scope="session")
def tool() -> Tool:
    """Find a program from outside Python; without it skip, or fail where CI must have it."""

    def find(program: str, install: str) -> str:
        found = shutil.which(program)
        if found is None:
            lack(f"{program} is not installed: {install}")
        return found

    return find


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """An S3 server with an empty bucket for each provider of CI."""
    buckets = [f"models-{provider}" for provider in CHOICES["ci"]]
    with serve_s3(tmp_path_factory.mktemp("s3"), *buckets) as server:
        yield server


@pytest.fixture(scope="session")
def s3_project(
    bake: Bake, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A project for S3 without a file of CI, after its own set-up; change only copies of it."""
    return once(
        tmp_path_factory,
        "s3",
        lambda at: set_up(bake(remote="s3", ci="none"), at / "penguins", environment),
    )
