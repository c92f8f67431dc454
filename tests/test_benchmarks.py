"""Small versions of benchmarks: no ratio is twice what it was, and seconds do not matter."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TEMPLATE, Project

# Far off is more than this, as a busy machine and small works both blur.
FACTOR = 2.0


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        pytest.param(
            "bench_pipeline.py --runs 1",
            {
                ("nothing changed", "dvc status"): 1.4,
                ("everything", "three processes"): 1.4,
                ("everything, again", "all in one process"): 1.8,
                ("one param of train", "all in one process"): 1.5,
            },
            marks=pytest.mark.nightly,
        ),
        (
            "bench_prepare.py --rows 500000 --peers",
            {
                ("500,000 rows", "ours, types alone"): 1.3,
                ("500,000 rows", "ours, stratified"): 1.6,
                ("500,000 rows", "ours, with checks"): 1.8,
                ("500,000 rows", "ours, checks and key"): 2.0,
            },
        ),
    ],
    ids=lambda value: value.split(".")[0] if isinstance(value, str) else "",
)
def test_no_ratio_is_far_off(
    project: Project, tmp_path: Path, command: str, expected: dict[tuple[str, str], float]
) -> None:
    script, *options = command.split()
    path = tmp_path / "results.json"
    options += ["--project", str(project.path), "--json", str(path)]
    done = subprocess.run(
        [sys.executable, str(TEMPLATE / "benchmarks" / script), *options],
        env={**project.environment, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = json.loads(path.read_text(encoding="utf-8"))["lines"]
    found = {(each["work"], each[kind]): each for each in lines for kind in ("side", "beside")}
    assert expected.keys() <= found.keys()
    far = {
        key: found[key]["ratio"]
        for key, ratio in expected.items()
        if found[key]["ratio"] > FACTOR * ratio
    }
    assert far == {}, done.stdout
    assert path.with_suffix(".svg").read_text(encoding="utf-8").startswith("<svg")
