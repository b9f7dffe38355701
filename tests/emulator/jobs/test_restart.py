"""An emulator that is killed, and started again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.emulated_jobs import pool, program, wait_for
from support.vertex_clients import ended, job_client, parent, running, word

from mlmagic.emulator.core import Call, Core
from mlmagic.emulator.documents import DocumentStore
from mlmagic.emulator.engine import Engine
from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.faults import Faults
from mlmagic.emulator.jobs.service import CUSTOM_JOB, CustomJobService
from mlmagic.emulator.launch import Emulator, end_child, start_child, wait_until_it_answers
from mlmagic.emulator.operations import Operations
from mlmagic.emulator.storage.store import ObjectStore


class Restarted:
    """An emulator of a folder, which may be killed and comes again."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self._root = root
        self._patch = patch
        self.start()

    def start(self) -> None:
        self._child = start_child(self._root)
        self.emulator: Emulator = wait_until_it_answers(self._root, self._child)
        for name, value in self.emulator.environment.items():
            self._patch.setenv(name, value)
        self.client: Any = job_client(self.emulator)

    def kill(self) -> None:
        self.client.transport.close()
        self._child.kill()
        end_child(self._child)

    def end(self) -> None:
        self.client.transport.close()
        end_child(self._child)


@pytest.fixture
def restarted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restarted]:
    made = Restarted(tmp_path / "root", monkeypatch)
    yield made
    made.end()


def test_jobs_go_on_while_the_emulator_is_killed(restarted: Restarted) -> None:
    bucket = restarted.emulator.bucket
    pools = [pool("bash", "-c", f"while [ ! -e /gcs/{bucket}/go ]; do sleep 0.1; done; echo done > /gcs/{bucket}/end")]
    job = {"display_name": "long", "job_spec": {"worker_pool_specs": pools}}
    name = restarted.client.create_custom_job(parent=parent(restarted.emulator), custom_job=job).name
    assert word(running(restarted.client, name)) == "RUNNING"
    restarted.kill()
    (restarted.emulator.buckets / bucket / "go").touch()
    wait_for((restarted.emulator.buckets / bucket / "end").exists, bool)
    restarted.start()
    assert word(ended(restarted.client, name)) == "SUCCEEDED"


def test_a_job_is_cancelled_after_a_restart(restarted: Restarted) -> None:
    job = {"display_name": "long", "job_spec": {"worker_pool_specs": [program("import time; time.sleep(3600)")]}}
    name = restarted.client.create_custom_job(parent=parent(restarted.emulator), custom_job=job).name
    running(restarted.client, name)
    restarted.kill()
    restarted.start()
    restarted.client.cancel_custom_job(name=name)
    assert word(ended(restarted.client, name)) == "CANCELLED"


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """The parts of an emulator within this process."""
    documents = DocumentStore(tmp_path / "state.db")
    yield Core(
        root=tmp_path,
        project="p",
        region="r",
        documents=documents,
        operations=Operations(documents),
        objects=ObjectStore(tmp_path),
        faults=Faults(),
    )
    documents.close()


def written_down(core: Core, **changes: Any) -> str:
    """Write a job down as an emulator does that is killed before it has started it."""
    name = f"projects/p/locations/r/customJobs/{core.documents.next_id()}"
    document = {
        "name": name,
        "display_name": "x",
        "job_spec": {"worker_pool_specs": [pool("true", **changes)]},
        "state": "JOB_STATE_QUEUED",
        "create_time": "2026-01-02T03:04:05Z",
        "update_time": "2026-01-02T03:04:05Z",
        "_start_delay_seconds": 0.0,
    }
    core.documents.put(name, CUSTOM_JOB.noun, document)
    return name


def test_a_job_that_was_only_written_down_is_started_once(core: Core) -> None:
    engine = Engine(core.engine_folder)
    name = written_down(core)
    for _ in range(2):
        CustomJobService(core, engine).resume()
    made = wait_for(lambda: engine.find(f"customJobs-{name.rsplit('/', 1)[1]}"), lambda job: job.state.is_final)
    assert (made.state, len(list((core.engine_folder / "jobs").iterdir()))) == ("SUCCEEDED", 1)


def test_a_job_that_cannot_be_started_after_all_has_failed(core: Core) -> None:
    name = written_down(core)
    core.documents.update(name, lambda found: {**found, "job_spec": {"worker_pool_specs": [pool("x", count=10**6)]}})
    CustomJobService(core, Engine(core.engine_folder)).resume()
    job = core.documents.get(name)
    assert (job["state"], job["error"]["code"]) == ("JOB_STATE_FAILED", 8)
    assert "can never run on this machine" in job["error"]["message"]


def test_a_refused_job_leaves_nothing(core: Core) -> None:
    engine = Engine(core.engine_folder)
    service = CustomJobService(core, engine)
    job = {"display_name": "x", "job_spec": {"worker_pool_specs": [pool("x"), pool("x", count=10**6)]}}
    with pytest.raises(ApiError, match="can never run on this machine"):
        service.create_custom_job(Call(rpc="CreateCustomJob", request={"custom_job": job}, project="p", location="r"))
    assert core.documents.list(CUSTOM_JOB.noun) == []
