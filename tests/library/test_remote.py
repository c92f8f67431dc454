"""What a remote that cannot be used is told of, and that the kinds of trouble are told apart."""

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlrepo.core.errors import ProjectError
from mlrepo.storage import remote, transfer
from mlrepo.storage.remote_errors import (
    BucketError,
    CredentialsError,
    DiskFullError,
    FolderError,
    FolderRightsError,
    PlugInError,
    RemoteError,
    RightsError,
    UnreachableError,
    kind_of,
)

# Of pygtrie, which DVC calls in an old way.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

CONFIG = """\
[core]
    analytics = false
    check_update = false
    no_scm = true
    remote = storage
['remote "storage"']
    url = {}
"""


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make the current folder a project whose remote is at an address."""
    for name in ("GLOBAL_CONFIG_DIR", "SYSTEM_CONFIG_DIR", "SITE_CACHE_DIR"):
        monkeypatch.setenv(f"DVC_{name}", str(tmp_path / name))
    project = tmp_path / "project"
    (project / ".dvc").mkdir(parents=True)
    monkeypatch.chdir(project)

    def write(address: str) -> None:
        Path(".dvc/config").write_text(CONFIG.format(address), encoding="utf-8")

    return write


def test_a_folder_that_can_be_written_is_left_as_it_was(at: Callable[[str], None]) -> None:
    at("../../storage")
    found = remote.probe()
    assert (found.name, found.refusal) == ("storage", None)
    storage = Path("../storage")
    assert Path(found.url) == storage.resolve()
    assert not list((storage / "files/md5").iterdir())


@pytest.mark.skipif(
    not Path("/sys/kernel").is_dir(), reason="needs a folder that not even root writes"
)
def test_a_folder_without_the_right_to_write_is_no_matter_of_credentials(
    at: Callable[[str], None],
) -> None:
    at("/sys/kernel/storage")
    refusal = remote.probe().refusal
    assert isinstance(refusal, FolderRightsError)
    assert str(refusal).startswith("DVC's remote 'storage' (/sys/kernel/storage) is a folder that")
    assert str(refusal).endswith(
        "check its owner and permissions, or `uv run dvc remote modify --local storage url FOLDER`"
    )
    with pytest.raises(FolderRightsError):
        transfer.transfer("push", all_versions=False)


def test_a_file_is_no_folder(at: Callable[[str], None]) -> None:
    at("../../storage")
    Path("../storage").touch()
    with pytest.raises(FolderError, match=r"is no folder that can be written .*: mount the drive"):
        remote.probe()


def test_no_remote_is_told(at: Callable[[str], None]) -> None:
    Path(".dvc/config").write_text("[core]\nno_scm = true\n", encoding="utf-8")
    with pytest.raises(ProjectError, match="DVC has no default remote: `dvc remote add --default"):
        remote.probe()


def test_no_project_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError, match=r"^\.dvc/config does not exist: "):
        remote.probe()


def test_a_server_that_never_answers_is_left_and_nothing_waits_for_it(
    at: Callable[[str], None],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as dead:  # takes the call and never answers
        at(f"s3://bucket/place\n    endpointurl = http://127.0.0.1:{dead.getsockname()[1]}")
        code = (
            "from mlrepo.core.errors import exit_with_message\n"
            "from mlrepo.storage import remote\n"
            "exit_with_message(lambda: remote.probe(1))"
        )
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        done = subprocess.run(
            [sys.executable, "-c", code],
            timeout=60,  # botocore would wait twice as long for two answers
            env={**os.environ, **keys},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode == 2
    assert "does not answer for 1 seconds: check the network and the address" in done.stderr


def test_a_client_of_s3_tries_twice(at: Callable[[str], None]) -> None:
    """botocore's own five attempts, with pauses that grow, take half a minute of each file."""
    before = dict(os.environ)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    at(
        f"s3://bucket/place\n    endpointurl = http://127.0.0.1:{port}\n"
        "    access_key_id = a\n    secret_access_key = b"
    )
    begun = time.monotonic()
    with pytest.raises(UnreachableError, match="cannot be reached"):
        remote.probe(30)
    assert time.monotonic() - begun < 10
    assert dict(os.environ) == before


