"""Versions that are served by TensorFlow until they are converted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from support.held_up import HeldUp, convert, held_conversion
from support.kept_endpoints import NAME, KeptEndpoint, kept_endpoint, until

from mlmagic.serving.supervisor.launch import stop_supervisor
from mlmagic.serving.supervisor.record import living_workers, read_supervisor
from mlmagic.spec.endpoint import DeployedVersion, EndpointState, EndpointStatus, EngineChoice
from mlmagic.workspace.processes import is_alive


class Converting:
    """An endpoint whose versions' conversions wait, each until it is let go."""

    def __init__(self, endpoint: KeptEndpoint) -> None:
        self.endpoint = endpoint
        self._held = {number: ExitStack() for number in (1, 2)}
        for number, stack in self._held.items():
            stack.enter_context(held_conversion(endpoint.workspace, number))

    def convert(self, number: int, *, reason: str | None = None) -> None:
        convert(self.endpoint.workspace, number, reason=reason)
        self.release(number)

    def convert_held_up(self, number: int) -> HeldUp:
        """Let the conversion be there, and its loading take long."""
        held = HeldUp(convert(self.endpoint.workspace, number))
        self.release(number)
        held.until_read()
        return held

    def release(self, number: int) -> None:
        self._held[number].close()

    def engines(self) -> dict[int, tuple[str | None, bool]]:
        return {version.number: (version.engine, version.is_converting) for version in self.endpoint.status.versions}

    def until_converted(self) -> EndpointStatus:
        until(lambda: all(told == ("onnx", False) for told in self.engines().values()))
        return self.endpoint.until(EndpointState.READY)

    def close(self) -> None:
        for stack in self._held.values():
            stack.close()


@pytest.fixture
def converting(tmp_path: Path, saved_sums: Path) -> Iterator[Converting]:
    """An endpoint that serves the first of two versions, with TensorFlow."""
    with kept_endpoint(tmp_path, versions=2, saved=saved_sums, is_started=False) as endpoint:
        converting = Converting(endpoint)
        endpoint.begin()
        until(lambda: converting.engines() == {1: ("session", True)})
        yield converting
        converting.close()


def test_workers_that_have_what_was_converted_take_over_and_no_request_is_lost(converting: Converting) -> None:
    endpoint, is_over, answers = converting.endpoint, threading.Event(), []
    [before] = endpoint.until(EndpointState.READY).workers

    def ask() -> None:
        while not is_over.is_set():
            answers.append(endpoint.ask(1.0))

    kept = endpoint.connect()
    assert endpoint.ask(1.0, kept) == (2.0, "sums@1")
    client = threading.Thread(target=ask)
    client.start()
    converting.convert(1)
    status = converting.until_converted()
    assert endpoint.ask(1.0, kept) == (2.0, "sums@1")
    is_over.set()
    client.join()
    assert set(answers) == {(2.0, "sums@1")}
    assert status.generation == 1
    assert {worker.state for worker in status.workers if worker.pid == before.pid} <= {"draining"}
    kept.close()


def test_what_does_not_convert_stays_with_tensorflow(converting: Converting) -> None:
    [before] = converting.endpoint.until(EndpointState.READY).workers
    converting.convert(1, reason="it has an operation that ONNX has not")
    until(lambda: converting.engines() == {1: ("session", False)})
    [after] = converting.endpoint.status.workers
    assert after.pid == before.pid
    assert "sums@1 stays with TensorFlow: it has an operation" in converting.endpoint.folder.log.read_text()


def test_a_version_that_is_deployed_meanwhile_is_served_and_the_other_conversion_ended(converting: Converting) -> None:
    assert converting.endpoint.deploy(2).generation == 2
    assert converting.endpoint.ask() == (3.0, "sums@2")
    until(lambda: converting.engines() == {2: ("session", True)})
    converting.convert(2)
    converting.until_converted()
    assert converting.endpoint.ask() == (3.0, "sums@2")


def test_a_version_that_is_deployed_while_workers_are_replaced_is_served_first(converting: Converting) -> None:
    endpoint, held = converting.endpoint, converting.convert_held_up(1)
    both = (DeployedVersion(number=1, traffic=0), DeployedVersion(number=2, traffic=100))
    assert endpoint.change(deployed=both).generation == 2
    assert endpoint.ask() == (3.0, "sums@2")
    held.release()
    converting.convert(2)
    converting.until_converted()
    assert endpoint.ask() == (3.0, "sums@2")


def test_a_split_is_served_at_once_while_workers_are_replaced(converting: Converting) -> None:
    endpoint = converting.endpoint
    endpoint.deploy(1, 2)
    converting.convert(2)
    held = converting.convert_held_up(1)
    assert endpoint.deploy(2, 1).generation == 3
    assert endpoint.ask() == (3.0, "sums@2")
    held.release()
    assert converting.until_converted().generation == 3
    assert endpoint.ask() == (3.0, "sums@2")


