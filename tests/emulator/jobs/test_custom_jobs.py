"""Custom jobs through Google's own client."""

from __future__ import annotations

import time
from typing import Any

import pytest
from google.api_core import exceptions
from support.emulated_jobs import pool, program, wait_for
from support.vertex_clients import ended, parent, running, word

from mlmagic.emulator.launch import Emulator

FOREVER = "import time; print('up', flush=True); time.sleep(3600)"


def create(client: Any, emulator: Emulator, *pools: dict[str, Any], labels: dict[str, str] | None = None, **spec: Any):
    """Create a job called `taxi`."""
    job = {"display_name": "taxi", "labels": labels or {}, "job_spec": {"worker_pool_specs": list(pools), **spec}}
    return client.create_custom_job(parent=parent(emulator), custom_job=job)


def test_a_job_comes_to_its_end(client: Any, emulator: Emulator) -> None:
    base = {"output_uri_prefix": f"gs://{emulator.bucket}/out"}
    text = "import os; open(os.environ['AIP_MODEL_DIR'] + 'm.txt', 'w').write('made')"
    made = create(client, emulator, program(text), base_output_directory=base)
    job = ended(client, made.name)
    assert (word(made), word(job), job.job_spec.base_output_directory.output_uri_prefix) == (
        "QUEUED",
        "SUCCEEDED",
        base["output_uri_prefix"],
    )
    assert made.create_time <= job.start_time <= job.end_time <= job.update_time
    assert (emulator.buckets / emulator.bucket / "out/model/m.txt").read_text("utf-8") == "made"


def test_a_failed_job_tells_which_replica_and_why(client: Any, emulator: Emulator) -> None:
    failing = program("raise ValueError('wrong')")
    job = ended(client, create(client, emulator, program("import time; time.sleep(60)"), failing).name)
    assert (word(job), job.error.code) == ("FAILED", 3)
    assert job.error.message.startswith(
        "The replica workerpool1-0 exited with a non-zero status of 1. Termination reason: Error. \n"
    )
    assert "ValueError: wrong" in job.error.message


def test_a_job_is_cancelled(client: Any, emulator: Emulator) -> None:
    name = create(client, emulator, program(FOREVER)).name
    assert word(running(client, name)) == "RUNNING"
    client.cancel_custom_job(name=name)
    assert word(client.get_custom_job(name=name)) in {"CANCELLING", "CANCELLED"}
    job = ended(client, name)
    assert (word(job), job.error.code) == ("CANCELLED", 1)
    # Once more does nothing.
    client.cancel_custom_job(name=name)


@pytest.mark.slow
def test_a_program_that_does_not_listen_is_killed(client: Any, emulator: Emulator) -> None:
    beats = emulator.buckets / emulator.bucket / "beats"
    deaf = f"trap '' TERM; while true; do echo beat >> /gcs/{emulator.bucket}/beats; sleep 0.1; done"
    name = create(client, emulator, pool("bash", "-c", deaf)).name
    wait_for(beats.exists, bool)
    client.cancel_custom_job(name=name)
    assert word(ended(client, name)) == "CANCELLED"
    size = beats.stat().st_size
    time.sleep(1)
    assert beats.stat().st_size == size


def test_a_job_is_deleted_when_it_has_ended(client: Any, emulator: Emulator) -> None:
    name = create(client, emulator, program(FOREVER)).name
    with pytest.raises(exceptions.BadRequest, match="cannot be deleted"):
        client.delete_custom_job(name=name)
    client.cancel_custom_job(name=name)
    ended(client, name)
    client.delete_custom_job(name=name).result()
    with pytest.raises(exceptions.NotFound):
        client.get_custom_job(name=name)


def test_a_job_that_ran_too_long(client: Any, emulator: Emulator) -> None:
    job = ended(client, create(client, emulator, program(FOREVER), scheduling={"timeout": "1s"}).name)
    assert (word(job), job.error.code) == ("FAILED", 4)
    assert job.error.message == "The job was ended: the program ran longer than its timeout of 1 s."


def test_jobs_are_listed_by_filter_and_page_the_newest_first(client: Any, emulator: Emulator) -> None:
    names = [create(client, emulator, pool("true"), labels={"run": "listed"}).name for _ in range(3)]
    for name in names:
        ended(client, name)
    query = {"parent": parent(emulator), "filter": 'labels.run="listed" AND state="JOB_STATE_SUCCEEDED"'}
    pages = list(client.list_custom_jobs(request={**query, "page_size": 2}).pages)
    assert [len(page.custom_jobs) for page in pages] == [2, 1]
    assert [job.name for page in pages for job in page.custom_jobs] == names[::-1]
    assert not list(client.list_custom_jobs(request={**query, "filter": 'labels.run="other"'}))


