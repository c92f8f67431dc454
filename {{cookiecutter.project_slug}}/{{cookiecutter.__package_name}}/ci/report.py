"""What a change does to the model, for who reviews it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from .. import freshness, git
from ..errors import ProjectError
from ..files import atomic
from ..layout import escape
from . import champion, facts
from .facts import Side
from .forge import RefusedError, forge
from .reach import base_of, fetch, shut_out, sign_in, transfer
from .shell import FOLDER, active, say, summarize

REPORT = FOLDER / "report.md"

_RAN = re.compile(r"^Running stage '(.+)':", re.MULTILINE)


def report(model: str, named: str | None) -> bool:
    """Reproduce this folder, hold it against the gate and the base, and publish what was found.

    Returns:
        Whether the gate opens. Where the data cannot be had, as in a fork, what Git alone knows
        is told, and nothing fails.

    Raises:
        ProjectError: if the pipeline does not run, or DVC's remote is broken.
    """
    sign_in()
    fetch()
    name, base = base_of(named)
    closed = shut_out()
    stale = _stale()
    ran: list[str] = []
    verdict, passed = f"not asked: {closed}", True
    if not closed:
        say("pull")
        # What was never sent is made again, which `model ci check` tells.
        transfer("pull", "--allow-missing")
        say("reproduce what changed")
        ran = _reproduce()
        say("gate")
        _, verdict, passed = champion.decide(model, base)
    text = _markdown(name, base, verdict, passed, stale, ran, bool(closed))
    with atomic(REPORT) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    if not summarize(text):
        print(text)
    _comment(text)
    print(f"gate: {verdict}")
    return passed


def _stale() -> list[str]:
    try:
        return freshness.report().stale
    except ProjectError as error:
        return [str(error)]


def _reproduce() -> list[str]:
    """Run the pipeline in view; return the stages that ran."""
    command = [sys.executable, "-m", "dvc", "repro"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, encoding="utf-8", errors="replace", env=active()
    ) as child:
        assert child.stdout is not None
        lines = []
        for line in child.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if child.returncode:
        raise ProjectError("`dvc repro` failed: mend what it says above")
    return _RAN.findall("".join(lines))


def _markdown(
    name: str,
    base: str | None,
    verdict: str,
    passed: bool,
    stale: list[str],
    ran: list[str],
    closed: bool,
) -> str:
    here = os.environ.get("GITHUB_SHA") or git.git("rev-parse", "HEAD").strip()
    against = f"{escape(name)} ({base[:7]})" if base else f"nothing: no {escape(name)} is here"
    gate = "not asked" if closed else "open" if passed else "SHUT"
    parts = [f"## Model {here[:7]} against {against}", f"**Gate: {gate}**", _fenced(verdict)]
    if stale:
        lines = [f"- {escape(line)}" for line in stale]
        said = ["**dvc.lock is stale**, so this commit holds another model than its files give."]
        if not closed:
            said = [f"{said[0]} What follows is of the run made here."]
        parts.append("\n".join([*said, *lines, f"- {freshness.MEND}"]))
    elif ran:
        parts.append(f"Run again, as DVC's remote lacked their outputs: {', '.join(ran)}.")
    if base:
        before, after = Side(base), Side(None)
        if not before.rows(Path("reports/scores.csv")):
            parts.append("The base has no metrics yet.")
        parts += [f"### Metrics\n\n{facts.scores(before, after, sliced=False)}"]
        parts += [f"### Params\n\n{facts.params(before, after)}"]
        parts += [f"### Data\n\n{facts.data(before, after)}"]
        parts += [f"### Plots\n\n{facts.plots(before, after)}"]
        slices = facts.scores(before, after, sliced=True)
        parts += [f"<details><summary>Slices</summary>\n\n{slices}\n\n</details>"]
    else:
        parts.append(f"### Metrics\n\n{facts.scores(Side(None), Side(None), sliced=False)}")
    return "\n\n".join(parts) + "\n"


def _fenced(text: str) -> str:
    return f"```text\n{text.replace('```', '')}\n```"


def _comment(text: str) -> None:
    service = forge()
    if service is None:
        return
    try:
        print(service.comment(text))
    except RefusedError as reason:  # as in a fork, whose token may only read
        print(f"no comment was written: {reason}")
