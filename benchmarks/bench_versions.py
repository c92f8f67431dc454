"""The versions of a large project, listed by the project's own commands and by GTO, side by side.

    python benchmarks/bench_versions.py

Needs what bench_pipeline.py needs. GTO comes into an environment of its own.
The repository is that of a generated project, with a commit a version, records of a usual size and
packed references, as a fresh clone has; the last version is the project's own model. Both are asked
in turn, as whole processes of one Python with compiled bytecode. GTO cannot be asked about a day in
the past, so it says what is in the stage now. It verifies nothing: `model verify`, which reads data
and model in the cache and in the remote, stands beside `gto show`.
"""

import compileall
import hashlib
import json
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from baked import Bench
from report import HEAD, facts, keep, line, pairs, parser

START = datetime(2026, 1, 1, tzinfo=UTC)
STAGES = ("staging", "prod")
WHO = "Test <test@example.com>"
EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # the tree of a commit without files
# The record of a random forest on the penguins, which names each file with its hashes.
SIZE_OF_RECORD = 25_000

QUESTIONS = {
    "show": (["show"], ["show"]),
    "history": (["history"], ["history"]),
    "at": (["at", "2026-01-02", "prod"], ["show", "model#prod"]),
    "verify": (["verify"], ["show"]),
    "verify --offline": (["verify", "--offline"], ["show"]),
}


def oid(kind: str, content: str) -> str:
    """Return the hash of an object of Git."""
    data = content.encode()
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()


class Events:
    """Commits and tags as `git fast-import` reads them, and as the project writes them."""

    def __init__(self) -> None:
        """Begin with none."""
        self.stream: list[str] = []
        self.date, self.parent, self.commits = START, "", list[str]()
        self.after: dict[str, str] = {}
        size = 0
        self.files: dict[str, dict[str, object]] = {}
        while size < SIZE_OF_RECORD:
            entry = {"md5": "0" * 32, "sha256": "0" * 64, "size": 12_345, "kept_by": "git"}
            self.files[f"package/module_{len(self.files)}.py"] = entry
            size = len(json.dumps(self.files, indent=1))

    @property
    def who(self) -> str:
        """The person and the time."""
        return f"{WHO} {int(self.date.timestamp())} +0000"

    def commit(self) -> str:
        """Make a commit; return its hash."""
        self.date += timedelta(minutes=1)
        self.stream.append(f"commit refs/heads/past\ncommitter {self.who}\ndata 1\nx\n")
        parent = f"parent {self.commits[-1]}\n" if self.commits else ""
        people = f"author {self.who}\ncommitter {self.who}\n"
        self.commits.append(oid("commit", f"tree {EMPTY}\n{parent}{people}\nx"))
        return self.commits[-1]

    def tag(self, name: str, commit: str, notes: str, /, **record: object) -> str:
        """Make a tag after the last one; return its hash."""
        self.date += timedelta(seconds=1)
        head = {"format": 1, "model": "model", "at": self.date.isoformat(), "by": WHO}
        message = f"{notes}\n\n{json.dumps({**head, 'after': self.after, **record}, indent=1)}\n"
        self.stream.append(
            f"tag {name}\nfrom {commit}\ntagger {self.who}\ndata {len(message)}\n{message}\n"
        )
        content = f"object {commit}\ntype commit\ntag {name}\ntagger {self.who}\n\n{message}"
        self.after = {name: oid("tag", content)}
        return self.after[name]


def events(versions: int, assignments: int) -> str:
    """Return commits and tags: each version, then its way through the stages, some of them back."""
    made, counter = Events(), 0
    tags: list[str] = []
    for number in range(versions):
        name, commit = f"v1.{number}.0", made.commit()
        more = {"version": name, "commit": commit, "files": made.files}
        tags.append(made.tag(f"model@{name}", commit, f"Notes on {name}", **more))
        while counter < assignments * (number + 1) // versions:
            stage = STAGES[counter % len(STAGES)]
            counter += 1
            back = counter % 10 == 0 and number > 0
            target = number - 1 if back else number
            # In the end the stage is emptied: a model of no file has nothing for the gate.
            out = counter >= assignments - 1
            made.tag(
                f"model#{stage}{'!' * out}#{counter}",
                made.commits[target],
                f"Reason {counter}",
                action="retire" if out else "rollback" if back else "promote",
                stage=stage,
                version=f"v1.{target}.0",
                version_tag=tags[target],
                gate=None,
                override=None,
            )
    return "".join(made.stream)


def fill(bench: Bench, versions: int, assignments: int) -> None:
    """Give the project a past of so many versions, and register its own model after them."""
    folder = bench.project
    compileall.compile_dir(folder / "mlrepo", quiet=1)
    command, stream = ["git", "fast-import", "--quiet"], events(versions - 1, assignments)
    subprocess.run(command, cwd=folder, input=stream, text=True, check=True)
    for arguments in (["push"], ["register", "-m", "The project's own"]):
        bench.run(folder, bench.python, "-m", "mlrepo.commands", *arguments)
    bench.run(folder, "git", "pack-refs", "--all")


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
        folder = bench.project
        fill(bench, chosen.versions, chosen.assignments)
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
