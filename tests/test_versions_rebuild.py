"""A version is made again from its commit and DVC's remote alone, and compared."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import in_long_form
from releases import MODEL, RAW, Released, copied, flip

# OpenBLAS' routines for one processor and for another round otherwise.
THERE, HERE = "Nehalem", "Haswell"


@pytest.fixture
def copy(two_versions: Released, tmp_path: Path) -> Released:
    return copied(two_versions, tmp_path / "copy")


def rebuilt(copy: Released, version: str, code: int, **variables: str) -> dict[str, Any]:
    """Verify a version by a rebuild and return the verdict; all other checks must hold."""
    done = copy.model("verify", version, "--rebuild", "--json", check=False, **variables)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    said = json.loads(done.stdout)
    assert not any(said["checks"].values()), said["checks"]
    assert said["ok"] == (code == 0)
    verdict: dict[str, Any] = said["rebuild"]
    return verdict


def forged(copy: Released, promote: bool = False) -> dict[str, Any]:
    """Let dvc.lock say that the files in the folder are what the stages wrote; register that."""
    copy.run("dvc", "commit", "--force")
    copy.commit_anyway()
    copy.push()
    copy.model("register", "-m", "Forged")
    if promote:
        copy.model("promote", "v1.2", "prod", "-m", "Why", "--override", "To see what is found")
    verdict = rebuilt(copy, "v1.2", 1)
    assert verdict["verdict"] == "different"
    return verdict


def test_every_version_is_made_again_from_a_fresh_clone(
    three_versions: Released, tmp_path: Path
) -> None:
    """Of a forest all bytes are the same, also with the packages of an older lock.

    In a folder with # in its name, by a Python that does not look for modules where it runs, and
    with the address of a cluster exported, for which none of these versions has the packages.
    """
    there = copied(three_versions, tmp_path / "nr. #2")
    fresh = replace(there, path=there.path.parent / "fresh")
    there.run("git", "clone", "--quiet", str(there.origin), str(fresh.path))
    shutil.rmtree(there.path)
    versions = [row["version"] for row in fresh.json("show")]
    assert len(versions) == 3
    for version in versions:
        variables = {"PYTHONSAFEPATH": "1", "DASK_SCHEDULER_ADDRESS": "tcp://127.0.0.1:9"}
        verdict = rebuilt(fresh, version, 0, **variables)
        assert verdict["verdict"] == "identical"
        assert verdict["differing"] == []
        assert verdict["files"] > 10
    assert fresh.changed() == []
    assert not (fresh.path / ".dvc/cache").exists()


def test_other_arithmetic_gives_an_equivalent_model(copy: Released) -> None:
    network = {
        "numerics.pinned": False,
        "train.estimator": "sklearn.neural_network.MLPClassifier",
        "train.arguments": {"hidden_layer_sizes": [20], "max_iter": 30},
        "train.preprocessing.numbers.scale": "standard",
    }
    copy.ready("A network", network, OPENBLAS_CORETYPE=THERE)
    copy.model("register", "-m", "A network", OPENBLAS_CORETYPE=THERE)
    verdict = rebuilt(copy, "v1.2", 0, OPENBLAS_CORETYPE=HERE)
    assert verdict["verdict"] == "equivalent"
    assert MODEL in verdict["differing"]
    assert any("coefs_[0]: largest difference" in part for part in verdict["parts"])
    assert verdict["labels_equal"]
    assert 0 <= verdict["largest_difference"] <= 1e-9


def test_a_swapped_model_under_a_forged_lock_is_different(copy: Released) -> None:
    copy.set_params({"train.arguments": {"n_estimators": 2}})
    copy.repro()
    swapped = {name: (copy.path / name).read_bytes() for name in (MODEL, f"{MODEL}.sha256")}
    copy.git("checkout", "params.yaml")
    copy.repro()
    for name, content in swapped.items():
        (copy.path / name).unlink()
        (copy.path / name).write_bytes(content)
    verdict = forged(copy)
    assert MODEL in verdict["differing"]
    assert verdict["why"] == "the model predicts otherwise"


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"data.features.exclude": ["bill_length_mm"]}, marks=in_long_form),
        {"train.estimator": "sklearn.linear_model.RidgeClassifier", "train.arguments": {}},
    ],
    ids=["fewer features", "an estimator without probabilities"],
)
def test_an_older_model_of_another_kind_is_different(
    copy: Released, params: dict[str, Any]
) -> None:
    """What the two predict cannot be compared number by number, which is no failure."""
    copy.set_params(params)
    copy.repro()
    older = {name: (copy.path / name).read_bytes() for name in (MODEL, f"{MODEL}.sha256")}
    copy.git("checkout", ".")
    copy.set_params({"train.seed": 4})
    copy.repro()
    for name, content in older.items():
        (copy.path / name).unlink()
        (copy.path / name).write_bytes(content)
    verdict = forged(copy, promote=True)
    assert MODEL in verdict["differing"]
    assert verdict["why"] == "the model predicts otherwise"
    assert verdict["parts"]


def test_forged_metrics_are_different(copy: Released) -> None:
    path = copy.path / "metrics/evaluate.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["test"]["accuracy"] = 0.999
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    verdict = forged(copy)
    assert "metrics/evaluate.json" in verdict["differing"]
    assert MODEL not in verdict["differing"]


def test_changed_data_in_the_remote_is_not_built_from(copy: Released) -> None:
    flip(copy.storage / copy.object(RAW))
    done = copy.model("verify", "v1.1", "--rebuild", check=False)
    assert done.returncode == 2
    said = done.stderr.partition("error: ")[2]
    assert RAW in said or "the raw data cannot be pulled" in said
