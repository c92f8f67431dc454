"""Whether what came into a stage had what the stage asked for at that moment."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mlrepo.pipeline import git
from mlrepo.versions.registry import Assignment, Registry
from mlrepo.versions.rules.approvals import counted
from mlrepo.versions.rules.model_files import kept_out
from mlrepo.versions.rules.policy import Policy, Settings, in_force, of
from mlrepo.versions.tags import Tag


def lacked(registry: Registry, done: Assignment) -> list[str]:
    """Return what an assignment lacked when it was made, by the rules of that moment."""
    names = registry.chain.before(done.tag.claims["after"])
    earlier = [registry.chain.tags[name] for name in names]
    if not any(map(_commit, [done.tag, *earlier])):
        return []  # from before records named their rules
    then = replace(
        registry,
        # By the names that stages had then.
        assignments=[
            replace(each, stage=str(each.tag.stage))
            for each in registry.assignments
            if each.tag.name in names
        ],
        acts=[each for each in registry.acts if each.tag.name in names],
    )
    rules = _rules_of(done.tag, earlier)
    count, stage, claims = counted(then, rules), str(done.tag.stage), done.tag.record
    if done.action == "retire" or (done.action == "rollback" and count.was_in(done.version, stage)):
        return []
    tally = count.tally(done.version, stage)
    lacks = [*_gate(done, rules.settings, stage), *tally.lacks]
    if why := kept_out(rules.settings.stages.get(stage), done.version):
        return [f"its model file can run code when it is loaded: {why}", *lacks]
    if differ := [
        key for key in ("asks", "approvals", "rebuilds") if claims.get(key) != tally.record.get(key)
    ]:
        return [f"its record has other {', '.join(differ)} than the tags before it", *lacks]
    return [] if claims.get("override") else lacks


def _gate(done: Assignment, settings: Settings, stage: str) -> Iterator[str]:
    """Say so if a promotion did not pass the gate that the stage has."""
    rules = settings.stages.get(stage)
    if done.action == "promote" and rules and rules.gate:
        said = done.tag.record.get("gate")
        verdict = said.get("verdict", "none") if isinstance(said, dict) else "none"
        if not settings.gate.allows(verdict):
            yield f"the verdict of the gate is {verdict}"


def _rules_of(tag: Tag, earlier: Iterable[Tag]) -> Policy:
    """Return the rules that a tag names, or those in force where it may not have chosen these.

    They have to be on the default branch, and no older than those of a tag before it.
    """
    now, named = in_force(), _commit(tag)
    before = {commit for each in earlier if (commit := _commit(each))}
    if named and git.ask("merge-base", "--is-ancestor", named, now.commit) is not None:
        given = "\n".join([*before, f"^{named}"])
        later = git.git("rev-list", "--ignore-missing", "--stdin", given=given).split()
        if not before & set(later):
            return of(named)
    return now


def _commit(tag: Tag) -> str:
    policy = tag.claims.get("policy")
    return str(policy.get("commit", "")) if isinstance(policy, dict) else ""