class ClientError(Exception):
    """As botocore's, known by its words alone."""


def caused(error: Exception, by: Exception) -> Exception:
    error.__cause__ = by
    return error


@pytest.mark.parametrize(
    ("error", "is_folder", "kind"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/mnt/x"), True, FolderRightsError),
        (PermissionError(errno.EPERM, "Operation not permitted"), True, FolderRightsError),
        (OSError(errno.EROFS, "Read-only file system"), True, FolderRightsError),
        (OSError(errno.ENOSPC, "No space left on device"), True, DiskFullError),
        (OSError(errno.ENOSPC, "No space left on device"), False, DiskFullError),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), True, FolderError),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory"), True, FolderError),
        # s3fs tells of a refused key so.
        (PermissionError(errno.EACCES, "Access Denied"), False, RightsError),
        (PermissionError("Forbidden"), False, RightsError),
        (ClientError("InvalidAccessKeyId"), False, RightsError),
        (FileNotFoundError("The specified bucket does not exist"), False, BucketError),
        (ClientError("NoSuchBucket"), False, BucketError),
        (ClientError("Unable to locate credentials"), False, CredentialsError),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), False, UnreachableError),
        (TimeoutError(), False, UnreachableError),
        (caused(ClientError("failed"), ConnectionResetError()), False, UnreachableError),
        (ValueError("odd"), False, RemoteError),
    ],
)
def test_kinds_are_told_apart(error: Exception, is_folder: bool, kind: type[RemoteError]) -> None:
    assert kind_of(error, is_folder) is kind


def test_a_plug_in_that_is_missing_is_named(at: Callable[[str], None]) -> None:
    at("gs://bucket/place")
    with pytest.raises(PlugInError, match=r"gs://bucket/place\) needs a plug-in that is not inst"):
        remote.probe()


def test_the_cache_of_this_machine_is_no_matter_of_the_remote(at: Callable[[str], None]) -> None:
    at("../../storage")
    Path("table.csv").write_text("a\n1\n", encoding="utf-8")
    from dvc.repo import Repo  # type: ignore[import-untyped]

    with Repo() as repo:
        repo.add("table.csv")
        repo.push()
    shutil.rmtree(".dvc/cache")
    Path(".dvc/cache").touch()
    with pytest.raises(ProjectError, match=r"\.dvc/cache.* cannot be used .*: move away") as told:
        transfer._carry_out("pull")
    assert "remote" not in str(told.value)


def test_a_damaged_index_of_git_is_told_before_dvc_waits_for_it(at: Callable[[str], None]) -> None:
    at("../../storage")
    subprocess.run(["git", "init", "--quiet"], check=True)
    Path(".git/index").write_bytes(b"DIRC")
    with pytest.raises(ProjectError, match=r"index file .*: `rm \.git/index` and `git reset`"):
        remote.probe()


def test_an_order_is_answered_in_json(
    at: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at("../../storage")
    command = [sys.executable, "-m", "mlrepo.storage.transfer"]
    order = json.dumps({"verb": "push"})
    done = subprocess.run(command, input=order, capture_output=True, encoding="utf-8", check=True)
    assert json.loads(done.stdout) == {"files": 0}
    Path("../storage").touch()
    Path("table.csv").write_text("a\n1\n", encoding="utf-8")
    from dvc.repo import Repo

    with Repo() as repo:
        repo.add("table.csv")
    done = subprocess.run(command, input=order, capture_output=True, encoding="utf-8", check=True)
    said = json.loads(done.stdout)["error"]
    assert "is no folder that can be written" in said
    assert said.endswith("Not all is done: run this again, what is done stays done")
    assert "Traceback" not in done.stderr
