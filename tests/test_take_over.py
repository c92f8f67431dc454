"""A project of the layout before the library was a package of its own takes the new one over."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import TEMPLATE, Project, lack, run
from helpers import in_long_form

LAST = "f89c292"  # the last commit of the template with one package
RAW = "data/raw/penguins.csv"
# What the owner has edited: file -> text there, and what stands in its place.
EDITS = {
    "penguins/data.py": (
        "    return table\n",
        '    ratio = pl.col("bill_length_mm") / pl.col("bill_depth_mm")\n'
        "    return table.with_columns(bill_ratio=ratio)\n",
    ),
    "penguins/model.py": (
        "    return make_pipeline(imputer, encoder)\n",
        "    # Mine.\n    return make_pipeline(imputer, encoder)\n",
    ),
    "params.yaml": ("n_estimators: 100", "n_estimators: 20"),
    # At its head: below it, the README has been written anew (CHANGELOG.md).
    "README.md": ("# Penguins\n", "# Penguins\n\nOur notes are in a wiki.\n"),
    "dvc.yaml": (
        "# The models that have versions",
        "  count:\n    cmd: python count.py\n    deps: [count.py, data/prepared/train.parquet]\n"
        "    outs: [metrics/count.json: {cache: false}]\n\n# The models that have versions",
    ),
}
METRIC = ('    "brier": brier,\n', '    "matthews": from_sklearn(matthews_corrcoef),\n')
IMPORT = "from sklearn.metrics import matthews_corrcoef\n"
COUNT = """\
\"\"\"Count the rows.\"\"\"

import json
from pathlib import Path

import polars as pl

rows = pl.read_parquet("data/prepared/train.parquet").height
Path("metrics/count.json").write_text(json.dumps({"train": rows}), encoding="utf-8")
"""


@dataclass(frozen=True)
class Old:
    """A project of the old layout, and the template that it is of."""

    project: Project
    template: Path

    def run(self, *command: str) -> str:
        return self.project.run(*command).stdout

    def model(self, *arguments: str) -> str:
        return self.run("model", *arguments)

    def read(self, name: str) -> str:
        return (self.project.path / name).read_text(encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        text = self.read(name)
        assert text.count(old) == 1, f"{old!r} in {name}"
        (self.project.path / name).write_text(text.replace(old, new), encoding="utf-8")

    def lay(self, revision: str) -> None:
        """Commit the template as it was in a revision, or as it is here."""
        environment = self.project.environment
        for path in self.template.iterdir():
            if path.name != ".git":
                run("rm", "-rf", str(path), cwd=self.template, environment=environment)
        names = ("cookiecutter.json", "hooks", "templates", "{{cookiecutter.project_slug}}")
        there = run(
            "git", "ls-tree", "--name-only", revision, cwd=TEMPLATE, environment=environment
        )
        archive = ["git", "archive", revision, *(n for n in names if n in there.stdout.split("\n"))]
        packed = subprocess.run(archive, cwd=TEMPLATE, capture_output=True, check=True).stdout
        subprocess.run(["tar", "x"], cwd=self.template, input=packed, check=True)
        run("git", "add", "--all", "--force", ".", cwd=self.template, environment=environment)
        commit = ("git", "commit", "--quiet", "--message", revision)
        run(*commit, cwd=self.template, environment=environment)


@pytest.fixture
def old(tmp_path: Path, environment: dict[str, str]) -> Old:
    """A project that cruft made, edited as an owner would, with a version in production."""
    known = ["git", "cat-file", "-e", f"{LAST}^{{commit}}"]
    if subprocess.run(known, cwd=TEMPLATE, check=False, capture_output=True).returncode:
        lack(f"the history of the template does not reach {LAST}: `git fetch --unshallow`")
    template = tmp_path / "template"
    template.mkdir()
    run("git", "init", "--quiet", cwd=template, environment=environment)
    path = tmp_path / "penguins"
    setup = subprocess.CompletedProcess[str]([], 0)
    old = Old(Project(path, environment, setup), template)
    old.lay(LAST)
    cruft = (sys.executable, "-m", "cruft", "create", str(template), "--no-input")
    run(*cruft, cwd=tmp_path, environment=environment)
    run(sys.executable, "bootstrap.py", cwd=path, environment=environment)
    for name, (before, after) in EDITS.items():
        old.edit(name, before, after)
    old.edit("penguins/metrics.py", METRIC[0], METRIC[0] + METRIC[1])
    old.edit("penguins/metrics.py", "import numpy as np\n", f"import numpy as np\n{IMPORT}")
    (path / "count.py").write_text(COUNT, encoding="utf-8")
    old.run("dvc", "repro")
    old.run("git", "add", "--all")
    old.run("git", "commit", "--quiet", "--message", "My edits")
    old.run("dvc", "push")
    old.model("register", "--message", "The first one")
    old.model("promote", "v1", "prod", "--message", "In use")
    return old


@in_long_form
def test_an_earlier_project_takes_the_two_rooms_over(old: Old) -> None:
    old.model("predict", RAW, "--output", "../before.csv")
    old.lay("HEAD")
    old.run(sys.executable, "-m", "cruft", "update", "--skip-apply-ask")
    assert not list(old.project.path.rglob("*.rej"))
    # The one step by hand (CHANGELOG.md): of metrics.py, what the template says, and one's import.
    conflicts = old.run("git", "diff", "--name-only", "--diff-filter=U").splitlines()
    assert conflicts == ["penguins/metrics.py"]
    text = re.sub(
        r"<<<<<<< ours\n.*?=======\n(.*?)>>>>>>> theirs\n",
        rf"{IMPORT}\n\1",
        old.read("penguins/metrics.py"),
        flags=re.DOTALL,
    )
    (old.project.path / "penguins/metrics.py").write_text(text, encoding="utf-8")
    old.run("uv", "lock", "--quiet")
    old.run("uv", "sync", "--quiet")
    old.run("dvc", "repro")
    old.run("git", "add", "--all")
    old.run("git", "commit", "--quiet", "--message", "Take over the two rooms")

    for name, (_, after) in EDITS.items():
        assert after in old.read(name), name
    assert METRIC[1] in old.read("penguins/metrics.py")
    assert set(old.run("git", "ls-files", "penguins").split()) == {
        f"penguins/{name}.py"
        for name in (
            *("__init__", "card", "data", "evaluate"),
            *("metrics", "model", "params", "prepare", "train"),
        )
    }
    assert "as released" in old.model("doctor", "--offline")
    assert "model@v1.0.0 holds" in old.model("verify", "v1")
    assert "identical" in old.model("verify", "v1", "--rebuild")
    old.model("predict", RAW, "--output", "../after.csv", "--version", "v1")
    assert old.read("../after.csv") == old.read("../before.csv")
    old.run("dvc", "push")
    old.model("register", "--message", "In two rooms")
    # Rows have other sides than there (CHANGELOG.md), so that the model is another one.
    found = json.loads(old.model("diff", "v1", "v1.1", "--json"))
    assert "test.accuracy" in " ".join(found["metrics"])
    # The version in use was fitted on many rows that are the test now: the others may be too few.
    why = ("--message", "In two rooms", "--override", "The old one knows these test rows")
    old.model("promote", "v1.1", "prod", *why)
    old.model("rollback", "prod", "--message", "Back to the old layout")
    old.run("lint-imports")
    old.run("pytest", "-q", "-p", "no:cacheprovider")
