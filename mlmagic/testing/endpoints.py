"""The exam of what serves models, taken by subclassing with one fixture: a place that serves nothing yet.

    class TestMyEndpoints(EndpointConformance):
        @pytest.fixture(scope="class")
        @classmethod
        def endpoints(cls, tmp_path_factory):
            yield MyEndpoints(...)

In its registry the model `sums` has two versions, each with one input, the float32 `x`, a number for each instance, and
an output `y`: version 1 returns x + 1, version 2 x + 2. `EndpointConformance` has `PredictionConformance` in it, which
is about answers alone and can be taken again with models of another kind. One endpoint serves most of the tests, since
it takes seconds to start: so the fixture is the class's, or the module's.
"""

# ruff: noqa: D102, S101 - these are tests: their names say what they are about, and they assert

from __future__ import annotations

import dataclasses
import json
import stat
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from mlmagic.backends.endpoints import EndpointBackend
from mlmagic.errors import ConflictError, NotFoundError
from mlmagic.spec.endpoint import DeployedVersion, EndpointRecord, EndpointSpec, EndpointState

MODEL = "sums"
PATIENCE_SECONDS = 600.0
"""After this long, an endpoint that should serve fails its test."""

_ANSWERS = 10
_OF_THE_ENDPOINT = "that of the endpoint"

Edit = Callable[[EndpointSpec], EndpointSpec]

_CALLS: dict[str, Callable[[EndpointBackend, str], object]] = {
    "get": lambda endpoints, name: endpoints.get(name),
    "change": lambda endpoints, name: endpoints.change(name, serving({1: 100})),
    "wake": lambda endpoints, name: endpoints.wake(name),
    "wait": lambda endpoints, name: endpoints.wait(name, 1, 0),
    "stop": lambda endpoints, name: endpoints.stop(name),
    "delete": lambda endpoints, name: endpoints.delete(name),
    "address": lambda endpoints, name: endpoints.address(name),
    "token_file": lambda endpoints, name: endpoints.token_file(name),
    "logs": lambda endpoints, name: endpoints.logs(name),
}
"""All that is asked of an endpoint by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; `document` is what its JSON says."""

    status: int
    document: Any

    @property
    def version(self) -> int:
        """The number of the version that gave it."""
        return int(self.document["deployedModelId"])


class PredictionConformance:
    """What an endpoint answers."""

    @pytest.fixture(scope="class")
    @classmethod
    def served(cls, endpoints: EndpointBackend) -> Iterator[str]:
        """The name of an endpoint that serves version 1."""
        record = endpoints.create(new_spec(endpoints, "exam"))
        assert wait_for(endpoints, "exam", record.spec.generation).status.state is EndpointState.READY
        yield "exam"
        endpoints.delete("exam")

    @pytest.mark.parametrize("instances", [[1.0, 2.5, -4.0], [{"x": 1.0}, {"x": 2.5}, {"x": -4.0}]])
    def test_each_instance_has_its_prediction(
        self, endpoints: EndpointBackend, served: str, instances: list[Any]
    ) -> None:
        answer = ask(endpoints, served, instances)
        assert (answer.status, answer.document["predictions"], answer.version) == (200, [2.0, 3.5, -3.0], 1)
        assert ask(endpoints, served, instances[:1]).document["predictions"] == [2.0]

    @pytest.mark.parametrize(
        ("instances", "said"),
        [([{"x": "dear"}], "dear"), ([{"z": 1.0}], "z"), ([[1.0, 2.0]], "x")],
        ids=["another type", "another name", "another shape"],
    )
    def test_instances_that_do_not_fit_are_refused(
        self, endpoints: EndpointBackend, served: str, instances: list[Any], said: str
    ) -> None:
        answer = ask(endpoints, served, instances)
        assert (answer.status, answer.document["error"]["code"]) == (400, 400)
        assert said in answer.document["error"]["message"]
        assert ask(endpoints, served, [1.0]).document["predictions"] == [2.0]


