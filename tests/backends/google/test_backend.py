"""What the exam does not ask of a backend in the cloud."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from mlmagic.backends.google.backend import GoogleBackend
from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.names import output_directory, workspace_filter, workspace_label
from mlmagic.backends.google.remote import read_remote
from mlmagic.backends.google.settings import emulator_settings
from mlmagic.backends.local.backend import LocalBackend
from mlmagic.emulator.launch import Emulator
from mlmagic.errors import UsageError
from mlmagic.runtime.agent_lock import take_lock
from mlmagic.spec.job import JobSpec, JobState, PackageReference
from mlmagic.spec.resources import Resources, WorkerPool
from mlmagic.testing.backends import PATIENCE_SECONDS, make_package, read_log, run, submit, wait_for
from mlmagic.workspace.database import Database
from mlmagic.workspace.jobs import JobStore
from mlmagic.workspace.layout import Workspace

Make = Callable[..., GoogleBackend]
TWO_WORKERS = Resources(scale_tier="CUSTOM", worker_pools=(WorkerPool(), WorkerPool(replica_count=2)), is_exact=True)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_job_comes_to_its_end_though_nobody_asks(backend: GoogleBackend, workspace: Workspace) -> None:
    job_id = submit(backend, "print(1)\n").id
    jobs = JobStore(Database(workspace))
    until(lambda: jobs.get(job_id).state.is_final)
    assert jobs.get(job_id).state is JobState.SUCCEEDED
    assert "1\n" in workspace.job(job_id).log().read_text()


def test_one_process_watches_and_others_only_ask(backend: GoogleBackend, workspace: Workspace) -> None:
    other = take_lock(workspace.cloud_lock("emulator"))
    assert other is not None
    job_id = submit(backend, "print(1)\n").id
    assert wait_for(backend, job_id).state is JobState.SUCCEEDED
    assert take_lock(workspace.cloud_lock("emulator")) is None


def test_the_machinery_of_this_machine_leaves_jobs_in_the_cloud_alone(
    backend: GoogleBackend, workspace: Workspace
) -> None:
    local = LocalBackend(workspace)
    here, there = submit(local, "print(1)\n").id, submit(backend, "print(2)\n").id
    assert {summary.id: summary.backend for summary in local.list()} == {here: "local", there: "emulator"}
    with pytest.raises(UsageError, match=f"job {there} is on the backend 'emulator', and here is 'local'"):
        local.cancel(there)
    with pytest.raises(UsageError, match=r"here is 'emulator'.\n%mlmagic use local"):
        backend.delete(here)
    assert wait_for(local, here).state is JobState.SUCCEEDED
    assert wait_for(backend, there).state is JobState.SUCCEEDED
    assert list(workspace.job(there).root.glob("attempt-*.claim")) == []


def test_each_replica_has_its_log(backend: GoogleBackend) -> None:
    source = "import json, os\nprint(json.loads(os.environ['TF_CONFIG'])['task'])\n"
    record = run(backend, source, resources=TWO_WORKERS)
    assert record.state is JobState.SUCCEEDED
    assert [replica.name for replica in backend.replicas(record.id)] == ["chief-0", "worker-0", "worker-1"]
    assert "'type': 'worker', 'index': 1" in backend.logs(record.id, role="worker", index=1).text


def test_the_traceback_of_a_worker_says_whose_it_is(backend: GoogleBackend) -> None:
    source = (
        "import json, os, time\n"
        "if json.loads(os.environ['TF_CONFIG'])['task']['type'] == 'worker':\n    raise KeyError('fare')\n"
        "time.sleep(600)\n"
    )
    record = run(backend, source, resources=TWO_WORKERS)
    assert (record.state, record.exit_code) == (JobState.FAILED, 1)
    assert record.error is not None
    assert record.error.message.endswith("failed: KeyError: 'fare'")


def test_what_a_job_exports_is_in_the_bucket_and_stays(backend: GoogleBackend, emulator: Emulator) -> None:
    source = (
        "import os, pathlib\n"
        "for name in ('AIP_MODEL_DIR', 'AIP_CHECKPOINT_DIR'):\n"
        "    folder = pathlib.Path(os.environ[name])\n    folder.mkdir(parents=True, exist_ok=True)\n"
        "    (folder / 'x').write_text('1')\n"
    )
    record = run(backend, source)
    bucket = GoogleClient(emulator_settings(emulator.root)).storage
    folder = output_directory("", record.id).removeprefix("/")
    assert (bucket.has_object(f"{folder}/model/x"), bucket.has_object(f"{folder}/checkpoints/x")) == (
        True,
        True,
    )
    backend.delete(record.id)
    assert (bucket.has_object(f"{folder}/model/x"), bucket.has_object(f"{folder}/checkpoints/x")) == (
        True,
        False,
    )


def test_a_deleted_job_is_gone_there_too(backend: GoogleBackend, emulator: Emulator, workspace: Workspace) -> None:
    record = run(backend, "raise SystemExit(1)\n", max_retries=1)
    client = GoogleClient(emulator_settings(emulator.root))
    label = workspace_filter(workspace_label(str(workspace.root)))
    assert len(client.jobs.list_custom_jobs(label)) == 2
    backend.delete(record.id)
    assert client.jobs.list_custom_jobs(label) == []


def test_usage_is_told_in_cores_and_bytes(backend: GoogleBackend) -> None:
    record = run(backend, "import time\nend = time.monotonic() + 4\nwhile time.monotonic() < end:\n    pass\n")
    usage = backend.usage(record.id)
    assert usage.replicas == ("chief-0",)
    assert usage.peak_cores("chief-0") > 0.05
    assert usage.peak_memory_bytes("chief-0") > 1 << 20


def test_the_word_of_google_is_kept(backend: GoogleBackend, workspace: Workspace) -> None:
    record = run(backend, "print(1)\n")
    remote = read_remote(workspace.job(record.id))
    assert remote is not None
    assert (remote.state, remote.attempt, remote.project) == ("JOB_STATE_SUCCEEDED", 1, "emulated-project")
    assert (remote.name or "").startswith("projects/emulated-project/locations/us-central1/customJobs/")


def test_what_does_not_fit_its_image_makes_no_job(make_backend: Make) -> None:
    backend = make_backend()
    package = make_package("print(1)\n")
    versions = {"python": "3.12.1", "tensorflow": "2.21.0"}
    spec = JobSpec(display_name="exam", package=PackageReference(digest=package.digest), versions=versions)
    with pytest.raises(UsageError, match=r"the notebook has Python 3.12, and the image 3.11"):
        backend.submit(spec, package)
    assert backend.list() == []


def test_a_log_that_was_cut_short_by_a_kill_is_whole(backend: GoogleBackend, workspace: Workspace) -> None:
    job_id = submit(backend, "import time\nprint('one')\ntime.sleep(3)\nprint('two')\n").id
    until(lambda: "one" in read_log(backend, job_id))
    with workspace.job(job_id).log().open("a") as log:
        log.write("tw")  # as a process leaves it that was killed before it noted down how far it was
    wait_for(backend, job_id)
    assert read_log(backend, job_id) == "one\ntwo\n"


def test_who_logs_in_again_is_asked_for_with_the_new_credentials(workspace: Workspace) -> None:
    places = {"google_project": "my-project", "google_region": "us-central1", "google_bucket": "gs://b-1"}
    backend = GoogleBackend(workspace, config=places)
    client = backend._connect()[0]
    assert backend._connect()[0] is client
    client._connection.is_logged_out = True
    assert backend._connect()[0] is not client
    backend.close()
