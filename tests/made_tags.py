"""Tags of versions and stages that are made past the commands, or again with other content."""

import json
import re
from typing import Any

from releases import Released


def remake(
    released: Released, name: str, old: str = "", new: str = "", to: str = "", **changes: Any
) -> None:
    """Make a tag again: with other words, on another commit, or with other values in its record."""
    text = released.git("cat-file", "tag", name) + "\n"
    assert old in text
    head, _, message = text.replace(old, new).partition("\n\n")
    if to:
        head = re.sub("^object .*", f"object {to}", head)
    if changes:
        start = message.rindex("\n{\n") + 1
        record = json.loads(message[start:]) | changes
        message = f"{message[:start]}{json.dumps(record, indent=1)}\n"
    write_tag(released, name, f"{head}\n\n{message}")


def assigned_unchecked(released: Released, version: str, stage: str, **record: str) -> None:
    """Bring a version into a stage as `model promote` does, without a look at its files."""
    _write(
        released,
        f"""
tag = registry.version({version!r}).tag
record = {{"action": "promote", "stage": {stage!r}, "version_tag": tag.oid}} | {record}
write(f"model#{stage}#{{registry.highest + 1}}", tag.version, tag.commit, record)
""",
    )


def registered_unchecked(released: Released, number: str) -> None:
    """Make HEAD a version as `model register` does, with nothing in its record."""
    commit = released.git("rev-parse", "HEAD")
    _write(
        released,
        f"""
record = {{"commit": {commit!r}, "files": {{}}}}
write("model@v{number}", "v{number}", {commit!r}, record)
""",
    )


def _write(released: Released, what: str) -> None:
    script = f"""
from mlrepo.versions import write_tags
from mlrepo.versions.registry import Registry
registry = Registry.load("model")
def write(name, version, commit, record):
    claims = registry.head(version) | record
    write_tags.write(name, commit, "Unchecked", claims, False, lambda tag: None)
{what}
"""
    released.run("python", "-c", script)


def write_tag(released: Released, name: str, content: str) -> None:
    """Let a tag hold these bytes."""
    scratch = released.path.parent / "tag"
    scratch.write_text(content, encoding="utf-8")
    oid = released.git("hash-object", "-t", "tag", "-w", str(scratch))
    released.git("update-ref", f"refs/tags/{name}", oid)
