"""The contract in Beam as tutorials write it: a dict a row, the library's own combiners, its own Parquet sink.

Run as `python beam_rows_engine.py FORMAT ROWS_PER_SHARD OUTPUT FILE…`.
"""

import csv
import hashlib
import json
import logging
import math
import sys
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
from apache_beam.transforms.stats import ApproximateQuantiles

NUMERIC = ("pickup_longitude", "pickup_latitude", "dropoff_longitude", "dropoff_latitude", "miles", "fare")
TEXT = ("payment", "vendor")
NAMES = ("id", "pickup", *NUMERIC, "passengers", *TEXT)
SPLITS = ("train", "eval", "test")
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("pickup", pa.string()),
        *((name, pa.float64()) for name in NUMERIC),
        ("passengers", pa.int64()),
    ]
    + [(name, pa.string()) for name in TEXT]
)


class Moments(beam.CombineFn):
    """Count, missing, sum, sum of squares around the first value, minimum, maximum."""

    def create_accumulator(self):
        return (0, 0, 0.0, 0.0, math.inf, -math.inf)

    def add_input(self, state, value):
        count, missing, mean, squares, low, high = state
        if value is None:
            return count, missing + 1, mean, squares, low, high
        count += 1
        delta = value - mean
        mean += delta / count
        return count, missing, mean, squares + delta * (value - mean), min(low, value), max(high, value)

    def merge_accumulators(self, states):
        total = self.create_accumulator()
        for state in states:
            count = total[0] + state[0]
            delta = state[2] - total[2]
            share = state[0] / count if count else 0
            squares = total[3] + state[3] + delta * delta * total[0] * share
            mean = total[2] + delta * share
            total = (count, total[1] + state[1], mean, squares, min(total[4], state[4]), max(total[5], state[5]))
        return total

    def extract_output(self, state):
        return state


def parse(line):
    row = dict(zip(NAMES, next(csv.reader([line])), strict=True))
    row["id"], row["passengers"] = int(row["id"]), int(row["passengers"])
    for name in NUMERIC:
        row[name] = float(row[name]) if row[name] else None
    for name in TEXT:
        row[name] = row[name] or None
    return row


def split_of(row, _count):
    digest = hashlib.blake2b(str(row["id"]).encode(), digest_size=8).digest()
    part = int.from_bytes(digest, "little") / 2**64
    return 0 if part < 0.8 else 1 if part < 0.9 else 2


def main():
    _, rows_per_shard, output, *files = sys.argv[1:]
    logging.disable(logging.WARNING)
    rows = sum(Path(file).read_bytes().count(b"\n") for file in files)
    shards = max(1, round(rows * 0.8 / int(rows_per_shard)))
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        rides = (
            pipeline
            | beam.Create(files)
            | beam.io.ReadAllFromText(skip_header_lines=1)
            | beam.Map(parse)
            | beam.Filter(lambda row: 0 < row["fare"] < 200)
        )
        told = [rides | "rows" >> beam.combiners.Count.Globally() | beam.Map(lambda rows: ("rows", rows))]
        for name in NUMERIC:
            values = rides | f"{name}" >> beam.Map(lambda row, name=name: row[name])
            moments = values | f"{name} moments" >> beam.CombineGlobally(Moments())
            told.append(moments | f"{name} named" >> beam.Map(lambda found, name=name: ((name, "moments"), found)))
            there = values | f"{name} there" >> beam.Filter(lambda value: value is not None)
            quantiles = there | f"{name} quantiles" >> ApproximateQuantiles.Globally(101)
            told.append(
                quantiles | f"{name} told" >> beam.Map(lambda found, name=name: ((name, "quantiles"), found[1:-1]))
            )
        for name in TEXT:
            counts = rides | f"{name} values" >> beam.Map(lambda row, name=name: row[name])
            counts = counts | f"{name} counts" >> beam.combiners.Count.PerElement()
            told.append(counts | f"{name} told" >> beam.Map(lambda found, name=name: ((name, "count"), found)))
        for split, part in zip(SPLITS, rides | beam.Partition(split_of, 3), strict=True):
            part | f"write {split}" >> beam.io.WriteToParquet(
                f"{output}/{split}/rides", SCHEMA, codec="zstd", num_shards=shards, record_batch_size=65536
            )
        told | beam.Flatten() | beam.combiners.ToList() | beam.Map(write, f"{output}/result.json")


def write(told, path):
    found = dict(item for item in told if item[0] == "rows" or item[0][1] != "count")
    columns = {}
    for name in NUMERIC:
        count, missing, mean, squares, low, high = found[name, "moments"]
        columns[name] = {"mean": mean, "variance": squares / count, "minimum": low, "maximum": high, "missing": missing}
        columns[name]["quantiles"] = found[name, "quantiles"]
    counts = {name: {} for name in TEXT}
    for key, value in told:
        if key != "rows" and key[1] == "count":
            counts[key[0]][str(value[0])] = value[1]
    Path(path).write_text(json.dumps({"rows": found["rows"], "columns": columns, "counts": counts}))


if __name__ == "__main__":
    main()
