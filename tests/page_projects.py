"""A project with a year of versions, as the page shows it."""

import re
from pathlib import Path
from typing import Any

from conftest import Project
from releases import Released, new_released, read_rows, write_rows
from signing import Keys
from sweeping import IMPUTE, TREES, write

# The commands, on another day than today: no date but that of a tag is on the page.
_THEN = """
import datetime, sys
from mlrepo.versions import registry
class Then(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromisoformat({day!r}).replace(tzinfo=datetime.UTC)
registry.datetime = Then
from mlrepo.commands.app import main
main()
"""
ADA = {"GIT_COMMITTER_NAME": "Ada Byron", "GIT_COMMITTER_EMAIL": "ada@example.com"}
BO = {"GIT_COMMITTER_NAME": "Bo Chen", "GIT_COMMITTER_EMAIL": "bo@example.com"}


def on(made: Released, day: str, *arguments: str, **who: Any) -> str:
    """Run `model` on a day in UTC, such as 2026-03-01T09:30:00; return what it prints."""
    return made.run("python", "-c", _THEN.format(day=day), *arguments, **who).stdout


def with_signers(made: Released, keys: Keys) -> None:
    """Let prod ask for an approval, and both people sign."""
    lines = [
        f"{who} {key.with_suffix('.pub').read_text(encoding='utf-8')}"
        for who, key in (("ada@example.com", keys.ours), ("bo@example.com", keys.theirs))
    ]
    (made.path / ".allowed_signers").write_text("".join(lines), encoding="utf-8")
    asks = "protected: true, approvals: 1}"
    made.edit(
        "versions.yaml", "prod: {gate: true, protected: false}", f"prod: {{gate: true, {asks}"
    )
    made.run("git", "config", "gpg.format", "ssh")
    made.run("git", "add", ".allowed_signers")
    made.commit("Prod asks for an approval")
    made.push()


def _key(keys: Keys, who: dict[str, str]) -> dict[str, str]:
    key = keys.ours if who is ADA else keys.theirs
    settings = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.signingKey"}
    return {**who, **settings, "GIT_CONFIG_VALUE_0": f"{key}.pub"}


def a_year(project: Project, folder: Path, keys: Keys, trials: int, rebuild: bool) -> Released:
    """Return 12 versions, two stages, rollbacks, approvals, and a sweep on the last commit."""
    made = new_released(project, folder)
    with_signers(made, keys)
    ada, bo = _key(keys, ADA), _key(keys, BO)
    for n in range(1, 13):
        params: dict[str, Any] = {"train.arguments.n_estimators": 3 + n}
        if n == 4:
            head, *rows = read_rows(made)
            write_rows(made, [head, *rows[:-20]])
        if n == 7:
            with (made.path / "penguins/model.py").open("a", encoding="utf-8") as file:
                file.write("\n\n# Reviewed by Bo.\n")
        if n == 9:
            params["train.seed"] = 9
        made.ready(f"Work of month {n}", params, **ada)
        said = on(made, f"2025-{n:02}-03T09:30:00", "register", "-m", f"{3 + n} trees", **ada)
        version = re.findall(r"v\d+\.\d+\.\d+", said)[0]
        staged = ("promote", version, "staging", "-m", f"Try month {n}")
        on(made, f"2025-{n:02}-04T10:00:00", *staged, **ada)
        if n in (2, 3, 6, 8, 11, 12):
            looked = ("approve", version, "--for", "prod", "-m", f"I read the slices of month {n}")
            on(made, f"2025-{n:02}-06T10:00:00", *looked, **bo)
            moved = ["promote", version, "prod", "-m", f"Good in staging, month {n}", "--sign"]
            moved += ["--override", "the gate waits for new labels"] if n == 8 else []
            on(made, f"2025-{n:02}-07T10:00:00", *moved, **ada)
        if n == 8:
            back = ("rollback", "prod", "-m", "Wrong on chicks", "--sign")
            on(made, "2025-08-20T22:15:00", *back, **bo)
            bad = ("deprecate", version, "-m", "It was trained on wrong labels", "--sign")
            on(made, "2025-08-21T08:00:00", *bad, **ada)
    against = ("reject", "v1.9", "--for", "prod", "-m", "The seed was changed to win")
    on(made, "2025-12-15T12:00:00", *against, **bo)
    if rebuild:
        again = ("verify", "prod", "--rebuild", "--attest", "--sign")
        on(made, "2025-12-16T12:00:00", *again, **bo)
    if trials:
        arguments = {"n_estimators": 15, "min_samples_leaf": 2}
        made.set_params({"train.cross_validation": 3, "evaluate.metric": "log_loss"})
        made.set_params({"train.arguments": arguments})
        leaves = {"train.arguments.min_samples_leaf": {"int": [1, 20]}}
        space = {TREES: {"int": [2, 30]}, IMPUTE: {"choice": ["median", "mean"]}, **leaves}
        write(made, trials=trials, space=space)
        made.repro()
        made.commit("A sweep")
        made.model("sweep")
    return made
