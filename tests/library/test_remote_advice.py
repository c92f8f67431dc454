"""What helps where a remote cannot be used: DVC takes each of these commands for its kind."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.cli import main as dvc  # type: ignore[import-untyped]
from servers import KEY, S3, SECRET

from mlrepo.core.errors import ProjectError
from mlrepo.storage import configure
from mlrepo.storage.configure import _before_it_has_a_name
from mlrepo.storage.remote_errors import (
    CredentialsError,
    FolderRightsError,
    PlugInError,
    RemoteError,
    UnreachableError,
    explain,
    helps,
)

from .conftest import PROJECT
from .test_remote import at  # noqa: F401 -- a fixture

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dvc")

ADDRESSES = {
    "azure": "azure://container/models",
    "gs": "gs://bucket/models",
    "s3": "s3://bucket/models",
    "ssh": "ssh://host/models",
    "http": "https://host/models",
    "": "/mnt/models",
}
WORDS = {"FOLDER": "/mnt/other", "PORT": "22"}
At = Callable[[str], None]


def each_kind(of: type[RemoteError] = RemoteError) -> list[type[RemoteError]]:
    """Return a class of trouble and all below it."""
    return [of, *(kind for below in of.__subclasses__() for kind in each_kind(below))]


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_dvc_takes_each_command_that_is_advised(at: At, address: str) -> None:  # noqa: F811
    commands = set[str]()
    for kind in each_kind():
        words = helps(kind, address, "storage")
        assert len(words) > 10
        assert "NAME" not in words
        if kind is not PlugInError and (kind is not FolderRightsError or not address.count(":")):
            commands |= set(re.findall("`(?:uv run )?(dvc [^`]+)`", words))
    assert len(commands) >= 3
    for command in commands:
        at(address)
        Path(".dvc/config.local").unlink(missing_ok=True)
        typed = re.sub(r"\bADDRESS\b", address, command)
        typed = re.sub(r"\b[A-Z]{3,}\b", lambda word: WORDS.get(word[0], "text"), typed)
        assert dvc(shlex.split(typed)[1:]) == 0, typed


@pytest.mark.parametrize("address", [*ADDRESSES.values()][:-1], ids=[*ADDRESSES][:-1])
def test_commands_for_a_new_address_come_in_the_order_in_which_they_work(
    at: At,  # noqa: F811
    address: str,
) -> None:
    """DVC refuses to change a remote that it does not have yet."""
    for kind in each_kind():
        at("../../storage")
        Path(".dvc/config.local").unlink(missing_ok=True)
        server = "http://x" if address.startswith(("gs", "s3")) else None
        words = _before_it_has_a_name(helps(kind, address, "new"), "new", address, server)
        commands = re.findall("`((?:dvc|model) [^`]+)`", words)
        settings = [
            each for each in commands if each.startswith("dvc remote ") and "list" not in each
        ]
        for command in settings:
            typed = re.sub(r"\b[A-Z]{3,}\b", lambda word: WORDS.get(word[0], "text"), command)
            assert dvc(shlex.split(typed)[1:]) == 0, typed
        assert ("model remote new" in commands[-1:]) == bool(settings), words


def test_without_credentials_what_is_told_leads_there(
    at: At,  # noqa: F811
    s3: S3,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in s3.variables:
        monkeypatch.delenv(name, raising=False)
    keys = f"[team]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
    (tmp_path / "keys").write_text(keys, encoding="utf-8")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "keys"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    s3.make_bucket("advice")
    at("")
    Path(".dvc/config").write_text("[core]\nno_scm = true\n", encoding="utf-8")
    address = "s3://advice/models"
    with pytest.raises(CredentialsError) as refused:
        configure.relocate(address, s3.url)
    assert str(refused.value) == (
        f"{address} gets no credentials (Unable to locate credentials): set AWS_ACCESS_KEY_ID and "
        f"AWS_SECRET_ACCESS_KEY, or name a profile: `dvc remote add new {address}`, `dvc remote "
        f"modify new endpointurl {s3.url}`, `dvc remote modify --local new profile PROFILE`, then "
        "`model remote new`\n  So nothing has moved"
    )
    *settings, last = re.findall("`([^`]+)`", str(refused.value))
    for command in settings:
        assert dvc(shlex.split(command.replace("PROFILE", "team"))[1:]) == 0
    assert configure.relocate(last.split()[-1]).endswith(f"DVC's remote 'new' is {address}")
    assert "remote = new" in Path(".dvc/config").read_text(encoding="utf-8")


def test_an_s3_command_is_told_to_nobody_else() -> None:
    """DVC refuses endpointurl for SSH and Azure, and then no command of DVC's runs any more."""
    told = {
        name: str(explain(ConnectionRefusedError(), "It", "storage", address))
        for name, address in ADDRESSES.items()
        if name
    }
    assert [name for name, words in told.items() if "endpointurl" in words] == ["s3"]
    assert "`dvc remote modify storage port PORT`" in told["ssh"]
    assert "`dvc remote modify storage account_name ACCOUNT`" in told["azure"]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Authentication requires either account_name or connection_string.", CredentialsError),
        ("The config profile (nope) could not be found", CredentialsError),
        ("Cannot connect to host 127.0.0.1:9", UnreachableError),
    ],
)
def test_words_of_libraries_as_they_were_seen(words: str, kind: type[RemoteError]) -> None:
    name = "AzureAuthError" if "account" in words else "ProfileNotFound"
    error = type(name if kind is CredentialsError else "OSError", (Exception,), {})(words)
    assert type(explain(error, "It", "storage", "azure://box")) is kind


