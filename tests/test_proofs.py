"""What people outside check by public tools: a seal, a time stamp, a signed folder, provenance.

The commands are those of docs/auditors.md, typed in their order.
"""

import fnmatch
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from authority import serve_authority
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from helpers import clone, sha256
from made_tags import assigned_unchecked
from pages import console, page, section
from releases import Released, copied, flip, refused, wrong
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey
from test_exports import check_cyclonedx, check_slsa
from test_release_alone import FILES

PAGE = section(page("docs/auditors.md"), "Proof outside the repository")
SCRIPTS = Path(sys.executable).parent
ALSO_SIGNED = {"model.sig", "provenance.slsa.dsse.json"}
SIGNED = sorted(FILES | ALSO_SIGNED)


@dataclass(frozen=True)
class Typed:
    """A copy in which the commands of the page were typed, and what each printed."""

    copy: Released
    said: dict[str, str]

    @property
    def beside(self) -> Path:
        return self.copy.path.parent


@pytest.fixture(scope="module")
def typed(two_versions: Released, tmp_path_factory: pytest.TempPathFactory) -> Typed:
    copy = copied(two_versions, tmp_path_factory.mktemp("proofs") / "copy")
    said = {}
    with serve_authority(tmp_path_factory.mktemp("authority") / "keys") as authority:
        pem = copy.path.parent / "authority.pem"
        pem.write_bytes(authority.certificate.read_bytes())
        for line in console(PAGE):
            command = line.replace("uv run model", "python -m mlrepo.commands")
            command = command.replace("https://tsa.example.com", authority.url)
            command = command.replace("model_signing ", f"{SCRIPTS / 'model_signing'} ")
            if not line.startswith("pip install "):  # the tests have both
                said[line] = copy.run("sh", "-c", command).stdout
    return Typed(copy, said)


@pytest.fixture
def copy(typed: Typed, tmp_path: Path) -> Released:
    """A copy of it that a test may change, with all that lies beside it."""
    return copied(typed.copy, tmp_path / "copy")


