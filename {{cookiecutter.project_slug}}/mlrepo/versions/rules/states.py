"""What state each version is in: registered, approved, rejected, in use, bad, retired.

Nothing here waits for what reads the rules until somebody has said something of a version.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlrepo.versions.registry import Registry, Version

if TYPE_CHECKING:
    from mlrepo.versions.rules.approvals import Count, Tally

State = dict[str, Any]


def states(registry: Registry) -> dict[str, list[State]]:
    """Return the states of each version by its name."""
    words = {a.version.name for a in registry.acts if a.action in ("approve", "reject", "attest")}
    past = {a.version.name for a in registry.assignments if a.tag.claims.get("override")}
    found = {v.name: _life(registry, v) for v in registry.versions.values()}
    if words or past:
        from mlrepo.versions.rules.approvals import counted
        from mlrepo.versions.rules.policy import in_force

        policy = in_force()
        count = counted(registry, policy)
        for version in registry.versions.values():
            if version.name in past:
                found[version.name] += emergencies(count, version)
            for stage in policy.settings.stages if version.name in words else ():
                if not any(done.version == version for done in registry.of(stage)):
                    found[version.name] += _said(count.tally(version, stage), stage)
    return found


def _life(registry: Registry, version: Version) -> list[State]:
    held = [
        stage
        for stage in registry.stages
        if (now := registry.current(stage)) and now.version is version
    ]
    found: list[State] = [{"state": "in use", "stage": stage} for stage in held]
    if registry.bad(version):
        found.append({"state": "bad"})
    was = any(a.version is version for stage in registry.stages for a in registry.of(stage))
    return found or [{"state": "retired" if was else "registered"}]


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
