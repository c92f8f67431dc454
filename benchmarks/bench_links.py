"""Many files and one large file in DVC, by the way its cache is linked to the folder.

    python benchmarks/bench_links.py [--files 10000] [--gigabytes 5] [--json FILE]

Needs cookiecutter, uv, Git, a package index, and free disk for four times the large file. For each
link type that the file system has, as whole processes: `dvc add` of new data, `dvc push` to a
folder as the remote, `dvc pull` without cache and files, and `dvc checkout` with a cache and
without files. The ratios are to `reflink,copy`, DVC's default, which is measured first. What comes
back must be the same bytes; the disk is what files and cache take together.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from baked import Bench, Cost
from report import PROJECT, Line, facts, keep, parser

DEFAULT = "reflink,copy"
OTHERS = ("reflink", "hardlink", "symlink")
STEPS = ("add", "push", "pull", "checkout")
SMALL = 5_000  # bytes of each of many files
PART = 16 * 2**20


@dataclass(frozen=True)
class Payload:
    """One file, or many in a folder."""

    name: str
    count: int
    size: int

    def write(self, path: Path) -> str:
        """Write random bytes, which nothing can compress; return their digest."""
        if self.count == 1:
            files = [path]
        else:
            path.mkdir()
            files = [path / f"{number}.bin" for number in range(self.count)]
        for each in files:
            with each.open("wb") as file:
                for start in range(0, self.size, PART):
                    file.write(os.urandom(min(PART, self.size - start)))
        return digest(path)


def digest(path: Path) -> str:
    """Return one hash of a file, or of all names and contents in a folder."""
    whole = hashlib.sha256()
    for each in files_in(path):
        with each.open("rb") as file:
            whole.update(each.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def files_in(path: Path) -> list[Path]:
    """Return the file, or those in a folder at any depth, in the order of their names."""
    return [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class Links:
    """The project, whose DVC links by one type and pushes to a folder."""

    def __init__(self, bench: Bench, kind: str) -> None:
        """Set the type."""
        self.bench = bench
        self.path = bench.project / "data/raw/payload"
        self.cache, self.remote = bench.project / ".dvc/cache/files", bench.folder / "remote"
        bench.run(bench.project, "dvc", "remote", "modify", "storage", "url", str(self.remote))
        bench.run(bench.project, "dvc", "config", "cache.type", kind)
        self.forget()

    def forget(self) -> None:
        """Remove the payload everywhere."""
        for path in (self.path, self.path.with_name("payload.dvc"), self.remote):
            remove(path)
        self._empty_cache()

    def measure(self, payload: Payload) -> tuple[dict[str, Cost], int]:
        """Return the cost of each step, and the bytes of disk that files and cache take."""
        expected = payload.write(self.path)
        costs = {"add": self._dvc("add"), "push": self._dvc("push")}
        remove(self.path)
        self._empty_cache()
        costs["pull"] = self._dvc("pull")
        assert digest(self.path) == expected, "pull brought other bytes"
        # Counted once, as `st_ino` is the same for all hard links of a file.
        stats = [file.lstat() for file in (*files_in(self.path), *files_in(self.cache))]
        disk = sum({each.st_ino: each.st_blocks * 512 for each in stats}.values())
        remove(self.path)
        costs["checkout"] = self._dvc("checkout")
        assert digest(self.path) == expected, "checkout brought other bytes"
        self.forget()
        return costs, disk

    def _empty_cache(self) -> None:
        for path in (self.cache, self.bench.project / ".dvc/tmp"):
            remove(path)

    def _dvc(self, command: str) -> Cost:
        return self.bench.run(self.bench.project, "dvc", command, "data/raw/payload")


def available(bench: Bench) -> list[str]:
    """Return the default and the other link types that `dvc version` finds on this file system."""
    python = [bench.python, "-m", "dvc", "version"]
    said = subprocess.run(
        python, cwd=bench.project, env=bench.environment, capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"Cache types: (.*)", said)
    assert found is not None, said
    return [DEFAULT, *(kind for kind in OTHERS if kind in found[1].split(", "))]


def side_by_side(bench: Bench, payload: Payload, kinds: list[str]) -> list[Line]:
    """Print one line per link type; return one per type and step."""
    print(f"\n{payload.name:16}", *(f"{step:>18}" for step in STEPS), f"{'disk GB':>9}")
    lines: list[Line] = []
    first: dict[str, Cost] = {}
    for kind in kinds:
        costs, disk = Links(bench, kind).measure(payload)
        first = first or costs
        ratios = {step: cost.wall / first[step].wall for step, cost in costs.items()}
        text = [f"{cost.wall:7.2f} s {ratios[step]:7.2f}x" for step, cost in costs.items()]
        print(f"{kind:16}", *(f"{each:>18}" for each in text), f"{disk / 1e9:9.2f}", flush=True)
        lines += [
            Line(
                f"{step}, {payload.name}",
                kind,
                DEFAULT,
                *(cost.wall, cost.cpu, cost.memory),
                ratios[step],
                measure="time",
            )
            for step, cost in costs.items()
        ]
    return lines


def main() -> None:
    """Print a table per payload."""
    options = parser(__doc__)
    options.add_argument("--files", type=int, default=10_000, help="how many small ones")
    options.add_argument("--gigabytes", type=float, default=5, help="of the large one")
    chosen = options.parse_args()
    payloads = [
        Payload(f"{chosen.files:,} of {SMALL // 1000} kB", chosen.files, SMALL),
        Payload(f"1 of {chosen.gigabytes:g} GB", 1, int(chosen.gigabytes * 1e9)),
    ]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), project=chosen.project)
        bench.prepare()
        about = facts(bench.python, *PROJECT)
        kinds = available(bench)  # DVC can only tell while it has a cache
        lines = [each for payload in payloads for each in side_by_side(bench, payload, kinds)]
        keep(chosen.json, bench.python, about, lines)


if __name__ == "__main__":
    main()
