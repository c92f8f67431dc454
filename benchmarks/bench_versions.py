"""The versions of a large project, listed by the project's own commands and by GTO, side by side.

    python benchmarks/bench_versions.py

Needs what bench_pipeline.py needs, whose project lends its packages. GTO comes into an environment
of its own.
The repository has a commit a version, records of a usual size and packed references, as a fresh
clone has. Both are asked the same in turn, as whole processes of one Python with compiled
bytecode; GTO cannot be asked about a day in the past, so it says what is in the stage now.
"""

import compileall
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from baked import TEMPLATE as ROOT
from baked import Bench
from report import HEAD, facts, keep, line, pairs, parser

TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
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
    for source, name in ((PACKAGE, "package"), ("mlrepo", "mlrepo")):
        shutil.copytree(TEMPLATE / source, folder / name, ignore=ignore)
        compileall.compile_dir(folder / name, quiet=1)
    (folder / "pyproject.toml").write_text('[tool.mlrepo]\npackage = "package"\n', "utf-8")
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


def install_gto(bench: Bench) -> str:
    """Return the GTO of a new environment."""
    venv = bench.folder / "gto"
    bench.run(bench.folder, "uv", "venv", "--quiet", "--python", bench.python, str(venv))
    install = ["uv", "pip", "install", "--quiet", "--compile-bytecode", "--python"]
    bench.run(bench.folder, *install, str(venv / "bin/python"), "gto")
    return str(venv / "bin/gto")


def main() -> None:
    """Print one line per question."""
    options = parser(__doc__)
    options.add_argument("--versions", type=int, default=1000)
    options.add_argument("--assignments", type=int, default=2000)
    options.add_argument("--runs", type=int, default=3, help="a run of GTO takes a minute")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), project=chosen.project)
        bench.prepare()
        gto = install_gto(bench)
        folder = bench.folder / "versions"
        make(folder, chosen.versions, chosen.assignments)
        about = facts(str(Path(gto).with_name("python")), "gto")
        print(f"{chosen.versions} versions, {chosen.assignments} assignments to stages")
        print(f"{'':32} {HEAD}")
        lines = []
        for name, (asked, rival) in QUESTIONS.items():
            command = [bench.python, "-m", "mlrepo.commands", *asked]
            costs = pairs(
                chosen.runs,
                lambda _: bench.run(folder, *command),  # noqa: B023
                lambda _: bench.run(folder, gto, *rival),  # noqa: B023
            )
            lines.append(line(name, "model", costs[0], "gto", costs[1]))
        keep(chosen.json, bench.python, about, lines)


if __name__ == "__main__":
    main()
