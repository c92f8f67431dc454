"""Add tags to the chain: what a person does with a version, or says of it."""

from typing import Any

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.pipeline.output import Tell
from mlrepo.versions import tags, write_tags
from mlrepo.versions.registry import Registry, Version
from mlrepo.versions.rules import PATH, approvals, roles
from mlrepo.versions.rules.policy import in_force, refuse_uncommitted
from mlrepo.versions.tags import Tag


def latest(model: str, tell: Tell) -> Registry:
    """Fetch tags and rules from the Git remote, and return what they say."""
    refuse_uncommitted()
    remote = git.origin()
    here = "no Git remote: the tags of this clone count"
    tell(f"fetch the tags of {remote}" if remote else here)
    write_tags.fetch(model)
    policy = in_force()
    if git.ask("diff", "--quiet", policy.commit, "--", str(PATH)) is None:
        tell(f"{PATH} of {remote} counts ({policy.commit[:7]}), which differs from the one here")
    registry = Registry.load(model)
    for name, why in registry.chain.doubts.items():
        tell(f"{name} is not believed: {why}")
    return registry


def say(seen: Registry, act: str, version: Version, notes: str, sign: bool, **record: Any) -> str:
    """Add a tag that says something of a version, such as approve; return its name."""
    if not notes.strip():
        raise ProjectError("say why: -m WHY")
    claims = {**seen.head(version.name), "act": act, "version_tag": version.tag.oid, **record}
    name = f"{seen.prefix}+{act}#{seen.highest + 1}"
    append(seen, name, version.tag.commit, notes, claims, sign)
    return name


def judge(model: str, act: str, text: str, stage: str, why: str, tell: Tell) -> list[str]:
    """Approve or reject a version for a stage; return what that comes to, in lines."""
    registry, policy = latest(model, tell), in_force()
    policy.settings.stage(stage)
    version = registry.version(text)
    name = say(registry, act, version, why, True, **{"for": stage})
    tally = approvals.counted(Registry.load(model), policy).tally(version, stage)
    enough = f"{version.name} has the approvals that '{stage}' asks for"
    return [name, *(tally.lacks or [enough, *tally.others])]


def append(
    seen: Registry, name: str, commit: str, notes: str, record: dict[str, Any], sign: bool
) -> None:
    """Add a tag to those that somebody has ``seen`` and has decided by.

    Raises:
        ProjectError: if others made tags or rules meanwhile, or if the tag would not be believed:
            signed by a key that does not count, or by somebody who may not do this. Nothing has
            changed then.
    """
    write_tags.fetch(seen.model)
    news = Registry.load(seen.model).chain.ends.keys() - seen.chain.tags.keys()
    if news:
        raise ProjectError(
            f"somebody else was first: {', '.join(sorted(news))} came meanwhile. Nothing has "
            "changed here; look at `model history` and decide again"
        )
    policy = in_force()
    if record.get("policy", policy.named)["sha256"] != policy.sha256:
        raise ProjectError(f"{PATH} has changed meanwhile; nothing else has: decide again")

    def check(tag: Tag) -> None:
        signature = policy.signers.check(tag)
        why = signature.says if signature.state == "bad" else roles.why_not(tag, signature, policy)
        if why:
            raise ProjectError(f"the tag {tag.name} was not made: {why}")

    record = {**record, "policy": policy.named}
    sign = sign or policy.settings.signing.needed(seen.now())
    write_tags.write(name, commit, notes, record, sign, check)


def countersign(model: str, notes: str, tell: Tell) -> tuple[str, list[str]]:
    """Vouch for all tags that bear no signature, which a rule asks for now; return tag and names.

    The new tag names the last ones by their hashes, and so all that lead to them.
    """
    latest(model, tell)
    found = tags.read(model)
    policy = in_force()
    refused = roles.refused(found, policy)
    unsigned = {name for name in refused if policy.signers.check(found[name]).state == "none"}
    others = {name: why for name, why in refused.items() if name not in unsigned}
    seen = Registry.from_tags(model, found, others)
    vouched = sorted(unsigned & seen.chain.tags.keys())
    if not vouched:
        raise ProjectError(f"no tag of {model} lacks a signature that {PATH} asks for")
    return say(seen, roles.COUNTERSIGN, seen.newest(), notes, True, vouched=vouched), vouched
