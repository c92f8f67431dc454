"""The signature of a folder, for people who have neither Git nor this project.

The signature is OpenSSF model signing (https://github.com/ossf/model-signing-spec): a bundle
about all files of the folder, which `model_signing verify key` checks without a network. It is
made here, as the package model-signing would bring 16 others into the lock of each project.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from mlrepo.core.files import atomic, sha256
from mlrepo.versions.proofs.envelope import Key, enclose

SIGNATURE = "model.sig"


def sign(folder: Path, names: list[str], key: Key) -> None:
    """Write the signature of the files of a folder, which must be all that it holds."""
    resources = [
        {"name": name, "algorithm": "sha256", "digest": sha256(folder / name)}
        for name in sorted(names)
    ]
    whole = hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in resources))
    content: dict[str, Any] = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": folder.resolve().name, "digest": {"sha256": whole.hexdigest()}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "resources": resources,
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": [SIGNATURE],
            },
        },
    }
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": key.name}, "tlogEntries": []},
        "dsseEnvelope": enclose(content, key),
    }
    with atomic(folder / SIGNATURE) as partial:
        partial.write_text(json.dumps(bundle), encoding="utf-8")
