"""What each answer leaves in the generated project, and how texts come through unchanged."""

import configparser
import fnmatch
import hashlib
import re
import subprocess
import sys
import tomllib
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import CHOICES, PROMPTS, TEMPLATE, VARIANTS, Bake

CI_FILES = {
    "github": ".github/workflows/ci.yml",
    "gitlab": ".gitlab-ci.yml",
    "jenkins": "Jenkinsfile",
}
LICENCES = {
    "MIT": "MIT License",
    "BSD-3-Clause": "BSD 3-Clause License",
    "Apache-2.0": "Apache License",
    "Proprietary": "All rights reserved",
}
TREE = TEMPLATE / "{{cookiecutter.project_slug}}"
OWNERS = TREE / "{{cookiecutter.__package_name}}"


def read_pyproject(path: Path) -> dict[str, Any]:
    return tomllib.loads((path / "pyproject.toml").read_text(encoding="utf-8"))


def read_remote(path: Path) -> str:
    """The default remote's address, as .dvc/config has it (configobj's quoting is not used)."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(path / ".dvc" / "config", encoding="utf-8")
    return config[f"'remote \"{config['core']['remote']}\"'"]["url"]


def test_prompts_are_few_and_labelled() -> None:
    visible = [name for name in PROMPTS if not name.startswith("_")]
    assert len(visible) <= 10
    assert list(PROMPTS["__prompts__"]) == visible
    for name, values in CHOICES.items():
        labels = PROMPTS["__prompts__"][name]
        assert list(labels) == ["__prompt__", *values], f"each choice of {name} needs a label"


@pytest.mark.parametrize(("name", "value"), VARIANTS)
def test_each_choice(bake: Bake, name: str, value: str) -> None:
    path = bake(**{name: value})
    answers = {prompt: values[0] for prompt, values in CHOICES.items()} | {name: value}

    # Without CI no file of any provider is left, and no dependency of another remote.
    present = {provider for provider, file in CI_FILES.items() if (path / file).exists()}
    assert present == {answers["ci"]} - {"none"}
    assert LICENCES[answers["licence"]] in (path / "LICENSE").read_text(encoding="utf-8")
    pyproject = read_pyproject(path)
    dvc = [line for line in pyproject["dependency-groups"]["dev"] if line.startswith("dvc")]
    extra = "" if answers["remote"] == "local" else f"[{answers['remote']}]"
    assert [re.split("[<>]", line)[0] for line in dvc] == [f"dvc{extra}"]
    names = [file.relative_to(path).as_posix() for file in path.rglob("*")]
    ours = [name for name in names if not name.startswith("mlrepo/")]
    served = [name for name in ours if re.search(r"serv(ing|ice|e\W)|Containerfile|compose", name)]
    assert bool(served) == (answers["service"] == "fastapi")
    assert ("service" in pyproject["dependency-groups"]) == bool(served)
    scheme = "../../" if answers["remote"] == "local" else f"{answers['remote']}://"
    assert read_remote(path).startswith(scheme)

    for file in path.rglob("*"):
        relative = file.relative_to(path)
        if file.is_dir():
            assert any(file.iterdir()), f"{relative} is an empty folder"
            continue
        if file.suffix in (".yaml", ".yml", ".dvc"):
            yaml.safe_load(file.read_text(encoding="utf-8"))
        if relative.parts[0] == path.name:  # the owner's code is copied, never rendered
            assert file.read_bytes() == (OWNERS / Path(*relative.parts[1:])).read_bytes()
        elif relative.parts[0] not in {"data", "mlrepo"}:
            text = file.read_bytes().decode().replace("${{", "")
            assert not re.search(r"\{[{%#]", text), f"template code left in {relative}"
            assert "\r" not in text


def released() -> dict[str, str]:
    """Return path -> SHA-256 of each file of the library."""
    return digests(TREE / "mlrepo")


def digests(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_no_answer_can_reach_the_library() -> None:
    """cookiecutter renders names of files, and the content of those that no pattern leaves out."""
    patterns = PROMPTS["_copy_without_render"]
    for name in released():
        path = f"mlrepo/{name}"
        assert any(fnmatch.fnmatch(path, pattern) for pattern in patterns), path
        assert not set(path) & set("{%}"), path
    for hook in (TEMPLATE / "hooks").glob("post_*.py"):
        assert "mlrepo" not in hook.read_text(encoding="utf-8")


def pairs(answers: dict[str, str]) -> set[tuple[tuple[str, str], ...]]:
    """Return each two answers of a set of answers."""
    return set(combinations(sorted(answers.items()), 2))


def pairwise(choices: dict[str, list[str]]) -> list[dict[str, str]]:
    """Return few sets of answers in which each two answers meet: always the one with most new."""
    every = [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]
    left = set().union(*map(pairs, every))
    chosen = []
    while left:
        chosen.append(max(every, key=lambda answers: len(pairs(answers) & left)))
        left -= pairs(chosen[-1])
    return chosen


SLUGS_OF_LIBRARY = ["penguins", "Whales-2", "a"]
COMBINATIONS = pairwise({**CHOICES, "project_slug": SLUGS_OF_LIBRARY})


@pytest.mark.parametrize("answers", COMBINATIONS, ids=lambda answers: "-".join(answers.values()))
def test_the_library_has_the_same_bytes_for_each_two_answers(
    bake: Bake, answers: dict[str, str]
) -> None:
    assert digests(bake(**answers) / "mlrepo") == released()


def test_bundled_table_matches_its_pointer(bake: Bake) -> None:
    raw = bake() / "data" / "raw"
    table = (raw / "penguins.csv").read_bytes()
    [out] = yaml.safe_load((raw / "penguins.csv.dvc").read_text(encoding="utf-8"))["outs"]
    assert out == {
        "md5": hashlib.md5(table).hexdigest(),
        "size": len(table),
        "hash": "md5",
        "path": "penguins.csv",
    }
    assert b"\r" not in table


TEXTS = {
    "double quotes": 'the "best" model',
    "single quotes": "the team's model",
    "triple quotes": "a \"\"\" b ''' c",
    "starts with a quote": '"',
    "only quotes": '""""',
    "backslashes": r"C:\new\table \u0041 \x",
    "ends with a backslash": "path\\",
    "backslash and quote": r"\"\\\" \\",
    "accents": "Modèle prédictif für Größe, Žluťoučký",
    "other scripts": "モデル 模型 модель نموذج",
    "beyond the basic plane": "penguins 🐧 and 𐌰",
    "joined emoji": "👩🏽‍🔬",
    "no-break space": "a\u00a0b",
    "right-to-left mark": "a\u200fb",
    "markup": "<b>&amp; &</b> [red]x[/red] | `code` # not a comment",
    "toml and yaml": "key = [1] # x: {y: z} --- !!python/object",
    "shell": "$(touch hacked); `touch hacked` && ${HOME} %PATH% ~ *",
    "format strings": "{name} {0} %s %(x)s $x",
    "closing template code": "}} %} #}",
    "surrounding spaces": "  padded  ",
    "a number": "42",
    "a boolean": "true",
    "a null": "null",
    "long": "x" * 4000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_comes_out_as_it_went_in(bake: Bake, text: str) -> None:
    path = bake(project_name=text, project_slug="safe-name", description=text, author=text)
    project = read_pyproject(path)["project"]
    assert project["description"] == text
    assert project["authors"] == [{"name": text}]
    assert f"Copyright (c) {text}\n" in (path / "LICENSE").read_text(encoding="utf-8")
    assert not list(path.rglob("hacked"))


