"""Logs of jobs through Google's own client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from support.emulated_jobs import program
from support.vertex_clients import ended, parent

from mlmagic.emulator.launch import Emulator

TEXT = """
import json, os, sys, time
index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
for number in range(30):
    print(f"step {number}", flush=True)
    time.sleep(0.001)
print("alarm", file=sys.stderr)
"""


@pytest.fixture(scope="module")
def job_id(client: Any, emulator: Emulator) -> str:
    """The number of a job with a chief and a worker that has ended, beside another job."""
    pools = [program(TEXT), program(TEXT + "import time; time.sleep(3)")]
    made = [
        client.create_custom_job(
            parent=parent(emulator), custom_job={"display_name": "logged", "job_spec": {"worker_pool_specs": pools}}
        )
        for _ in range(2)
    ]
    for job in made:
        ended(client, job.name)
    return str(made[0].name.rsplit("/", 1)[1])


@pytest.fixture(scope="module")
def logs(emulator: Emulator) -> Iterator[Any]:
    """Cloud Logging's client over HTTP."""
    from google.cloud import logging

    made = logging.Client(_use_grpc=False, client_options={"api_endpoint": emulator.url})
    yield made
    made.close()


def texts(entries: Any) -> list[str]:
    return [entry.payload for entry in entries]


def test_a_replica_is_read_in_its_order_page_by_page(logs: Any, job_id: str) -> None:
    text = f'resource.type="ml_job" AND resource.labels.job_id="{job_id}" AND resource.labels.task_name="workerpool1-0"'
    entries = list(logs.list_entries(filter_=text, order_by="timestamp asc", page_size=7))
    assert texts(entries)[:30] == [f"step {number}" for number in range(30)]
    assert len({entry.insert_id for entry in entries}) == len(entries) == 31
    assert [entry.timestamp for entry in entries] == sorted(entry.timestamp for entry in entries)


def test_the_newest_come_first(logs: Any, job_id: str) -> None:
    text = f'resource.labels.job_id="{job_id}" AND severity<ERROR'
    entries = list(logs.list_entries(filter_=text, order_by="timestamp desc", page_size=10))
    assert len(entries) >= 60
    assert [entry.timestamp for entry in entries] == sorted((entry.timestamp for entry in entries), reverse=True)


def test_standard_error_is_an_error(logs: Any, job_id: str) -> None:
    entries = list(logs.list_entries(filter_=f'resource.labels.job_id="{job_id}" AND severity>=ERROR'))
    assert texts(entries) == ["alarm", "alarm"]
    assert {entry.resource.labels["task_name"] for entry in entries} == {"workerpool0-0", "workerpool1-0"}


def test_reading_goes_on_from_a_moment(logs: Any, job_id: str) -> None:
    text = f'resource.labels.job_id="{job_id}" AND resource.labels.task_name="workerpool0-0"'
    first = list(logs.list_entries(filter_=text))[10]
    rest = list(logs.list_entries(filter_=f'{text} AND timestamp>="{first.timestamp.isoformat()}"'))
    assert texts(rest)[:2] == ["step 10", "step 11"]


def test_an_order_that_there_is_not(logs: Any) -> None:
    with pytest.raises(exceptions.BadRequest, match="order_by must be 'timestamp asc' or 'timestamp desc'"):
        list(logs.list_entries(order_by="severity"))
