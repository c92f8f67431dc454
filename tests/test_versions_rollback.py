"""A rollback goes from the command to a proven model file, or leaves production as it was."""

import json
import shutil
from pathlib import Path

import pytest
from helpers import sha256
from releases import MODEL, Released, copied, flip, refused


@pytest.fixture
def copy(two_versions: Released, tmp_path: Path) -> Released:
    """v1.1.0 followed v1.0.0 in staging, and nothing of v1.0.0 is in the cache."""
    there = copied(two_versions, tmp_path / "copy")
    shutil.rmtree(there.path / ".dvc/cache")
    return there


def back(copy: Released, *words: str) -> None:
    refused(copy, "rollback", "staging", "-m", "Trouble", words=list(words))


def reject(copy: Released) -> None:
    hook = copy.origin / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)


def stored(copy: Released, path: str) -> Path:
    """The remote's copy of a file of v1.0.0."""
    md5 = str(copy.record("v1")["files"][path]["md5"])
    return copy.storage / "files/md5" / md5[:2] / md5[2:]


def test_it_tells_its_steps_and_brings_the_proven_bytes(copy: Released) -> None:
    done = copy.model("rollback", "staging", "-m", "Trouble in the field")
    steps = [line for line in done.stderr.splitlines() if line.startswith("- ")]
    assert [step.split()[1] for step in steps] == ["fetch", "from", "check", "download", "load"]
    copy.model("get", "staging", "-o", "out")
    facts = json.loads((copy.path / "out/VERSION.json").read_text(encoding="utf-8"))
    assert facts["version"] == "v1.0.0"
    assert sha256(copy.path / "out/model.skops") == facts["sha256"]
    assert facts["sha256"] == copy.record("v1")["artifact"]["sha256"]
    assert "Trouble in the field" in copy.git("ls-remote", "origin") + copy.git(
        "for-each-ref", "--format=%(contents:subject)", "refs/tags/model#staging#*"
    )


def test_a_dead_dvc_remote_leaves_production(copy: Released) -> None:
    shutil.rmtree(copy.storage)
    back(copy, "cannot be reached", "mount the drive")


def test_a_changed_model_at_the_remote_leaves_production(copy: Released) -> None:
    flip(stored(copy, MODEL))
    back(copy, f"{MODEL} is not the recorded file", "model verify")


def test_a_rejected_push_leaves_production(copy: Released) -> None:
    reject(copy)
    back(copy, "not today", "Nothing has changed, here or there")


def test_a_dead_git_remote_leaves_production(copy: Released) -> None:
    copy.git("remote", "set-url", "origin", "../nowhere.git")
    back(copy, "nowhere.git", "Nothing has changed")


def test_a_test_table_that_was_changed_leaves_production(copy: Released) -> None:
    flip(stored(copy, "data/prepared/test.parquet"))
    back(copy, "data/prepared/test.parquet is not the recorded file")


def test_a_missing_signature_leaves_production(copy: Released) -> None:
    copy.edit("versions.yaml", "required: false", "required: true")
    copy.commit_anyway()
    copy.run("git", "push", "--quiet", "--no-verify", "origin", "HEAD")
    back(copy, "not believed: model@v1.0.0: it is not signed: `model countersign` vouches")


def test_a_model_that_does_not_predict_leaves_production(copy: Released) -> None:
    """Its code is not what it was when the version was made."""
    copy.edit(
        "mlrepo/learning/features.py",
        "    numbers = pl.col(features.numbers).cast(pl.Float64)\n",
        "    numbers = pl.col(features.numbers[:1]).cast(pl.Float64)\n",
    )
    back(copy, "v1.0.0 loads but does not predict")