class EndpointConformance(PredictionConformance):
    """What the docstrings of `EndpointBackend` say, as tests."""

    def test_an_endpoint_is_as_it_was_asked_for(self, endpoints: EndpointBackend, served: str) -> None:
        record = endpoints.get(served)
        assert (record.spec.name, record.spec.backend, record.spec.model) == (served, endpoints.name, MODEL)
        assert [(one.number, one.traffic) for one in record.spec.deployed] == [(1, 100)]
        assert (record.status.state, record.status.error) == (EndpointState.READY, None)
        assert record.status.generation == record.spec.generation
        assert endpoints.address(served).url == record.url

    def test_a_name_is_taken_once(self, endpoints: EndpointBackend, served: str) -> None:
        before = endpoints.get(served).spec
        with pytest.raises(ConflictError, match="there is an endpoint 'exam' already"):
            endpoints.create(new_spec(endpoints, served, deployed=(DeployedVersion(number=2),)))
        assert endpoints.get(served).spec == before

    def test_a_version_that_is_not_there_is_not_served(self, endpoints: EndpointBackend, served: str) -> None:
        before = endpoints.get(served).spec
        with pytest.raises(NotFoundError, match="model 'sums' has no version 7"):
            endpoints.change(served, serving({7: 100}))
        with pytest.raises(NotFoundError, match="model 'sums' has no version 7"):
            endpoints.create(new_spec(endpoints, "other", deployed=(DeployedVersion(number=7),)))
        assert [record.spec for record in endpoints.list()] == [before]

    @pytest.mark.parametrize("method", list(_CALLS))
    def test_an_unknown_endpoint_names_the_nearest(self, endpoints: EndpointBackend, served: str, method: str) -> None:
        with pytest.raises(NotFoundError) as caught:
            _CALLS[method](endpoints, f"{served}s")
        assert "there is no endpoint 'exams'" in str(caught.value)
        assert f"Did you mean {served}" in str(caught.value)

    def test_traffic_moves_and_no_request_is_lost(self, endpoints: EndpointBackend, served: str) -> None:
        is_over, answers = threading.Event(), list[Answer]()
        with ThreadPoolExecutor(1) as other:
            asking = other.submit(_ask_until, endpoints, served, is_over, answers)
            try:
                serve(endpoints, served, {1: 50, 2: 50})
                assert _versions_seen(endpoints, served, 2) == {1, 2}
                serve(endpoints, served, {1: 0, 2: 100})
                assert _versions_seen(endpoints, served, 1) == {2}
                serve(endpoints, served, {1: 100})
                assert _versions_seen(endpoints, served, 1) == {1}
            finally:
                is_over.set()
            asking.result()
        found = {(answer.status, *answer.document["predictions"], answer.version) for answer in answers}
        assert found == {(200, 2.0, 1), (200, 3.0, 2)}

    def test_an_edit_that_changes_nothing_is_no_change(self, endpoints: EndpointBackend, served: str) -> None:
        before = endpoints.get(served).spec
        assert endpoints.change(served, serving({1: 100})).spec == before

    def test_who_waits_for_what_nobody_asked_for_waits_no_longer_than_told(
        self, endpoints: EndpointBackend, served: str
    ) -> None:
        looked: list[EndpointRecord] = []
        wanted = endpoints.get(served).spec.generation + 1
        record = endpoints.wait(served, wanted, 0, looked.append)
        assert (looked, record.status.generation) == ([record], wanted - 1)

    def test_who_has_no_token_gets_no_answer(self, endpoints: EndpointBackend, served: str) -> None:
        address, file = endpoints.address(served), endpoints.token_file(served)
        assert address.token is not None
        assert address.token not in repr(address)
        assert address.token not in endpoints.logs(served)
        assert {ask(endpoints, served, [1.0], token=token).status for token in (None, "guessed")} == {401}
        if file is not None:
            assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (address.token, 0o600)

    def test_a_life(self, endpoints: EndpointBackend, served: str) -> None:
        record = endpoints.create(new_spec(endpoints, "dawn"))
        assert record.spec.generation == 1
        assert [one.spec.name for one in endpoints.list()] == ["dawn", served]
        assert wait_for(endpoints, "dawn", 1).status.state is EndpointState.READY
        assert endpoints.stop("dawn").status.state is endpoints.get("dawn").status.state is EndpointState.DOWN
        changed = endpoints.change("dawn", serving({2: 100}))
        assert endpoints.wait("dawn", changed.spec.generation, PATIENCE_SECONDS).status.state is EndpointState.DOWN
        woken = endpoints.wake("dawn").spec
        assert (woken.port, wait_for(endpoints, "dawn", woken.generation).status.state) == (
            record.spec.port,
            EndpointState.READY,
        )
        assert ask(endpoints, "dawn", [1.0]).document["predictions"] == [3.0]
        assert endpoints.wake("dawn").spec == woken  # of one that serves nothing is done
        endpoints.delete("dawn")
        with pytest.raises(NotFoundError, match="there is no endpoint 'dawn'"):
            endpoints.get("dawn")
        assert [one.spec.name for one in endpoints.list()] == [served]


