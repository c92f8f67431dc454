"""Make a version again from its commit and DVC's remote alone, and compare what comes out."""

import json
import tempfile
from pathlib import Path
from typing import Any

from .. import git
from ..checkout import Checkout
from ..numbers_in_text import same_but_for_numbers
from ..output import Tell
from .deliver import fetch, test_table
from .registry import Version, recorded

METRICS_TOLERANCE = 1e-6  # of a model whose bytes differ, in the unit of each


def rebuild(version: Version, tell: Tell) -> dict[str, Any]:
    """Return the verdict on a version, and why.

    identical: every output has the recorded bytes. equivalent: the model's bytes differ, on a
    machine that computes otherwise, and the predictions and metrics do not. different: all else.

    Raises:
        ProjectError: if it cannot be made again here, which says nothing about the version.
    """
    record = recorded(version)
    with tempfile.TemporaryDirectory() as scratch:
        there = Checkout.make(version.tag.commit, Path(scratch) / "clone", tell)
        there.pull(record["files"], tell)
        tell("run every stage again")
        repro = ("-m", "dvc", "repro", "--force", "--no-run-cache", *record["stages"])
        there.run(*repro, trouble="the pipeline of this commit does not run here")
        outs = sorted({out for stage in record["stages"].values() for out in stage["outs"]})
        differ = [out for out in outs if there.sha256(out) != record["files"][out]["sha256"]]
        verdict: dict[str, Any] = {"verdict": "identical", "files": len(outs), "differing": differ}
        if differ:
            verdict |= _compare(version, there, differ)
        return verdict


def _compare(version: Version, there: Checkout, differ: list[str]) -> dict[str, Any]:
    """Return the verdict where bytes differ, and in what they do."""
    record = recorded(version)
    model = record["artifact"]["path"]
    if model not in differ:
        why = "the model is the recorded one, other outputs are not"
        return {"verdict": "different", "why": why}
    with tempfile.TemporaryDirectory() as folder:
        before = fetch(version, Path(folder))
        table = test_table(version, Path(folder))
        rows = Path(folder) / "rows.parquet"
        table.write_parquet(rows)
        package = (__package__ or "").partition(".")[0]
        files = (str(path) for path in (before, there.folder / model, rows))
        compare = ("-m", f"{package}.cli", "compare", *files)
        found = json.loads(there.run(*compare, trouble="the two models cannot be compared"))
    now, then = found.pop("machine"), record["environment"]["registered_on"]
    same = all(now[key] == then[key] for key in ("numerics", "numerics_pinned", "threads"))
    claims = [*record["metrics"], *(path for path in differ if path.startswith("reports/scores"))]
    off = [path for path in claims if not _agrees(version, there, path)]
    verdict, why = judge(found["agrees"], off, same)
    return {"verdict": verdict, "why": why, **found}


def judge(predictions_agree: bool, off: list[str], same_machine: bool) -> tuple[str, str]:
    """Return the verdict on a model of other bytes, and why; ``off`` are files of other numbers."""
    if not predictions_agree:
        return "different", "the model predicts otherwise"
    if off:
        return "different", f"other numbers in {', '.join(off)}"
    if same_machine:
        return "different", "this machine computes as the recorded one did: bytes should be equal"
    return (
        "equivalent",
        "same predictions and metrics, other bytes, on a machine that computes otherwise",
    )


def _agrees(version: Version, there: Checkout, path: str) -> bool:
    text = (there.folder / path).read_text(encoding="utf-8")
    return same_but_for_numbers(git.file_at(version.tag.commit, path), text, METRICS_TOLERANCE)
