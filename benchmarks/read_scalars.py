"""Reading the 100,000 scalars of an event file, beside TensorBoard's own reader."""

from __future__ import annotations

import sys
import tempfile
import types
from pathlib import Path

from benchmarks.measure import interleaved, print_table, timed
from mlmagic.runtime.scalars import ScalarReader

POINTS, ROUNDS = 100_000, 5
TAGS = ("batch_loss", "batch_accuracy", "epoch_loss", "learning_rate")


def main() -> None:
    # TensorBoard without TensorFlow, which is the quicker one to import.
    sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder) / "events.out.tfevents.1000.host")
        variants = {
            "ScalarReader.read": lambda: timed(ScalarReader(Path(folder)).read),
            "EventAccumulator.Reload": lambda: timed(EventAccumulator(folder, size_guidance={"tensors": 0}).Reload),
        }
        samples = interleaved(variants, rounds=ROUNDS)
    print_table(f"Reading {POINTS:,} scalars", samples, goal="under 500 ms")


def _write(path: Path) -> None:
    """Write what Keras writes."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.summary.writer.record_writer import RecordWriter

    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
    with path.open("wb") as file:
        writer = RecordWriter(file)
        for number in range(POINTS):
            tensor = TensorProto(dtype=1, float_val=[number * 0.5])
            value = Summary.Value(tag=TAGS[number % len(TAGS)], metadata=metadata, tensor=tensor)
            event = Event(wall_time=1.7e9 + number / 10, step=number // len(TAGS), summary=Summary(value=[value]))
            writer.write(event.SerializeToString())


if __name__ == "__main__":
    main()