SLUGS = {"a": "a", "My-Data_2": "my_data_2", "x" * 60: "x" * 60, "e-2-e": "e_2_e"}


@pytest.mark.parametrize(("slug", "package"), SLUGS.items())
def test_slug_names_folder_and_package(bake: Bake, slug: str, package: str) -> None:
    path = bake(project_slug=slug)
    assert path.name == slug
    assert (path / package / "__init__.py").is_file()
    assert read_pyproject(path)["project"]["name"] == slug
    assert read_remote(path) == f"../../{slug}-remote"


def test_default_slug_comes_from_the_name(bake: Bake) -> None:
    assert bake(project_name="Größe der Pinguine, 2").name == "grosse-der-pinguine-2"


REMOTES = [
    ("local", "../storage", "../../storage"),
    ("local", "../../shared/dvc-storage", "../../../shared/dvc-storage"),
    ("local", "/srv/dvc", "/srv/dvc"),
    ("local", r"C:\dvc\storage", r"C:\dvc\storage"),
    ("local", "d:/dvc", "d:/dvc"),
    ("local", r"\\server\share", r"\\server\share"),
    ("s3", "s3://bucket", "s3://bucket"),
    ("s3", "s3://my.bucket-1/a/b=c/", "s3://my.bucket-1/a/b=c/"),
    ("gs", "gs://bucket/a", "gs://bucket/a"),
    ("azure", "azure://container/a", "azure://container/a"),
    ("ssh", "ssh://me@example.com:2222/srv/dvc", "ssh://me@example.com:2222/srv/dvc"),
    ("ssh", "ssh://host/~/dvc", "ssh://host/~/dvc"),
]


@pytest.mark.parametrize(("remote", "url", "written"), REMOTES)
def test_remote_address(bake: Bake, remote: str, url: str, written: str) -> None:
    assert read_remote(bake(remote=remote, remote_url=url)) == written


def test_answers_typed_at_the_prompts(tmp_path: Path, environment: dict[str, str]) -> None:
    typed = ["Emperor & Co", "", 'say "hi"', "", "2", "", "4", "", "", "3"]
    command = [sys.executable, "-m", "cookiecutter", str(TEMPLATE)]
    result = subprocess.run(
        command,
        input="\n".join(typed) + "\n",
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    path = tmp_path / "emperor-co"
    assert read_remote(path) == "s3://my-bucket/emperor-co"
    assert read_pyproject(path)["project"]["description"] == 'say "hi"'
    assert "Apache License" in (path / "LICENSE").read_text(encoding="utf-8")
    assert not (path / ".github").exists()
    for label in PROMPTS["__prompts__"].values():
        shown = label if isinstance(label, str) else label["__prompt__"]
        assert shown in result.stdout.replace("\n", " ")
    assert "python3 bootstrap.py" in result.stderr
