"""The use of machines through Google's own client, which speaks gRPC alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from support.emulated_jobs import program, wait_for
from support.vertex_clients import ended, parent

from mlmagic.emulator.launch import Emulator

CPU = 'metric.type = "ml.googleapis.com/training/cpu/utilization"'
MEMORY = 'metric.type = "ml.googleapis.com/training/memory/utilization"'
BUSY = "import time; end = time.time() + 6\nwhile time.time() < end: pass"

Read = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def read(emulator: Emulator) -> Iterator[Read]:
    """List time series of the last hour."""
    import grpc
    from google.cloud import monitoring_v3 as monitoring
    from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport

    with grpc.insecure_channel(emulator.grpc_address) as channel:
        client = monitoring.MetricServiceClient(transport=MetricServiceGrpcTransport(channel=channel))

        def ask(text: str, **more: Any) -> list[Any]:
            now = int(time.time()) + 1
            request = {
                "name": f"projects/{emulator.project}",
                "filter": text,
                "interval": {"start_time": {"seconds": now - 3600}, "end_time": {"seconds": now}},
                **more,
            }
            return list(
                client.list_time_series(request=request, metadata=[("authorization", f"Bearer {emulator.token}")])
            )

        yield ask


@pytest.fixture(scope="module")
def job_id(client: Any, emulator: Emulator) -> str:
    """The number of a job that was busy, and has ended."""
    job = {"display_name": "busy", "job_spec": {"worker_pool_specs": [program(BUSY)]}}
    made = client.create_custom_job(parent=parent(emulator), custom_job=job)
    return str(ended(client, made.name).name.rsplit("/", 1)[1])


def test_a_busy_core_of_four_is_a_quarter(read: Read, job_id: str) -> None:
    [series] = wait_for(lambda: read(f'{CPU} AND resource.labels.job_id = "{job_id}"'), bool)
    values = [point.value.double_value for point in series.points]
    assert 0 < max(values) < 0.5
    assert series.resource.labels["task_name"] == "workerpool0-0"
    moments = [point.interval.end_time for point in series.points]
    assert moments == sorted(moments, reverse=True)


def test_memory_is_a_fraction_of_what_was_asked_for(read: Read, job_id: str) -> None:
    [series] = wait_for(lambda: read(f'{MEMORY} AND resource.labels.job_id = "{job_id}"'), bool)
    assert all(0 < point.value.double_value < 0.1 for point in series.points)


def test_headers_are_without_points(read: Read, job_id: str) -> None:
    [series] = wait_for(lambda: read(f'{CPU} AND resource.labels.job_id = "{job_id}"', view="HEADERS"), bool)
    assert not series.points


def test_what_nothing_has_is_empty(read: Read, job_id: str) -> None:
    assert read(f'{CPU} AND resource.labels.job_id = "1"') == []
    assert read('metric.type = "ml.googleapis.com/training/network/sent_bytes_count"') == []


def test_what_is_refused(read: Read) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="The filter must specify a single metric type"):
        read('resource.type = "cloudml_job"')
    with pytest.raises(exceptions.MethodNotImplemented, match="does not aggregate time series"):
        read(CPU, aggregation={"alignment_period": {"seconds": 60}, "per_series_aligner": "ALIGN_MEAN"})
