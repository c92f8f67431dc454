"""What stages demand, whose signatures count, and who may do what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlrepo.pipeline import git
from mlrepo.versions.tags import Tag

PATH = Path("versions.yaml")
_KEPT = "mlrepo-rules.json"  # what of a versions.yaml is about tags that are there, by its hash


def where() -> tuple[str, str] | None:
    """Return the commit whose versions.yaml counts, and the hash of the file; None if none has it.

    It is the default branch of the Git remote, as last fetched: what the team has agreed on. Where
    that has none it is the last commit here.
    """
    for commit in (f"refs/remotes/{git.origin()}/HEAD", "HEAD"):
        if blob := git.ask("rev-parse", "--quiet", "--verify", f"{commit}:./{PATH}"):
            return git.git("rev-parse", commit).strip(), blob
    return None


def refuse_unknown(stage: str) -> None:
    """Raise if versions.yaml, as it is in this folder, has no such stage."""
    if PATH.exists():
        from mlrepo.versions.rules import policy

        policy.load_settings().stage(stage)


@dataclass(frozen=True)
class Reading:
    """How the rules in force read the tags.

    Attributes:
        refused: name -> why not, of the tags that they do not accept.
        renamed: former name of a stage -> its name today.
    """

    refused: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)


def reading(found: Mapping[str, Tag]) -> Reading:
    """Return what the rules in force make of tags.

    Most projects ask for no signatures: they shall not wait until pydantic, which reads the rules,
    is imported.
    """
    place = where()
    if not found or place is None:
        return Reading()
    commit, blob = place
    kept = git.recall(_KEPT).get(blob)
    if isinstance(kept, dict) and not kept["signed"]:
        return Reading({}, kept["renamed"])
    from mlrepo.versions.rules import policy, roles

    demands = policy.of(commit)
    signed = demands.settings.signing.required is not False
    git.keep(_KEPT, {blob: {"signed": signed, "renamed": demands.settings.renamed}})
    return Reading(roles.refused(found, demands), demands.settings.renamed)