def new_spec(endpoints: EndpointBackend, name: str, **fields: Any) -> EndpointSpec:
    """Return the spec of an endpoint that serves version 1, unless the fields say otherwise."""
    now = datetime.now(UTC)
    known = {"model": MODEL, "deployed": (DeployedVersion(number=1),), "port": 0}
    return EndpointSpec(name=name, backend=endpoints.name, create_time=now, update_time=now, **{**known, **fields})


def serving(traffic: dict[int, int]) -> Edit:
    """Return the edit that lets an endpoint serve these versions, each with so many percent."""
    deployed = tuple(DeployedVersion(number=number, traffic=share) for number, share in traffic.items())
    return lambda spec: dataclasses.replace(spec, deployed=deployed)


def serve(endpoints: EndpointBackend, name: str, traffic: dict[int, int]) -> None:
    """Let an endpoint serve these versions, and return once it does."""
    generation = endpoints.change(name, serving(traffic)).spec.generation
    assert wait_for(endpoints, name, generation).status.state is EndpointState.READY


def wait_for(endpoints: EndpointBackend, name: str, generation: int) -> EndpointRecord:
    """Return the endpoint once it serves a generation and does nothing else."""
    record = endpoints.wait(name, generation, PATIENCE_SECONDS)
    assert record.status.generation >= generation, record.status.error
    deadline = time.monotonic() + PATIENCE_SECONDS
    while record.status.state in {EndpointState.STARTING, EndpointState.UPDATING} and time.monotonic() < deadline:
        time.sleep(0.02)
        record = endpoints.get(name)
    return record


def ask(endpoints: EndpointBackend, name: str, instances: list[Any], *, token: str | None = _OF_THE_ENDPOINT) -> Answer:
    """Return what an endpoint answers to instances, asked as anybody would, with its own token or another one."""
    if token == _OF_THE_ENDPOINT:
        token = endpoints.address(name).token
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    body = json.dumps({"instances": instances}).encode()
    request = urllib.request.Request(endpoints.get(name).predict_url, body, headers)  # noqa: S310 - a backend's own
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE_SECONDS) as answer:
            return Answer(status=answer.status, document=json.loads(answer.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(status=error.code, document=json.loads(error.read()))


def _ask_until(endpoints: EndpointBackend, name: str, is_over: threading.Event, answers: list[Answer]) -> None:
    while not is_over.is_set():
        answers.append(ask(endpoints, name, [1.0]))


def _versions_seen(endpoints: EndpointBackend, name: str, count: int) -> set[int]:
    """Return the versions that answer, after ten answers, and when there are so many."""
    seen: set[int] = set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    asked = 0
    while asked < _ANSWERS or (len(seen) < count and time.monotonic() < deadline):
        seen.add(ask(endpoints, name, [1.0]).version)
        asked += 1
    return seen
