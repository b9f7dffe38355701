"""Jobs over a kill of the emulator, as over a cut of the network."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.emulator.launch import end_child, start_child, wait_until_it_answers
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import read_log, submit, wait_for, wait_for_text
from mlmagic.workspace.layout import Workspace

WAITS = (
    "import pathlib, time\nprint('begun')\nwhile not pathlib.Path({!r}).exists():\n    time.sleep(0.1)\nprint('done')\n"
)


@pytest.mark.slow
def test_a_job_goes_on_while_nothing_answers(workspace: Workspace, tmp_path: Path) -> None:
    root, mark = tmp_path / "emulator", tmp_path / "mark"
    first = start_child(root)
    wait_until_it_answers(root, first)
    backend = GoogleBackend(workspace, name="emulator", config={"emulator_root": str(root)})
    job_id = submit(backend, WAITS.format(str(mark))).id
    wait_for_text(backend, job_id, "begun")
    first.kill()
    end_child(first)
    assert backend.get(job_id).state is JobState.RUNNING
    mark.touch()
    second = start_child(root)
    wait_until_it_answers(root, second)
    assert wait_for(backend, job_id).state is JobState.SUCCEEDED
    assert read_log(backend, job_id) == "begun\ndone\n"
    backend.close()
    end_child(second)
