"""Whatever is changed behind a version's back, `model verify` finds it and names it."""

import json
from pathlib import Path
from typing import Any

import pytest
from made_tags import remake
from releases import MODEL, RAW, TEST, Released, copied, flip, refused, wrong

CODE = "penguins/model.py"
METRICS = "metrics/evaluate.json"
OTHERS = "dvc.lock of the commit names other files than are there"
PATHS = [TEST, RAW, MODEL]


@pytest.fixture
def copy(two_versions: Released, tmp_path: Path) -> Released:
    return copied(two_versions, tmp_path / "copy")


def test_what_nobody_touched_holds(two_versions: Released) -> None:
    for version in ("v1", "v1.1", "prod"):
        assert two_versions.model("verify", version).returncode == 0
    said = two_versions.json("verify")
    assert said["version"] == "v1.1.0"
    assert said["ok"] is True
    assert not any(said["checks"].values())
    assert list(said["checks"]) == [
        "tag", "signature", "history", "commit", "data and model", "this folder",
    ]  # fmt: skip


def test_a_byte_in_the_cache_is_found(copy: Released) -> None:
    for path in PATHS:
        flip(copy.path / ".dvc/cache" / copy.object(path))
    found = wrong(copy, "v1.1", "--offline")
    assert found.keys() == {"data and model"}
    for path, line in zip(PATHS, found["data and model"].splitlines(), strict=True):
        assert line.startswith(f"{path} was changed in DVC's cache (")


def test_a_byte_at_the_remote_is_found(copy: Released) -> None:
    for path in PATHS:
        flip(copy.storage / copy.object(path))
    found = wrong(copy)
    assert found.keys() == {"data and model"}
    for path, line in zip(PATHS, found["data and model"].splitlines(), strict=True):
        assert line.startswith(f"{path} was changed in remote 'storage' (")


def test_a_byte_in_the_folder_is_found(copy: Released) -> None:
    for path in PATHS:
        flip(copy.path / path)
    back = {path: f"dvc checkout --force {path}" for path in PATHS}
    told = [
        f"{p} in this folder is not the recorded file: `{c}` brings DVC's back"
        for p, c in back.items()
    ]
    assert wrong(copy) == {"this folder": "\n".join(told)}
    for command in back.values():
        copy.run(*command.split())
    copy.model("verify", "v1.1")


def test_a_file_that_is_gone_from_the_remote_is_found(copy: Released) -> None:
    (copy.storage / copy.object(MODEL)).unlink()
    found = wrong(copy)["data and model"]
    assert f"{MODEL} is missing in remote 'storage'" in found
    assert "`model push --all` sends it" in found

    (copy.path / ".dvc/cache" / copy.object(MODEL)).unlink()
    assert "is nowhere: it cannot be verified" in wrong(copy)["data and model"]


@pytest.mark.parametrize("path", [MODEL, TEST])
def test_what_was_swapped_at_the_remote_comes_into_no_stage(copy: Released, path: str) -> None:
    copy.model("promote", "v1", "prod", "-m", "So that there is something to take back")
    (copy.path / ".dvc/cache" / copy.object(path)).unlink()
    flip(copy.storage / copy.object(path))
    words = [f"{path} is not the recorded file: its SHA-256 is "]
    refused(copy, "rollback", "-m", "Why", words=words)
    refused(copy, "promote", "v1.1", "prod", "-m", "Why", words=words)
    if path == MODEL:
        refused(copy, "get", "v1.1", "-o", "out", words=words)
        assert list((copy.path / "out").iterdir()) == []
        (copy.path / "out").rmdir()


def amend(copy: Released) -> str:
    copy.run("git", "commit", "--quiet", "--all", "--amend", "--no-edit", "--no-verify")
    return copy.git("rev-parse", "HEAD")


def moved(copy: Released, commit: str) -> dict[str, str]:
    """Let the tag and its record name another commit; what is told beyond that of the tag."""
    remake(copy, "model@v1.1.0", to=commit, commit=commit)
    found = wrong(copy, "v1.1", "--offline")
    assert "tag" not in found
    told = (
        "model@v1.1.0 is not believed: it was there when model#prod#2 was made, and is another now"
    )
    assert told in found.pop("history")
    return found


