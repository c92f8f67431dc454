"""Time stamps by an authority on this machine, and what is none."""

import hashlib
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import rfc3161_client
from authority import Authority, serve_authority
from cryptography import x509

from mlrepo.core.errors import ProjectError
from mlrepo.versions.proofs import time_stamp

CONTENT = b"a seal\n"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with serve_authority(tmp_path_factory.mktemp("ours") / "keys") as authority:
        yield authority


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with serve_authority(tmp_path_factory.mktemp("theirs") / "keys") as authority:
        yield authority


@pytest.fixture
def stamp(ours: Authority, tmp_path: Path) -> Path:
    file = tmp_path / "seal.json.tsr"
    file.write_bytes(time_stamp.ask(ours.url, CONTENT, ours.certificate))
    return file


def test_a_stamp_says_when(ours: Authority, stamp: Path) -> None:
    when = time_stamp.check(stamp, CONTENT, ours.certificate)
    assert timedelta(0) <= datetime.now(UTC) - when < timedelta(minutes=5)


def test_another_reader_of_stamps_agrees(ours: Authority, tmp_path: Path) -> None:
    """It wants certificates in the order of DER, which OpenSSL does not keep: so it gets one."""
    [root] = x509.load_pem_x509_certificates(ours.certificate.read_bytes())
    verifier = rfc3161_client.VerifierBuilder(roots=[root]).build()
    file = tmp_path / "stamp"
    file.write_bytes(time_stamp.ask(f"{ours.url}/alone", CONTENT, ours.certificate))
    read = rfc3161_client.decode_timestamp_response(file.read_bytes())
    assert read.tst_info.message_imprint.message == hashlib.sha256(CONTENT).digest()
    assert verifier.verify_message(read, CONTENT)
    assert read.tst_info.gen_time == time_stamp.check(file, CONTENT, ours.certificate)
    with pytest.raises(rfc3161_client.VerificationError):
        verifier.verify_message(read, b"another seal\n")


def test_of_another_file_it_is_no_stamp(ours: Authority, stamp: Path) -> None:
    with pytest.raises(ProjectError, match=r"\.tsr is no time stamp of this by .*imprint"):
        time_stamp.check(stamp, b"another seal\n", ours.certificate)


def test_another_authority_does_not_count(ours: Authority, theirs: Authority, stamp: Path) -> None:
    with pytest.raises(ProjectError, match=r"is no time stamp of this by .*ca\.pem: "):
        time_stamp.check(stamp, CONTENT, theirs.certificate)
    with pytest.raises(ProjectError, match="is no time stamp of this by"):
        time_stamp.ask(theirs.url, CONTENT, ours.certificate)


def test_a_changed_byte_is_found(ours: Authority, stamp: Path) -> None:
    content = bytearray(stamp.read_bytes())
    content[-1] ^= 1  # of the signature
    stamp.write_bytes(content)
    with pytest.raises(ProjectError, match="is no time stamp of this by"):
        time_stamp.check(stamp, CONTENT, ours.certificate)


def test_a_stamp_outlives_the_certificate_of_its_day(tmp_path: Path) -> None:
    file, content = tmp_path / "stamp", tmp_path / "content"
    content.write_bytes(CONTENT)
    with serve_authority(tmp_path / "keys", lasts=timedelta(seconds=4)) as short:
        file.write_bytes(time_stamp.ask(short.url, CONTENT, short.certificate))
        time.sleep(5)
        what = ("-data", str(content), "-in", str(file), "-CAfile", str(short.certificate))
        today = subprocess.run(
            ["openssl", "ts", "-verify", *what], capture_output=True, check=False
        )
        assert b"certificate has expired" in today.stderr
        assert time_stamp.check(file, CONTENT, short.certificate) < datetime.now(UTC)
        with pytest.raises(ProjectError, match="is no time stamp of this by"):
            time_stamp.ask(short.url, CONTENT, short.certificate)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("odd", r"is no time stamp of this by .*: "),
        ("refuses", r"is no time stamp: Bad request format"),
        ("page", r"is no time stamp$"),
        ("absent", r"no time stamp from http://.*: HTTP Error 404"),
    ],
)
def test_no_other_answer_is_taken(ours: Authority, path: str, told: str) -> None:
    with pytest.raises(ProjectError, match=told):
        time_stamp.ask(f"{ours.url}/{path}", CONTENT, ours.certificate)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "no address", "file:///no/such/file"])
def test_an_authority_that_cannot_be_asked_is_told(ours: Authority, url: str) -> None:
    with pytest.raises(ProjectError, match=f"no time stamp from {url}: "):
        time_stamp.ask(url, CONTENT, ours.certificate)


def test_the_certificate_has_to_be_there(ours: Authority, stamp: Path, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"none\.pem does not exist: name the certificate"):
        time_stamp.check(stamp, CONTENT, tmp_path / "none.pem")
    (tmp_path / "junk.pem").write_text("junk", encoding="utf-8")
    with pytest.raises(ProjectError, match=r"is no time stamp of this by .*junk\.pem: "):
        time_stamp.check(stamp, CONTENT, tmp_path / "junk.pem")


def test_without_openssl_it_says_how_to_install_it(
    ours: Authority, stamp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ProjectError, match="need the program openssl: `apt-get install openssl`"):
        time_stamp.check(stamp, CONTENT, ours.certificate)
