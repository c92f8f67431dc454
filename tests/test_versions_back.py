"""Each version can be compared, delivered and restored, long after others came."""

import hashlib
import json
from pathlib import Path

import pytest
from helpers import sha256
from releases import OLDER, RAW, Released, copied, refused

CODE = "penguins/model.py"


@pytest.fixture
def copy(three_versions: Released, tmp_path: Path) -> Released:
    return copied(three_versions, tmp_path / "copy")


def test_diff_names_what_changed_in_each_part(three_versions: Released) -> None:
    found = three_versions.json("diff", "v1", "v2")
    older = OLDER.partition("==")[2]
    records = [three_versions.record(version) for version in ("v1", "v2")]
    assert found["data"] == {
        "md5": [record["data"]["md5"] for record in records],
        "rows.raw": [344, 337],
        **{
            f"rows.{key}": [record["data"]["rows"][key] for record in records]
            for key in ("no_target", "train", "test")
            if len({record["data"]["rows"][key] for record in records}) == 2
        },
        "columns added": "wing",
        "rows added": 5,
        "rows removed": 12,
    }
    assert found["params"] == {"train.arguments.n_estimators": [5, 7], "train.seed": [0, 3]}
    assert found["code"] == {CODE: "+3 -0 lines"}
    installed = records[0]["environment"]["packages"]["scikit-learn"]["threadpoolctl"]
    assert found["environment"] == {"threadpoolctl": [installed, older]}
    assert found["model"]["sha256"] == [record["artifact"]["sha256"] for record in records]
    assert set(found["model"]["features"][1]) - set(found["model"]["features"][0]) == {"wing"}
    assert found["metrics"]["metrics/prepare.json.rows.raw"] == [344, 337]
    assert any(name.startswith("metrics/evaluate.json.test.") for name in found["metrics"])


def test_diff_reads_backwards_and_says_it_in_words(three_versions: Released) -> None:
    lines = three_versions.model("diff", "v2", "v1").stdout.splitlines()
    assert [line.split() for line in lines if line.split()[0] in {"train.seed", CODE, "rows"}] == [
        ["rows", "added", "12"],
        ["rows", "removed", "5"],
        ["train.seed", "3", "->", "0"],
        [CODE, "+0", "-3", "lines"],
    ]
    assert ["columns", "removed", "wing"] in [line.split() for line in lines]
    same = three_versions.model("diff", "v2", "v2").stdout.splitlines()
    parts = ("data", "params", "code", "environment", "model", "metrics")
    assert same == [f"{part}: the same" for part in parts]


def test_restore_brings_a_version_back_for_review(copy: Released) -> None:
    recorded = copy.recorded("v1")
    assert {"penguins/train.py", "mlrepo/core/params.py"} < recorded.keys()
    said = copy.model("restore", "v1").stdout.splitlines()
    assert said[0].endswith("files came back on the branch restore-model-v1.0.0:")
    assert {"  dvc.lock", "  params.yaml", f"  {CODE}", f"  {RAW}.dvc", "  uv.lock"} < set(said)
    assert copy.git("branch", "--show-current") == "restore-model-v1.0.0"
    assert copy.changed() == []

    copy.run("dvc", "checkout")
    assert copy.run("dvc", "status", "--quiet").returncode == 0
    assert "Data and pipelines are up to date." in copy.run("dvc", "repro").stdout
    assert {path: sha256(copy.path / path) for path in recorded} == recorded
    changed = copy.git("diff", "--name-only", "model@v1.0.0", "HEAD").splitlines()
    assert changed == [], "only the pipeline differed"

    refused(copy, "restore", "v1", words=["the branch restore-model-v1.0.0 exists already"])
    copy.run("git", "branch", "--move", "mine")
    refused(copy, "restore", "v1", words=["this commit has all that v1.0.0 is made of already"])


