"""Hand what came into a stage to deploy.py, which the team fills in."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ..declared import declared
from ..errors import ProjectError
from ..files import write_json
from ..versions import deliver
from ..versions.registry import DEPRECATED, Assignment, Registry
from .proof import holds
from .reach import fetch, sign_in
from .shell import active, say, summarize

STEP = Path("deploy.py")


def deploy(tag: str, only: str | None) -> bool:
    """Prove the version behind a stage tag and run the team's step with it.

    ``only`` names the stage whose rights this job has.

    Returns:
        Whether the version holds; one that does not is not deployed.

    Raises:
        ProjectError: if there is no such tag, the stage has moved on since, or the step fails.
    """
    sign_in()
    fetch()
    model, assignment = _find(tag)
    version, stage = assignment.version, assignment.stage
    if only not in (None, stage):
        raise ProjectError(f"{tag} is of the stage '{stage}', and this job deploys to '{only}'")
    if stage == DEPRECATED:
        print(f"{tag} marks {version.name} bad: that deploys nothing.")
        return True
    current = Registry.load(model).current(stage)
    if current and current.counter > assignment.counter:
        raise ProjectError(
            f"{tag} ({version.name}) is not what is in '{stage}' now: {current.action} "
            f"{current.tag.name} ({current.version.name}) came after it. "
            f"`model ci deploy '{current.tag.name}'` deploys what is"
        )
    if not holds(model, version):
        return False
    say(f"{STEP}: {version.name} comes into '{stage}'")
    with TemporaryDirectory() as folder:
        deliver.fetch(version, Path(folder))
        facts = Path(folder, "VERSION.json")
        told = json.loads(facts.read_text(encoding="utf-8"))
        write_json(facts, told | {"stage": stage, "stage_tag": tag})
        command = [sys.executable, str(STEP), folder, stage]
        if subprocess.run(command, env=active(), check=False).returncode:
            raise ProjectError(f"{STEP} failed, so {version.name} is not in '{stage}': see above")
    summarize(f"## {version.name} is deployed to '{stage}' ({tag})")
    return True


def _find(tag: str) -> tuple[str, Assignment]:
    for model in declared():
        for assignment in Registry.load(model).assignments:
            if assignment.tag.name == tag:
                return model, assignment
    raise ProjectError(f"{tag} is no stage tag here: `model history` lists them")