def test_workers_that_die_while_they_are_replaced_are_replaced_all_the_same(converting: Converting) -> None:
    endpoint = converting.endpoint
    [before] = endpoint.until(EndpointState.READY).workers
    held = converting.convert_held_up(1)
    endpoint.kill(before.pid)
    assert endpoint.ask() == (2.0, "sums@1")
    held.release()
    converting.until_converted()
    assert endpoint.ask() == (2.0, "sums@1")


def test_a_worker_that_is_to_take_over_and_dies_is_tried_again(converting: Converting) -> None:
    endpoint = converting.endpoint
    [before] = endpoint.until(EndpointState.READY).workers
    held = converting.convert_held_up(1)
    [fresh] = [worker for worker in endpoint.status.workers if worker.pid != before.pid]
    endpoint.kill(fresh.pid)
    held.release()
    converting.until_converted()
    assert endpoint.ask() == (2.0, "sums@1")


def test_what_was_converted_and_cannot_be_loaded_leaves_everything_as_it_was(converting: Converting) -> None:
    [before] = converting.endpoint.until(EndpointState.READY).workers
    convert(converting.endpoint.workspace, 1).write_bytes(b"no model")
    converting.release(1)
    until(lambda: converting.engines() == {1: ("session", False)})
    status = converting.endpoint.until(EndpointState.READY, workers=1)
    assert (status.error, status.refused_generation) == (None, 0)
    assert before.pid in [worker.pid for worker in status.workers]


@pytest.mark.parametrize("is_replacing", [False, True])
def test_stopping_ends_conversion_and_replacement(converting: Converting, *, is_replacing: bool) -> None:
    endpoint = converting.endpoint
    if is_replacing:
        converting.convert_held_up(1)
    workers = living_workers(endpoint.folder)
    stop_supervisor(endpoint.workspace, NAME)
    assert endpoint.status.state is EndpointState.DOWN
    assert len(workers) == 1 + is_replacing
    assert not any(is_alive(worker) for worker in workers)


def test_deleting_ends_a_replacement(converting: Converting) -> None:
    endpoint = converting.endpoint
    converting.convert_held_up(1)
    record = read_supervisor(endpoint.folder)
    assert record is not None
    endpoint.store.delete(NAME)
    until(lambda: not any(is_alive(process) for process in (record, *record.workers)))


def test_a_killed_supervisors_successor_goes_on_converting(converting: Converting) -> None:
    endpoint = converting.endpoint
    first = endpoint.kill_supervisor()
    until(lambda: endpoint.supervisor != first)
    until(lambda: converting.engines() == {1: ("session", True)})
    converting.convert(1)
    converting.until_converted()
    assert endpoint.ask() == (2.0, "sums@1")


def test_the_engine_that_was_asked_for_is_waited_for(converting: Converting) -> None:
    endpoint = converting.endpoint
    last = endpoint.begin(deployed=(DeployedVersion(number=2, engine=EngineChoice.ONNX),))
    endpoint.until(EndpointState.UPDATING)
    assert endpoint.ask() == (2.0, "sums@1")
    converting.convert(2)
    assert endpoint.until_settled(last).generation == last
    assert endpoint.ask() == (3.0, "sums@2")


def test_the_engine_that_was_asked_for_is_refused_where_there_is_none(converting: Converting) -> None:
    converting.convert(2, reason="it has an operation that ONNX has not")
    status = converting.endpoint.change(deployed=(DeployedVersion(number=2, engine=EngineChoice.ONNX),))
    reason = "sums@2 cannot be served by ONNX Runtime: it has an operation that ONNX has not"
    assert (status.refused_generation, status.error) == (2, reason)
    assert converting.endpoint.ask() == (2.0, "sums@1")


def test_going_back_does_not_wait_for_a_conversion(converting: Converting) -> None:
    endpoint = converting.endpoint
    endpoint.begin(deployed=(DeployedVersion(number=2, engine=EngineChoice.ONNX),))
    endpoint.until(EndpointState.UPDATING)
    status = endpoint.deploy(1)
    assert (status.generation, status.refused_generation) == (3, 0)
    until(lambda: converting.engines() == {1: ("session", True)})


@pytest.mark.slow
def test_a_conversion_ends_with_its_supervisor_and_with_the_next_one_is_done(tmp_path: Path, saved_sums: Path) -> None:
    with kept_endpoint(tmp_path, saved=saved_sums) as endpoint:
        supervisor = psutil.Process(endpoint.until(EndpointState.READY) and endpoint.supervisor)
        [converter] = until(lambda: [c for c in supervisor.children() if "converter" in " ".join(c.cmdline())])
        endpoint.kill_supervisor()
        until(lambda: not converter.is_running() or converter.status() == psutil.STATUS_ZOMBIE)
        until(lambda: [version.engine for version in endpoint.status.versions] == ["onnx"])
        assert endpoint.ask() == (2.0, "sums@1")
