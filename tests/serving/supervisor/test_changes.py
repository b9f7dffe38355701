from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

from support.kept_endpoints import MODEL, KeptEndpoint, kept_endpoint, register, until

from mlmagic.serving.supervisor.launch import wake_supervisor
from mlmagic.spec.endpoint import DeployedVersion, EndpointState, EngineChoice, Limits
from mlmagic.workspace.database import Database
from mlmagic.workspace.models import ModelStore


def test_a_version_is_swapped_under_a_connection_that_stays(endpoint: KeptEndpoint) -> None:
    connection = endpoint.connect()
    assert endpoint.ask(1.0, connection) == (2.0, "sums@1")
    pids = [worker.pid for worker in endpoint.status.workers]
    status = endpoint.deploy(2)
    assert endpoint.ask(1.0, connection) == (3.0, "sums@2")
    assert [worker.pid for worker in status.workers] == pids
    connection.close()


def test_the_split_moves_at_once(endpoint: KeptEndpoint) -> None:
    endpoint.deploy(1, 2)
    half = tuple(DeployedVersion(number=number, traffic=50) for number in (1, 2))
    assert endpoint.change(deployed=half).generation == 3
    connection = endpoint.connect()
    told = Counter(endpoint.ask(0.0, connection) for _ in range(60))
    assert set(told) == {(1.0, "sums@1"), (2.0, "sums@2")}
    connection.close()


def test_a_version_that_cannot_be_loaded_is_refused_and_the_last_one_written_back(endpoint: KeptEndpoint) -> None:
    endpoint.until(EndpointState.READY)
    broken = register(endpoint.workspace, 3, is_broken=True)
    status = endpoint.deploy(broken.number)
    assert status.refused_generation == 2
    assert status.error is not None
    spec = until(lambda: (spec := endpoint.spec).generation == 3 and spec)
    assert [version.number for version in spec.deployed] == [1]
    assert endpoint.until_settled(3).error == status.error
    assert endpoint.ask() == (2.0, "sums@1")


def test_what_nobody_thought_of_is_refused_too(endpoint: KeptEndpoint) -> None:
    endpoint.until(EndpointState.READY)
    damaged = register(endpoint.workspace, 3)
    endpoint.workspace.version(MODEL, damaged.number).signature.write_text('{"inputs": 3}')
    status = endpoint.deploy(damaged.number)
    assert status.refused_generation == 2
    assert status.error is not None
    assert "Signature.inputs" in status.error
    assert endpoint.ask() == (2.0, "sums@1")


def test_what_never_worked_fails_and_says_so_to_clients(tmp_path: Path) -> None:
    with kept_endpoint(tmp_path, is_started=False) as endpoint:
        broken = register(endpoint.workspace, 2, is_broken=True)
        deployed = (DeployedVersion(number=broken.number),)
        endpoint.store.change("adder", lambda spec: dataclasses.replace(spec, deployed=deployed))
        wake_supervisor(endpoint.workspace, "adder")
        status = endpoint.until(EndpointState.FAILED)
        assert status.refused_generation == 2
        code, headers, body = endpoint.post(f"/v1/models/{MODEL}:predict", {"instances": [1]})
        assert (code, headers["retry-after"]) == (503, "5")
        assert "the endpoint 'adder' cannot serve now" in body["error"]
        endpoint.deploy(1)
        assert endpoint.ask() == (2.0, "sums@1")


def test_an_endpoint_follows_its_models_default(tmp_path: Path) -> None:
    with kept_endpoint(tmp_path, versions=2, follows="default") as endpoint:
        endpoint.until(EndpointState.READY)
        ModelStore(Database(endpoint.workspace)).set_default(MODEL, 2)
        endpoint.until_settled(2)
        assert endpoint.ask() == (3.0, "sums@2")
        assert endpoint.ask(path=f"/v1/models/{MODEL}/labels/default") == (3.0, "sums@2")


def test_a_default_that_cannot_be_loaded_is_not_tried_again_and_again(tmp_path: Path) -> None:
    with kept_endpoint(tmp_path, follows="default") as endpoint:
        endpoint.until(EndpointState.READY)
        register(endpoint.workspace, 2, is_broken=True)
        ModelStore(Database(endpoint.workspace)).set_default(MODEL, 2)
        wake_supervisor(endpoint.workspace, "adder")
        endpoint.until_settled(3)
        wake_supervisor(endpoint.workspace, "adder")
        assert endpoint.ask() == (2.0, "sums@1")
        assert endpoint.spec.generation == 3


def test_other_limits_need_other_workers(endpoint: KeptEndpoint) -> None:
    before = endpoint.until(EndpointState.READY).workers
    endpoint.change(limits=Limits(instances=1))
    code, _, _ = endpoint.post(f"/v1/models/{MODEL}:predict", {"instances": [1, 2]})
    assert code == 413
    after = until(lambda: (workers := endpoint.status.workers) and len(workers) == 1 and workers)
    assert after[0].pid != before[0].pid


def test_an_alias_is_a_path_as_soon_as_it_is_set(endpoint: KeptEndpoint) -> None:
    endpoint.deploy(1, 2)
    ModelStore(Database(endpoint.workspace)).set_alias(MODEL, "challenger", 2)
    path = f"/v1/models/{MODEL}/labels/challenger"
    until(lambda: endpoint.post(f"{path}:predict", {"instances": [1]})[0] == 200)
    assert endpoint.ask(path=path) == (3.0, "sums@2")


def test_an_engine_that_cannot_serve_a_version_is_refused(endpoint: KeptEndpoint) -> None:
    endpoint.until(EndpointState.READY)
    status = endpoint.change(deployed=(DeployedVersion(number=2, engine=EngineChoice.SESSION),))
    assert status.refused_generation == 2
    assert endpoint.ask() == (2.0, "sums@1")


def test_workers_that_end_before_they_serve_are_refused(endpoint: KeptEndpoint) -> None:
    endpoint.until(EndpointState.READY)
    status = endpoint.change(python="/bin/false")
    assert status.error == "the process that loads it ended with exit code 1; so it went 3 times"
    assert endpoint.ask() == (2.0, "sums@1")