def test_restore_keeps_what_the_version_is_not_made_of(copy: Released) -> None:
    copy.edit("README.md", "#", "##")
    refused(copy, "restore", "v1", words=["not all is committed: commit or `git stash` it first"])
    copy.commit_anyway()
    copy.model("restore", "v1")
    assert copy.git("diff", "--name-only", "model@v1.0.0", "HEAD").splitlines() == ["README.md"]


def test_get_writes_what_a_service_needs(copy: Released, tmp_path: Path) -> None:
    out = tmp_path / "served"
    copy.model("promote", "v1.1", "staging", "-m", "To try it")
    record = copy.record("v1.1")
    for name in ("v1.1", "staging"):
        said = copy.model("get", name, "-o", str(out)).stdout
        assert said == f"v1.1.0 is in {out}/model.skops\n"
        files = {path.name for path in out.iterdir()}
        assert {"model.skops", "model.skops.sha256", "VERSION.json"} < files
        digest = hashlib.sha256((out / "model.skops").read_bytes()).hexdigest()
        assert digest == record["artifact"]["sha256"]
        line = (out / "model.skops.sha256").read_text(encoding="utf-8")
        assert line == f"{digest}  model.skops\n"
    facts = json.loads((out / "VERSION.json").read_text(encoding="utf-8"))
    to_load = {"trusted", "data", "numerics_pinned"}
    assert {name: value for name, value in facts.items() if name not in to_load} == {
        "model": "model",
        "version": "v1.1.0",
        "commit": record["commit"],
        "tag": copy.tag("model@v1.1.0"),
        "file": "model.skops",
        "sha256": digest,
        "task": "classification",
        "target": "sex",
        "features": record["architecture"]["features"],
        "python": record["environment"]["python"],
    }


def test_get_brings_it_from_the_remote_to_where_one_is(copy: Released) -> None:
    """The cache is empty, and the folder is one inside the project."""
    (copy.path / ".dvc/cache").rename(copy.path.parent / "elsewhere")
    run = copy.project.run
    run("python", "-m", "mlrepo.commands", "get", "v1", "-o", "out", cwd=copy.path / "data",
        PYTHONPATH=str(copy.path))  # fmt: skip
    assert sha256(copy.path / "data/out/model.skops") == copy.record("v1")["artifact"]["sha256"]

    (copy.storage).rename(copy.path.parent / "gone")
    words = ["DVC's remote 'storage' (", "cannot be reached", "mount the drive"]
    refused(copy, "get", "v2", "-o", str(copy.path.parent / "out"), words=words)


def test_card_and_record_are_those_of_the_commit(three_versions: Released) -> None:
    here = three_versions.path / "MODEL_CARD.md"
    assert three_versions.model("card").stdout == here.read_text(encoding="utf-8")
    for version, previous in (("v1.0.0", None), ("v1.1.0", "v1.0.0"), ("v2.0.0", "v1.1.0")):
        commit = three_versions.git("rev-parse", f"model@{version}^{{}}")
        card = three_versions.run("git", "show", f"{commit}:MODEL_CARD.md").stdout
        assert three_versions.model("card", version).stdout == card

        record = json.loads(three_versions.model("record", version, "--format", "json").stdout)
        assert (record["version"], record["previous"]) == (version, previous)
        assert record["commit"] == commit
        paths = (f"{commit}:dvc.lock", f"{commit}:environment/dvc.lock")
        lock = three_versions.git("show", *paths)
        assert all(entry["md5"] in lock for entry in record["files"].values())
        metrics = three_versions.git("show", f"{commit}:metrics/evaluate.json")
        assert record["metrics"]["metrics/evaluate.json"] == json.loads(metrics)


def test_notes_of_a_version_are_kept_whole(three_versions: Released) -> None:
    tag = three_versions.git("cat-file", "tag", "model@v1.1.0")
    assert tag.partition("\n\n")[2].startswith('New rows\n\nSeen in the field.\n\n{\n "format": 1,')
    assert three_versions.json("show")[1]["notes"] == "New rows"
