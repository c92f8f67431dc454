"""Prove versions: what is in a stage is made again, what is handed over is hashed again."""

import json
import subprocess
import sys
from typing import Any

from ..errors import ProjectError
from ..files import write_json
from ..layout import markdown
from ..output import report
from ..settings import load_settings
from ..versions import verify as proofs
from ..versions.registry import Registry, Version
from .reach import fetch, sign_in
from .shell import FOLDER, active, say, summarize

VERDICTS = FOLDER / "verify.json"

_PACKAGE = (__package__ or "").partition(".")[0]


def verify(model: str, stages: list[str], every: bool) -> bool:
    """Rebuild what is in stages, the last one unless told, and return whether all of it holds.

    Raises:
        ProjectError: if a version cannot be made again here, which says nothing about it.
    """
    sign_in()
    fetch()
    settings, registry = load_settings(), Registry.load(model)
    for name in stages:
        settings.stage(name)
    chosen = stages or (list(settings.stages) if every else [settings.last])
    verdicts: list[dict[str, Any]] = []
    for stage in chosen:
        current = registry.current(stage)
        if current is None:
            print(f"Nothing is in '{stage}', so there is nothing to verify.")
            continue
        say(f"rebuild {current.version.name}, which is in '{stage}'")
        verdicts.append({"stage": stage, "tag": current.tag.name, **_rebuild(model, stage)})
    write_json(VERDICTS, verdicts)
    lines = [[v["stage"], v["version"], _says(v)] for v in verdicts]
    table = markdown([["stage", "version", "verdict"], *lines]) if lines else "Nothing to verify."
    print(table)
    summarize(f"## What is in use, made again\n\n{table}")
    return all(verdict["ok"] for verdict in verdicts)


def _rebuild(model: str, stage: str) -> dict[str, Any]:
    # A process of its own, so that one version that cannot be read does not hide the others.
    command = ["verify", stage, "--rebuild", "--json", "--model", model]
    done = subprocess.run(
        [sys.executable, "-m", f"{_PACKAGE}.cli", *command],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=active(),
        check=False,
    )
    if not done.stdout:
        raise ProjectError(f"`model {' '.join(command)}` did not come to a verdict: see above")
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict


def _says(verdict: dict[str, Any]) -> str:
    wrong = [line for lines in verdict["checks"].values() for line in lines]
    rebuilt = verdict["rebuild"] or {}
    return "; ".join([rebuilt.get("verdict", "not rebuilt"), *wrong])


def holds(model: str, version: Version) -> bool:
    """Compare all that is recorded of a version with what is there, and tell it."""
    say(f"verify {version.tag.name}")
    checks = proofs.verify(model, version.name, offline=False)[1]
    text = report(checks)
    print(text)
    if any(checks.values()):
        summarize(f"## {version.tag.name} DOES NOT HOLD\n\n```text\n{text}\n```")
    return not any(checks.values())
