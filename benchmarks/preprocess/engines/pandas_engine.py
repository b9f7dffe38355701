"""The contract in pandas: everything in memory.

Run as `python pandas_engine.py FORMAT ROWS_PER_SHARD OUTPUT FILE…`.
"""

import json
import sys
from pathlib import Path

import pandas as pd

NUMERIC = ["pickup_longitude", "pickup_latitude", "dropoff_longitude", "dropoff_latitude", "miles", "fare"]
TEXT = ("payment", "vendor")
PERCENTS = [percent / 100 for percent in range(1, 100)]
STARTS = {"train": (0, 8), "eval": (8, 9), "test": (9, 10)}


def main():
    kind, rows_per_shard, output, *files = sys.argv[1:]
    read = pd.read_parquet if kind == "parquet" else lambda file: pd.read_csv(file, engine="pyarrow")
    rides = pd.concat([frame[(frame.fare > 0) & (frame.fare < 200)] for frame in map(read, files)], ignore_index=True)
    numbers = rides[NUMERIC]
    quantiles = numbers.quantile(PERCENTS)
    columns = {
        name: {
            "mean": numbers[name].mean(),
            "variance": numbers[name].var(ddof=0),
            "minimum": numbers[name].min(),
            "maximum": numbers[name].max(),
            "missing": int(numbers[name].isna().sum()),
            "quantiles": quantiles[name].tolist(),
        }
        for name in NUMERIC
    }
    counts = {name: {str(k): int(v) for k, v in rides[name].value_counts(dropna=False).items()} for name in TEXT}
    part = pd.util.hash_array(rides["id"].to_numpy()) % 10
    for split, (low, high) in STARTS.items():
        chosen = rides[(part >= low) & (part < high)]
        Path(output, split).mkdir(parents=True)
        for number, start in enumerate(range(0, len(chosen), int(rows_per_shard))):
            chosen.iloc[start : start + int(rows_per_shard)].to_parquet(
                f"{output}/{split}/{number:05d}.parquet",
                compression="zstd", compression_level=1, row_group_size=65536, index=False,
            )  # fmt: skip
    Path(output, "result.json").write_text(json.dumps({"rows": len(rides), "columns": columns, "counts": counts}))


if __name__ == "__main__":
    main()
