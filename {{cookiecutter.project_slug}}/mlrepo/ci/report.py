"""What a change does to the model, for who reviews it."""

import os
import re
import subprocess
import sys

from mlrepo.ci import changes
from mlrepo.ci.changes import Side
from mlrepo.ci.job import FOLDER, base_of, begin, say, shut_out, summarize
from mlrepo.ci.providers import RefusedError, provider
from mlrepo.core.errors import ProjectError
from mlrepo.core.files import atomic
from mlrepo.core.markdown import escape
from mlrepo.core.paths import SCORES, in_project
from mlrepo.pipeline import git, models, status
from mlrepo.pipeline.dvc import variables
from mlrepo.storage.transfer import transfer
from mlrepo.versions.gate import verdict
from mlrepo.versions.registry import Registry
from mlrepo.versions.rules.policy import load_settings

REPORT = FOLDER / "report.md"

_RAN = re.compile(r"^Running stage '(.+)':", re.MULTILINE)


def report(model: str | None, named: str | None) -> bool:
    """Reproduce this folder, compare it with the base, publish that; return whether the gate opens.

    That is done for one model, or for each. Where the data cannot be had, as in a fork, what Git
    alone knows is reported, and nothing fails.
    """
    begin()
    branch, base = base_of(named)
    stale, closed = [_stale() for _ in models.each(model)], shut_out()
    if not closed:
        say("pull")
        # What was never sent is made again, which `model ci check` tells.
        transfer("pull", False, allow_missing=True)
    against = f"{escape(branch)} ({base[:7]})" if base else f"nothing: no {escape(branch)} is here"
    parts, answers, passed = list[str](), list[str](), True
    for name, of, lines in zip(models.each(model), _titles(model), stale, strict=True):
        said, opens, found = _of_one(name, of, against, base, lines, closed)
        parts, answers, passed = [*parts, *found], [*answers, f"gate{of}: {said}"], passed and opens
    text = "\n\n".join(parts) + "\n"
    with atomic(in_project(REPORT.as_posix())) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    if not summarize(text):
        print(text)
    if service := provider():
        try:
            print(service.comment(text))
        except RefusedError as reason:  # as in a fork, whose token may only read
            print(f"no comment was written: {reason}")
    print("\n".join(answers))
    return passed


def _titles(model: str | None) -> list[str]:
    """Return what names each model where there are several."""
    names = models.meant(model)
    return [""] if len(names) == 1 else [f" {name}" for name in names]


def _of_one(
    model: str, of: str, against: str, base: str | None, stale: list[str], closed: str
) -> tuple[str, bool, list[str]]:
    """Return what the gate says of a model, whether it opens, and the parts of the report."""
    ran: list[str] = []
    if closed:
        said, gate, passed = f"not asked: {closed}", "not asked", True
    else:
        say(f"reproduce what changed{of and ' in'}{of}")
        ran = _reproduce()
        say(f"gate{of}")
        said, passed = _ask_gate(model, base)
        gate = "open" if passed else "SHUT"
    here = os.environ.get("GITHUB_SHA") or git.git("rev-parse", "HEAD").strip()
    fenced = f"```text\n{said.replace('```', '')}\n```"
    parts = [f"## Model{of} {here[:7]} against {against}", f"**Gate: {gate}**", fenced]
    notes = _notes(stale, ran, "" if closed else " What follows is of the run made here.")
    return said, passed, [*parts, *notes, *_compared(base)]


def _stale() -> list[str]:
    try:
        return status.report().stale
    except ProjectError as error:
        return [str(error)]


def _reproduce() -> list[str]:
    """Run the pipeline in view; return the stages that ran."""
    lines = []
    with subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro"],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=variables(),
    ) as child:
        for line in child.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    if child.returncode:
        raise ProjectError("`dvc repro` failed: fix what it says above")
    return _RAN.findall("".join(lines))


def _ask_gate(model: str, base: str | None) -> tuple[str, bool]:
    """Return what the gate says of the model here, and whether it opens.

    The model is compared with what is in the last stage, or else with what the base made.
    """
    settings = load_settings()
    current = Registry.load(model).current(settings.last)
    found = verdict.compare_here(model, current.version if current else base, settings.gate)
    return verdict.describe(found), verdict.opens(found, settings.gate)


def _notes(stale: list[str], ran: list[str], after: str) -> list[str]:
    if stale:
        lines = [f"- {escape(line)}" for line in stale]
        said = "**dvc.lock is stale**, so this commit holds another model than its files give."
        return ["\n".join([f"{said}{after}", *lines, f"- {status.FIX}"])]
    if ran:
        return [f"Run again, as DVC's remote lacked their outputs: {', '.join(ran)}."]
    return []


def _compared(base: str | None) -> list[str]:
    here = Side(None)
    if base is None:
        return [f"### Metrics\n\n{changes.scores(here, here, sliced=False)}"]
    before = Side(base)
    slices = changes.scores(before, here, sliced=True)
    return [
        *([] if before.rows(SCORES) else ["The base has no metrics yet."]),
        f"### Metrics\n\n{changes.scores(before, here, sliced=False)}",
        f"### Params\n\n{changes.params(before, here)}",
        f"### Data\n\n{changes.data(before, here)}",
        f"### Plots\n\n{changes.plots(before, here)}",
        f"<details><summary>Slices</summary>\n\n{slices}\n\n</details>",
    ]
