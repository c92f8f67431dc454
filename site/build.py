"""Build the documentation site of the template from its Markdown: `python site/build.py`.

The pages are those of the repository as they stand. Those of a generated project are rendered
first, with answers that leave each page in. The site is in build/site; a link to nowhere ends it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
BUILD = ROOT / "build"
# Every page is there with these.
ANSWERS = {"ci": "github", "tracker": "mlflow", "service": "fastapi"}
COPIED = ("CHANGELOG.md", "CONTRIBUTING.md", "benchmarks/README.md", "site/picture.svg")
# The pages of a generated project in the order of its README, each with a name for the menu.
NAMES = {
    "data": "The data",
    "changes": "How to change things",
    "estimators": "Which estimator",
    "models": "Any kind of model",
    "several": "Several models",
    "experiments": "Experiments and sweeps",
    "intervals": "How far a score can be trusted",
    "versions": "Versions and releases",
    "predict": "Predictions",
    "service": "The service",
    "page": "One page to look at",
    "reproduce": "What is the same where",
    "remote": "Where data is kept",
    "scale": "Large tables",
    "cluster": "On a cluster",
    "ci": "Continuous integration",
    "trackers": "Trackers",
    "auditors": "For auditors",
    "problems": "When something fails",
}


def answers() -> dict[str, Any]:
    """Return the default answers, with a part of each kind chosen."""
    asked: dict[str, Any] = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    first = {name: each[0] if isinstance(each, list) else each for name, each in asked.items()}
    texts: dict[str, Any] = {**first, **ANSWERS}
    texts |= {"project_slug": "penguins", "__package_name": "penguins"}
    texts["remote_url"] = "../penguins-remote"
    return texts


def gather(pages: Path) -> list[str]:
    """Write the Markdown of the site to a folder; return the names of the project's pages."""
    shutil.rmtree(pages, ignore_errors=True)
    for name in COPIED:
        (pages / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, pages / name)
    for path in (ROOT / "benchmarks").glob("results/*.svg"):
        (pages / "benchmarks/results").mkdir(exist_ok=True)
        shutil.copy(path, pages / "benchmarks/results")
    # The scripts are in the repository, and no pages.
    bench = pages / "benchmarks/README.md"
    bench.write_text(re.sub(r"\[(\w+\.py)\]\(\1\)", r"`\1`", bench.read_text("utf-8")), "utf-8")
    front = (ROOT / "README.md").read_text(encoding="utf-8")
    (pages / "index.md").write_text(
        front.replace("%7B%7Bcookiecutter.project_slug%7D%7D", "project")
    )
    (pages / "project/docs").mkdir(parents=True)
    environment, chosen = Environment(keep_trailing_newline=True), answers()
    found = []
    for path in sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md*")]):
        name = re.sub(r"{%.*?%}", "", path.name)
        if path.parent == PROJECT and name != "README.md":
            continue
        text = environment.from_string(path.read_text("utf-8")).render(cookiecutter=chosen)
        (pages / "project" / path.relative_to(PROJECT).with_name(name)).write_text(text, "utf-8")
        if name != "README.md":
            found.append(name.removesuffix(".md"))
    return found


def menu(found: list[str]) -> list[dict[str, Any]]:
    """Return the menu; a page without a name in it is an error."""
    if unknown := set(found) - set(NAMES):
        sys.exit(f"error: site/build.py has no name for the page {', '.join(sorted(unknown))}")
    inside = [{NAMES[name]: f"project/docs/{name}.md"} for name in NAMES if name in found]
    return [
        {"Start": "index.md"},
        {"A generated project": [{"Its README": "project/README.md"}, *inside]},
        {
            "The template": [
                {"Changes": "CHANGELOG.md"},
                {"Contributing": "CONTRIBUTING.md"},
                {"Benchmarks": "benchmarks/README.md"},
            ]
        },
    ]


def settings(pages: Path, site: Path) -> Path:
    """Write the settings of MkDocs with the menu of what is there; return the file."""
    kept = yaml.safe_load(Path(__file__).with_name("mkdocs.yml").read_text(encoding="utf-8"))
    kept |= {"docs_dir": str(pages), "site_dir": str(site), "nav": menu(gather(pages))}
    path = pages.with_name(f"{pages.name}.yml")
    path.write_text(yaml.safe_dump(kept, sort_keys=False), encoding="utf-8")
    return path


def mkdocs(config: Path) -> None:
    """Build; a warning, such as a link to nowhere, is an error."""
    # Not `--quiet`, with which MkDocs counts no warning.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(config)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)


def build(folder: Path) -> Path:
    """Build the site below a folder and return where it is."""
    mkdocs(settings(folder / "pages", folder / "site"))
    return folder / "site"


if __name__ == "__main__":
    print(f"The site is in {build(BUILD)}")
