"""Failures and quotas that are switched on, by command line and by request."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from support.emulated_jobs import program, wait_for
from support.vertex import Vertex
from support.vertex_clients import FINAL, word

from mlmagic.emulator.arguments import read_arguments
from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.faults import PREEMPTION, Faults
from mlmagic.emulator.launch import Emulator, ensure_emulator, find_emulator, tell_faults
from mlmagic.errors import BackendError

ENDLESS = "import time; time.sleep(3600)"
ON_WORDS = [
    "--quota=custom_model_training_cpus=8",
    "--outage=60",
    "--slow-starts=20",
    "--preempt-after=30",
    "--fault=rpc=CreateCustomJob,status=429,times=2",
    '--fault={"rpc": "DeployModel", "slow_seconds": 5}',
]
ON = [
    {"quota": "custom_model_training_cpus", "limit": 8},
    {"rpc": "*", "status": 503, "message": "The service is currently unavailable.", "seconds": 60.0},
    {"rpc": "machines.start", "delay_seconds": 20.0},
    {"rpc": "machines.preempt", "delay_seconds": 30.0},
    {"rpc": "CreateCustomJob", "status": 429, "times": 2},
    {"rpc": "DeployModel", "slow_seconds": 5},
]


@pytest.fixture(scope="module")
def vertex(emulator: Emulator) -> Vertex:
    return Vertex(emulator)


def job(text: str = ENDLESS, machine: str = "n1-standard-4", **scheduling: str) -> dict[str, Any]:
    pool = {**program(text), "machine_spec": {"machine_type": machine}}
    return {"display_name": "taxi", "job_spec": {"worker_pool_specs": [pool], "scheduling": scheduling}}


def test_one_may_be_late_rare_or_over() -> None:
    faults = Faults()
    faults.add({"rpc": "Get*", "status": 503, "share": 0})
    faults.add({"rpc": "Get*", "status": 503, "seconds": 0})
    assert faults.take("GetModel") is None
    faults.add({"rpc": PREEMPTION, "delay_seconds": 30})
    assert (faults.take(PREEMPTION, age=29) is None, faults.take(PREEMPTION, age=30) is None) == (True, False)


def test_a_failure_of_everything_takes_no_machine_away() -> None:
    faults = Faults()
    faults.add({"rpc": "*", "status": 503})
    assert faults.take(PREEMPTION) is None
    assert faults.take("CreateCustomJob") is not None


def test_all_wrong_values_are_told() -> None:
    with pytest.raises(ApiError) as caught:
        Faults().add({"rpc": "*", "status": 200, "share": 2, "times": -1, "drop": "now", "seconds": "5"})
    assert caught.value.message == (
        "of a fault, seconds '5' is not a number of seconds; times -1 is not a whole number from 0 on; share 2 is not "
        "between 0 and 1; status 200 is not an HTTP status from 400 to 599; drop 'now' is neither before nor after."
    )
    with pytest.raises(ApiError, match=r"drop \[\] is neither before nor after; deny 'iam.get' is not a list of perm"):
        Faults().add({"rpc": "*", "drop": [], "deny": "iam.get"})
    with pytest.raises(ApiError, match="there is no quota 'cpus'; there are requests_per_minute, custom_model_train"):
        Faults().add({"quota": "cpus", "limit": 8})


def test_words_of_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(read_arguments(["--root", str(tmp_path), *ON_WORDS]).faults) == ON
    with pytest.raises(SystemExit):
        read_arguments(["--root", str(tmp_path), "--quota=custom_model_training_cpus=many"])
    assert "needs \"limit\", a whole number from 0 on, not 'many'." in capsys.readouterr().err


def test_an_emulator_that_runs_is_told_by_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mlmagic.emulator", "--root", str(tmp_path)]
    none = subprocess.run([*command, "--clear-faults"], check=False, capture_output=True, text=True)
    assert (none.returncode, none.stderr) == (1, f"no emulator runs in {tmp_path}\n")
    running = ensure_emulator(tmp_path)
    try:
        subprocess.run([*command, "--fault=rpc=ListModels,status=429"], check=True)
        with pytest.raises(exceptions.TooManyRequests):
            models(running)
        subprocess.run([*command, "--clear-faults"], check=True)
        assert models(running) == []
    finally:
        subprocess.run([*command, "--stop"], check=True)


def models(emulator: Emulator) -> list[Any]:
    """What the emulator lists, whoever else there is."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import aiplatform_v1

    client = aiplatform_v1.ModelServiceClient(
        transport="rest", client_options={"api_endpoint": emulator.url}, credentials=AnonymousCredentials()
    )
    header = [("authorization", f"Bearer {emulator.token}")]
    return list(client.list_models(parent=Vertex(emulator).parent, metadata=header))


def test_what_is_on_is_told(emulator: Emulator, ask: Any, no_faults: None) -> None:
    tell_faults(emulator, {"quota": "requests_per_minute", "limit": 60})
    tell_faults(emulator, {"rpc": "GetModel", "status": 503})
    told = ask("GET", "/emulator/faults")[1]
    assert told["quotas"] == {"requests_per_minute": 60}
    assert [(fault["rpc"], fault["status"]) for fault in told["faults"]] == [("GetModel", 503)]
    with pytest.raises(BackendError, match="a fault has no code"):
        tell_faults(emulator, {"rpc": "x", "code": 5})


