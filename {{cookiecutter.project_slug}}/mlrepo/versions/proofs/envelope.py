"""Statements that are signed: in-toto in a DSSE envelope, by a key in a file.

DSSE: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
"""

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrepo.core.errors import ProjectError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
PASSPHRASE = "MODEL_KEY_PASSPHRASE"
CURVES = {"secp256r1": "SHA256", "secp384r1": "SHA384", "secp521r1": "SHA512"}
_MAKE = "`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem` makes one"


@dataclass(frozen=True)
class Key:
    """A private key, and where it is from; DVC brings the package cryptography."""

    place: str
    private: "EllipticCurvePrivateKey | Ed25519PrivateKey"

    @classmethod
    def load(cls, given: str) -> "Key":
        """Take a key from a file, or from the text itself where a job has it in a variable."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519

        is_text = given.lstrip().startswith("-----BEGIN ")
        place = "the key" if is_text else given
        try:
            content = given.strip().encode() + b"\n" if is_text else Path(given).read_bytes()
            ssh = b"BEGIN OPENSSH PRIVATE KEY" in content
            load = serialization.load_ssh_private_key if ssh else serialization.load_pem_private_key
            try:
                private = load(content, None)
            except TypeError:  # it has a passphrase
                private = load(content, os.environ.get(PASSPHRASE, "").encode() or None)
        except TypeError:
            raise ProjectError(f"{place} has a passphrase: set {PASSPHRASE}") from None
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise ProjectError(f"{place} is no private key that can be read: {error}") from None
        if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in CURVES:
            return cls(place, private)
        if isinstance(private, ed25519.Ed25519PrivateKey):
            return cls(place, private)
        raise ProjectError(f"{place} is neither Ed25519 nor ECDSA on P-256, P-384, P-521: {_MAKE}")

    def require_elliptic(self) -> None:
        """Raise unless it is an ECDSA key, the only kind that OpenSSF model signing knows."""
        if not hasattr(self.private, "curve"):
            raise ProjectError(f"a folder is signed with ECDSA, and {self.place} is none: {_MAKE}")

    @property
    def name(self) -> str:
        """The SHA-256 of the public key as `openssl pkey -pubout` writes it."""
        from cryptography.hazmat.primitives import serialization as form

        kind = (form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(self.private.public_key().public_bytes(*kind)).hexdigest()

    def sign(self, content: bytes) -> bytes:
        """Return the signature of ``content``."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return self.private.sign(
                content, ec.ECDSA(getattr(hashes, CURVES[self.private.curve.name])())
            )
        return self.private.sign(content)


def test_result(
    digests: dict[str, str], result: str, configuration: list[Any], **tests: list[str]
) -> dict[str, Any]:
    """Return the in-toto statement of a test of files, of which these are the SHA-256.

    Its predicate: https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md
    """
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": d}} for name, d in digests.items()],
        "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
        "predicate": {"result": result, "configuration": configuration, **tests},
    }


def enclose(statement: dict[str, Any], key: Key) -> dict[str, Any]:
    """Return an in-toto statement in an envelope with one signature."""
    payload = json.dumps(statement, ensure_ascii=False).encode()
    head = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode()
    signature = {"sig": _base64(key.sign(head + payload)), "keyid": key.name}
    return {"payload": _base64(payload), "payloadType": PAYLOAD_TYPE, "signatures": [signature]}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
