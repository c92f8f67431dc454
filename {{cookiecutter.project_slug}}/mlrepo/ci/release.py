"""Hand a version out, if it holds: in a folder and a release, or to deploy.py of the team."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from mlrepo.ci import image
from mlrepo.ci.job import begin, say, summarize
from mlrepo.ci.providers import RefusedError, provider
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import read_json, write_json
from mlrepo.core.markdown import markdown
from mlrepo.core.paths import above, in_project
from mlrepo.pipeline import models
from mlrepo.pipeline.dvc import variables
from mlrepo.pipeline.dvc_yaml import declared
from mlrepo.pipeline.output import report
from mlrepo.storage.store import Store
from mlrepo.versions import fetch
from mlrepo.versions import verify as proofs
from mlrepo.versions.bundle.folder import fill
from mlrepo.versions.proofs.envelope import Key
from mlrepo.versions.registry import DEPRECATED, Registry, Version
from mlrepo.versions.tags import artifact_in_tag

RELEASES = Path("release")  # Git ignores it
KEY = "MODEL_SIGNING_KEY"  # variable of a job: the private key itself, or its file
STEP = Path("deploy.py")


def release(tag: str) -> bool:
    """Fill a folder and the provider's release with a version; return False if it does not hold."""
    begin()
    found = ((r, v) for r in _registries() for v in r.versions.values() if v.tag.name == tag)
    registry, version = next(found, (None, None))
    if not (registry and version):
        example = f"{artifact_in_tag(next(iter(declared())))}@v1.0.0"
        raise ProjectError(
            f"{tag} is no version here: name one as `git tag` does, such as {example}"
        )
    if not _holds(registry.model, version):
        return False
    say("collect")
    folder, given = in_project(RELEASES.as_posix()) / tag.replace("/", "-"), os.environ.get(KEY)
    files = fill(folder, version, Key.load(given) if given else None, say)
    print("\n".join(map(str, files)))
    if image.place():
        image.build(version)
    record = version.record
    lines = [
        ["part", "value"],
        ["commit", version.tag.commit],
        ["SHA-256", record["artifact"]["sha256"]],
        ["data", f"{record['data']['path']}, MD5 {record['data']['md5']}"],
    ]
    text = f"{version.tag.notes}\n\n{markdown(lines)}"
    summarize(f"## {tag}\n\n{text}")
    service = provider()
    if service is None:
        print(f"No token of a provider is here, so the release is the folder {folder}.")
        return True
    say("attach")
    try:
        print(service.release(tag, text, files))
    except RefusedError as reason:
        raise ProjectError(f"{folder} is complete, but attached to no release: {reason}") from None
    return True


def deploy(tag: str, only: str | None) -> bool:
    """Run the team's step with the version behind a stage tag; return False if it does not hold.

    ``only`` names the stage whose rights this job has; one that has moved on is refused.
    """
    begin()
    found = ((r, a) for r in _registries() for a in r.assignments if a.tag.name == tag)
    registry, assignment = next(found, (None, None))
    if not (registry and assignment):
        strange = {n: w for r in _registries() for n, w in r.strange.items()}
        why = f"is not believed: {strange[tag]}" if tag in strange else "is no stage tag here"
        raise ProjectError(f"{tag} {why}: `model history` lists them")
    version, stage = assignment.version, assignment.stage
    if only not in (None, stage):
        raise ProjectError(f"{tag} is of the stage '{stage}', and this job deploys to '{only}'")
    if stage == DEPRECATED:
        print(f"{tag} marks {version.name} bad: that deploys nothing.")
        return True
    last = registry.of(stage)[-1]
    if last != assignment:
        raise ProjectError(
            f"{tag} ({version.name}) is not what is in '{stage}' now: {last.action} "
            f"{last.tag.name} ({last.version.name}) came after it. "
            f"`model ci deploy '{last.tag.name}'` does what is due"
        )
    if last.action == "retire":
        print(f"{tag} empties '{stage}': that deploys nothing. Stop what serves {version.name}.")
        return True
    if not _deploy():
        raise ProjectError(f"{STEP} says that it cannot deploy, so nothing was tried: see above")
    if not _holds(registry.model, version):
        return False
    say(f"{STEP}: {version.name} comes into '{stage}'")
    with TemporaryDirectory() as folder:
        fetch.fetch(version, Path(folder), Store())
        facts = Path(folder, "VERSION.json")
        known = {"stage": stage, "stage_tag": tag}
        if image.place():
            known["image"] = image.name(version)
        write_json(facts, read_json(facts) | known)
        if not _deploy(folder, stage):
            raise ProjectError(f"{STEP} failed, so {version.name} is not in '{stage}': see above")
    summarize(f"## {version.name} is deployed to '{stage}' ({tag})")
    return True


def _registries() -> Iterator[Registry]:
    """Yield the versions of each model; the current folder is that of the last one yielded."""
    for model in models.find():
        models.go(model.folder)
        yield Registry.load(model.artifact)
    models.leave()


def _deploy(*arguments: str) -> bool:
    """Run deploy.py in the project's folder; return whether it succeeds."""
    command = [sys.executable, str(STEP), *arguments]
    return not subprocess.run(command, cwd=above() or None, env=variables(), check=False).returncode


def _holds(model: str, version: Version) -> bool:
    """Compare all that is recorded of a version with what is there, and print the result."""
    say(f"verify {version.tag.name}")
    proof = proofs.verify(model, version.name, offline=False)
    text = report(proof.checks)
    print(text)
    if any(proof.checks.values()):
        summarize(f"## {version.tag.name} DOES NOT HOLD\n\n```text\n{text}\n```")
    return not any(proof.checks.values())
