"""*prepare* on a table of many more rows takes no more memory; LONG=1 compares larger ones."""

import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from helpers import LONG, in_long_form

from .conftest import TinyProject

FEW, MANY = (2_000_000, 50_000_000) if LONG else (2_000_000, 10_000_000)
# One number of 8 bytes for each row would be 64 MB here and 384 MB there; of a row that is divided
# by class and has no id there are four numbers. The same run takes some 15 MB more or less.
MOST = 50_000_000  # bytes that the many may take more
# polars' allocator keeps what is freed for a while, by the clock: up to 100 MB, which is no need.
AT_ONCE = "dirty_decay_ms:0,muzzy_decay_ms:0"
STAGE = """
from pathlib import Path
from mlrepo.core.owner import load_params
from mlrepo.tables import spill
from penguins.prepare import main
spill.AT_ONCE = 200_000
main(load_params())
# Not of getrusage, whose peak a process inherits.
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def peak(tiny: TinyProject, rows: int) -> int:
    """Return the most memory in bytes that the stage took; its table is narrow."""
    numbers = pl.int_range(rows, dtype=pl.Int64, eager=True)
    table = pl.DataFrame({"id": numbers, "x": np.random.default_rng(0).random(rows)})
    table = table.with_columns(
        kind=pl.when(numbers % 3 == 0).then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    table.write_parquet("table.parquet", row_group_size=50_000)
    tiny.propose()
    done = subprocess.run([sys.executable, "-c", STAGE], capture_output=True, text=True, check=True)
    return 1024 * int(done.stdout.splitlines()[-1])


@pytest.mark.skipif(sys.platform != "linux", reason="others have no /proc")
@pytest.mark.parametrize(
    ("method", "key"),
    [
        pytest.param("random", ["id"], marks=in_long_form, id="by id"),
        pytest.param("stratified", [], id="by class, no id"),
    ],
)
def test_memory_does_not_grow_with_the_rows(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch, method: str, key: list[str]
) -> None:
    monkeypatch.setenv("POLARS_MAX_THREADS", "2")
    monkeypatch.setenv("_RJEM_MALLOC_CONF", AT_ONCE)
    tiny.set({"data.path": "table.parquet", "data.id": key, "prepare.split.method": method})
    tiny.set({"data.features": {"include": [], "exclude": []}})
    few, many = peak(tiny, FEW), peak(tiny, MANY)
    for _ in range(2):  # beside other work it can take more, and never less
        many = many if many - few < MOST else min(many, peak(tiny, MANY))
    assert many - few < MOST
