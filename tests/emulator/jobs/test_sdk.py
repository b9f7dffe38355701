"""Custom jobs through the high-level SDK, as its users write them; `test_course` has the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.emulated_jobs import TRAINING_IMAGE, program
from support.vertex_clients import high_level_sdk, seen_states

from mlmagic.emulator.launch import Emulator

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sdk(emulator: Emulator) -> Iterator[Any]:
    aiplatform = high_level_sdk(emulator)
    yield aiplatform
    aiplatform.initializer.global_pool.shutdown(wait=True)


def test_a_local_script_is_packaged_staged_and_run(sdk: Any, emulator: Emulator, tmp_path: Path) -> None:
    script = tmp_path / "task.py"
    text = "import json, os, sys; task = json.loads(os.environ['CLUSTER_SPEC'])['task']\n"
    text += "open(os.environ['AIP_MODEL_DIR'] + f\"{task['type']}-{task['index']}\", 'w').write(sys.argv[1])\n"
    script.write_text(text + "import time; time.sleep(2)\n", "utf-8")
    job = sdk.CustomJob.from_local_script(
        display_name="script",
        script_path=str(script),
        container_uri=TRAINING_IMAGE,
        requirements=["pandas"],
        replica_count=3,
        args=["said"],
        base_output_dir=f"gs://{emulator.bucket}/script",
    )
    job.submit()
    assert seen_states(job)[-1] == "SUCCEEDED"
    model = emulator.buckets / emulator.bucket / "script/model"
    written = {path.name: path.read_text("utf-8") for path in model.iterdir()}
    assert written == dict.fromkeys(["workerpool0-0", "workerpool1-0", "workerpool1-1"], "said")


def test_a_failed_job_tells_its_error(sdk: Any) -> None:
    job = sdk.CustomJob(display_name="taxi", worker_pool_specs=[program("raise ValueError('wrong')")])
    job.submit()
    assert seen_states(job)[-1] == "FAILED"
    assert "The replica workerpool0-0 exited with a non-zero status of 1." in job.error.message
    assert "ValueError: wrong" in job.error.message
