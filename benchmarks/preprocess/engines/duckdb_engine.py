"""The contract in DuckDB: one scan into a table in memory, then statistics and three sinks from there.

Run as `python duckdb_engine.py FORMAT ROWS_PER_SHARD OUTPUT FILE…`.
"""

import json
import sys
from pathlib import Path

import duckdb

NUMERIC = ("pickup_longitude", "pickup_latitude", "dropoff_longitude", "dropoff_latitude", "miles", "fare")
TEXT = ("payment", "vendor")
PERCENTS = [percent / 100 for percent in range(1, 100)]
STARTS = {"train": (0, 8), "eval": (8, 9), "test": (9, 10)}


def main():
    kind, rows_per_shard, output, *files = sys.argv[1:]
    database = duckdb.connect(config={"preserve_insertion_order": "false"})
    read = "read_parquet" if kind == "parquet" else "read_csv"
    database.execute(
        f"CREATE TEMP TABLE rides AS SELECT *, (hash(id) % 10)::TINYINT AS part FROM {read}(?) WHERE fare > 0 AND fare < 200",
        [files],
    )
    told = ["count(*) AS rows"]
    for name in NUMERIC:
        told += [
            f"avg({name})", f"var_pop({name})", f"min({name})", f"max({name})", f"count(*) - count({name})",
            f"approx_quantile({name}, {PERCENTS})",
        ]  # fmt: skip
    rows, *values = database.execute(f"SELECT {', '.join(told)} FROM rides").fetchone()
    keys = ("mean", "variance", "minimum", "maximum", "missing", "quantiles")
    columns = {name: dict(zip(keys, values[at * 6 : at * 6 + 6])) for at, name in enumerate(NUMERIC)}
    counts = {
        name: dict(database.execute(f"SELECT {name}, count(*) FROM rides GROUP BY ALL").fetchall()) for name in TEXT
    }
    for split, (low, high) in STARTS.items():
        write(database, split, low=low, high=high, rows_per_shard=int(rows_per_shard), output=output)
    Path(output, "result.json").write_text(json.dumps({"rows": rows, "columns": columns, "counts": counts}))


def write(database, split, *, low, high, rows_per_shard, output):
    """Write one split; DuckDB cuts files by size, so by rows they are cut here."""
    where = f"part >= {low} AND part < {high}"
    (count,) = database.execute(f"SELECT count(*) FROM rides WHERE {where}").fetchone()
    shards = max(1, -(-count // rows_per_shard))
    Path(output, split).mkdir(parents=True)
    database.execute(
        f"COPY (SELECT * EXCLUDE (part) FROM rides WHERE {where}) TO '{output}/{split}' "
        f"(FORMAT parquet, CODEC zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 65536, ROW_GROUPS_PER_FILE {max(1, count // shards // 65536)})"
    )


if __name__ == "__main__":
    main()
