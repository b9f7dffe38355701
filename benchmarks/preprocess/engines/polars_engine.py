"""The contract in Polars: one lazy scan, streamed, for statistics and the three sinks together.

Run as `python polars_engine.py FORMAT ROWS_PER_SHARD OUTPUT FILE…`.
"""

import json
import sys
from pathlib import Path

import polars as pl

NUMERIC = ("pickup_longitude", "pickup_latitude", "dropoff_longitude", "dropoff_latitude", "miles", "fare")
TEXT = ("payment", "vendor")
PERCENTS = [percent / 100 for percent in range(1, 100)]
STARTS = {"train": (0, 8), "eval": (8, 9), "test": (9, 10)}


def main():
    kind, rows_per_shard, output, *files = sys.argv[1:]
    scan = pl.scan_parquet(files) if kind == "parquet" else pl.scan_csv(files, try_parse_dates=True)
    rides = scan.filter((pl.col("fare") > 0) & (pl.col("fare") < 200))
    part = pl.col("id").hash(seed=7) % 10
    queries = [rides.select(statistics())]
    queries += [rides.group_by(name).len() for name in TEXT]
    for split, (low, high) in STARTS.items():
        shards = pl.PartitionBy(
            f"{output}/{split}", max_rows_per_file=int(rows_per_shard), approximate_bytes_per_file=None
        )
        queries.append(
            rides.filter((part >= low) & (part < high)).sink_parquet(
                shards, compression="zstd", compression_level=1, row_group_size=65536, mkdir=True, lazy=True
            )
        )
    numbers, *counts = pl.collect_all(queries, engine="streaming")[: 1 + len(TEXT)]
    result = {"rows": numbers["rows"][0], "columns": {name: column(numbers, name) for name in NUMERIC}}
    result["counts"] = {name: dict(zip(*frame.to_dict(as_series=False).values())) for name, frame in zip(TEXT, counts)}
    Path(output, "result.json").write_text(json.dumps(result, default=str))


def statistics():
    told = [pl.len().alias("rows")]
    for name in NUMERIC:
        values = pl.col(name)
        told += [
            values.mean().alias(f"{name} mean"),
            values.var(ddof=0).alias(f"{name} variance"),
            values.min().alias(f"{name} minimum"),
            values.max().alias(f"{name} maximum"),
            values.null_count().alias(f"{name} missing"),
            # One sort for all of them.
            values.quantile(PERCENTS).alias(f"{name} quantiles"),
        ]
    return told


def column(numbers, name):
    keys = ("mean", "variance", "minimum", "maximum", "missing", "quantiles")
    told = {key: numbers[f"{name} {key}"][0] for key in keys}
    return told | {"quantiles": list(told["quantiles"])}


if __name__ == "__main__":
    main()
