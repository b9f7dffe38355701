"""The process that has imported Beam and waits for a pipeline."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.emulated_jobs import wait_for

from mlmagic.emulator.dataflow.messages import read_messages
from mlmagic.emulator.dataflow.request import PipelineFolder, PipelineRequest
from mlmagic.emulator.dataflow.standby import Standby, hand_over
from mlmagic.spec.codec import dumps

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MAKE = """
import sys
import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.environments import DockerEnvironment

pipeline = beam.Pipeline(options=PipelineOptions([]))
pipeline | beam.Create(["a"]) | beam.io.WriteToText(sys.argv[1] + "/out", shard_name_template="")
proto = pipeline.to_runner_api(default_environment=DockerEnvironment.from_container_image("beam:1"))
open(sys.argv[1] + "/pipeline.pb", "wb").write(proto.SerializeToString())
"""


@pytest.fixture
def standby(tmp_path: Path) -> Iterator[Standby]:
    """One that is let go after the test."""
    made = Standby(tmp_path / "engine")
    made.ensure()
    wait_for(lambda: Path(str(made.socket)).exists(), bool)
    yield made
    made.close()


def begin(folder: Path, standby: Standby) -> subprocess.Popen[bytes]:
    """Start the process of a job, as the engine does."""
    request = PipelineRequest(pipeline_url=str(folder / "pipeline.pb"), standby=standby.socket)
    PipelineFolder(folder).request.write_text(dumps(request))
    return subprocess.Popen([sys.executable, "-m", "mlmagic.emulator.dataflow.program", str(folder)])


def ended(standby: Standby) -> int:
    """Wait for the end of the process that waited, and return its exit status."""
    assert standby._child is not None
    return standby._child.wait(240)


def test_it_runs_one_pipeline_and_ends(tmp_path: Path, standby: Standby) -> None:
    subprocess.run([sys.executable, "-c", MAKE, str(tmp_path)], check=True)
    assert begin(tmp_path, standby).wait() == 0
    assert (tmp_path / "out").read_text() == "a\n"
    assert ended(standby) == 0
    assert hand_over(str(standby.socket), tmp_path) is None


def test_a_pipeline_that_fails_is_told(tmp_path: Path, standby: Standby) -> None:
    assert begin(tmp_path, standby).wait() == 1
    assert ended(standby) == 1
    assert "FileNotFoundError" in read_messages(tmp_path / "messages.jsonl")[-1].text


def test_it_ends_with_the_job(tmp_path: Path, standby: Standby) -> None:
    # Nobody writes into it, so that the pipeline is never read.
    os.mkfifo(tmp_path / "pipeline.pb")
    job = begin(tmp_path, standby)
    wait_for(lambda: Path(str(standby.socket)).exists(), lambda there: not there)
    job.kill()
    job.wait()
    assert ended(standby) == 1


def test_another_waits_when_one_is_taken_and_none_when_the_emulator_ends(tmp_path: Path, standby: Standby) -> None:
    os.mkfifo(tmp_path / "pipeline.pb")
    first = standby._child
    standby.ensure()
    assert standby._child is first
    assert first is not None
    job = begin(tmp_path, standby)
    wait_for(lambda: standby.ensure() or standby._child is not first, bool)
    second = standby._child
    standby.close()
    assert second is not None
    assert second.wait(240) == 0
    job.kill()
    assert (job.wait(), first.wait(240)) == (-9, 1)
