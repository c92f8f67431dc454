"""Signed statements and folders, checked by the public tools of others."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from mlrepo.core.errors import ProjectError
from mlrepo.versions.proofs.envelope import PASSPHRASE, Key, enclose
from mlrepo.versions.proofs.folder import SIGNATURE, sign

STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "Grün"}]}
KINDS: dict[str, Callable[[], Any]] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
}


def written(
    folder: Path, private: Any, form: PrivateFormat = PrivateFormat.PKCS8, passphrase: str = ""
) -> Path:
    """Write a private key and beside it, in key.pub, the public one as `openssl` does."""
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    (folder / "key").write_bytes(private.private_bytes(Encoding.PEM, form, lock))
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "key.pub").write_bytes(public)
    return folder / "key"


def verified(envelope: dict[str, Any], public: Path) -> bytes:
    """Return the payload of an envelope that securesystemslib accepts by this public key."""
    content = public.read_bytes()
    key = SSlibKey.from_crypto(
        load_pem_public_key(content), keyid=hashlib.sha256(content).hexdigest()
    )
    read = Envelope.from_dict(json.loads(json.dumps(envelope)))
    read.verify([key], 1)
    return read.payload


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.OpenSSH])
@pytest.mark.parametrize("kind", KINDS)
def test_an_envelope_holds_for_others(tmp_path: Path, kind: str, form: PrivateFormat) -> None:
    key = Key.load(str(written(tmp_path, KINDS[kind](), form)))
    envelope = enclose(STATEMENT, key)
    assert json.loads(verified(envelope, tmp_path / "key.pub")) == STATEMENT

    payload = base64.b64encode(base64.b64decode(envelope["payload"]).replace(b"n", b"m", 1))
    with pytest.raises(VerificationError):
        verified(envelope | {"payload": payload.decode()}, tmp_path / "key.pub")
    with pytest.raises(VerificationError):
        verified(envelope | {"payloadType": "text/plain"}, tmp_path / "key.pub")
    written(tmp_path, KINDS[kind]())
    with pytest.raises(VerificationError):
        verified(envelope, tmp_path / "key.pub")


def test_a_passphrase_comes_from_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(written(tmp_path, KINDS["p256"](), passphrase="secret"))
    with pytest.raises(ProjectError, match=f"key has a passphrase: set {PASSPHRASE}"):
        Key.load(place)
    monkeypatch.setenv(PASSPHRASE, "wrong")
    with pytest.raises(ProjectError, match="is no private key that can be read"):
        Key.load(place)
    monkeypatch.setenv(PASSPHRASE, "secret")
    assert verified(enclose(STATEMENT, Key.load(place)), tmp_path / "key.pub")
    Key.load(str(written(tmp_path, KINDS["p256"]()))).require_elliptic()  # it has none


def test_a_job_has_the_key_itself_in_a_variable(tmp_path: Path) -> None:
    text = written(tmp_path, KINDS["p256"]()).read_text(encoding="utf-8")
    for given in (text, text.strip(), f"\n{text}"):
        assert verified(enclose(STATEMENT, Key.load(given)), tmp_path / "key.pub")
    with pytest.raises(
        ProjectError, match=r"^the key is no private key that can be read: "
    ) as told:
        Key.load(text[:60])
    assert text[:60] not in str(told.value)


def test_what_is_no_key_of_these_kinds_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="absent is no private key that can be read: "):
        Key.load(str(tmp_path / "absent"))
    public = written(tmp_path, KINDS["p256"]()).with_suffix(".pub")
    with pytest.raises(ProjectError, match=r"key\.pub is no private key that can be read: "):
        Key.load(str(public))
    for private in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256K1())):
        place = written(tmp_path, private)
        with pytest.raises(ProjectError, match=r"is neither Ed25519 nor ECDSA on P-256.*openssl"):
            Key.load(str(place))


def model_signing(folder: Path, public: Path) -> subprocess.CompletedProcess[str]:
    """Run `model_signing verify key`, which knows nothing of this project."""
    options = ["--signature", str(folder / SIGNATURE), "--public_key", str(public)]
    command = [sys.executable, "-P", "-m", "model_signing", "verify", "key", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=public.parent)


def test_a_signed_folder_holds_for_the_tool_of_openssf(tmp_path: Path) -> None:
    key = Key.load(str(written(tmp_path, KINDS["p384"]())))
    folder = tmp_path / "v1"
    folder.mkdir()
    names = ["model.skops", "a model card.md", "VERSION.json", "Ä.json"]
    for name in names:
        (folder / name).write_text(name, encoding="utf-8")
    sign(folder, names, key)
    held = model_signing(folder, tmp_path / "key.pub")
    assert held.returncode == 0, held.stderr
    assert "Verification succeeded" in held.stdout

    moved = folder.rename(tmp_path / "elsewhere")
    assert model_signing(moved, tmp_path / "key.pub").returncode == 0

    (moved / "VERSION.json").write_text("VERSION.jsom", encoding="utf-8")
    changed = model_signing(moved, tmp_path / "key.pub")
    assert changed.returncode != 0
    assert re.search(r"Hash mismatch for \W*VERSION\.json", changed.stderr)
    (moved / "VERSION.json").write_text("VERSION.json", encoding="utf-8")

    (moved / "more").write_text("more", encoding="utf-8")
    assert model_signing(moved, tmp_path / "key.pub").returncode != 0
    (moved / "more").unlink()
    assert model_signing(moved, tmp_path / "key.pub").returncode == 0
    written(tmp_path, KINDS["p384"]())
    assert model_signing(moved, tmp_path / "key.pub").returncode != 0