def test_an_edit_of_dvc_lock_is_found(copy: Released) -> None:
    copy.edit("dvc.lock", "n_estimators: 6", "n_estimators: 5")
    found = wrong(copy)
    assert found.keys() == {"this folder"}
    assert "dvc.lock in this folder is not the committed one" in found["this folder"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "n_estimators: 6", "n_estimators: 5",
            "stages.train.params.params.yaml.train.arguments.n_estimators 6, the commit 5",
        ),
        (
            "-m mlrepo train", "-m mlrepo trick",
            "stages.train.cmd 'python -m mlrepo train', the commit 'python -m mlrepo trick'",
        ),
    ],
)  # fmt: skip
def test_an_amended_dvc_lock_is_found(copy: Released, old: str, new: str, told: str) -> None:
    copy.edit("dvc.lock", old, new)
    found = moved(copy, amend(copy))
    assert found.keys() == {"commit"}
    assert found["commit"] == f"its record says {told}"


def test_another_model_in_an_amended_dvc_lock_is_found(copy: Released) -> None:
    ours = copy.object(MODEL)
    copy.run("git", "checkout", "--quiet", "HEAD~1", "--", "dvc.lock")
    theirs = copy.object(MODEL)
    copy.run("git", "checkout", "--quiet", "HEAD", "--", "dvc.lock")
    copy.edit("dvc.lock", "".join(ours.parts[-2:]), "".join(theirs.parts[-2:]))
    found = moved(copy, amend(copy))
    assert found.keys() == {"commit"}
    assert found["commit"] == f"{OTHERS}: {MODEL}"


@pytest.mark.parametrize("path", [CODE, "mlrepo/core/params.py", "uv.lock"])
def test_code_and_packages_of_an_amended_commit_are_found(copy: Released, path: str) -> None:
    with (copy.path / path).open("a", encoding="utf-8") as file:
        file.write("\n# Harmless.\n")
    found = moved(copy, amend(copy))
    assert found["commit"] == f"{OTHERS}: {path.replace('/params.py', '')}"


def test_edited_metrics_are_found(copy: Released) -> None:
    """In the record, which then says other than the commit, and in an amended commit."""
    metrics: dict[str, Any] = copy.record("v1.1")["metrics"]
    metrics[METRICS]["test"]["accuracy"] = 1.0
    remake(copy, "model@v1.1.0", metrics=metrics)
    found = wrong(copy, "v1.1", "--offline")
    assert found.keys() == {"history", "commit"}
    true = copy.read(METRICS)["test"]["accuracy"]
    claim = f"metrics.{METRICS}.test.accuracy 1.0"
    assert found["commit"] == f"its record says {claim}, the commit {true}"

    content = copy.read(METRICS)
    content["test"]["accuracy"] = 1.0
    (copy.path / METRICS).write_text(json.dumps(content), encoding="utf-8")
    assert moved(copy, amend(copy))["commit"] == f"{OTHERS}: {METRICS}"


def test_the_sha256_counts_beside_dvcs_md5(copy: Released) -> None:
    """Two files of one MD5 can be made; here the record is what differs."""
    record, other = copy.record("v1.1"), "0" * 64
    record["files"][MODEL]["sha256"] = record["artifact"]["sha256"] = other
    remake(copy, "model@v1.1.0", files=record["files"], artifact=record["artifact"])
    found = wrong(copy, "v1.1", "--offline")
    assert f"recorded is {other}" in found["data and model"]
    assert found["this folder"].startswith(f"{MODEL} in this folder is not the recorded file: ")
    refused(copy, "get", "v1.1", "-o", "out", words=["model@v1.1.0 is not believed"])


def test_another_lock_of_packages_in_the_record_is_found(copy: Released) -> None:
    environment = copy.record("v1.1")["environment"]
    environment["lock"]["sha256"] = "0" * 64
    remake(copy, "model@v1.1.0", environment=environment)
    told = f"its record says environment.lock.sha256 '{'0' * 64}', the commit '"
    assert wrong(copy, "v1.1", "--offline")["commit"].startswith(told)


def test_a_record_that_the_tag_denies_is_found(copy: Released) -> None:
    commit, moment = "0" * 40, "2020-01-01T00:00:00+00:00"
    claims = {"model": "x", "version": "v9.0.0", "commit": commit, "at": moment, "by": "Me <x@y>"}
    remake(copy, "model@v1.1.0", **claims)
    found = wrong(copy, "v1.1", "--offline")["tag"].splitlines()
    for (key, value), line in zip(claims.items(), found, strict=True):
        assert line.startswith(f"its record says {key} '{value}', the tag itself '")


def test_a_damaged_record_is_found(copy: Released) -> None:
    remake(copy, "model@v1.1.0", '"format": 1,', '"format" 1,')
    assert "the record in the tag model@v1.1.0 is damaged" in wrong(copy)["tag"]
