"""Beam's own DataflowRunner, as it is, on the emulator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlmagic.emulator.launch import Emulator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SETUP = "from setuptools import setup\nsetup(name='scale', version='1.0', py_modules=['scale'])\n"
PIPELINE = """
import json
import sys
import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.dataflow.dataflow_runner import DataflowRuntimeException

OFFSET = 1
bucket, *flags = sys.argv[1:]

class Read(beam.DoFn):
    def process(self, line):
        import scale
        Metrics.counter("rides", "lines").inc()
        yield line[0], int(line[1:]) * scale.FACTOR + OFFSET

pipeline = beam.Pipeline(options=PipelineOptions(["--runner=DataflowRunner", *flags]))
sums = pipeline | beam.io.ReadFromText(f"gs://{bucket}/in.txt") | "Read" >> beam.ParDo(Read()) | beam.CombinePerKey(sum)
sums | beam.MapTuple("{} {}".format) | beam.io.WriteToText(f"gs://{bucket}/out.txt", shard_name_template="")
result = pipeline.run()
try:
    told = {"state": result.wait_until_finish()}
except DataflowRuntimeException as error:
    told = {"state": result.state, "error": str(error)}
counters = result.metrics().query()["counters"]
told["counters"] = [[each.key.step, each.key.metric.name, each.committed] for each in counters]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that is installed nowhere: `scale.FACTOR` is 10."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "setup.py").write_text(SETUP)
    (folder / "scale.py").write_text("FACTOR = 10\n")
    subprocess.run([sys.executable, "setup.py", "-q", "sdist"], cwd=folder, check=True, capture_output=True)
    return next((folder / "dist").glob("*.tar.gz"))


def run(emulator: Emulator, package: Path, name: str, text: str) -> str:
    (emulator.buckets / emulator.bucket / "in.txt").write_text(text)
    script = package.with_name("pipeline.py")
    script.write_text(PIPELINE)
    where = f"gs://{emulator.bucket}"
    flags = {
        "project": emulator.project,
        "region": emulator.region,
        "job_name": name,
        "temp_location": f"{where}/temp",
        "staging_location": f"{where}/staging",
        "dataflow_endpoint": emulator.url,
        "sdk_location": "container",
        "extra_package": str(package),
    }
    words = [f"--{flag}={value}" for flag, value in flags.items()]
    command = [sys.executable, "-P", str(script), emulator.bucket, *words, "--save_main_session"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()[-1]


def test_a_pipeline_with_a_package_and_a_global(emulator: Emulator, package: Path) -> None:
    told = run(emulator, package, "sums", "a1\na2\nb3\n")
    assert told == '{"state": "DONE", "counters": [["Read", "lines", 3]]}'
    written = (emulator.buckets / emulator.bucket / "out.txt").read_text()
    assert sorted(written.splitlines()) == ["a 32", "b 31"]


def test_a_pipeline_that_fails(emulator: Emulator, package: Path) -> None:
    told = run(emulator, package, "broken", "a1\nax\n")
    assert told.startswith('{"state": "FAILED", "error": "Dataflow pipeline failed. State: FAILED, Error:')
    assert "ValueError: invalid literal for int() with base 10: 'x' [while running 'Read']" in told
    assert emulator.token not in told
