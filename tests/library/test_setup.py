"""Set-up keeps the raw data in DVC's cache, and takes no other content for it."""

import os
import shutil
from pathlib import Path

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.storage import setup

# Of pygtrie, which DVC calls in an old way.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

TABLE, PARTS = Path("data/raw/table.csv"), Path("data/raw/parts")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a table and a folder that DVC tracks and has in its cache."""
    from dvc.repo import Repo  # type: ignore[import-untyped]

    for name in ("GLOBAL_CONFIG_DIR", "SYSTEM_CONFIG_DIR", "SITE_CACHE_DIR"):
        monkeypatch.setenv(f"DVC_{name}", str(tmp_path / name))
    folder = tmp_path / "project"
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".dvc/config").write_text("[core]\nno_scm = true\n", encoding="utf-8")
    (folder / PARTS).mkdir(parents=True)
    (folder / TABLE).write_bytes(b"a\n1\n")
    (folder / PARTS / "1.csv").write_bytes(b"b\n2\n")
    monkeypatch.chdir(folder)
    with Repo() as repo:
        repo.add([str(TABLE), str(PARTS)])
    return folder


def cached() -> set[bytes]:
    files = Path(".dvc/cache/files/md5").rglob("*")
    return {path.read_bytes() for path in files if path.is_file() and path.suffix != ".dir"}


def test_what_is_here_comes_into_an_empty_cache(project: Path) -> None:
    shutil.rmtree(".dvc/cache")
    setup.keep_raw_data()
    assert cached() == {b"a\n1\n", b"b\n2\n"}
    setup.keep_raw_data()


def test_what_is_absent_comes_back(project: Path) -> None:
    TABLE.unlink()
    shutil.rmtree(PARTS)
    setup.keep_raw_data()
    assert TABLE.read_bytes() == b"a\n1\n"
    assert (PARTS / "1.csv").read_bytes() == b"b\n2\n"


def test_what_is_nowhere_is_told(project: Path) -> None:
    TABLE.unlink()
    shutil.rmtree(".dvc/cache")
    told = (
        r"^data/raw/table\.csv is not on this machine: `dvc pull data/raw/table\.csv` failed: fix "
    )
    with pytest.raises(ProjectError, match=told):
        setup.keep_raw_data()


@pytest.mark.parametrize("is_cached", [True, False])
@pytest.mark.parametrize("path", [TABLE, PARTS])
def test_what_has_changed_is_left_alone(project: Path, path: Path, is_cached: bool) -> None:
    file = PARTS / "1.csv" if path == PARTS else path
    file.unlink()  # not through a link into the cache
    file.write_bytes(b"c\n3\n")
    if not is_cached:
        shutil.rmtree(".dvc/cache")
    with pytest.raises(ProjectError) as refused:
        setup.keep_raw_data()
    old = (
        f"`dvc checkout --force {path}.dvc` brings the old one back"
        if is_cached
        else "the old one is not in DVC's cache"
    )
    assert str(refused.value) == (
        f"{path} is not what {path}.dvc says: `dvc add {path}` takes the new content; {old}"
    )
    assert file.read_bytes() == b"c\n3\n"
    assert b"c\n3\n" not in cached()


def test_a_project_without_data_needs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    setup.keep_raw_data()
    assert list(tmp_path.iterdir()) == []


def test_a_clone_of_what_nobody_has_run_gets_its_table_from_the_remote(project: Path) -> None:
    """Git has no dvc.lock then, so that `dvc pull` would ask for outputs that were never made."""
    from dvc.repo import Repo

    config = Path(".dvc/config")
    config.write_text("[core]\nno_scm = true\nremote = s\n['remote \"s\"']\nurl = ../../remote\n")
    with Repo() as repo:
        repo.push()
    TABLE.unlink()
    shutil.rmtree(".dvc/cache")
    Path("dvc.yaml").write_text("stages: {train: {cmd: 'true', outs: [model.skops]}}\n")
    setup.keep_raw_data()
    assert TABLE.read_bytes() == b"a\n1\n"

    TABLE.unlink()
    shutil.rmtree(".dvc/cache")
    shutil.rmtree(project.parent / "remote")
    with pytest.raises(SystemExit) as left:
        setup.keep_raw_data()
    assert left.value.code == setup.LATER


def test_a_cache_that_is_shared_lets_the_group_write(project: Path) -> None:
    """As docs/scale.md says: whatever the umask of who adds a file is."""
    from dvc.repo import Repo

    cache = project.parent / "shared"
    cache.mkdir()
    cache.chmod(0o2770)
    config = f"[core]\nno_scm = true\n[cache]\ndir = {cache}\nshared = group\n"
    Path(".dvc/config").write_text(config, encoding="utf-8")
    before = os.umask(0o077)
    try:
        with Repo() as repo:
            repo.commit(force=True)
    finally:
        os.umask(before)
    folders = [path for path in (cache / "files").rglob("*") if path.is_dir()]
    assert len(folders) > 1
    assert all(path.stat().st_mode & 0o2070 == 0o2070 for path in folders)
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert files
    assert all(path.stat().st_mode & 0o040 for path in files)