@pytest.mark.parametrize(
    ("address", "endpoint", "says"),
    [
        ("s3://", None, "s3:// is not a whole address: write s3://BUCKET/FOLDER"),
        ("gs:///models", None, "is not a whole address: write gs://BUCKET/FOLDER"),
        ("ssh://host", None, "is not a whole address: write ssh://HOST/FOLDER"),
        ("s3:/bucket/models", None, "is no folder: an address begins with s3://"),
        ("ftp://host/models", None, "is neither a folder nor an address of azure, gs, s3, ssh"),
        ("ssh://host/models", "http://x", "--endpoint is of a server that speaks S3"),
        ("../file/models", None, "So nothing has moved"),
        (
            "s3://bucket/models",
            "http://127.0.0.1:9",
            "the address: `model remote s3://bucket/models --endpoint ADDRESS`\n  So nothing",
        ),
    ],
)
def test_an_address_is_proven_before_it_is_written_down(
    at: At,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    endpoint: str | None,
    says: str,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "a")
    at("../../storage")
    Path("../file").touch()
    before = Path(".dvc/config").read_bytes()
    with pytest.raises(ProjectError) as refused:
        configure.relocate(address, endpoint)
    assert says in str(refused.value)
    assert Path(".dvc/config").read_bytes() == before


def test_the_first_remote_of_a_project_is_proven_as_well(at: At) -> None:  # noqa: F811
    Path(".dvc/config").write_text("[core]\nno_scm = true\n", encoding="utf-8")
    Path("../file").touch()
    with pytest.raises(RemoteError, match="So nothing has moved"):
        configure.relocate("../file/models")
    assert "remote" not in Path(".dvc/config").read_text(encoding="utf-8")
    copied, place = configure.relocate("../models").splitlines()
    assert copied == "nothing was to be copied"
    assert place == f"DVC's remote 'storage' is {Path('../models').resolve()}"
    assert "url = ../../models" in Path(".dvc/config").read_text(encoding="utf-8")


def test_messages_and_hooks_advise_commands_that_bring_imports_too() -> None:
    """And say what is missing: `dvc pull` and `dvc push` do neither, as docs/data.md warns."""
    files = [*PROJECT.glob("mlrepo/**/*.py"), *PROJECT.glob("tests/*.py")]
    files += [path for path in (PROJECT / ".githooks").iterdir() if path.is_file()]
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    assert [path for path, text in texts.items() if re.search(r"\bdvc (pull|push)\b", text)] == []
    assert sum(text.count("`model push") + text.count("`model pull") for text in texts.values()) > 9
