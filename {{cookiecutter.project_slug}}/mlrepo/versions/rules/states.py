"""What state each version is in: registered, approved, rejected, in use, bad, retired.

Nothing here waits for what reads the rules until somebody has said something of a version.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlrepo.versions.registry import DEPRECATED, Registry, Version

if TYPE_CHECKING:
    from mlrepo.versions.rules.approvals import Count, Tally

State = dict[str, Any]


def states(registry: Registry) -> dict[str, list[State]]:
    """Return the states of each version by its name."""
    used: dict[str, set[str]] = {}  # the stages that a version was ever in
    for done in registry.assignments:
        used.setdefault(done.version.name, set()).add(done.stage)
    found: dict[str, list[State]] = {version.name: [] for version in registry.versions.values()}
    for stage, version in registry.in_use.items():
        found[version.name].append({"state": "in use", "stage": stage})
    for name, life in found.items():
        stages = used.get(name, set())
        life += [{"state": "bad"}] if DEPRECATED in stages else []
        if not life:
            life.append({"state": "retired" if stages else "registered"})
    words = {a.version.name for a in registry.acts if a.action in ("approve", "reject", "attest")}
    past = {a.version.name for a in registry.assignments if a.went_past}
    if words or past:
        from mlrepo.versions.rules.approvals import counted
        from mlrepo.versions.rules.policy import in_force

        policy = in_force()
        count = counted(registry, policy)
        for version in registry.versions.values():
            if version.name in past:
                found[version.name] += emergencies(count, version)
            if version.name in words:
                new = [s for s in policy.settings.stages if s not in used.get(version.name, ())]
                for stage in new:
                    found[version.name] += _said(count.tally(version, stage), stage)
    return found


def emergencies(count: "Count", version: Version) -> list[State]:
    """Return what was done with a version past the rules, and nobody else has approved since."""
    return [
        {
            "state": "emergency",
            "stage": done.stage,
            "by": [done.tag.by],
            "reason": done.tag.claims["override"],
        }
        for done in count.registry.assignments
        if done.version == version and count.is_emergency(done)
    ]


def _said(tally: "Tally", stage: str) -> Iterator[State]:
    kinds = {"approved": tally.approvals, "rebuilt": tally.rebuilds, "rejected": tally.rejections}
    asks = {"approved": tally.asks.get("approvals"), "rebuilt": tally.asks.get("rebuilds")}
    for kind, acts in kinds.items():
        if asks.get(kind) or (acts and kind != "rebuilt"):
            of = {"of": asks[kind]} if asks.get(kind) else {}
            yield {"state": kind, "stage": stage, "by": [act.tag.by for act in acts], **of}


def in_words(state: State) -> str:
    """Return a state as people read it, such as "approved 1 of 2 for prod"."""
    kind, stage, who = state["state"], state.get("stage"), ", ".join(state.get("by", ()))
    if kind == "emergency":
        return f"EMERGENCY in {stage} by {who}, not approved yet: {state['reason']}"
    if "of" in state:
        return f"{kind} {len(state['by'])} of {state['of']} for {stage}"
    if kind == "in use":
        return f"in {stage}"
    return f"{kind} for {stage} by {who}" if who else kind
