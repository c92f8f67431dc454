"""What bench_prepare.py runs beside the project: scripts for a table and a path to write to."""

# The rule of row_hash.py for an id of integers, seed 0, in numpy and in SQL. SQL makes one
# expression of it, with each step several times: there DuckDB spends most of its time.
RULE = """
import numpy as np

def mix(n):
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        n = (n ^ (n >> np.uint32(shift))) * np.uint32(factor)
    return n ^ (n >> np.uint32(16))

def in_test(ids):
    ids = ids.to_numpy(np.uint64)
    low, high = ids.astype(np.uint32), (ids >> np.uint64(32)).astype(np.uint32)
    return mix(low ^ mix(high) ^ mix(np.ones(1, np.uint32))) < 0.25 * 2**32
"""
SQL = """
create macro mix_1(n) as xor(n, n >> 16) * 2246822507::ubigint % 4294967296;
create macro mix_2(n) as xor(n, n >> 13) * 3266489909::ubigint % 4294967296;
create macro mix_3(n) as xor(n, n >> 16);
create macro mix(n) as mix_3(mix_2(mix_1(n)));
create macro fold(n) as xor(n % 4294967296, mix(n >> 32));
create macro place(n) as mix(xor(fold(n), mix(1::ubigint)));
"""
BARE = "bare polars"
PEERS = {
    BARE: """
import sys
import polars as pl
table = pl.scan_parquet(sys.argv[1])
table.sink_parquet(sys.argv[2] + ".whole", row_group_size=250_000, compression="zstd")
""",
    "duckdb": f"""
import sys
import duckdb
db = duckdb.connect()
db.sql("set preserve_insertion_order = false")
db.sql({SQL!r})
known = f"select * from '{{sys.argv[1]}}' where target is not null"
for side, sign in (("train", ">="), ("test", "<")):
    rows = f"{{known}} and place(id::ubigint) {{sign}} 1073741824"
    db.sql(f"copy ({{rows}}) to '{{sys.argv[2]}}.{{side}}' (format parquet, compression zstd)")
""",
    "dask": f"""{RULE}
import sys
import dask.dataframe as dd
table = dd.read_parquet(sys.argv[1], split_row_groups=4)
table = table[table["target"].notnull()]
for side, wanted in (("train", False), ("test", True)):
    rows = table.map_partitions(lambda part: part[in_test(part["id"]) == wanted], meta=table._meta)
    rows.to_parquet(f"{{sys.argv[2]}}.{{side}}", compression="zstd", write_index=False)
""",
    "pandas": f"""{RULE}
import sys
import pandas as pd
table = pd.read_parquet(sys.argv[1])
table = table[table["target"].notnull()]
test = in_test(table["id"])
for side, rows in (("train", table[~test]), ("test", table[test])):
    rows.to_parquet(f"{{sys.argv[2]}}.{{side}}", compression="zstd", index=False)
""",
}
IDS = """
import hashlib, sys
from pathlib import Path
import polars as pl
path = Path(sys.argv[1])
files = sorted(path.rglob("*.parquet")) if path.is_dir() else path
ids = pl.scan_parquet(files, glob=False).select("id").collect().to_series().sort()
Path(sys.argv[2]).write_text(hashlib.sha256(ids.to_numpy().tobytes()).hexdigest())
"""
PACKAGES = {"duckdb": ["duckdb"], "pandas": ["pandas", "pyarrow"], "dask": ["dask[dataframe]"]}
