"""Deployments, with endpoints in processes of their own."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.deployed import deploying_session
from support.kept_endpoints import register

from mlmagic.api.deployment import deploy, plan_deployment
from mlmagic.api.endpoint import Endpoint
from mlmagic.api.endpoints import endpoint, endpoints, follow
from mlmagic.api.prediction import predict
from mlmagic.errors import BackendError, NotFoundError, UsageError, WaitTimeout
from mlmagic.session import Session
from mlmagic.spec.endpoint import EndpointState


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session for all tests here: an endpoint takes seconds to start."""
    with deploying_session(tmp_path_factory.mktemp("deployed")) as session:
        yield session


@pytest.fixture
def adder(session: Session) -> Endpoint:
    """An endpoint that follows the default, which is version 1."""
    session.models.set_default("sums", 1)
    found = deploy("sums@1", endpoint="adder", session=session)
    first = dataclasses.replace(found.spec.deployed[0], number=1, traffic=100)
    session.endpoints.change("adder", lambda spec: dataclasses.replace(spec, deployed=(first,), follows="default"))
    return found.wait()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Session]:
    """A session without endpoints."""
    with deploying_session(tmp_path) as session:
        yield session


def ask(session: Session, *values: float, reference: str = "sums") -> tuple[list[float], str]:
    frame = predict(reference, [{"x": value} for value in values], join=False, session=session)
    return frame.iloc[:, 0].tolist(), frame.attrs["model_version"]


def test_a_model_is_deployed_and_asked(session: Session, adder: Endpoint) -> None:
    assert (adder.state, adder.traffic, adder.spec.follows) == (EndpointState.READY, {1: 100}, "default")
    assert ask(session, 1.0, 2.0) == ([2.0, 3.0], "sums@1")
    assert adder.url == f"http://127.0.0.1:{adder.spec.port}"
    assert [found.name for found in endpoints(session=session)] == ["adder"]


def test_an_a_b_test_and_the_way_back(session: Session, adder: Endpoint) -> None:
    deploy("sums@2", endpoint="adder", traffic=50, session=session)
    assert adder.traffic == {1: 50, 2: 50}
    answered = Counter(ask(session, 1.0)[1] for _ in range(40))
    assert set(answered) == {"sums@1", "sums@2"}
    adder.set_traffic({"sums@1": 100})
    assert {ask(session, 1.0)[1] for _ in range(10)} == {"sums@1"}
    assert ask(session, 1.0, reference="sums@2") == ([3.0], "sums@2")
    assert adder.undeploy(2).traffic == {1: 100}


def test_a_version_that_takes_over_leaves_a_way_back(session: Session, adder: Endpoint) -> None:
    deploy("sums@2", endpoint="adder", session=session)
    assert adder.traffic == {1: 0, 2: 100}
    assert ask(session, 1.0) == ([3.0], "sums@2")


def test_no_request_is_lost_while_the_split_moves(session: Session, adder: Endpoint) -> None:
    deploy("sums@2", endpoint="adder", traffic=0, session=session)
    stopped, wrong = threading.Event(), []

    def client() -> None:
        while not stopped.is_set():
            found, version = ask(session, 1.0)
            if found != [1.0 + int(version[-1])]:
                wrong.append((found, version))

    threads = [threading.Thread(target=client) for _ in range(2)]
    for thread in threads:
        thread.start()
    for share in (50, 100, 10, 0):
        adder.set_traffic({1: 100 - share, 2: share})
    stopped.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(version.errors for version in adder.record.status.versions) == 0


def test_the_default_moves_what_follows_it(session: Session, adder: Endpoint) -> None:
    deploy("sums@1", endpoint="pinned", session=session)
    session.models.set_default("sums", 2)
    assert follow(session, "sums") == ("adder serves sums@2 now.",)
    assert (adder.traffic, endpoint("pinned", session=session).traffic) == ({2: 100}, {1: 100})
    assert follow(session, "other") == ()
    endpoint("pinned", session=session).delete()


def test_what_is_down_follows_once_it_is_started(session: Session, adder: Endpoint) -> None:
    adder.stop()
    session.models.set_default("sums", 2)
    assert follow(session, "sums") == ("adder is DOWN; once started it serves sums@2.",)
    assert adder.start().traffic == {2: 100}
    assert ask(session, 1.0) == ([3.0], "sums@2")


def test_a_default_that_cannot_be_loaded_leaves_the_endpoint_as_it_was(session: Session, adder: Endpoint) -> None:
    broken = register(session.workspace, 0, is_broken=True)
    session.models.set_default("sums", broken.number)
    (told,) = follow(session, "sums")
    assert told.startswith("the endpoint 'adder' serves on as before: ")
    assert told.endswith("Its log: %endpoints logs adder")
    assert adder.traffic == {1: 100}


def test_a_version_that_cannot_be_loaded_is_refused(session: Session, adder: Endpoint) -> None:
    broken = register(session.workspace, 0, is_broken=True)
    with pytest.raises(BackendError, match="the endpoint 'adder' serves on as before: ") as caught:
        deploy(str(broken), endpoint="adder", session=session)
    assert caught.value.hint == "Its log: %endpoints logs adder"
    assert ask(session, 1.0) == ([2.0], "sums@1")


