"""Endpoints of Vertex AI: the same words, one of each whoever is killed, and what becomes of refusals."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from support.cloud_endpoints import Cloud, cloud_session
from support.tutorials import end_emulator
from support.vertex import until

from mlmagic.api.deployment import deploy, plan_deployment
from mlmagic.api.endpoints import endpoint, endpoints
from mlmagic.api.idle_endpoints import idle_notice
from mlmagic.api.prediction import predict
from mlmagic.backends.google import endpoints_sync
from mlmagic.backends.google.endpoints import GoogleEndpoints
from mlmagic.backends.google.endpoints_sync import EndpointSync, Progress
from mlmagic.errors import BackendError, UsageError
from mlmagic.session import Session
from mlmagic.spec.endpoint import EndpointState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with cloud_session(tmp_path_factory.mktemp("cloud")) as session:
        yield session


@pytest.fixture
def cloud(session: Session) -> Iterator[Cloud]:
    cloud = Cloud(session)
    yield cloud
    cloud.clear()


@pytest.fixture(scope="module")
def adder(session: Session) -> str:
    """An endpoint that serves version 1."""
    deploy("sums@1", endpoint="adder", session=session)
    return "adder"


class KilledError(BaseException):
    """The process is killed."""


def test_a_deployed_model_answers_as_on_this_machine(session: Session, adder: str) -> None:
    rows = pd.DataFrame({"x": [1.0, 2.5], "name": ["one", "two"]})
    shown = predict("sums", rows, session=session)
    assert shown.to_dict("list") == {"x": [1.0, 2.5], "name": ["one", "two"], "y": [2.0, 3.5]}
    assert shown.attrs["model_version"] == "sums@1"
    assert predict("sums@2", [{"x": 1.0}], session=session)["y"].tolist() == [3.0]
    assert endpoint(adder, session=session).state is EndpointState.READY


def test_a_request_is_noted_and_without_one_for_long_it_is_told(session: Session, adder: str) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)  # a file's time is not as fine as the clock
    predict("sums", [{"x": 1.0}], session=session)
    record = endpoint(adder, session=session).record
    assert record.status.last_request is not None
    assert before <= record.status.last_request <= datetime.now(UTC)
    assert idle_notice(record, datetime.now(UTC)) is None
    told = "and its machines run on; to end them: %endpoints stop adder"
    assert idle_notice(record, datetime.now(UTC) + timedelta(hours=2)) == f"no request from here for 2 h, {told}"


def test_requests_are_split_and_given_back(session: Session, adder: str, cloud: Cloud) -> None:
    deploy("sums@2", endpoint=adder, traffic=20, session=session)
    assert cloud.endpoints(adder)[0]["trafficSplit"] == {"1": 80, "2": 20}
    endpoint(adder, session=session).set_traffic({2: 100})
    assert predict("sums@2", [{"x": 1.0}], session=session).attrs["model_version"] == "sums@2"
    endpoint(adder, session=session).set_traffic({1: 100}).undeploy(2)
    assert [one["id"] for one in cloud.endpoints(adder)[0]["deployedModels"]] == ["1"]


def test_a_list_has_the_endpoints_of_all_backends(session: Session, adder: str) -> None:
    text = str(endpoints(session=session))
    assert "adder     ✓ READY  sums@1  on the emulator" in text
    page = str(endpoint(adder, session=session))
    assert "Serves sums@1 on the emulator." in page
    assert ":predict" in page


def test_a_model_of_ours_is_one_model_there(session: Session, adder: str, cloud: Cloud) -> None:
    (model,) = cloud.models()
    assert model["displayName"] == "sums"
    assert model["labels"].keys() == {"mlmagic-model", "mlmagic-workspace"}
    session.models.set_alias("sums", "champion", 1)
    session.cloud_endpoints("emulator").follow_aliases("sums")
    assert set(cloud.models()[0]["versionAliases"]) == {"default", "champion", "mlmagic-v1"}


def test_what_is_refused_leaves_what_was_before(session: Session, adder: str, cloud: Cloud) -> None:
    cloud.fault("DeployModel", status=429)
    with pytest.raises(BackendError) as raised:
        deploy("sums@2", endpoint=adder, session=session)
    assert "the endpoint 'adder' serves on as before: cannot deploy the model: a quota of project" in str(raised.value)
    found = endpoint(adder, session=session)
    until(lambda: found.traffic == {1: 100})
    assert found.wait().state is EndpointState.READY


def test_what_was_refused_is_tried_again_when_it_is_asked_for_again(session: Session, cloud: Cloud) -> None:
    cloud.fault("DeployModel", status=429)
    with pytest.raises(BackendError, match="the endpoint 'late' has failed: cannot deploy the model: a quota"):
        deploy("sums@1", endpoint="late", session=session)
    cloud.clear()
    found = deploy("sums@1", endpoint="late", session=session)
    assert found.state is EndpointState.READY
    found.stop()
    assert deploy("sums@1", endpoint="late", session=session).state is EndpointState.READY


def test_a_container_that_cannot_run_is_told_of(session: Session) -> None:
    with pytest.raises(BackendError) as raised:
        deploy("sums@1", endpoint="own", image="us-docker.pkg.dev/p/r/server:1", session=session)
    assert "cannot run the container us-docker.pkg.dev/p/r/server:1" in str(raised.value)
    assert endpoint("own", session=session).state is EndpointState.FAILED
    endpoint("own", session=session).delete()


def test_an_endpoint_that_others_deleted_is_told_of_and_made_anew(session: Session, cloud: Cloud) -> None:
    deploy("sums@1", endpoint="lost", session=session)
    (there,) = cloud.endpoints("lost")
    cloud.ask("POST", f"/v1/{there['name']}:undeployModel", {"deployedModelId": "1"})
    cloud.ask("DELETE", f"/v1/{there['name']}")
    found = endpoint("lost", session=session)
    until(lambda: found.state is EndpointState.FAILED)
    assert found.record.status.error == "it was deleted in Google Cloud by somebody else"
    assert found.start().state is EndpointState.READY
    found.stop()
    assert (found.state, cloud.endpoints("lost")[0].get("deployedModels", [])) == (EndpointState.DOWN, [])


def test_killed_after_it_was_made_it_is_found_again(
    session: Session, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = written_down(session, "twice")
    with monkeypatch.context() as patch:
        kill_at(patch, lambda notes: notes.operation is not None)
        with pytest.raises(KilledError):
            sync.advance("twice")
    assert sync.advance("twice") is Progress.MOVED
    assert len(cloud.endpoints("twice")) == 1


def test_killed_while_it_deploys_it_goes_on_with_that(
    session: Session, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = written_down(session, "half")
    with monkeypatch.context() as patch:
        kill_at(patch, lambda notes: (notes.doing or "").startswith("deploys"))
        with pytest.raises(KilledError):
            until(lambda: sync.advance("half") is Progress.RESTS)
    found = endpoint("half", session=session).wait()
    assert (found.state, len(cloud.endpoints("half"))) == (EndpointState.READY, 1)
    assert found.logs().count("deploys sums@1") == 2


def test_two_that_change_it_at_once_deploy_it_once(session: Session, cloud: Cloud) -> None:
    sync = written_down(session, "both")
    with ThreadPoolExecutor(4) as several:
        for done in [several.submit(until, lambda: sync.advance("both") is Progress.RESTS) for _ in range(4)]:
            done.result()
    (there,) = cloud.endpoints("both")
    assert [one["id"] for one in there["deployedModels"]] == ["1"]


def test_a_restarted_emulator_is_found_again(session: Session, adder: str) -> None:
    end_emulator(session.workspace.root)
    record = endpoint(adder, session=session).record
    assert record.status.state is EndpointState.READY
    until(lambda: "Not up to date" in (endpoint(adder, session=session).record.status.note or ""))
    session.use("emulator")
    assert predict("sums", [{"x": 1.0}], session=session)["y"].tolist() == [2.0]


def test_flags_of_the_other_side_are_refused(session: Session) -> None:
    with pytest.raises(UsageError, match="--port, --max-queue are for endpoints on this machine") as raised:
        plan_deployment("sums@1", endpoint="new", port=8080, max_queue=5, session=session)
    assert "Leave that out, or serve it here: --backend local" in str(raised.value)
    with pytest.raises(UsageError, match="--machine is for endpoints on Vertex AI"):
        plan_deployment("sums@1", endpoint="new", backend="local", machine="n1-standard-4", session=session)


def test_no_replicas_are_one_and_that_is_said(session: Session) -> None:
    plan = plan_deployment("sums@1", endpoint="new", min_replicas=0, session=session)
    assert plan.after.scaling.min_replicas == 1
    (note,) = plan.notes
    assert note.startswith("min-replicas 0 is 1 there: Vertex AI keeps a replica running, also while nobody asks:")


def written_down(session: Session, name: str) -> EndpointSync:
    """Write an endpoint down, for which no thread does anything yet, and return what does."""
    session._forget("emulator")
    calm = GoogleEndpoints(session.workspace, name="emulator")
    calm.close()
    calm.create(plan_deployment("sums@1", endpoint=name, session=session).after)
    return EndpointSync(session.workspace, calm._connect)


def kill_at(patch: pytest.MonkeyPatch, is_it: Any) -> None:
    """Kill the process that would write such notes, before it does."""
    write = endpoints_sync.write_notes

    def killing(folder: Any, notes: Any) -> Any:
        if is_it(notes):
            raise KilledError
        return write(folder, notes)

    patch.setattr(endpoints_sync, "write_notes", killing)


def test_a_default_that_a_job_moved_is_followed_by_who_looks(session: Session, cloud: Cloud) -> None:
    found = deploy("sums", endpoint="follower", session=session)
    session.models.set_default("sums", 2)  # as a job does, which tells no endpoint
    until(lambda: found.record.spec.deployed[0].number == 2 and found.state is EndpointState.READY)
    assert [one["id"] for one in cloud.endpoints("follower")[0]["deployedModels"]] == ["2"]
    cloud.fault("DeployModel", status=429)
    session.models.set_default("sums", 1)
    until(lambda: found.record.status.error is not None and found.state is EndpointState.READY)
    cloud.clear()
    assert not session.cloud_endpoints("emulator")._sync.look("follower")  # once is enough
    assert found.traffic == {2: 100}