def test_an_outage_is_one_of_all_apis(emulator: Emulator, ask: Any, no_faults: None) -> None:
    tell_faults(emulator, ON[1])
    paths = (f"/v1/{Vertex(emulator).parent}/models", f"/storage/v1/b/{emulator.bucket}/o", "/v2/projects/p/logs")
    answers = [ask("GET", path) for path in paths]
    assert [status for status, _ in answers] == [503, 503, 503]
    assert answers[0][1]["error"]["message"] == "The service is currently unavailable."


def test_there_are_so_many_requests_a_minute(emulator: Emulator, ask: Any, no_faults: None) -> None:
    tell_faults(emulator, {"quota": "requests_per_minute", "limit": 2})
    answers = [ask("GET", f"/v1/{Vertex(emulator).parent}/models") for _ in range(3)]
    assert [status for status, _ in answers] == [200, 200, 429]
    assert answers[2][1]["error"]["status"] == "RESOURCE_EXHAUSTED"


def test_jobs_share_a_quota_of_processors(vertex: Vertex, no_faults: None) -> None:
    tell_faults(vertex.emulator, {"quota": "custom_model_training_cpus", "limit": 8})
    client = vertex.client("JobService")
    first = client.create_custom_job(parent=vertex.parent, custom_job=job()).name
    with pytest.raises(exceptions.TooManyRequests) as caught:
        client.create_custom_job(parent=vertex.parent, custom_job=job(machine="n1-standard-8"))
    assert "The following quota metrics exceed quota limits: aiplatform.googleapis.com/custom_model_training_cpus" in (
        caught.value.message
    )
    client.cancel_custom_job(name=first)
    wait_for(lambda: client.get_custom_job(name=first), lambda found: word(found) in FINAL)
    again = client.create_custom_job(parent=vertex.parent, custom_job=job("pass", machine="n1-standard-8")).name
    wait_for(lambda: client.get_custom_job(name=again), lambda found: word(found) in FINAL)


def test_spot_machines_and_accelerators_have_quotas_of_their_own(vertex: Vertex, no_faults: None) -> None:
    for name in ("custom_model_training_preemptible_cpus", "custom_model_training_nvidia_t4_gpus"):
        tell_faults(vertex.emulator, {"quota": name, "limit": 0})
    client = vertex.client("JobService")
    with pytest.raises(exceptions.TooManyRequests, match="custom_model_training_preemptible_cpus"):
        client.create_custom_job(parent=vertex.parent, custom_job=job(strategy="SPOT"))
    with_gpu = job()
    with_gpu["job_spec"]["worker_pool_specs"][0]["machine_spec"] |= {
        "accelerator_type": "NVIDIA_TESLA_T4",
        "accelerator_count": 1,
    }
    with pytest.raises(exceptions.TooManyRequests, match="custom_model_training_nvidia_t4_gpus"):
        client.create_custom_job(parent=vertex.parent, custom_job=with_gpu)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 429}, exceptions.ResourceExhausted),
        ({"status": 503}, exceptions.ServiceUnavailable),
        ({"status": 403}, exceptions.PermissionDenied),
        ({"drop": "before"}, exceptions.ServiceUnavailable),
        ({"drop": "after"}, exceptions.ServiceUnavailable),
        ({"delay_seconds": 30}, exceptions.DeadlineExceeded),
    ],
)
def test_faults_over_grpc(emulator: Emulator, no_faults: None, fault: dict[str, Any], error: type[Exception]) -> None:
    import grpc
    from google.cloud.aiplatform_v1.services.model_service import ModelServiceClient, transports

    tell_faults(emulator, {"rpc": "ListModels", "times": 1, **fault})
    with grpc.insecure_channel(emulator.grpc_address) as channel:
        client = ModelServiceClient(transport=transports.ModelServiceGrpcTransport(channel=channel))
        how = {"metadata": [("authorization", f"Bearer {emulator.token}")], "retry": None}
        with pytest.raises(error):
            client.list_models(parent=Vertex(emulator).parent, timeout=3, **how)
        assert list(client.list_models(parent=Vertex(emulator).parent, timeout=60, **how)) == []


def test_a_started_one_has_what_it_was_started_with(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mlmagic.emulator", "--root", str(tmp_path), "--until-eof", ON_WORDS[0]]
    child = subprocess.Popen(command, stdin=subprocess.PIPE)
    running = wait_for(lambda: what_is_on(tmp_path), lambda found: found is not None)
    assert json.loads(running)["quotas"] == {"custom_model_training_cpus": 8}
    child.communicate(timeout=60)


def what_is_on(root: Path) -> str | None:
    """What is switched on at the emulator of a folder, as soon as it answers."""
    if (found := find_emulator(root)) is None:
        return None
    request = urllib.request.Request(  # noqa: S310 - our own
        f"{found.url}/emulator/faults", headers={"authorization": f"Bearer {found.token}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own
        return str(answer.read().decode())
