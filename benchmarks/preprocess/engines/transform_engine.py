"""The contract in TensorFlow Transform: its analysers over record batches of 10,000 rows, Beam's batched Parquet sink.

Its numbers have 32 bits. Run as `python transform_engine.py FORMAT ROWS_PER_SHARD OUTPUT FILE…`; it reads Parquet.
"""

import json
import logging
import os
import sys
import tempfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.tfxio.tensor_adapter import TensorAdapterConfig

NUMERIC = ("pickup_longitude", "pickup_latitude", "dropoff_longitude", "dropoff_latitude", "miles", "fare")
TEXT = ("payment", "vendor")
BATCH = 10_000
SPLITS = {"train": (0, 0.8), "eval": (0.8, 0.9), "test": (0.9, 1)}
MOMENTS = {"mean": tft.mean, "variance": tft.var, "minimum": tft.min, "maximum": tft.max}
LISTS = {name: pa.list_(pa.float32()) for name in NUMERIC} | {name: pa.list_(pa.string()) for name in TEXT}


def read(file):
    for batch in pq.ParquetFile(file).iter_batches(BATCH):
        yield batch.filter(pc.and_(pc.greater(batch["fare"], 0), pc.less(batch["fare"], 200)))


def as_lists(batch):
    columns = [batch[name].cast(kind.value_type) for name, kind in LISTS.items()]
    return pa.RecordBatch.from_arrays([as_list(values) for values in columns], list(LISTS))


def as_list(values):
    """A missing value is an empty list."""
    offsets = np.concatenate([[0], np.cumsum(values.is_valid().to_numpy(zero_copy_only=False))])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values.drop_null())


def preprocessing_fn(inputs):
    """Return each number that was learned, once a row: that is how it can be read from the result."""
    learned = {"rows": tf.reshape(tf.cast(tft.size(inputs["fare"].values), tf.float32), [1])}
    for name in NUMERIC:
        values = inputs[name].values
        learned |= {f"{name} {key}": tf.reshape(analyse(values), [1]) for key, analyse in MOMENTS.items()}
        learned[f"{name} quantiles"] = tf.reshape(tft.quantiles(values, 100, 0.005), [-1])
    for name in TEXT:
        tft.vocabulary(inputs[name], vocab_filename=name, store_frequency=True)
    rows = inputs["fare"].dense_shape[0]
    return {key: tf.tile(value[None], [rows, 1]) for key, value in learned.items()}


def part_of(batch, low, high):
    part = (batch["id"].to_numpy() * 0x9E3779B1 % 2**32) / 2**32
    return pa.Table.from_batches([batch.filter(pa.array((part >= low) & (part < high)))])


def main():
    _, rows_per_shard, output, *files = sys.argv[1:]
    logging.disable(logging.WARNING)
    schema = pq.read_schema(files[0])
    shards = max(1, round(sum(pq.read_metadata(file).num_rows for file in files) * 0.8 / int(rows_per_shard)))
    tensors = {
        name: text_format.Parse(f'varlen_sparse_tensor {{ column_name: "{name}" }}', schema_pb2.TensorRepresentation())
        for name in LISTS
    }
    adapter = TensorAdapterConfig(pa.schema(list(LISTS.items())), tensors)
    with beam.Pipeline(runner="FnApiRunner") as pipeline, tft_beam.Context(temp_dir=tempfile.mkdtemp()):
        rides = pipeline | beam.Create(files) | beam.Reshuffle() | beam.FlatMap(read)
        function = (rides | beam.Map(as_lists), adapter) | tft_beam.AnalyzeDataset(preprocessing_fn)
        function | tft_beam.WriteTransformFn(f"{output}/transform")
        for split, (low, high) in SPLITS.items():
            part = rides | f"take {split}" >> beam.Map(part_of, low, high)
            part | f"write {split}" >> beam.io.WriteToParquetBatched(
                f"{output}/{split}/rides", schema, codec="zstd", num_shards=shards
            )
    Path(output, "result.json").write_text(json.dumps(learned(f"{output}/transform")))


def learned(folder):
    result = tft.TFTransformOutput(folder)
    row = {name: tf.sparse.from_dense(tf.constant([["x"] if name in TEXT else [1.0]])) for name in LISTS}
    found = {key: value.numpy()[0].tolist() for key, value in result.transform_raw_features(row).items()}
    columns = {name: {key: found[f"{name} {key}"][0] for key in MOMENTS} for name in NUMERIC}
    for name in NUMERIC:
        columns[name]["quantiles"] = found[f"{name} quantiles"]
    counts = {}
    for name in TEXT:
        words = result.vocabulary_by_name(name)
        counts[name] = {word.decode().partition(" ")[2]: int(word.split(b" ")[0]) for word in words}
    return {"rows": int(found["rows"][0]), "columns": columns, "counts": counts}


if __name__ == "__main__":
    main()
