"""Programs at the limits of the machine, and what they leave in the workspace."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support.disks import small_disk
from support.tensorflow_models import saved_models

from mlmagic.backends.base import LOG_CHUNK_BYTES
from mlmagic.backends.local.backend import LocalBackend
from mlmagic.errors import NotFoundError
from mlmagic.spec.job import JobState
from mlmagic.testing.backends import read_log, run, submit, wait_for, wait_for_text
from mlmagic.workspace.database import Database
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.models import ModelStore

TRAIN = """
import os, shutil, sys
for number in sys.argv[2:]:
    target = os.path.join(os.environ["AIP_MODEL_DIR"], "export", number)
    shutil.copytree(sys.argv[1], target)
    os.utime(os.path.join(target, "saved_model.pb"), (int(number), int(number)))
"""


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that TensorFlow saved once, for programs that only pretend to train."""
    return str(saved_models(tmp_path_factory) / "half")


def test_a_model_becomes_a_version(backend: LocalBackend, workspace: Workspace, saved_model: str) -> None:
    record = run(backend, TRAIN, args=(saved_model, "1"), model="taxi")
    assert (record.state, record.model_version) == (JobState.SUCCEEDED, "taxi@1"), read_log(backend, record.id)
    assert record.message == "taxi@1 is the default version"
    (version,) = ModelStore(Database(workspace)).versions("taxi")
    assert version.origin.job_id == record.id
    assert version.signature is not None
    assert [tensor.name for tensor in version.signature.inputs] == ["x"]
    assert (workspace.version("taxi", 1).root / "saved_model.pb").exists()


def test_a_later_version_is_not_the_default(backend: LocalBackend, saved_model: str) -> None:
    submitted = [submit(backend, TRAIN, args=(saved_model, "1", "2"), model="taxi").id for _ in range(2)]
    records = sorted((wait_for(backend, job_id) for job_id in submitted), key=lambda record: record.model_version or "")
    assert [record.model_version for record in records] == ["taxi@1", "taxi@2"]
    assert records[1].message is not None
    assert records[1].message.startswith("taxi@2 · default is taxi@1 · %models set-default taxi@2")
    assert records[1].message.endswith("AIP_MODEL_DIR has 2 models, taken is the newest: export/2")
    assert read_log(backend, records[1].id).endswith(f"mlmagic: {records[1].message}\n")


def test_a_version_asked_to_be_the_default(backend: LocalBackend, saved_model: str) -> None:
    run(backend, TRAIN, args=(saved_model, "1"), model="taxi")
    assert (
        run(backend, TRAIN, args=(saved_model, "1"), model="taxi", set_default=True).message
        == "taxi@2 is the default version"
    )


def test_a_model_in_another_format(backend: LocalBackend) -> None:
    source = "import os, pathlib\n(pathlib.Path(os.environ['AIP_MODEL_DIR']) / 'model.h5').touch()\n"
    record = run(backend, source, model="taxi")
    assert (record.state, record.model_version) == (JobState.SUCCEEDED, None)
    assert record.message == (
        "AIP_MODEL_DIR has neither a SavedModel nor a .keras file, so no version was made (it has model.h5)"
    )


def test_a_very_long_log(backend: LocalBackend) -> None:
    source = "import sys\nline = 'x' * 99 + '\\n'\nfor _ in range(2000):\n    sys.stdout.write(line * 1000)\n"
    record = run(backend, source)
    assert record.state is JobState.SUCCEEDED
    size, offset = 0, 0
    while (chunk := backend.logs(record.id, offset=offset)).text:
        assert len(chunk.text) <= LOG_CHUNK_BYTES
        size, offset = size + len(chunk.text), chunk.next_offset
    assert size == 200_000_000
    assert backend.logs(record.id, offset=-150).text == "x" * 99 + "\n"


