"""Say which rules are on, and whether this machine can satisfy them."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

from mlrepo.core.errors import ProjectError, exit_with_message
from mlrepo.pipeline import git, models
from mlrepo.pipeline.output import findings
from mlrepo.versions.rules import PATH, where
from mlrepo.versions.rules.policy import Policy, Settings, in_force, load_settings
from mlrepo.versions.rules.signatures import address
from mlrepo.versions.write_tags import SET_KEY


def examine() -> dict[str, list[str]]:
    """Return the rules that are on, and what keeps this machine from them; {}: none is on."""
    try:
        refuse_broken()
        if where() is None:
            return {}
        policy = in_force()
    except ProjectError as error:
        return {"rules": [str(error)]}
    on = list(_on(policy.settings))
    return {f"rules: {'; '.join(on)}": findings(_lacks(policy))} if on else {}


def refuse_broken() -> None:
    """Raise if versions.yaml in this folder cannot be read: once committed, it would stop all."""
    if PATH.exists():
        load_settings()


def main() -> None:
    """Do so for each model of the current folder."""
    for _ in models.each_folder():
        refuse_broken()


def _on(settings: Settings) -> Iterator[str]:
    required = settings.signing.required
    if required is not False:
        yield "signatures" if required is True else f"signatures from {required} on"
    if settings.roles:
        yield "roles"
    for name, stage in settings.stages.items():
        asks = ["signed"] * stage.protected
        asks += [f"{stage.approvals} approvals"] * bool(stage.approvals)
        asks += [f"{stage.rebuilds} rebuilds"] * bool(stage.rebuilds)
        if asks:
            yield f"{name}: {', '.join(asks)}"


def _lacks(policy: Policy) -> Iterator[str]:
    who, key = address(git.identity()), git.ask("config", "--type=path", "user.signingKey")
    now = datetime.now(UTC)
    if not any(policy.settings.may(who, "", stage, now) for stage in policy.settings.stages):
        yield f"{who} has no role in {PATH}"
    if key is None:
        yield f"no key is set to sign with: {SET_KEY}"
    elif git.ask("config", "gpg.format") == "ssh":
        signers = policy.signers
        kind, public = _public(key)
        lines = [line.split() for line in signers.ssh.decode(errors="replace").splitlines()]
        people = [name for words in lines if public in words[1:] for name in words[0].split(",")]
        if not any(fnmatch(who.casefold(), name.casefold()) for name in people):
            yield f"{signers.place} has no line for this key and address: {who} {kind} {public}"
    else:
        program = git.ask("config", "gpg.program") or "gpg"
        command = [program, "--batch", "--with-colons", "--list-secret-keys", key]
        said = subprocess.run(command, capture_output=True, check=False).stdout
        listed = said.decode(errors="replace").splitlines()
        known = [line.split(":")[9] for line in listed if line.startswith("fpr:")]
        if not set(known) & set(policy.signers.gpg):
            yield f"gpg_fingerprints in {PATH} does not name the GPG key {key}"


def _public(key: str) -> tuple[str, str]:
    """Return kind and content of the public key that Git's setting names."""
    text = key.removeprefix("key::")
    if not text.startswith(("ssh-", "ecdsa-", "sk-")):
        path = Path(key if key.endswith(".pub") else f"{key}.pub")
        if not path.is_file():
            raise ProjectError(f"user.signingKey names {key}, and {path} is not there")
        text = path.read_text(encoding="utf-8")
    kind, content = text.split()[:2]
    return kind, content


if __name__ == "__main__":
    exit_with_message(main)
