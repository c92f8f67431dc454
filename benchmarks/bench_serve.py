"""`model serve` beside a plain FastAPI and pandas service and MLflow's `models serve`.

    python benchmarks/bench_serve.py [--seconds 10] [--clients 1 16 64] [--soak MINUTES]

Needs what bench_pipeline.py needs, and wrk (apt-get install wrk). The project is generated with a
service and set up in a temporary folder, with a logistic regression. All three serve the same model
with one worker and one thread of arithmetic, are asked in turn, and must say the same of a row.
MLflow comes into an environment of its own; where it cannot be installed it is left out.

--soak: instead, load of 16 clients on `model serve` while versions are promoted, with its memory.
"""

import json
import re
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from report import PROJECT, Line, facts, keep, parser
from served import Served, ask
from wrk_said import Load, failures

PORT = 8740
PEERS = ["pandas", "mlflow"]  # methods of Served


def compare(
    bench: Served, peers: list[str], clients: list[int], seconds: float
) -> tuple[dict[str, Any], list[Line]]:
    """Print a line for each number of clients; return what they depend on, and the lines."""
    others = [getattr(bench, peer)() for peer in peers]
    services = [bench.ours(), *filter(None, others)]
    found: dict[tuple[str, int], Load] = {}
    said: set[str] = set()
    with ExitStack() as stack:
        for port, service in enumerate(services, PORT):
            said.add(stack.enter_context(bench.running(service, port)))
            bench.load(service, port, 16, 2)  # warm
        # In turn, so that what else the machine does falls on all of them.
        for count in clients:
            for port, service in enumerate(services, PORT):
                found[service.name, count] = bench.load(service, port, count, seconds)
    if len(said) != 1:
        sys.exit(f"error: they predict {said} for one row")
    about = facts(bench.python, *PROJECT, "fastapi", "uvicorn")
    print(f"{'clients':>8}  {'':20}{'requests/s':>12}{'median ms':>11}{'99% ms':>9}{'failed':>8}")
    lines = []
    for count in clients:
        ours = found["model serve", count]
        for service in services:
            load = found[service.name, count]
            ratio = f"{ours.rate / load.rate:9.1f}x" if load is not ours else ""
            numbers = f"{load.rate:12,.0f}{load.median:11.1f}{load.slow:9.1f}{load.failed:8}"
            print(f"{count:8}  {service.name:20}{numbers}{ratio}")
            if load is not ours:
                lines.append(beside(f"a request of {count} clients", ours, service.name, load))
    return about, lines


def beside(work: str, ours: Load, name: str, load: Load) -> Line:
    """Return what a request costs, by the requests that are answered in a second."""
    ratio = load.rate / ours.rate
    return Line(work, "model serve", name, 1 / ours.rate, None, None, ratio, measure="time")


def soak(bench: Served, minutes: float) -> None:
    """Print the memory of the service, while clients ask and versions are promoted."""
    port, versions = PORT, ["v1.1", "v1"]  # the first is in the stage
    end, turn = time.monotonic() + minutes * 60, 0
    print(f"{'minute':>7}{'requests':>10}{'failed':>8}{'RSS MB':>8}{'switches':>10}  version")
    service = bench.ours()
    with bench.running(service, port):
        begun = time.monotonic()
        while time.monotonic() < end:
            turn += 1
            asking = bench.wrk(service, port, 16, 20)
            bench.promote(versions[turn % 2])
            said = asking.communicate()[0]
            failed = failures(said)
            counted = ask(port, "/metrics").decode()
            requests = sum(
                float(value)
                for value in re.findall(r'requests_total{path="/predict",.*} (.*)', counted)
            )
            [memory] = re.findall(r"^process_resident_memory_bytes (.*)", counted, re.MULTILINE)
            [switches] = re.findall(r"^model_switches_total (.*)", counted, re.MULTILINE)
            version = json.loads(ask(port, "/version"))["model_version"]
            minute = (time.monotonic() - begun) / 60
            numbers = (
                f"{requests:10,.0f}{failed:8}{float(memory) / 1e6:8.0f}{float(switches):10.0f}"
            )
            print(f"{minute:7.1f}{numbers}  {version}", flush=True)


def main() -> None:
    """Compare, or load for long."""
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64])
    options.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    options.add_argument("--soak", type=float, metavar="MINUTES")
    chosen = options.parse_args()
    for program, fix in {"wrk": "apt-get install wrk", "uv": "pip install uv"}.items():
        if shutil.which(program) is None:
            sys.exit(f"error: {program} is missing: {fix}")
    with tempfile.TemporaryDirectory() as scratch:
        bench = Served(Path(scratch), chosen.project)
        if chosen.soak:
            soak(bench, chosen.soak)
        else:
            about, lines = compare(bench, chosen.peers, chosen.clients, chosen.seconds)
            keep(chosen.json, bench.python, about, lines)


if __name__ == "__main__":
    main()
