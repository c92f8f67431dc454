"""The pipeline of a generated project beside the same work without DVC.

    python benchmarks/bench_pipeline.py

Needs cookiecutter, uv, Git and a package index. The default project is generated and set up in a
temporary folder. Its stages prepare, train and evaluate then also run one after the other in one
Python process, which must end with the same files. Each number is the median of some runs, of
which none comes from DVC's run cache; CPU seconds are those of all processes that were started.
"""

import argparse
import hashlib
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

try:
    import resource
except ImportError:
    sys.exit("error: this needs the module resource, which Windows lacks")

TEMPLATE = Path(__file__).resolve().parent.parent
PLAIN = """
from {0} import numerics
from {0}.params import load_params

params = load_params()
if params.numerics.pinned:
    numerics.pin()
from {0}.partition import partition
from {0}.fit import train
from {0}.assess import evaluate

partition(params)
train(params)
evaluate(params)
"""
TREES = re.compile(r"(n_estimators: )\d+")


@dataclass(frozen=True)
class Cost:
    """What a command took, in seconds."""

    wall: float
    cpu: float


class Bench:
    """Folders with the project, and what commands in them cost."""

    def __init__(self, folder: Path, *answers: str) -> None:
        """Generate the project with answers such as ``service=fastapi``."""
        self.folder = folder
        hidden = ("GIT_", "DVC_", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHON")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
        for name in ("GLOBAL_CONFIG_DIR", "SYSTEM_CONFIG_DIR", "SITE_CACHE_DIR"):
            self.environment[f"DVC_{name}"] = str(folder / name)
        for role in ("AUTHOR", "COMMITTER"):
            self.environment[f"GIT_{role}_NAME"] = "Benchmark"
            self.environment[f"GIT_{role}_EMAIL"] = "benchmark@example.com"
        settings = folder / "cookiecutter.yaml"
        settings.write_text(f"replay_dir: {folder}/replay\n", encoding="utf-8")
        command = [sys.executable, "-m", "cookiecutter", "--no-input", "--config-file"]
        command += [str(settings), "--output-dir", str(folder / "baked"), str(TEMPLATE), *answers]
        subprocess.run(command, check=True, capture_output=True)
        [self.baked] = (folder / "baked").iterdir()
        self.project = self.new("project")
        self.plain = folder / "plain"
        self.python = str(self.project / ".venv/bin/python")
        self.script = PLAIN.format(self.baked.name)

    def new(self, name: str) -> Path:
        """Copy what was generated, as it came out."""
        return Path(shutil.copytree(self.baked, self.folder / name))

    def run(self, folder: Path, *command: str, **variables: str) -> Cost:
        """Run a command and return its cost; if it fails, show what it said."""
        scripts = str(self.project / ".venv/bin")
        path = os.pathsep.join([scripts, self.environment["PATH"]])
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            command,
            cwd=folder,
            env={**self.environment, "PATH": path, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            sys.exit(f"error: {command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Cost(wall, cpu)

    def set_up(self, folder: Path, **variables: str) -> Cost:
        """Run bootstrap.py; the project's own scripts are not found then."""
        path = self.environment["PATH"]
        return self.run(folder, sys.executable, "bootstrap.py", PATH=path, **variables)

    def by_hand(self, folder: Path, **variables: str) -> Cost:
        """Install the packages and run the stages in one process, and nothing else."""
        how = {"UV_COMPILE_BYTECODE": "1", "UV_PYTHON": sys.executable, **variables}
        first = self.run(folder, "uv", "sync", **how)
        second = self.run(folder, str(folder / ".venv/bin/python"), "-c", self.script)
        return Cost(first.wall + second.wall, first.cpu + second.cpu)

    def stages(self) -> Cost:
        """Run the stages in one process in a folder without DVC's and Git's."""
        return self.run(self.plain, self.python, "-c", self.script)

    def copy_plain(self) -> None:
        """Copy the project that was set up, without what DVC, Git and uv need."""
        leave = shutil.ignore_patterns(".venv", ".git", ".dvc", "models", "metrics", "reports")
        shutil.copytree(self.project, self.plain, ignore=leave)

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


def row(step: str, ours: list[Cost], beside: str, theirs: list[Cost]) -> None:
    """Print one line."""
    medians = [
        statistics.median(getattr(cost, kind) for cost in costs)
        for costs in (ours, theirs)
        for kind in ("wall", "cpu")
    ]
    wall, cpu, other_wall, other_cpu = medians
    print(
        f"{step:32} {len(ours):4} {wall:7.2f} {cpu:7.2f}   {beside:26} {other_wall:7.2f}"
        f" {other_cpu:7.2f} {wall / other_wall:6.2f}x {cpu / other_cpu:6.2f}x",
        flush=True,
    )


def facts(bench: Bench) -> None:
    """Print what the numbers depend on."""
    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    print(f"{os.cpu_count()} cores, {model[1] if model else platform.processor()}")
    print(f"{platform.system()} {platform.machine()}, load {os.getloadavg()[0]:.1f} at the start")
    ask = "import platform, dvc, sklearn as sk"
    ask += "; print(platform.python_version(), dvc.__version__, sk.__version__)"
    said = subprocess.run(
        [bench.python, "-c", ask], capture_output=True, text=True, check=True
    ).stdout.split()
    uv = subprocess.run(["uv", "--version"], capture_output=True, text=True, check=True).stdout
    print("Python {}, DVC {}, scikit-learn {}, {}\n".format(*said, uv.strip()))


def pairs(
    runs: int, ours: Callable[[int], Cost], theirs: Callable[[int], Cost]
) -> tuple[list[Cost], list[Cost]]:
    """Run both in turn, so that a busy minute of the machine meets both."""
    costs = [(ours(number), theirs(number)) for number in range(runs)]
    return [cost for cost, _ in costs], [cost for _, cost in costs]


def bootstraps(bench: Bench, runs: int, cold: bool) -> tuple[list[Cost], list[Cost]]:
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
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--cold", action="store_true", help="one set-up more, with an empty UV_CACHE_DIR"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        bench.set_up(bench.project)  # fills the package cache, and is not counted
        bench.copy_plain()
        facts(bench)
        print(f"{'':32} runs    wall     CPU   {'beside it':26}    wall     CPU    wall     CPU")

        if options.cold:
            costs = bootstraps(bench, 1, cold=True)
            row("bootstrap.py, empty cache", costs[0], "uv sync and one process", costs[1])
        costs = bootstraps(bench, options.runs, cold=False)
        row("bootstrap.py, warm cache", costs[0], "uv sync and one process", costs[1])

        def dvc(*arguments: str) -> Cost:
            return bench.run(bench.project, bench.python, "-m", "dvc", *arguments)

        costs = pairs(options.runs, lambda _: dvc("repro"), lambda _: dvc("status"))
        row("dvc repro, nothing changed", costs[0], "dvc status", costs[1])
        costs = pairs(
            options.runs,
            lambda _: dvc("repro", "--force", "--no-run-cache"),
            lambda _: bench.stages(),
        )
        bench.compare()
        row("dvc repro, everything", costs[0], "the stages in one process", costs[1])

        def changed(number: int) -> Cost:
            bench.grow(101 + number)
            return dvc("repro")

        costs = pairs(options.runs, changed, lambda _: bench.stages())
        bench.compare()
        row("dvc repro, one param of train", costs[0], "the stages in one process", costs[1])


if __name__ == "__main__":
    main()