def outsiders(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check a folder by `model_signing`, in a place that has nothing of this project."""
    options = ["--signature", str(folder / "model.sig"), "--public_key", "key.pub"]
    command = [str(SCRIPTS / "model_signing"), "verify", "key", str(folder), *options]
    return subprocess.run(command, cwd=folder.parent, capture_output=True, text=True, check=False)


def opened(envelope: dict[str, Any], public: Path) -> dict[str, Any]:
    """Return the statement in an envelope that securesystemslib accepts by this key."""
    content = public.read_bytes()
    key = SSlibKey.from_crypto(load_pem_public_key(content), hashlib.sha256(content).hexdigest())
    read = Envelope.from_dict(envelope)
    read.verify([key], 1)
    statement: dict[str, Any] = json.loads(read.payload)
    return statement


def test_the_seal_is_what_anybody_computes_from_the_tags(typed: Typed) -> None:
    line = json.loads(typed.said["uv run model seal"])
    [script] = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    assert typed.copy.run("sh", "-c", script).stdout.split()[0] == line["sha256"]
    assert (line["tags"], line["newest"]) == (5, "model#staging#3")
    file = json.loads((typed.beside / "seal.json").read_text(encoding="utf-8"))
    assert file.items() > line.items()
    assert file["every"].keys() == set(typed.copy.git("tag").splitlines())
    assert typed.copy.json("verify", "--sealed", "../seal.json")["checks"]["seal"] == []


def test_a_seal_holds_for_what_came_later_and_not_for_a_chain_written_anew(
    copy: Released, tmp_path: Path
) -> None:
    line = copy.model("seal").stdout
    copy.model("promote", "v1", "staging", "-m", "An honest one")
    for seal in (line, "../seal.json"):
        assert copy.model("verify", "v1.1", "--sealed", seal).returncode == 0

    # From the first assignment of prod on, as whoever may push with force can do it.
    for name in ("model#staging#4", "model#staging#3", "model#prod#2"):
        copy.run("git", "tag", "--delete", name)
        copy.run("git", "push", "--quiet", "--no-verify", "--delete", "origin", f"refs/tags/{name}")
    for version, stage in (("v1", "prod"), ("v1.1", "staging")):
        assigned_unchecked(copy, version, stage)
    fresh = clone(copy, copy.path.parent / "fresh")
    fresh.run("git", "remote", "set-url", "origin", "../origin.git")
    there = Released(fresh.path, fresh.project)
    assert there.model("verify", "v1.1").returncode == 0  # nothing within it tells
    assert there.model("show", "--json").returncode == 0
    told = [
        f"{name} was sealed, and is another tag now" for name in ("model#prod#2", "model#staging#3")
    ]
    found = wrong(there, "v1.1", "--sealed", "../seal.json")
    assert found.keys() == {"seal"}
    assert found["seal"].splitlines()[:2] == told
    assert told[1] in wrong(there, "v1.1", "--sealed", line)["seal"]


def test_a_seal_that_cannot_be_read_is_a_mistake(copy: Released) -> None:
    refused(copy, "verify", "--sealed", "none", words=["none cannot be read: No such file"])
    refused(copy, "verify", "--authority", "../authority.pem", words=["--sealed FILE"])
    refused(copy, "seal", "-o", "../seal.json", words=["seal.json exists, and a seal is kept"])
    refused(copy, "seal", "--time-stamp", "http://127.0.0.1", words=["of a file: -o FILE"])


def test_a_time_stamp_counts_for_its_file_and_its_authority(
    typed: Typed, copy: Released, tmp_path: Path
) -> None:
    [checked] = [said for line, said in typed.said.items() if line.startswith("openssl ts")]
    assert checked.strip() in ("Verification: OK", "")  # newer ones say it on standard error
    stamped = ("v1.1", "--sealed", "../stamped.json", "--authority", "../authority.pem")
    done = copy.model("verify", *stamped)
    assert "- authority.pem proves that the seal was there at " in done.stderr
    done = copy.model("verify", *stamped[:3])
    assert "its time stamp is not checked: --authority CERTIFICATE.pem" in done.stderr

    with serve_authority(tmp_path / "theirs") as theirs:
        found = wrong(copy, *stamped[:4], str(theirs.certificate))["seal"]
        assert "stamped.json.tsr is no time stamp of this by" in found
    (copy.path.parent / "stamped.json").write_bytes(
        (copy.path.parent / "stamped.json").read_bytes() + b"\n"
    )
    assert "message imprint mismatch" in wrong(copy, *stamped)["seal"]
    line = copy.model("seal").stdout
    found = wrong(copy, "v1.1", "--sealed", line, *stamped[3:])["seal"]
    assert found == "a time stamp is of a file: name the file of the seal in place of its line"


def test_a_folder_is_checked_without_this_project(typed: Typed) -> None:
    folder = typed.beside / "handed-over"
    assert sorted(path.name for path in folder.iterdir()) == SIGNED
    assert outsiders(folder).returncode == 0
    model = sha256(folder / "model.skops")
    assert model == sha256(typed.copy.path / "models/model.skops")
    check_cyclonedx(bill := json.loads((folder / "bom.cdx.json").read_bytes()))
    hashes = {each["alg"]: each["content"] for each in bill["metadata"]["component"]["hashes"]}
    assert hashes["SHA-256"] == model

    statement = json.loads((folder / "provenance.slsa.json").read_bytes())
    envelopes = [
        json.loads((folder / "provenance.slsa.dsse.json").read_bytes()),
        json.loads(typed.said["uv run model record v1 --format slsa --sign ../key.pem"]),
    ]
    read = [opened(envelope, typed.beside / "key.pub") for envelope in envelopes]
    for each in read:
        check_slsa(each)
    assert read[0] == statement
    assert read[0]["subject"] == [{"name": "models/model.skops", "digest": {"sha256": model}}]
    assert read[1]["predicate"]["buildDefinition"]["externalParameters"]["commit"] == (
        typed.copy.git("rev-parse", "model@v1.0.0^{commit}")
    )


@pytest.mark.parametrize("name", SIGNED)
def test_one_byte_is_refused_by_each_tool(copy: Released, name: str) -> None:
    folder = copy.path.parent / "handed-over"
    flip(folder / name)
    assert outsiders(folder).returncode != 0
    if name == "provenance.slsa.dsse.json":
        with pytest.raises((VerificationError, ValueError, KeyError)):
            opened(json.loads((folder / name).read_bytes()), copy.path.parent / "key.pub")
    if name == "model.skops":
        bill = json.loads((folder / "bom.cdx.json").read_bytes())
        assert sha256(folder / name) not in json.dumps(bill)
    if name == "bom.cdx.json":
        flip(folder / name)
        text = (folder / name).read_text(encoding="utf-8")
        with pytest.raises(ValueError, match="componentz"):
            check_cyclonedx(json.loads(text.replace('"components"', '"componentz"', 1)))


def test_a_signature_is_of_a_whole_folder(copy: Released) -> None:
    get = ("get", "prod", "-o", "../handed-over", "--sign", "../key.pem")
    folder = copy.path.parent / "handed-over"
    copy.model(*get)  # again, over what it wrote
    assert outsiders(folder).returncode == 0
    before = {path.name: sha256(path) for path in folder.iterdir()}
    (folder / "more").mkdir()
    refused(copy, *get, words=["handed-over has more, and a signature covers all of it"])
    (folder / "more").rmdir()
    assert {path.name: sha256(path) for path in folder.iterdir()} == before

    copy.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "../ssh")
    refused(copy, *get[:-1], "../ssh", words=["/ssh is none: `openssl genpkey"])
    copy.model("record", "v1", "--format", "slsa", "--sign", "../ssh")
    refused(copy, "record", "v1", "--sign", "../ssh", words=["--format slsa --sign KEY"])
    copy.model("get", "prod", "-o", "../bare")
    assert {path.name for path in (copy.path.parent / "bare").iterdir()} == FILES


def test_a_release_is_signed_where_the_job_has_a_key(copy: Released) -> None:
    key = (copy.path.parent / "key.pem").read_text(encoding="utf-8")
    for given in ("", key, "../key.pem"):
        copy.model("ci", "release", "model@v1.1.0", MODEL_SIGNING_KEY=given)
        folder = copy.path / "release/model@v1.1.0"
        moved = folder.rename(copy.path.parent / "released")
        names = sorted(path.name for path in moved.iterdir())
        if given:
            assert names == SIGNED
            assert outsiders(moved).returncode == 0
        else:
            assert names == sorted(FILES)
        moved.rename(copy.path.parent / f"released-{len(given)}")


def test_the_rules_for_tags_are_of_all_tags_of_the_model(typed: Typed) -> None:
    [rules] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    read = json.loads(rules)
    assert {rule["type"] for rule in read["rules"]} >= {"update", "deletion"}
    assert (read["target"], read["enforcement"], read["bypass_actors"]) == ("tag", "active", [])
    patterns = read["conditions"]["ref_name"]["include"]
    for tag in typed.copy.git("tag").splitlines():
        assert any(fnmatch.fnmatchcase(f"refs/tags/{tag}", pattern) for pattern in patterns)
    for pattern in patterns:
        assert f"`{pattern.removeprefix('refs/tags/')}`" in PAGE  # those of GitLab
