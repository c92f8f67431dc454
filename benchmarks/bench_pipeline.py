"""The pipeline of a generated project beside the same work without DVC.

    python benchmarks/bench_pipeline.py

Needs cookiecutter, uv, Git and a package index. The default project is generated and set up in a
temporary folder. Its stages prepare, train and evaluate then also run one after the other without
DVC, as three processes and in one, which must end with the same files. Each number is the median of
some runs, of which none comes from DVC's run cache; CPU seconds are those of all processes that
were started. What DVC itself takes where nothing changed shows in a repository of one small stage.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from baked import Bench, Cost
from report import HEAD, PROJECT, Line, facts, keep, line, pairs, parser

PLAIN = """
from mlrepo.core import numerics, owner

params = owner.load_params()
if params.numerics.pinned:
    numerics.pin()
from {0} import evaluate, prepare, train

for page in (prepare, train, evaluate):
    page.main(params)
"""
Work = Callable[[int], Cost]
TREES = re.compile(r"(n_estimators: )\d+")
STAGES = ("prepare", "train", "evaluate")
SMALLEST = "stages: {one: {cmd: echo 1 > one.txt, outs: [one.txt]}}"


class Pipeline(Bench):
    """The project, and beside it a folder where the same stages run without DVC."""

    def __init__(self, folder: Path, project: Path | None) -> None:
        """Generate the project, or copy one."""
        super().__init__(folder, project=project)
        self.plain = folder / "plain"
        self.script = PLAIN.format(self.baked.name)

    def by_hand(self, folder: Path, **variables: str) -> Cost:
        """Install the packages and run the stages in one process, and nothing else."""
        how = {"UV_COMPILE_BYTECODE": "1", "UV_PYTHON": sys.executable, **variables}
        first = self.run(folder, "uv", "sync", **how)
        second = self.run(folder, str(folder / ".venv/bin/python"), "-c", self.script)
        memory = max(first.memory, second.memory)
        return Cost(first.wall + second.wall, first.cpu + second.cpu, memory)

    def processes(self) -> Cost:
        """Run the stages one after the other, each as a process, in that folder."""
        costs = [self.run(self.plain, self.python, "-m", "mlrepo", stage) for stage in STAGES]
        return Cost(
            sum(cost.wall for cost in costs),
            sum(cost.cpu for cost in costs),
            max(cost.memory for cost in costs),
        )

    def stages(self) -> Cost:
        """Run the stages in one process in a folder without DVC's and Git's."""
        return self.run(self.plain, self.python, "-c", self.script)

    def copy_plain(self) -> None:
        """Copy the project that was set up, without what DVC, Git and uv need."""
        leave = shutil.ignore_patterns(".venv", ".git", ".dvc")
        shutil.copytree(self.project, self.plain, ignore=leave)
        for outputs in ("models", "metrics", "reports"):  # the library has such folders below
            shutil.rmtree(self.plain / outputs, ignore_errors=True)

    def make_smallest(self) -> Path:
        """Return a repository with one stage, which has run."""
        folder = self.folder / "smallest"
        folder.mkdir()
        (folder / "dvc.yaml").write_text(SMALLEST, encoding="utf-8")
        self.run(folder, "git", "init", "--quiet")
        self.run(folder, "dvc", "init", "--quiet")
        self.run(folder, "dvc", "repro", "--quiet")
        return folder

    def grow(self, trees: int) -> None:
        """Set the number of trees in both folders."""
        for folder in (self.project, self.plain):
            path = folder / "params.yaml"
            text, count = TREES.subn(rf"\g<1>{trees}", path.read_text(encoding="utf-8"))
            assert count == 1
            path.write_text(text, encoding="utf-8")

    def compare(self) -> None:
        """Demand that both folders hold the same model and the same scores."""
        for name in ("models/model.skops", "metrics/evaluate.json", "reports/scores.csv"):
            digests = {
                hashlib.sha256((folder / name).read_bytes()).hexdigest()
                for folder in (self.project, self.plain)
            }
            assert len(digests) == 1, f"{name} differs: the two did other work"


def bootstraps(bench: Pipeline, runs: int, cold: bool) -> tuple[list[Cost], list[Cost]]:
    """Set up new copies, each beside one by hand; ``cold``: each with an empty package cache."""

    def once(name: str, work: Callable[..., Cost]) -> Cost:
        cache = {"UV_CACHE_DIR": str(bench.folder / "cache")} if cold else {}
        folder = bench.new(name)
        cost = work(folder, **cache)
        shutil.rmtree(folder)
        shutil.rmtree(bench.folder / "cache", ignore_errors=True)
        return cost

    return pairs(
        runs,
        lambda number: once(f"ours{number}", bench.set_up),
        lambda number: once(f"theirs{number}", bench.by_hand),
    )


def main() -> None:
    """Print one line per step."""
    options = parser(__doc__)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--cold", action="store_true", help="one set-up more, nothing cached")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Pipeline(Path(folder), chosen.project)
        bench.prepare()  # fills the package cache, and is not counted
        bench.copy_plain()
        about = facts(bench.python, *PROJECT)
        uv = subprocess.run(["uv", "--version"], capture_output=True, text=True, check=True)
        about["versions"]["uv"] = uv.stdout.split()[1]
        print(f"{'':32} {HEAD}")
        # A project that is set up already says nothing of its set-up.
        lines = [] if chosen.project else set_ups(bench, chosen.runs, chosen.cold)
        lines += stages(bench, chosen.runs)
        keep(chosen.json, bench.python, about, lines)


def set_ups(bench: Pipeline, runs: int, cold: bool) -> list[Line]:
    """Compare bootstrap.py with what it does at least."""
    lines = []
    for name, count in [("empty", 1)] * cold + [("warm", runs)]:
        ours, theirs = bootstraps(bench, count, cold=name == "empty")
        work = f"set-up, {name} cache"
        lines.append(line(work, "bootstrap.py", ours, "uv sync, one process", theirs))
    return lines


def stages(bench: Pipeline, runs: int) -> list[Line]:
    """Compare `dvc repro` with the same stages without DVC, and with `dvc status`."""

    def dvc(*arguments: str, folder: Path = bench.project) -> Cost:
        return bench.run(folder, bench.python, "-m", "dvc", *arguments)

    def forced(_: int) -> Cost:
        return dvc("repro", "--force", "--no-run-cache")

    def changed(number: int) -> Cost:
        bench.grow(101 + number)
        return dvc("repro")

    def beside(
        work: str, ours: Callable[[int], Cost], name: str, other: Callable[[], Cost]
    ) -> Line:
        costs = pairs(runs, ours, lambda _: other())
        return line(work, "dvc repro", costs[0], name, costs[1])

    smallest = bench.make_smallest()
    lines = [
        beside("nothing changed", lambda _: dvc("repro"), "dvc status", lambda: dvc("status")),
        beside(
            "nothing changed, one stage",
            lambda _: dvc("repro", folder=smallest),
            "dvc status",
            lambda: dvc("status", folder=smallest),
        ),
        beside("everything", forced, "three processes", bench.processes),
    ]
    bench.compare()
    lines.append(beside("everything, again", forced, "all in one process", bench.stages))
    lines.append(beside("one param of train", changed, "all in one process", bench.stages))
    bench.compare()
    return lines


if __name__ == "__main__":
    main()