def test_half_a_character_waits_for_the_other_half(backend: LocalBackend) -> None:
    source = "import os, time\nos.write(1, b'caf\\xc3')\ntime.sleep(600)\n"
    job_id = submit(backend, source).id
    wait_for_text(backend, job_id, "caf")
    assert backend.logs(job_id).next_offset == 3
    backend.cancel(job_id)
    wait_for(backend, job_id)
    assert backend.logs(job_id, offset=3).text.startswith("\N{REPLACEMENT CHARACTER}\n")


def test_a_program_without_streams(backend: LocalBackend) -> None:
    record = run(backend, "import os\nos.close(1)\nos.close(2)\nos._exit(5)\n")
    assert (record.state, record.exit_code) == (JobState.FAILED, 5)
    assert read_log(backend, record.id) == "mlmagic: failed: the program ended with exit status 5\n"


def test_a_program_that_runs_out_of_memory(backend: LocalBackend) -> None:
    source = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28))\nx = bytearray(2**30)\n"
    record = run(backend, source)
    assert record.error is not None
    assert (record.error.message, record.error.hint) == (
        "MemoryError",
        "Out of memory: try a smaller batch, or read the data in pieces.",
    )


def test_its_files_are_for_this_user_alone(backend: LocalBackend, workspace: Workspace) -> None:
    record = run(backend, "import os\nprint(oct(os.umask(0)))\n")
    folder = workspace.job(record.id)
    files = [folder.log(), folder.exit, folder.root / "supervisor.log"]
    assert [oct(file.stat().st_mode & 0o777) for file in files] == ["0o600"] * 3
    assert folder.model_dir.stat().st_mode & 0o777 == 0o700
    assert (folder.root / "supervisor.log").read_text() == ""


FILL_WITH_LOG = "while True:\n    print('x' * 1000)\n"
FILL_WITH_FILE = """
import os
with open(os.environ["AIP_MODEL_DIR"] + "big", "wb", 0) as file:
    while True:
        file.write(bytes(1000))
"""


@pytest.mark.parametrize("source", [FILL_WITH_LOG, FILL_WITH_FILE])
def test_a_full_disk(tmp_path: Path, source: str) -> None:
    with small_disk(tmp_path / "disk") as disk:
        workspace = open_workspace(Workspace(disk / ".mlmagic"))
        backend = LocalBackend(workspace)
        job_id = submit(backend, source, model="taxi").id
        # While the disk is full the database cannot even be read.
        while not workspace.job(job_id).exit.exists():
            time.sleep(0.02)
        record = wait_for(backend, job_id)
        assert record.state is JobState.FAILED
        assert record.error is not None
        assert record.error.message.startswith("the disk is full")
        assert "free some space" in (record.error.hint or "")
        assert "mlmagic: failed: the disk is full" in workspace.job(job_id).log().read_text()


def test_a_model_with_links_out_of_it_is_no_version(backend: LocalBackend, tmp_path: Path) -> None:
    source = (
        "import os, pathlib\nmodel = pathlib.Path(os.environ['AIP_MODEL_DIR'])\n(model / 'saved_model.pb').touch()\n"
    )
    record = run(backend, source + f"(model / 'variables').symlink_to({str(tmp_path)!r})\n", model="taxi")
    assert record.error is not None
    assert record.error.message == (
        "the program succeeded, but its model cannot become a version: variables leads out of it by a link"
    )


def test_a_role_is_no_path(backend: LocalBackend, workspace: Workspace) -> None:
    record = run(backend, "pass\n")
    (workspace.root / "secret-0.log").write_text("secret")
    with pytest.raises(NotFoundError, match="has no replica"):
        backend.logs(record.id, role="../../../secret")


def test_a_supervisor_that_is_told_to_end_says_by_what(backend: LocalBackend) -> None:
    source = "import os, signal, time\nos.kill(os.getppid(), signal.SIGTERM)\ntime.sleep(600)\n"
    record = run(backend, source)
    assert (record.state, record.exit_code) == (JobState.CANCELLED, -15)
    assert record.message == "nobody cancelled it: its supervisor got SIGTERM, as when the machine shuts down"