def test_a_new_endpoint_that_cannot_serve_says_so_and_can_be_mended(fresh: Session) -> None:
    broken = register(fresh.workspace, 0, is_broken=True)
    for _ in range(2):
        # The second time it is started anew.
        with pytest.raises(BackendError, match="the endpoint 'adder' has failed: "):
            deploy(str(broken), endpoint="adder", session=fresh)
    mended = deploy("sums@1", endpoint="adder", session=fresh)
    assert mended.state is EndpointState.READY
    assert ask(fresh, 1.0) == ([2.0], "sums@1")


def test_a_stopped_endpoint_is_started_by_a_deployment(session: Session, adder: Endpoint) -> None:
    port = adder.stop().spec.port
    assert adder.state is EndpointState.DOWN
    again = deploy("sums", endpoint="adder", session=session)
    assert (again.state, again.spec.port) == (EndpointState.READY, port)


def test_a_dry_run_does_nothing(fresh: Session) -> None:
    plan = plan_deployment("sums@2", endpoint="adder", session=fresh)
    assert (plan.before, plan.after.deployed[0].number) == (None, 2)
    assert str(plan).startswith("Dry run: nothing was deployed.")
    assert len(endpoints(session=fresh)) == 0


def test_a_log_is_without_what_tensorflow_says_at_each_start(session: Session, adder: Endpoint) -> None:
    log = session.workspace.endpoint("adder").log
    with log.open("a") as file:
        file.write("WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n")
        file.write("I0000 00:00:1795385370.223183   22745 port.cc:153] oneDNN custom operations are on. You may see\n")
        file.write("a line of ours\n")
    assert "absl" not in adder.logs()
    assert adder.logs(tail=1) == "a line of ours\n"
    assert "oneDNN" not in adder.logs(tail=3)


def test_one_that_cannot_be_read_is_told_of_below_the_others(fresh: Session) -> None:
    deploy("sums@1", endpoint="adder", wait=False, session=fresh)
    file = fresh.workspace.endpoint("broken").spec
    file.parent.mkdir()
    file.write_text("{")
    found = endpoints(session=fresh)
    assert [one.name for one in found] == ["adder"]
    assert f"'broken' cannot be read from {file}" in "".join(found.problems)
    assert "Mend the file, or remove the folder" in " ".join(str(found).split())


def test_two_that_make_the_same_endpoint_both_succeed(fresh: Session) -> None:
    first, second = (plan_deployment(f"sums@{n}", endpoint="adder", session=fresh) for n in (1, 2))
    first.carry_out()
    assert second.carry_out().traffic == {1: 0, 2: 100}


def test_an_endpoint_that_was_deleted_meanwhile_is_made_again(session: Session, adder: Endpoint) -> None:
    plan = plan_deployment("sums@2", endpoint="adder", traffic=100, session=session)
    adder.delete()
    assert plan.carry_out().traffic == {2: 100}


def test_what_does_not_exist_is_told_before_anything_happens(fresh: Session) -> None:
    with pytest.raises(NotFoundError, match="model 'sums' has no version 9"):
        deploy("sums@9", session=fresh)
    with pytest.raises(NotFoundError, match=r"there is no model 'summs'\. Did you mean sums\?"):
        deploy("summs", session=fresh)
    assert len(endpoints(session=fresh)) == 0


def test_shares_that_make_no_sense(session: Session, adder: Endpoint) -> None:
    with pytest.raises(UsageError, match="the shares are 90 together, not 100"):
        adder.set_traffic({1: 90})
    with pytest.raises(UsageError, match=r"sums@1 is given two shares\."):
        adder.set_traffic({1: 50, "sums@1": 50})
    with pytest.raises(UsageError, match=r"'bus@1' is a version of another model: 'adder' serves sums\."):
        adder.set_traffic({"bus@1": 100})
    with pytest.raises(UsageError, match=r"the share of sums@1 must be a whole number, not float 99\.5"):
        adder.set_traffic({1: 99.5})


def test_tokens(session: Session, adder: Endpoint) -> None:
    file = adder.describe().token_file
    assert file is not None
    assert adder.token == Path(file).read_text()
    assert adder.token not in str(adder._repr_mimebundle_())
    is_open = deploy("sums", endpoint="open", auth=False, session=session)
    with pytest.raises(UsageError, match=r"the endpoint 'open' asks for no token\."):
        _ = is_open.token
    is_open.delete()


def test_it_is_waited_for_as_long_as_is_said(session: Session, adder: Endpoint) -> None:
    with pytest.raises(WaitTimeout, match=r"the endpoint 'adder' is still READY after 0 s; it goes on\."):
        adder.wait(adder.spec.generation + 1, timeout=0)


def test_logs_and_lists(session: Session, adder: Endpoint) -> None:
    assert adder.logs() == adder.logs(tail=3) == ""
    found = endpoints(session=session)
    assert (repr(found), repr(found[:0])) == ("<EndpointList of 1>", "<EndpointList of 0>")
    assert str(found).startswith("ENDPOINT")
    with pytest.raises(NotFoundError, match="there is no endpoint 'other'"):
        endpoint("other", session=session)
