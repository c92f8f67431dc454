"""What stages demand, whose signatures count, and who may do what."""

from collections.abc import Mapping
from pathlib import Path

from mlrepo.pipeline import git
from mlrepo.versions.tags import Tag

PATH = Path("versions.yaml")
_KEPT = "mlrepo-rules.json"  # whether a versions.yaml asks for signatures, by its hash


def where() -> tuple[str, str] | None:
    """Return the commit whose versions.yaml counts, and the hash of the file; None if none has it.

    It is the default branch of the Git remote, as last fetched: what the team has agreed on. Where
    that has none it is the last commit here.
    """
    for commit in (f"refs/remotes/{git.origin()}/HEAD", "HEAD"):
        if blob := git.ask("rev-parse", "--quiet", "--verify", f"{commit}:./{PATH}"):
            return git.git("rev-parse", commit).strip(), blob
    return None


def refused(found: Mapping[str, Tag]) -> dict[str, str]:
    """Return name -> why not, of the tags that the rules in force do not accept.

    Most projects ask for no signatures: they shall not wait until pydantic, which reads the rules,
    is imported.
    """
    place = where()
    if not found or place is None:
        return {}
    commit, blob = place
    if git.recall(_KEPT).get(blob) is False:
        return {}
    from mlrepo.versions.rules import policy, roles

    demands = policy.of(commit)
    git.keep(_KEPT, {blob: demands.settings.signing.required is not False})
    return roles.refused(found, demands)
