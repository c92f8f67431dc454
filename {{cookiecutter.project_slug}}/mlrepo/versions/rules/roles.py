"""Which tags the rules accept: signed where they ask for it, by a person who may do that."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mlrepo.pipeline.git import keep, recall
from mlrepo.versions.rules.policy import Policy
from mlrepo.versions.rules.signatures import Signature, Signers
from mlrepo.versions.tags import Tag, reached

COUNTERSIGN = "countersign"  # an act that vouches for all tags that lead to it
# Git verifies a hundred signatures a second, and what it says of an SSH key's does not change.
_KEPT = "mlrepo-signatures.json"


def refused(found: Mapping[str, Tag], policy: Policy) -> dict[str, str]:
    """Return name -> why not, of the tags that the rules do not accept."""
    if policy.settings.signing.required is False:
        return {}
    said = signatures(found, policy.signers)
    why = {name: why_not(tag, said[name], policy) for name, tag in found.items()}
    ends = [name for name, tag in found.items() if tag.act == COUNTERSIGN and not why[name]]
    vouched = reached(ends, lambda name: _named(found, name))
    return {
        name: reason
        for name, reason in why.items()
        if reason and not (name in vouched and said[name].state == "none")
    }


def why_not(tag: Tag, signature: Signature, policy: Policy) -> str | None:
    """Return why the rules do not accept a tag with this signature; None: they do."""
    signing, moment = policy.settings.signing, tag.date
    if not signing.needed(moment):
        return None
    if signature.state == "none":
        return f"it is not signed: `model {COUNTERSIGN}` vouches for what is older than the rule"
    if signature.state == "bad":
        return signature.says
    may, stage = demand(tag)
    if not policy.settings.may(signature.who, may, stage, moment):
        where = f" for '{stage}'" if stage else ""
        to = f" to {may}" if may else ""
        return f"{signature.who} has no role{to}{where} at that time in versions.yaml"
    return None


def demand(tag: Tag) -> tuple[str, str | None]:
    """Return what one must be allowed to do who makes such a tag, and in which stage."""
    if tag.version:
        return "register", None
    if tag.act in ("approve", "reject"):
        return "approve", str(tag.claims.get("for"))
    if tag.act == "attest":  # to have made a version again, any role will do
        return "", None
    # To mark a version bad, or to say more of it, is for whoever may release anywhere.
    return "release", None if tag.act or tag.stage == "deprecated" else tag.stage


def _named(found: Mapping[str, Tag], name: str) -> list[str]:
    """Return the tags that a tag names by the hashes that they have."""
    after = found[name].claims.get("after")
    claims = after.items() if isinstance(after, dict) else ()
    return [each for each, oid in claims if each in found and found[each].oid == oid]


def signatures(found: Mapping[str, Tag], signers: Signers) -> dict[str, Signature]:
    """Return name -> what Git says of the signature, of SSH keys as it said it last time."""
    # What counts depends on the list as well.
    listed = hashlib.sha256(signers.ssh + repr(signers.gpg).encode()).hexdigest()
    lists = recall(_KEPT)
    kept = lists.get(listed, {})
    said, keeping = dict[str, Signature](), dict[str, Any](kept)
    for name, tag in found.items():
        key = f"{name} {tag.oid}"
        said[name] = Signature(**kept[key]) if key in kept else signers.check(tag)
        if said[name].key.startswith("SHA256:") or said[name].state == "none":
            keeping[key] = asdict(said[name])
    if keeping != kept:
        keep(_KEPT, lists | {listed: keeping})
    return said
