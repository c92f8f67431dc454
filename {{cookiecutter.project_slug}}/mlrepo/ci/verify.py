"""Make what is in a stage again, from its commit, and compare."""

import json
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

from mlrepo.ci.job import FOLDER, begin, say, summarize
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import atomic, write_json
from mlrepo.core.markdown import markdown
from mlrepo.core.paths import above, in_project
from mlrepo.pipeline import models
from mlrepo.pipeline.dvc import variables
from mlrepo.versions.proofs.seal import seal
from mlrepo.versions.registry import Registry
from mlrepo.versions.rules.policy import load_settings
from mlrepo.versions.rules.states import in_words

VERDICTS, SEAL = FOLDER / "verify.json", FOLDER / "seal.json"


def verify(model: str | None, stages: list[str], every: bool) -> bool:
    """Rebuild what is in stages, the last one unless told, and return whether all of it holds.

    That is done for one model, or for each. The seal of all tags is kept beside the verdicts: as an
    artifact, it is out of their reach.
    """
    begin()
    verdicts, believed = list[dict[str, Any]](), True
    for name in models.each(model):
        found, trusted = _verify(name, stages, every)
        verdicts += found
        believed = believed and trusted
    write_json(in_project(VERDICTS.as_posix()), verdicts)
    one, lines = len(models.meant(model)) == 1, list[list[str]]()
    for v in verdicts:
        said = [(v["rebuild"] or {}).get("verdict", "not rebuilt"), *chain(*v["checks"].values())]
        said += map(in_words, v["emergencies"])
        lines.append([v["stage"], v["version"] if one else v["tag"], "; ".join(said)])
    table = markdown([["stage", "version", "verdict"], *lines]) if lines else "Nothing to verify."
    print(table)
    summarize(f"## What is in use, made again\n\n{table}")
    return believed and all(verdict["ok"] for verdict in verdicts)


def _verify(model: str, stages: list[str], every: bool) -> tuple[list[dict[str, Any]], bool]:
    """Return the verdicts on what is in stages of a model, and whether all of its tags count."""
    settings, registry = load_settings(), Registry.load(model)
    for name in stages:
        settings.stage(name)
    for name, why in registry.chain.doubts.items():
        print(f"not believed: {name}: {why}")
    if registry.chain.tags:
        sealed = seal(registry)
        with atomic(_place_of_seal()) as partial:
            partial.write_text(f"{sealed.line(whole=True)}\n", encoding="utf-8", newline="\n")
        print(f"seal: {sealed.line()}")
    verdicts: list[dict[str, Any]] = []
    for stage in stages or (list(settings.stages) if every else [settings.last]):
        current = registry.current(stage)
        if current is None:
            print(f"Nothing is in '{stage}', so there is nothing to verify.")
            continue
        say(f"rebuild {current.version.name}, which is in '{stage}'")
        verdicts.append({"stage": stage, "tag": current.tag.name, **_rebuild(model, stage)})
    return verdicts, not registry.chain.doubts


def _place_of_seal() -> Path:
    place = in_project(SEAL.as_posix())
    return place.with_name(f"seal-{Path.cwd().name}.json") if above() else place


def _rebuild(model: str, stage: str) -> dict[str, Any]:
    """Return the verdict; that there is none says nothing about the version, and is an error."""
    # As a person runs it: its steps go to the log, and its verdict comes here.
    command = ["verify", stage, "--rebuild", "--json", "--model", model]
    done = subprocess.run(
        [sys.executable, "-m", "mlrepo.commands", *command],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env=variables(),
        check=False,
    )
    if not done.stdout:
        raise ProjectError(f"`model {' '.join(command)}` did not come to a verdict: see above")
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict
