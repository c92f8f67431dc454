"""A version with its papers in a folder, signed for people who have neither Git nor this project.

The signature is OpenSSF model signing (https://github.com/ossf/model-signing-spec): a bundle
about all files of the folder, which `model_signing verify key` checks without a network. It is
made here, as the package model-signing would bring 16 others into the lock of each project.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.core.files import atomic, sha256
from mlrepo.core.paths import CARD
from mlrepo.pipeline import git
from mlrepo.pipeline.output import as_json
from mlrepo.storage.store import Store
from mlrepo.versions import fetch
from mlrepo.versions.proofs.envelope import Key, enclose
from mlrepo.versions.records.exports import render, statement
from mlrepo.versions.registry import Version

SIGNATURE = "model.sig"


def fill(folder: Path, version: Version, key: Key | None) -> list[Path]:
    """Write model, record, provenance, bill of materials and card; return them, the model first."""
    texts = {
        "record.json": as_json(version.record),
        "provenance.slsa.json": render(version, "slsa"),
        "bom.cdx.json": render(version, "cyclonedx"),
    }
    if key:
        key.require_elliptic()
        texts["provenance.slsa.dsse.json"] = as_json(enclose(statement(version.record), key))
    contents = {name: f"{text.rstrip()}\n".encode() for name, text in texts.items()}
    if git.ask("cat-file", "-e", f"{version.tag.commit}:./{CARD}") is not None:
        contents[CARD.name] = git.bytes_at(version.tag.commit, CARD.name)
    model = Path(version.record["artifact"]["path"]).name
    names = [model, f"{model}.sha256", "VERSION.json", *contents]
    if key:
        _refuse_others(folder, {*names, SIGNATURE})
    fetch.fetch(version, folder, Store())
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    if key:
        sign(folder, names, key)
        names.append(SIGNATURE)
    return [folder / name for name in names]


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


def _refuse_others(folder: Path, ours: set[str]) -> None:
    others = sorted(path.name for path in folder.glob("*") if path.name not in ours)
    if others:
        raise ProjectError(
            f"{folder} has {', '.join(others)}, and a signature covers all of it: name a new one"
        )
