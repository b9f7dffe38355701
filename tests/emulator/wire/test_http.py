"""The HTTP port, as it is asked, and as Google's clients ask it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlmagic.emulator.launch import Emulator

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def models(emulator: Emulator) -> str:
    return f"/v1/projects/{emulator.project}/locations/{emulator.region}/models"


@pytest.mark.parametrize("path", ["/v1/x", "/storage/v1/b", "/upload/storage/v1/b/b/o", "/emulator/requests", "/"])
def test_nothing_is_open_to_who_has_no_token(ask: Ask, path: str) -> None:
    status, answer = ask("GET", path, authorization="Bearer wrong")

    assert status == 401
    assert answer["error"]["code"] == 401
    assert "invalid authentication credentials" in answer["error"]["message"]


def test_foreign_hosts_and_origins_are_refused(ask: Ask, models: str) -> None:
    assert ask("GET", models, host="evil.example")[0] == 403
    assert ask("GET", models, origin="http://evil.example")[0] == 403
    assert ask("GET", models)[0] == 200


def test_the_token_in_the_address_is_for_storage_alone(emulator: Emulator, ask: Ask, models: str) -> None:
    assert ask("GET", f"/{emulator.token}{models}", authorization="")[0] == 401
    assert ask("GET", f"/{emulator.token}/storage/v1/b", authorization="")[0] == 200


def test_an_unknown_address_and_another_project_are_told(ask: Ask, models: str) -> None:
    status, answer = ask("GET", "/v1/nothing")
    assert (status, answer["error"]["status"]) == (404, "NOT_FOUND")

    status, answer = ask("GET", "/v1/projects/other/locations/us-central1/models")
    assert (status, answer["error"]["message"]) == (403, "Permission denied on resource project other.")


def test_what_is_not_emulated_says_so(ask: Ask, models: str) -> None:
    status, answer = ask("POST", f"{models.removesuffix('models')}nasJobs", {"displayName": "a"})

    assert (status, answer["error"]["status"]) == (501, "UNIMPLEMENTED")
    assert answer["error"]["message"] == "mlmagic's emulator does not implement CreateNasJob."


def test_the_log_has_requests_as_they_came(ask: Ask, models: str) -> None:
    ask("GET", f"{models}?pageSize=7")

    found = ask("GET", "/emulator/requests?rpc=ListModels")[1]["requests"]
    assert found[-1]["request"] == {"parent": models.removeprefix("/v1/").removesuffix("/models"), "page_size": 7}
    assert ask("GET", f"/emulator/requests?after={found[-1]['number']}")[1] == {"requests": []}


@pytest.mark.usefixtures("no_faults")
def test_faults_answer_as_often_as_they_are_told_to(ask: Ask, models: str) -> None:
    ask("POST", "/emulator/faults", {"rpc": "ListModels", "status": 429, "message": "Quota exceeded.", "times": 2})

    answers = [ask("GET", models) for _ in range(3)]
    assert [status for status, _ in answers] == [429, 429, 200]
    assert answers[0][1]["error"] == {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"}


@pytest.mark.usefixtures("no_faults")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_is_dropped_before_or_after_the_work(ask: Ask, emulator: Emulator, when: str) -> None:
    operation = f"/v1/projects/{emulator.project}/locations/{emulator.region}/operations/1"
    ask("POST", "/emulator/faults", {"rpc": "DeleteOperation", "drop": when, "times": 1})
    _, log = ask("GET", "/emulator/requests")

    with pytest.raises(ConnectionError):
        ask("DELETE", operation)

    after = log["requests"][-1]["number"] if log["requests"] else 0
    done = ask("GET", f"/emulator/requests?rpc=DeleteOperation&after={after}")[1]["requests"]
    assert len(done) == (0 if when == "before" else 1)


def test_a_fault_that_is_none_is_refused(ask: Ask) -> None:
    status, answer = ask("POST", "/emulator/faults", {"rpc": "x", "code": 5})

    assert status == 400
    assert answer["error"]["message"].startswith("a fault has no code; it may have after, delay_seconds, deny, drop,")


def test_gapics_client_finds_its_way_over_rest(emulator: Emulator) -> None:
    from google.api_core import exceptions
    from google.cloud.aiplatform_v1 import ModelServiceClient

    client = ModelServiceClient(transport="rest", client_options={"api_endpoint": emulator.url})
    parent = f"projects/{emulator.project}/locations/{emulator.region}"

    assert list(client.list_models(parent=parent)) == []
    with pytest.raises(exceptions.NotFound, match="models/5"):
        client.get_model(name=f"{parent}/models/5")
    with pytest.raises(exceptions.Forbidden, match="resource project other"):
        client.get_model(name="projects/other/locations/r/models/5")


def test_the_key_file_gets_the_token(emulator: Emulator) -> None:
    import google.auth
    from google.auth.transport.requests import Request

    credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    credentials.refresh(Request())

    assert (credentials.token, project) == (emulator.token, emulator.project)


def test_grpc_serves_the_same_and_needs_the_token(emulator: Emulator) -> None:
    import grpc
    from google.cloud.aiplatform_v1.services.model_service import ModelServiceClient, transports

    with grpc.insecure_channel(emulator.grpc_address) as channel:
        client = ModelServiceClient(transport=transports.ModelServiceGrpcTransport(channel=channel))
        parent = f"projects/{emulator.project}/locations/{emulator.region}"
        token = [("authorization", f"Bearer {emulator.token}")]

        assert list(client.list_models(parent=parent, metadata=token)) == []
        with pytest.raises(Exception, match="invalid authentication credentials"):
            client.list_models(parent=parent)
        with pytest.raises(Exception, match="404"):
            client.get_model(name=f"{parent}/models/5", metadata=token)