def test_a_slow_start_is_pending(client: Any, emulator: Emulator, ask: Any, no_faults: None) -> None:
    ask("POST", "/emulator/faults", {"rpc": "machines.start", "delay_seconds": 3, "times": 1})
    name = create(client, emulator, pool("true")).name
    seen = ["QUEUED"]
    while seen[-1] != "SUCCEEDED":
        if (state := word(client.get_custom_job(name=name))) != seen[-1]:
            seen.append(state)
        time.sleep(0.02)
    assert [state for state in seen if state != "RUNNING"] == ["QUEUED", "PENDING", "SUCCEEDED"]
    assert seen.index("PENDING") == 1


def test_a_job_is_cancelled_before_it_has_begun(client: Any, emulator: Emulator, ask: Any, no_faults: None) -> None:
    ask("POST", "/emulator/faults", {"rpc": "machines.start", "delay_seconds": 600, "times": 1})
    name = create(client, emulator, pool("true")).name
    wait_for(lambda: word(client.get_custom_job(name=name)), lambda state: state == "PENDING")
    client.cancel_custom_job(name=name)
    job = ended(client, name)
    assert word(job) == "CANCELLED"
    assert job.start_time is None


def test_no_quota(client: Any, emulator: Emulator, ask: Any, no_faults: None) -> None:
    ask("POST", "/emulator/faults", {"rpc": "CreateCustomJob", "status": 429, "message": "Quota exceeded.", "times": 1})
    with pytest.raises(exceptions.TooManyRequests, match="Quota exceeded"):
        create(client, emulator, pool("true"))
    assert word(create(client, emulator, pool("true"))) == "QUEUED"


def test_what_is_larger_than_this_machine_is_beyond_the_quota(client: Any, emulator: Emulator) -> None:
    before = len(list(client.list_custom_jobs(parent=parent(emulator))))
    with pytest.raises(exceptions.TooManyRequests, match="can never run on this machine: its 100001 replicas"):
        create(client, emulator, pool("true"), pool("true", count=100_000))
    assert len(list(client.list_custom_jobs(parent=parent(emulator)))) == before


COUNTED = """
import os, signal, sys, time
starts = os.environ["AIP_CHECKPOINT_DIR"] + "starts"
open(starts, "a").write("start ")
signal.signal(signal.SIGTERM, lambda *_: (open(starts, "a").write("told "), sys.exit(1)))
if open(starts).read().count("start") == 1:
    time.sleep(3600)
"""


def spot_job(client: Any, emulator: Emulator, folder: str, **scheduling: Any) -> str:
    """Create a spot job that ends when it is started a second time, and wait until it runs."""
    base = {"output_uri_prefix": f"gs://{emulator.bucket}/{folder}"}
    options = {"base_output_directory": base, "scheduling": {"strategy": "SPOT", **scheduling}}
    name = create(client, emulator, program(COUNTED), **options).name
    starts = emulator.buckets / emulator.bucket / folder / "checkpoints/starts"
    wait_for(starts.exists, bool)
    return str(name)


def test_a_preempted_worker_is_told_and_starts_again(
    client: Any, emulator: Emulator, ask: Any, no_faults: None
) -> None:
    name = spot_job(client, emulator, "spot")
    ask("POST", "/emulator/faults", {"rpc": "machines.preempt", "delay_seconds": 1, "times": 1})
    assert word(ended(client, name)) == "SUCCEEDED"
    starts = emulator.buckets / emulator.bucket / "spot/checkpoints/starts"
    assert starts.read_text("utf-8") == "start told start "


def test_all_workers_start_again_where_the_job_is_to(
    client: Any, emulator: Emulator, ask: Any, no_faults: None
) -> None:
    folder = emulator.buckets / emulator.bucket / "all"
    text = COUNTED.replace('"starts"', '"starts-" + os.environ["POOL"]')
    pools = [program(text, env={"POOL": pool}) for pool in ("chief", "worker")]
    base = {"output_uri_prefix": f"gs://{emulator.bucket}/all"}
    scheduling = {"strategy": "SPOT", "restart_job_on_worker_restart": True}
    name = create(client, emulator, *pools, base_output_directory=base, scheduling=scheduling).name
    wait_for(lambda: len(list(folder.glob("checkpoints/starts-*"))), lambda count: count == 2)
    ask("POST", "/emulator/faults", {"rpc": "machines.preempt", "times": 1})
    assert word(ended(client, name)) == "SUCCEEDED"
    told = [path.read_text("utf-8") for path in folder.glob("checkpoints/starts-*")]
    assert told == ["start told start ", "start told start "]


def test_a_preempted_worker_without_retries_is_the_end(
    client: Any, emulator: Emulator, ask: Any, no_faults: None
) -> None:
    name = spot_job(client, emulator, "once", disable_retries=True)
    ask("POST", "/emulator/faults", {"rpc": "machines.preempt", "times": 1})
    job = ended(client, name)
    assert (word(job), job.error.code) == ("FAILED", 13)
    assert job.error.message == "Internal error occurred for the current attempt."
