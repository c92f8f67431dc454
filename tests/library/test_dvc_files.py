"""A folder has the digest that DVC gives it, whatever its .dvcignore files say."""

from pathlib import Path
from typing import Any

import pytest

from mlrepo.pipeline.dvc_files import DvcIgnore, digest

from .conftest import PROJECT

# Of pygtrie, which DVC calls in an old way.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

FILES = (
    "code/a.py",
    "code/a.py~",
    "code/.DS_Store",
    "code/.a.py.swp",
    "code/b c/ä.py",
    "code/b c/keep.pyc",
    "code/b c/old.pyc",
    "code/__pycache__/a.cpython-312.pyc",
    "code/deep/__pycache__/b.pyc",
    "code/deep/er/c.py",
    "code/deep/er/build/d.py",
    "code/deep/build",  # a file: patterns of folders do not mean it
    "code/deep.py",
    "code/deep-er.py",
    "code/.ipynb_checkpoints/n.ipynb",
    "code/other/.dvc/config",
    "code/other/in_another_project.py",
    "code/.git",
)
SHIPPED = (PROJECT / ".dvcignore").read_text(encoding="utf-8").split("{%-")[0]
# The .dvcignore of the project, and of the folder `src` around the code.
IGNORES = {
    "none": ("", ""),
    "shipped": (SHIPPED, ""),
    "files": ("*.pyc\n# *.py\n\n*~\n", ""),
    "anchored": ("/src/code/deep/er\n/code\ndeep/build\n", ""),
    "folders": ("build/\n__pycache__/\nb c/\n", ""),
    "levels": ("**/er/\nsrc/**/*.pyc\n", ""),
    "but": ("*.pyc\n!keep.pyc\nbuild/\n!build/d.py\n", ""),
    "in a folder that is left out": ("er/\n!c.py\n", ""),
    "below": ("*.pyc\n", "!*.pyc\nold.*\n/code/deep/er\n"),
    "spaces": ("  *.pyc  \n\\#*\ncode/b\\ c/\n", ""),
}


@pytest.fixture(params=IGNORES)
def project(request: Any, tmp_path: Path) -> Path:
    """Return a project with code of every kind and the case's two .dvcignore files."""
    for name in FILES:
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    (tmp_path / "src/code/link.py").symlink_to("a.py")
    (tmp_path / "src/code/link").symlink_to("deep")
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\nno_scm = true\n", encoding="utf-8")
    for folder, text in zip((tmp_path, tmp_path / "src"), IGNORES[request.param], strict=True):
        (folder / ".dvcignore").write_text(text, encoding="utf-8")
    return tmp_path


def test_dvc_gives_the_same_digest(project: Path) -> None:
    from dvc.repo import Repo  # type: ignore[import-untyped]
    from dvc_data.hashfile.build import build

    with Repo(str(project)) as repo:
        place = str(project / "src/code")
        built: Any = build(
            repo.cache.local, place, repo.fs, "md5", ignore=repo.dvcignore, dry_run=True
        )[2]
    theirs = {"/".join(parts) for parts, _, _ in built}
    ours = {path.removeprefix("src/code/") for path in DvcIgnore(project).walk("src/code")}
    assert ours == theirs
    assert digest("src/code", project) == built.hash_info.value


def test_what_editors_and_systems_leave_is_no_code(tmp_path: Path) -> None:
    (tmp_path / ".dvcignore").write_text(SHIPPED, encoding="utf-8")
    (tmp_path / "mlrepo/core").mkdir(parents=True)
    (tmp_path / "mlrepo/core/paths.py").write_bytes(b"MODEL = 1\n")
    before = digest("mlrepo/core", tmp_path)
    for name in ("__pycache__/paths.pyc", "paths.py~", ".paths.py.swp", "#paths.py#", ".DS_Store"):
        path = tmp_path / "mlrepo/core" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\0")
        assert digest("mlrepo/core", tmp_path) == before, name
    checkpoint = tmp_path / "mlrepo/core/.ipynb_checkpoints/paths-checkpoint.py"
    checkpoint.parent.mkdir()
    checkpoint.touch()
    assert digest("mlrepo/core", tmp_path) == before
    (tmp_path / "mlrepo/core/more.py").touch()
    assert digest("mlrepo/core", tmp_path) != before


def test_a_file_has_its_md5(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a")
    assert digest("a.txt", tmp_path) == "0cc175b9c0f1b6a831c399e269772661"
