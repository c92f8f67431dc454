"""The versions of a large project, listed by the project's own commands and by GTO, side by side.

    python benchmarks/bench_versions.py

Needs gto and what the project's commands need: pyyaml, semver and the typer of its pyproject.toml.
The repository has a commit a version, records of a usual size and packed references, as a fresh
clone has. Both are asked the same in turn, as whole processes of this Python with compiled
bytecode; GTO cannot be asked about a day in the past, so it says what is in the stage now.
"""

import argparse
import compileall
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).resolve().parent.parent / "{{cookiecutter.project_slug}}"
PACKAGE = "{{cookiecutter.__package_name}}"
START = datetime(2026, 1, 1, tzinfo=UTC)
STAGES = ("staging", "prod")
# The record of a random forest on the penguins, which names each file with its hashes.
SIZE_OF_RECORD = 25_000

QUESTIONS = {
    "show": (["show"], ["show"]),
    "history": (["history"], ["history"]),
    "at": (["at", "2026-01-02", "prod"], ["show", "model#prod"]),
}


def tag(name: str, commit: str, notes: str, record: dict[str, Any], date: datetime) -> str:
    """Return a tag as `git fast-import` reads it and as the project writes it."""
    message = f"{notes}\n\n{json.dumps(record, indent=1)}\n"
    who = f"Test <test@example.com> {int(date.timestamp())} +0000"
    return f"tag {name}\nfrom {commit}\ntagger {who}\ndata {len(message)}\n{message}\n"


def events(versions: int, assignments: int) -> Iterator[str]:
    """Yield commits and tags: each version, then its way through the stages, some of them back."""
    size = 0
    files: dict[str, dict[str, object]] = {}
    while size < SIZE_OF_RECORD:
        entry = {"md5": "0" * 32, "sha256": "0" * 64, "size": 12_345, "kept_by": "git"}
        files[f"package/module_{len(files)}.py"] = entry
        size = len(json.dumps(files, indent=1))
    date, counter = START, 0
    for number in range(versions):
        date += timedelta(minutes=1)
        mark, name = f":{number + 1}", f"v1.{number}.0"
        who = f"Test <test@example.com> {int(date.timestamp())} +0000"
        yield f"commit refs/heads/main\nmark {mark}\ncommitter {who}\ndata 1\nx\n"
        head = {"format": 1, "model": "model", "version": name, "at": date.isoformat()}
        yield tag(f"model@{name}", mark, f"Notes on {name}", {**head, "files": files}, date)
        while counter < assignments * (number + 1) // versions:
            stage = STAGES[counter % len(STAGES)]
            counter, date = counter + 1, date + timedelta(seconds=1)
            action = "rollback" if counter % 10 == 0 and number else "promote"
            target = f":{number}" if action == "rollback" else mark
            record = {
                "format": 1,
                "model": "model",
                "action": action,
                "stage": stage,
                "version": f"v1.{number - (action == 'rollback')}.0",
                "from": f"v1.{number}.0",
                "at": date.isoformat(),
                "by": "Test <test@example.com>",
                "version_tag": "0" * 40,
                "after": {f"model@{name}": "0" * 40},
                "gate": None,
                "override": None,
            }
            yield tag(f"model#{stage}#{counter}", target, f"Reason {counter}", record, date)


def make(folder: Path, versions: int, assignments: int) -> None:
    """Write a project of the template, as far as its commands on tags read it, and its tags."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(TEMPLATE / PACKAGE, folder / "package", ignore=ignore)
    compileall.compile_dir(folder / "package", quiet=1)
    for name in ("versions.yaml", "params.yaml", "dvc.yaml"):
        text = (TEMPLATE / name).read_text(encoding="utf-8")
        text = text.replace("{{ cookiecutter.__package_name }}", "package")
        text = text.replace("{{ cookiecutter.__description_toml }}", '"A model"')
        (folder / name).write_text(text, encoding="utf-8")
    stream = "".join(events(versions, assignments))
    for command in (["init", "--quiet", "-b", "main"], ["fast-import", "--quiet"], ["pack-refs"]):
        given = stream if command[0] == "fast-import" else ""
        options = ["--all"] if command == ["pack-refs"] else []
        subprocess.run(["git", *command, *options], cwd=folder, input=given, text=True, check=True)


def measure(command: list[str], folder: Path, repeats: int) -> tuple[float, float]:
    """Return median wall and CPU seconds of a command with all that it starts."""
    walls, cpus = [], []
    for _ in range(repeats):
        before, start = os.times(), time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        walls.append(time.perf_counter() - start)
        after = os.times()
        cpus.append(sum(after[2:4]) - sum(before[2:4]))  # of children
        if done.returncode or not done.stdout.strip():
            sys.exit(f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return statistics.median(walls), statistics.median(cpus)


def main() -> None:
    """Print one line per question."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--versions", type=int, default=1000)
    parser.add_argument("--assignments", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--gto-repeats", type=int, default=5, help="it takes a minute a run")
    options = parser.parse_args()
    gto = shutil.which("gto", path=str(Path(sys.executable).parent)) or shutil.which("gto")
    if gto is None:
        sys.exit("gto is not installed: python -m pip install gto")

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "project"
        make(folder, options.versions, options.assignments)
        print(f"{options.versions} versions, {options.assignments} assignments to stages")
        print("median seconds, wall (CPU); times: how often the project's go into GTO's")
        print(f"{'question':15} {'model':>14} {'gto':>14} {'times':>12}")
        for name, (ours, theirs) in QUESTIONS.items():
            command = [sys.executable, "-m", "package.cli", *ours]
            wall, cpu = measure(command, folder, options.repeats)
            their_wall, their_cpu = measure([gto, *theirs], folder, options.gto_repeats)
            print(
                f"{name:15} {wall:6.2f} ({cpu:5.2f}) {their_wall:6.2f} ({their_cpu:5.2f}) "
                f"{their_wall / wall:4.1f} ({their_cpu / cpu:4.1f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
