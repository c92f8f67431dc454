"""A project with hostile names and notes, its page, and what a browser makes of that."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Tool
from page_in_browser import Visit, visits
from releases import Released, copied

# Markup, quotes, the ends of what texts stand in, and what turns the reading direction.
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{7*7}}<!--\u202e&lt;b&gt;"
)
VERSIONS = ["v1.0.0", "v1.1.0"]
VIEWS = ("versions", "timeline", "history", "experiments")


def tried(made: Released, trials: int) -> None:
    """Add experiments to HEAD as Git keeps those of a sweep; other tests make real ones."""
    head = made.git("rev-parse", "HEAD")
    params = (made.path / "params.yaml").read_text(encoding="utf-8")
    for n in range(trials):
        files = {
            "params.yaml": params.replace("n_estimators: 6", f"n_estimators: {10 + n}"),
            "metrics/cross_validation.json": json.dumps({"cv": {"log_loss": 0.5 - n / 100}}),
        }
        index: dict[str, Any] = {"GIT_INDEX_FILE": str(made.path.parent / "index")}
        made.run("git", "read-tree", head, **index)
        for name, content in files.items():
            scratch = made.path.parent / "blob"
            scratch.write_text(content, encoding="utf-8")
            blob = made.git("hash-object", "-w", str(scratch))
            made.run("git", "update-index", "--cacheinfo", f"100644,{blob},{name}", **index)
        tree = made.run("git", "write-tree", **index).stdout.strip()
        commit = made.git("commit-tree", tree, "-p", head, "-m", "A trial")
        ref = f"refs/exps/{head[:2]}/{head[2:]}/sweep-{n:04}"
        made.run("git", "update-ref", ref, commit)


@pytest.fixture(scope="session")
def shown(two_versions: Released, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """Two versions that went through stages, with hostile names and notes, and experiments."""
    made = copied(two_versions, tmp_path_factory.mktemp("page") / "copy")
    name = HOSTILE.replace("<", "(").replace(">", ")")  # which no name has in Git
    made.model("promote", "v1", "prod", "-m", HOSTILE, "--override", HOSTILE)
    made.model("rollback", "staging", "-m", "It was wrong", GIT_COMMITTER_NAME=name)
    made.model("retire", "staging", "-m", "Nobody tries anything")
    made.model("deprecate", "v1.1", "-m", HOSTILE)
    made.model("note", "v1", "-m", HOSTILE)
    tried(made, 8)
    return made


@pytest.fixture(scope="session")
def page(shown: Released) -> Path:
    assert shown.model("page", "-o", "page.html", TZ="Asia/Tokyo").stdout.startswith("page.html: ")
    return shown.path / "page.html"


@pytest.fixture(scope="session")
def browsed(tool: Tool, page: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Visit]:
    """Each view, with all plots drawn; and what the ruler says in the middle of the events."""
    views = ["", *(f"#model/{view}" for view in VIEWS)]
    views += [f"#model/version/{version}" for version in VERSIONS]
    views += ["#model/compare/v1.0.0/v1.1.0"]
    asked: list[dict[str, Any]] = [{"hash": view, "settle": True} for view in views]
    found = visits(tool, page, tmp_path_factory.mktemp("browser"), asked)
    return dict(zip(views, found, strict=True))
