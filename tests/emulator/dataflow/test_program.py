"""The process of a job, on pipelines that lie in a folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from mlmagic.emulator.dataflow.messages import Importance, read_messages
from mlmagic.emulator.dataflow.request import PipelineFolder, PipelineRequest
from mlmagic.spec.codec import dumps

MAKE = """
import sys
import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.environments import DockerEnvironment

class Count(beam.DoFn):
    def process(self, word):
        Metrics.counter("words", "seen").inc()
        Metrics.distribution("words", "length").update(len(word))
        yield word[0], 1 / (len(word) - 1)

out, *words = sys.argv[1:]
pipeline = beam.Pipeline(options=PipelineOptions([]))
sums = pipeline | beam.Create(words) | "Count" >> beam.ParDo(Count()) | beam.CombinePerKey(sum)
sums | beam.MapTuple("{} {}".format) | beam.io.WriteToText(out + "/out", shard_name_template="")
proto = pipeline.to_runner_api(default_environment=DockerEnvironment.from_container_image("beam:1"))
open(out + "/pipeline.pb", "wb").write(proto.SerializeToString())
"""


def run(folder: Path, *words: str) -> PipelineFolder:
    subprocess.run([sys.executable, "-c", MAKE, str(folder), *words], check=True, capture_output=True)
    place = PipelineFolder(folder)
    place.request.write_text(dumps(PipelineRequest(pipeline_url=str(folder / "pipeline.pb"))))
    command = [sys.executable, "-m", "mlmagic.emulator.dataflow.program", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == (1 if "b" in words else 0), done.stderr
    return place


def test_a_pipeline_runs_and_counts(tmp_path: Path) -> None:
    place = run(tmp_path, "aa", "ab", "bcd")
    assert sorted((tmp_path / "out").read_text().splitlines()) == ["a 2.0", "b 0.5"]
    updates = {
        (each["name"]["name"], each["name"]["context"].get("tentative")): each
        for each in json.loads(place.metrics.read_text())
    }
    assert updates["seen", None]["scalar"] == updates["seen", "true"]["scalar"] == 3
    assert updates["length", None]["distribution"] == {"count": 3, "sum": 7, "min": 2, "max": 3}
    assert updates["seen", None]["name"]["context"]["namespace"] == "words"


def test_why_a_pipeline_failed_is_its_last_message(tmp_path: Path) -> None:
    place = run(tmp_path, "aa", "b")
    last = read_messages(place.messages)[-1]
    assert last.importance is Importance.ERROR
    assert last.text.startswith("Traceback (most recent call last):")
    assert "ZeroDivisionError: division by zero [while running 'Count']" in last.text
    assert not place.metrics.exists()


def test_a_pipeline_that_is_not_there(tmp_path: Path) -> None:
    place = PipelineFolder(tmp_path)
    place.request.write_text(dumps(PipelineRequest(pipeline_url=str(tmp_path / "pipeline.pb"))))
    command = [sys.executable, "-m", "mlmagic.emulator.dataflow.program", str(tmp_path)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1
    (message,) = read_messages(place.messages)
    assert "FileNotFoundError" in message.text
