"""Elements arrive whole, however long they take to be written."""

from __future__ import annotations

import time

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from mlmagic.preprocessing.local_runner import LocalRunner
from mlmagic.preprocessing.options import local_flags


class Slow:
    """Takes longer to be pickled than Beam's own runner waits before it hands on what is there."""

    def __reduce__(self):
        time.sleep(1.5)
        return (Slow, ())


def test_an_element_that_takes_long_to_write_arrives_whole(tmp_path):
    options = PipelineOptions([*local_flags(2), "--no_save_main_session"])
    with beam.Pipeline(runner=LocalRunner(), options=options) as pipeline:
        slow = pipeline | beam.Create([1, 2], reshuffle=False) | beam.Reshuffle() | beam.Map(lambda _: Slow())
        counted = slow | beam.CombineGlobally(beam.combiners.CountCombineFn())
        _ = counted | "Tell" >> beam.Map(lambda count: (tmp_path / "count").write_text(str(count)))
    assert (tmp_path / "count").read_text() == "2"
