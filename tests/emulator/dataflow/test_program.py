"""The process of a job, on pipelines that lie in a folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from support.vertex import PATIENCE_SECONDS, until

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
        import pathlib
        import time
        while word.startswith("/") and not pathlib.Path(word).exists():
            time.sleep(0.05)
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


def command(folder: Path, *words: str) -> list[str]:
    subprocess.run([sys.executable, "-c", MAKE, str(folder), *words], check=True, capture_output=True)
    place = PipelineFolder(folder)
    place.request.write_text(dumps(PipelineRequest(pipeline_url=str(folder / "pipeline.pb"))))
    return [sys.executable, "-m", "mlmagic.emulator.dataflow.program", str(folder)]


def run(folder: Path, *words: str) -> PipelineFolder:
    place = PipelineFolder(folder)
    done = subprocess.run(command(folder, *words), check=False, capture_output=True, text=True)
    assert done.returncode == (1 if "b" in words else 0), done.stderr
    return place


def counted(place: PipelineFolder, name: str) -> dict[str | None, object]:
    """What has been counted under a name: for sure, and with what is under way."""
    updates = json.loads(place.metrics.read_text()) if place.metrics.exists() else []
    found = [
        each for each in updates if each["name"]["name"] == name and each["name"]["context"]["namespace"] == "words"
    ]
    return {each["name"]["context"].get("tentative"): each.get("scalar", each.get("distribution")) for each in found}


def test_a_pipeline_runs_and_counts_while_it_does(tmp_path: Path) -> None:
    place, gate = PipelineFolder(tmp_path), tmp_path / "gate"
    with subprocess.Popen(command(tmp_path, "aa", "ab", str(gate), "bcd"), stderr=subprocess.DEVNULL) as program:
        try:
            until(lambda: counted(place, "seen") == {None: 0, "true": 2})
            gate.touch()
            assert program.wait(PATIENCE_SECONDS) == 0
        finally:
            program.kill()
    assert counted(place, "seen") == {None: 4, "true": 4}
    assert sorted((tmp_path / "out").read_text().splitlines())[1:] == ["a 2.0", "b 0.5"]
    length = counted(place, "length")
    assert length[None] == length["true"] == {"count": 4, "sum": 7 + len(str(gate)), "min": 2, "max": len(str(gate))}


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
