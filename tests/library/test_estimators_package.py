"""Every command that installs packages installs the dependencies, and so the estimator's package.

That a project of LightGBM goes through each provider's own CI file is in tests/test_ci_story.py.
"""

import re
from pathlib import Path

from .conftest import PROJECT, TEMPLATE

# Nothing here leaves out what the project depends on; `cluster` adds what shapes no result.
HARMLESS = {
    "--compile-bytecode",
    "--extra cluster",
    "--frozen",
    "--group service",
    "--locked",
    "--no-default-groups",
    "--no-install-project",
}
SYNC = re.compile(r"\buv sync((?: +--[a-z-]+(?: (?!&)[a-z][a-z-]*)?)*)")


def written() -> list[tuple[Path, str]]:
    """Return each `uv sync` in what is generated: its file, and its options."""
    found = []
    for path in sorted([*PROJECT.rglob("*"), *(TEMPLATE / "templates").iterdir()]):
        if path.is_file() and path.suffix not in {".csv", ".pyc"}:
            text = path.read_text(encoding="utf-8")
            found += [(path, options) for options in SYNC.findall(text)]
    return found


def test_nothing_leaves_a_dependency_out() -> None:
    commands = written()
    assert len(commands) > 15
    files = ("Makefile", "Jenkinsfile", ".gitlab-ci.yml", "github.jinja", "Containerfile")
    for words in files:
        assert any(words in str(path) for path, _ in commands), words
    for path, options in commands:
        named = {option.strip() for option in re.split(r" +(?=--)", options) if option.strip()}
        assert named <= HARMLESS, f"{path}: {options}"


def test_an_estimators_package_is_no_extra() -> None:
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    section = text.partition("[project.optional-dependencies]\n")[2].partition("\n[")[0]
    assert re.findall(r"^([\w-]+) = \[", section, re.MULTILINE) == ["cluster"]
