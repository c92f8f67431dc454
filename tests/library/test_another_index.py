"""Locked packages from another package index than that of uv.lock, which stays as it is."""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlrepo.storage.setup import name_index

from .conftest import PROJECT

# What bootstrap.py and a rebuild do with uv.
SET_UP = (
    "import bootstrap; uv = bootstrap.find_tools(); bootstrap.choose_python(uv); "
    "bootstrap.environment(uv)"
)
MINOR = "{}.{}".format(*sys.version_info)
WHEEL = "made_up-1.0-py3-none-any.whl"
IMPORT = [".venv/bin/python", "-c", "import made_up; print(made_up.answer)"]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def index(folder: Path, answer: int) -> Iterator[str]:
    """Serve a package index with one package, whose module has ``answer``."""
    page = folder / "simple/made-up"
    page.mkdir(parents=True)
    files = {
        "made_up.py": f"answer = {answer}\n\n\ndef main():\n    print(answer)\n",
        "made_up-1.0.dist-info/entry_points.txt": "[console_scripts]\nmade-up = made_up:main\n",
        "made_up-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: made-up\nVersion: 1.0\n",
        "made_up-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = "made_up-1.0.dist-info/RECORD"
    with zipfile.ZipFile(page / WHEEL, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(zipfile.ZipInfo(name), text)
        wheel.writestr(zipfile.ZipInfo(record), "".join(f"{name},,\n" for name in [*files, record]))
    digest = hashlib.sha256((page / WHEEL).read_bytes()).hexdigest()
    (page / "index.html").write_text(f'<a href="{WHEEL}#sha256={digest}">{WHEEL}</a>')
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple"
    finally:
        server.shutdown()
        server.server_close()


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command where no index answers but what ``variables`` name."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("UV_", "VIRTUAL_ENV"))}
    uv = {"UV_HTTP_RETRIES": "0", "UV_CACHE_DIR": "../cache", "XDG_CONFIG_HOME": "../none"}
    environment = {**kept, **uv, **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A project with a lock of an index that has gone; returns the lock."""
    folder = tmp_path / "project"
    (folder / ".dvc/tmp").mkdir(parents=True)
    shutil.copy(PROJECT / "bootstrap.py", folder)
    (folder / "params.yaml").write_text("train:\n  estimator: sklearn.Some\n")
    (folder / ".python-version").write_text(f"{MINOR}\n")
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "tiny"\nversion = "1"\nrequires-python = "=={MINOR}.*"\n'
        'dependencies = ["made-up"]\n\n[tool.uv]\npackage = false\n\n[tool.uv.build-backend]\n'
    )
    monkeypatch.chdir(folder)
    with index(tmp_path / "first", 42) as first:
        assert run("uv", "lock", UV_DEFAULT_INDEX=first).returncode == 0
    shutil.rmtree(tmp_path / "cache")
    return Path("uv.lock").read_bytes()


def test_the_same_packages_come_from_any_index(locked: bytes, tmp_path: Path) -> None:
    with index(tmp_path / "second", 42) as second:
        done = run(sys.executable, "-c", SET_UP, UV_DEFAULT_INDEX=second)
        assert done.returncode == 0, done.stderr
        assert "from this machine's package index: that of uv.lock does not answer" in done.stdout
        assert run(*IMPORT).stdout == "42\n"
        assert Path("uv.lock").read_bytes() == locked
        # Nothing is left to do, and nothing is asked for.
        assert "package index" not in run(sys.executable, "-c", SET_UP).stdout


def test_other_bytes_under_the_same_name_are_refused(locked: bytes, tmp_path: Path) -> None:
    with index(tmp_path / "forged", 43) as forged:
        done = run(sys.executable, "-c", SET_UP, UV_DEFAULT_INDEX=forged)
    assert done.returncode == 1
    assert "Hash mismatch for `made-up==1.0`" in done.stderr
    assert run(*IMPORT).returncode == 1
    assert Path("uv.lock").read_bytes() == locked


def test_where_no_index_answers_both_are_named(locked: bytes) -> None:
    done = run(sys.executable, "-c", SET_UP, UV_DEFAULT_INDEX="http://127.0.0.1:9/simple")
    assert "check the network, UV_DEFAULT_INDEX and uv.toml; run this again." in done.stderr
    assert Path("uv.lock").read_bytes() == locked


def test_uv_run_leaves_the_lock_alone_once_its_index_is_named(
    locked: bytes, tmp_path: Path
) -> None:
    """As uv takes the index in pyproject.toml for a known one, and asks it for nothing."""
    with index(tmp_path / "second", 42) as second:
        assert run("uv", "lock", "--check", UV_DEFAULT_INDEX=second).returncode != 0
        name_index()
        named = Path("pyproject.toml").read_bytes()
        name_index()
        assert Path("pyproject.toml").read_bytes() == named
        assert run("uv", "lock", "--check", UV_DEFAULT_INDEX=second).returncode == 0
        assert run(sys.executable, "-c", SET_UP, UV_DEFAULT_INDEX=second).returncode == 0
        said = run("uv", "run", *IMPORT, UV_DEFAULT_INDEX=f"{second}/")
    assert said.stdout == "42\n", said.stderr
    assert Path("uv.lock").read_bytes() == locked


def test_a_folder_may_be_moved_and_what_was_made_elsewhere_is_made_anew(
    locked: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment is of its place where plain `uv sync` has made it."""
    with index(tmp_path / "second", 42) as second:
        assert run(sys.executable, "-c", SET_UP, UV_DEFAULT_INDEX=second).returncode == 0
        Path("../project").rename("../moved once")
        monkeypatch.chdir(tmp_path / "moved once")
        assert run(".venv/bin/made-up").stdout == "42\n"

        shutil.rmtree(".venv")
        assert run("uv", "sync", "--index", second).returncode == 0
        Path("uv.lock").write_bytes(locked)
        Path("../moved once").rename("../moved twice")
        monkeypatch.chdir(tmp_path / "moved twice")
        assert run(".venv/bin/made-up").returncode != 0
        assert run(sys.executable, "-c", SET_UP, UV_DEFAULT_INDEX=second).returncode == 0
        assert run(".venv/bin/made-up").stdout == "42\n"
