"""Make a version again from its commit and DVC's remote alone, and compare what comes out."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .. import git
from ..errors import ProjectError
from ..store import Store
from .deliver import fetch, recorded, test_table
from .registry import Version
from .stages import Tell

# Metrics of a model whose bytes differ, in their own unit.
METRICS_TOLERANCE = 1e-6

_NUMBER = re.compile(r"-?\d+\.?\d*(?:[eE][-+]?\d+)?")


def rebuild(version: Version, tell: Tell) -> dict[str, Any]:
    """Return the verdict on a version, and why.

    identical: every output has the recorded bytes. equivalent: the model's bytes differ, on a
    machine that computes otherwise, and the predictions and metrics do not. different: all else.

    Raises:
        ProjectError: if it cannot be made again here, which says nothing about the version.
    """
    record = recorded(version)
    with tempfile.TemporaryDirectory() as scratch:
        clone = _clone(version, Path(scratch) / "clone", tell)
        _install(clone, tell)
        python = next(clone.glob(".venv/[bS]*/python*"))
        _pull(clone, python, record, tell)
        tell("run every stage again")
        stages = list(record["stages"])
        repro = ["-m", "dvc", "repro", "--force", "--no-run-cache", *stages]
        _run(python, repro, clone, "the pipeline of this commit does not run here")
        outs = sorted({out for stage in record["stages"].values() for out in stage["outs"]})
        rebuilt = {out: hashlib.sha256((clone / out).read_bytes()).hexdigest() for out in outs}
        differ = [out for out in outs if rebuilt[out] != record["files"][out]["sha256"]]
        verdict: dict[str, Any] = {"verdict": "identical", "files": len(outs), "differing": differ}
        if differ:
            verdict |= _judge(version, clone, python, differ)
        return verdict


def says(verdict: dict[str, Any]) -> str:
    """Return a verdict in words."""
    lines = [f"{verdict['verdict']}: {verdict.get('why', 'all outputs have the recorded bytes')}"]
    lines += [f"  {path} differs" for path in verdict["differing"]]
    lines += [f"  {part}" for part in verdict.get("parts", [])]
    if "largest_difference" in verdict:
        lines.append(
            f"  largest difference of a prediction: {verdict['largest_difference']:.3g} "
            f"in {verdict['rows']} rows; labels {'equal' if verdict['labels_equal'] else 'differ'}"
        )
    return "\n".join(lines)


def _clone(version: Version, folder: Path, tell: Tell) -> Path:
    tell(f"check out {version.tag.commit[:7]} in a clone of its own")
    top = git.git("rev-parse", "--show-toplevel").strip()
    git.git("clone", "--quiet", "--shared", "--no-checkout", top, str(folder))
    git.git("-C", str(folder), "checkout", "--quiet", "--detach", version.tag.commit)
    return folder / git.folder_in_repository()


def _install(clone: Path, tell: Tell) -> None:
    tell("install the locked packages")
    (clone / ".dvc/tmp").mkdir()  # where set-up marks that it is at work
    set_up = (
        "import bootstrap, os; uv = bootstrap.find_tools(); bootstrap.choose_python(uv); "
        "os.environ['UV_COMPILE_BYTECODE'] = '0'; bootstrap.environment(uv)"
    )
    trouble = "the locked packages cannot be installed here"
    _run(Path(sys.executable), ["-c", set_up], clone, trouble)


def _pull(clone: Path, python: Path, record: dict[str, Any], tell: Tell) -> None:
    """Bring the raw data from DVC's remote as it is set up now, into a cache of its own."""
    name, settings = Store().remote_settings()
    tell(f"pull the raw data from the remote '{name}'")
    lines = [f"['remote \"{name}\"']", *(f"    {key} = {value}" for key, value in settings.items())]
    config = "\n".join(["[core]", f"    remote = {name}", *lines, ""])
    (clone / ".dvc/config.local").write_text(config, encoding="utf-8")
    raw = [path for path in record["files"] if (clone / f"{path}.dvc").exists()]
    pull = ["-m", "dvc", "pull", "--quiet", *(f"{path}.dvc" for path in raw)]
    _run(python, pull, clone, "the raw data cannot be pulled")
    for path in raw:
        entry = record["files"][path]
        parts = entry.get("parts", {"": entry})
        for part, claim in parts.items():
            file = clone / path / part
            if hashlib.sha256(file.read_bytes()).hexdigest() != claim["sha256"]:
                raise ProjectError(f"{path} in DVC's remote is not the recorded data")


def _judge(version: Version, clone: Path, python: Path, differ: list[str]) -> dict[str, Any]:
    """Return the verdict where bytes differ."""
    record = recorded(version)
    model = record["artifact"]["path"]
    if model not in differ:
        return {
            "verdict": "different",
            "why": "the model is the recorded one, other outputs are not",
        }
    with tempfile.TemporaryDirectory() as folder:
        before = fetch(version, Path(folder))
        table = test_table(version, Path(folder))
        rows = Path(folder) / "rows.parquet"
        table.write_parquet(rows)
        package = (__package__ or "").partition(".")[0]
        command = ["-m", f"{package}.cli", "compare", str(before), str(clone / model), str(rows)]
        found = json.loads(_run(python, command, clone, "the two models cannot be compared"))
    here, there = found.pop("machine"), record["environment"]["registered_on"]
    same = all(here[key] == there[key] for key in ("numerics", "numerics_pinned", "threads"))
    claims = [*record["metrics"], *(path for path in differ if path.startswith("reports/scores"))]
    off = [path for path in claims if not _agree(version, clone, path)]
    if not found["agrees"]:
        return {"verdict": "different", "why": "the model predicts otherwise", **found}
    if off:
        return {"verdict": "different", "why": f"other numbers in {', '.join(off)}", **found}
    if same:
        why = "this machine computes as the recorded one did, so the bytes should be equal"
        return {"verdict": "different", "why": why, **found}
    why = "same predictions and metrics, other bytes, on a machine that computes otherwise"
    return {"verdict": "equivalent", "why": why, **found}


def _agree(version: Version, clone: Path, path: str) -> bool:
    """Whether two texts differ in numbers only, and those by no more than the tolerance."""
    texts = [git.file_at(version.tag.commit, path), (clone / path).read_text(encoding="utf-8")]
    if _NUMBER.sub("#", texts[0]) != _NUMBER.sub("#", texts[1]):
        return False
    numbers = [list(map(float, _NUMBER.findall(text))) for text in texts]
    return all(abs(a - b) <= METRICS_TOLERANCE for a, b in zip(*numbers, strict=True))


def _run(python: Path, arguments: list[str], folder: Path, trouble: str) -> str:
    scripts = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), *arguments],
        cwd=folder,
        env={**kept, "PATH": scripts},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = "\n  ".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise ProjectError(f"{trouble}:\n  {said}")
    return done.stdout
