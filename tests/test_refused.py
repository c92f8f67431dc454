"""Answers that cannot be used: a message with how to fix it, and nothing left behind."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TEMPLATE, run
from cookiecutter.exceptions import FailedHookException, UndefinedVariableInTemplate
from cookiecutter.main import cookiecutter
from jinja2 import UndefinedError

# A choice that is not offered is a ValueError of cookiecutter's own.
REFUSALS = (FailedHookException, UndefinedVariableInTemplate, UndefinedError, ValueError)


NO_FOLDER = "project_slug must be the name of one folder"
UNSAFE = "is no safe folder and package name"
TAKEN = "is taken by Python, Windows or the project"
REFUSED = [
    ({"project_name": "", "project_slug": "x"}, "project_name is empty"),
    ({"project_name": " \u00a0", "project_slug": "x"}, "project_name is empty"),
    ({"author": ""}, "author is empty"),
    ({"description": ""}, "description is empty"),
    ({"remote_url": ""}, "remote_url is empty"),
    ({"description": "two\nlines"}, r"description holds a line break or control character"),
    ({"author": "a\rb"}, "author holds a line break"),
    ({"author": "tab\tbed"}, "author holds a line break"),
    ({"description": "bell \x07"}, "description holds a line break or control character"),
    ({"description": "delete \x7f"}, "description holds a line break or control character"),
    ({"description": "separator \u2028"}, "description holds a line break"),
    ({"author": "half a pair \udc80"}, "author holds a line break or control character"),
    ({"project_name": "a\nb", "project_slug": "x"}, "project_name holds a line break"),
    ({"description": "{{ 7*7 }}"}, "description holds template code"),
    ({"author": "{% raw %}{{ x }}{% endraw %}"}, "author holds template code"),
    ({"project_name": "a {# b #}", "project_slug": "x"}, "project_name holds template code"),
    ({"project_slug": ""}, NO_FOLDER),
    ({"project_slug": "."}, NO_FOLDER),
    ({"project_slug": ".."}, NO_FOLDER),
    ({"project_slug": "a/b"}, NO_FOLDER),
    ({"project_slug": "../up"}, NO_FOLDER),
    ({"project_slug": "/tmp/absolute"}, NO_FOLDER),
    ({"project_slug": "a\\b"}, NO_FOLDER),
    ({"project_slug": "a/b", "remote_url": "/srv/x"}, NO_FOLDER),
    ({"project_name": "!!!"}, NO_FOLDER),
    ({"project_slug": "two words"}, UNSAFE),
    ({"project_slug": "line\nbreak"}, UNSAFE),
    ({"project_slug": "2fast"}, UNSAFE),
    ({"project_slug": "-x"}, UNSAFE),
    ({"project_slug": "x-"}, UNSAFE),
    ({"project_slug": "a.b"}, UNSAFE),
    ({"project_slug": "größe"}, UNSAFE),
    ({"project_slug": 'quo"te'}, UNSAFE),
    ({"project_slug": "it's"}, UNSAFE),
    ({"project_slug": "$(id)"}, UNSAFE),
    ({"project_slug": "class"}, TAKEN),
    ({"project_slug": "Import"}, TAKEN),
    ({"project_slug": "random"}, TAKEN),
    ({"project_slug": "json"}, TAKEN),
    ({"project_slug": "sklearn"}, TAKEN),
    ({"project_slug": "scikit-learn"}, TAKEN),
    ({"project_slug": "mlrepo"}, TAKEN),
    ({"project_slug": "ruamel"}, TAKEN),
    ({"project_slug": "Polars"}, TAKEN),
    ({"project_slug": "dvc"}, TAKEN),
    ({"project_slug": "yaml"}, TAKEN),
    ({"project_slug": "typing-extensions"}, TAKEN),
    ({"project_slug": "tests"}, TAKEN),
    ({"project_slug": "Data"}, TAKEN),
    ({"project_slug": "metrics"}, TAKEN),
    ({"project_slug": "com1"}, TAKEN),
    ({"remote_url": "s3://bucket"}, "does not suit the remote 'local'"),
    ({"remote_url": "storage"}, "does not suit the remote 'local'"),
    ({"remote_url": "~/storage"}, "does not suit the remote 'local'"),
    ({"remote_url": "../my storage"}, "does not suit the remote 'local'"),
    ({"remote_url": "../a,b"}, "does not suit the remote 'local'"),
    ({"remote_url": "../a#b"}, "does not suit the remote 'local'"),
    ({"remote_url": "../a%b"}, "does not suit the remote 'local'"),
    ({"remote_url": '../"a"'}, "does not suit the remote 'local'"),
    ({"remote_url": "../a\nb"}, "remote_url holds a line break"),
    ({"remote": "s3", "remote_url": "../storage"}, "does not suit the remote 's3'"),
    ({"remote": "s3", "remote_url": "s3://"}, "does not suit the remote 's3'"),
    ({"remote": "s3", "remote_url": "gs://bucket"}, "does not suit the remote 's3'"),
    ({"remote": "gs", "remote_url": "s3://bucket"}, "does not suit the remote 'gs'"),
    ({"remote": "azure", "remote_url": "https://x/y"}, "does not suit the remote 'azure'"),
    ({"remote": "ssh", "remote_url": "ssh://me:secret@host/x"}, "no password"),
    ({"remote": "ssh", "remote_url": "ssh://host"}, "does not suit the remote 'ssh'"),
    ({"remote": "ftp"}, "ftp provided for choice variable remote"),
    ({"licence": "GPL"}, "GPL provided for choice variable licence"),
]


@pytest.mark.parametrize(("answers", "message"), REFUSED)
def test_refused(
    tmp_path: Path,
    environment: dict[str, str],
    capfd: pytest.CaptureFixture[str],
    answers: dict[str, str],
    message: str,
) -> None:
    work = tmp_path / "work"  # one level down, to see what a slug with .. would leave
    work.mkdir()
    with pytest.raises(REFUSALS) as refusal:
        cookiecutter(
            str(TEMPLATE),
            no_input=True,
            extra_context=answers,
            output_dir=str(work),
            config_file=environment["COOKIECUTTER_CONFIG"],
        )
    assert message in f"{refusal.value} {capfd.readouterr().err}"
    assert list(tmp_path.rglob("*")) == [work]
    assert not Path("/tmp/absolute").exists()


def generate(
    work: Path, environment: dict[str, str], *answers: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cookiecutter", "--no-input", str(TEMPLATE), *answers]
    return run(*command, cwd=work, environment=environment, check=False)


def test_each_mistake_has_its_message(tmp_path: Path, environment: dict[str, str]) -> None:
    answers = ["project_slug=2fast", "author=", "remote_url=storage"]
    result = generate(tmp_path, environment, *answers)
    assert result.returncode == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("Cannot generate")]
    assert [line.split()[4] for line in lines] == ["author", "project_slug", "remote_url"]
    assert not any(tmp_path.iterdir())


def test_path_as_slug_needs_no_hook(tmp_path: Path, environment: dict[str, str]) -> None:
    # cookiecutter would create the outer folder, and leave it, before any hook can refuse.
    result = generate(tmp_path, environment, "project_slug=outer/inner")
    assert result.returncode == 1
    assert NO_FOLDER in result.stdout
    assert "Traceback" not in result.stderr
    assert not any(tmp_path.iterdir())


def test_existing_folder_is_left_alone(tmp_path: Path, environment: dict[str, str]) -> None:
    mine = tmp_path / "penguins" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("keep", encoding="utf-8")
    result = generate(tmp_path, environment)
    assert result.returncode == 1
    assert "already exists" in result.stdout
    overwrite = generate(tmp_path, environment, "author=", "-f")
    assert overwrite.returncode == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["penguins", "mine.txt"]
