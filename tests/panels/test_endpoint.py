from __future__ import annotations

import dataclasses
import json
import shlex

import pytest

from mlmagic.panels import deployment_bundle, endpoint_bundle, endpoints_bundle
from mlmagic.panels.endpoint_state import badge, bar_text, sentence
from mlmagic.panels.endpoint_use import curl_lines, python_lines
from mlmagic.spec.endpoint import (
    DeployedVersion,
    EndpointRecord,
    EndpointSpec,
    EndpointState,
    EndpointStatus,
    EngineChoice,
    Scaling,
    VersionStatus,
    WorkerStatus,
)
from mlmagic.spec.endpoint_page import EndpointPage
from mlmagic.spec.model import Signature, TensorSpec
from mlmagic.spec.request_log import RequestLogging, RequestLogStatus

TOKEN_FILE = "/run/user/7/mlmagic/0a/endpoints/rides.token"


def tensor(name, dtype="float32", shape=(None,)):
    return TensorSpec(name=name, dtype=dtype, shape=shape)


SIGNATURE = Signature(inputs=(tensor("distance"), tensor("city", "string")), outputs=(tensor("fare"),))


@pytest.fixture
def endpoint(now):
    """Make an endpoint's record; `shares` are percents of the versions from 1 on, those in `loaded` have an engine."""

    def make(state="READY", *, shares=(100,), generation=1, served=None, loaded=(1,), workers=1, spec=None, **fields):
        worker = WorkerStatus(pid=41, state="ready", start_time=now, memory_bytes=64 << 20, connections=2)
        versions = tuple(
            VersionStatus(number=n, engine="onnx", requests=1234, latency_ms={"p50": 0.51234}) for n in loaded
        )
        deployed = tuple(DeployedVersion(number=n, traffic=share) for n, share in enumerate(shares, 1))
        known = {"name": "rides", "model": "taxi", "deployed": deployed, "port": 20001, "generation": generation}
        times = {"create_time": now, "update_time": now}
        status = {"generation": generation if served is None else served, "versions": versions}
        return EndpointRecord(
            spec=EndpointSpec(**{**known, **times, **(spec or {})}),
            status=EndpointStatus(
                state=EndpointState(state),
                workers=(worker,) * workers,
                start_time=now,
                update_time=now,
                **{**status, **fields},
            ),
        )

    return make


def page(record, signature=SIGNATURE, token_file=TOKEN_FILE):
    return EndpointPage(record=record, signature=signature, token_file=token_file)


def shown(record, **more):
    return endpoint_bundle(page(record, **more))


def test_a_page_in_text(endpoint, now):
    record = endpoint(shares=(90, 10), loaded=(1, 2), requests_per_second=8.5)
    assert endpoint_bundle(page(record), now=now)["text/plain"].split("\n") == [
        "✓ READY  rides                                                    8.5 requests/s",
        "http://127.0.0.1:20001",
        "Serves taxi@1 90 %, taxi@2 10 % with 1 worker.",
        "",
        "VERSION  TRAFFIC          ENGINE  REQUESTS  ERRORS       P50  P99",
        "taxi@1   █████████░ 90 %  onnx       1,234       0  0.512 ms    —",
        "taxi@2   █░░░░░░░░░ 10 %  onnx       1,234       0  0.512 ms    —",
        "1 worker · 64 MiB · 2 connections",
        "",
        "curl http://127.0.0.1:20001/v1/models/taxi:predict \\",
        f'  -H "Authorization: Bearer $(cat {TOKEN_FILE})" \\',
        """  -d '{"instances": [{"distance": 1.5, "city": "text"}]}'""",
        "",
        "Next: %predict taxi $data   %endpoints stop rides",
    ]


def test_a_page_in_html(endpoint):
    html = shown(endpoint(shares=(90, 10), spec={"follows": None}))["text/html"]
    for part in ("✓ READY", "rides", "width:90%", "10 %", "Ask it", "import requests", "Token"):
        assert part in html


def test_what_listens_everywhere_is_asked_here(endpoint):
    html = shown(endpoint(spec={"host": "0.0.0.0"}))  # noqa: S104 - that is what is tested
    assert "curl http://127.0.0.1:20001/" in html["text/plain"]
    assert "0.0.0.0, port 20001" in html["text/html"]
    assert endpoint(spec={"host": "::1"}).url == "http://[::1]:20001"


def test_a_page_has_all_for_a_front_end(endpoint):
    payload = shown(endpoint())["application/vnd.mlmagic.endpoint+json"]
    assert payload["url"] == "http://127.0.0.1:20001"
    assert payload["record"]["status"]["state"] == "READY"
    assert payload["tokenFile"] == TOKEN_FILE
    json.dumps(payload)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("STARTING", "Prepares taxi@1. Requests wait meanwhile."),
        ("IDLE", "Serves taxi@1. No worker runs for want of requests; the next one starts it."),
        ("FAILED", "Cannot serve: requests get 503."),
        ("STOPPING", "Answers what it has, and ends."),
        ("DOWN", "Nothing runs."),
    ],
)
def test_each_state_says_what_it_means(endpoint, state, told):
    record = endpoint(state, loaded=(), workers=0)
    assert sentence(record) == told
    assert state in badge(record.status.state)


def test_a_change_that_is_not_served_yet(endpoint):
    record = endpoint("READY", shares=(90, 10), generation=2, served=1)
    told = "What was served before answers meanwhile."
    assert sentence(record) == f"Prepares taxi@2. {told}"
    moving = endpoint("READY", shares=(90, 10), loaded=(1, 2), generation=2, served=1)
    assert sentence(moving) == f"Changes what it serves. {told}"


def test_a_conversion_beside_serving_and_one_that_is_waited_for(endpoint):
    versions = (VersionStatus(number=1, engine="session", is_converting=True),)
    told = "Serves taxi@1 with 1 worker. TensorFlow serves taxi@1 until it is converted for ONNX Runtime."
    assert sentence(endpoint(versions=versions)) == told
    deployed = (DeployedVersion(number=1, engine=EngineChoice.ONNX),)
    record = endpoint("STARTING", loaded=(), workers=0, spec={"deployed": deployed})
    assert sentence(record) == "Prepares taxi@1, at first by converting it for ONNX Runtime. Requests wait meanwhile."


def test_what_needs_no_conversion_says_nothing_of_one(endpoint, now):
    deployed = (DeployedVersion(number=1, engine=EngineChoice.SESSION),)
    record = endpoint("STARTING", loaded=(), workers=0, spec={"deployed": deployed})
    assert sentence(record) == "Prepares taxi@1. Requests wait meanwhile."
    loading = (WorkerStatus(pid=1, state="loading", start_time=now),)
    record = dataclasses.replace(record, status=dataclasses.replace(record.status, workers=loading))
    assert sentence(record) == "Loads taxi@1. Requests wait meanwhile."


def test_an_error_is_on_view(endpoint):
    record = endpoint("FAILED", error="taxi@1 cannot be\nloaded: no such op")
    told = shown(record)
    assert "It has failed: taxi@1 cannot be loaded: no such op" in told["text/plain"]
    assert "cannot be loaded: no such op" in told["text/html"]
    assert told["text/plain"].endswith("%endpoints logs rides   %endpoints start rides   %endpoints delete rides")


def test_a_refused_change_says_that_nothing_broke(endpoint):
    text = shown(endpoint(error="taxi@2 cannot be loaded", refused_generation=2, generation=3))["text/plain"]
    assert "The last change was refused, and what was served before is served on: taxi@2" in " ".join(text.split())


def test_the_way_back_is_next(endpoint):
    text = shown(endpoint(shares=(0, 100), loaded=(1, 2)))["text/plain"]
    assert text.endswith("Next: %predict taxi $data   %endpoints traffic rides taxi@1=100   %endpoints stop rides")


def test_what_is_down_is_started_next(endpoint):
    assert shown(endpoint("DOWN"))["text/plain"].endswith("Next: %endpoints start rides   %endpoints delete rides")


def test_no_token_is_no_header(endpoint):
    asked = page(endpoint(spec={"needs_token": False}), token_file=None)
    assert "Authorization" not in curl_lines(asked)
    assert "token" not in python_lines(asked)


def test_names_and_paths_are_quoted_for_the_shell(endpoint):
    quoting = Signature(inputs=(tensor("it's"),))
    command = curl_lines(page(endpoint(), signature=quoting, token_file="/a b/rides.token"))
    words = shlex.split(command.replace("\\\n", ""))
    assert json.loads(words[-1]) == {"instances": [{"it's": 1.5}]}
    assert "$(cat '/a b/rides.token')" in command


def test_requests_have_usual_values_where_they_are_known(endpoint):
    usual = {"distance": 2.75, "city": 'Reggio "nell" Emilia'}
    inputs = tuple(dataclasses.replace(spec, example=usual[spec.name]) for spec in SIGNATURE.inputs)
    asked = page(endpoint(), signature=dataclasses.replace(SIGNATURE, inputs=inputs))
    assert json.loads(shlex.split(curl_lines(asked))[-1]) == {"instances": [usual]}
    assert '{"distance": 2.75, "city": "Reggio \\"nell\\" Emilia"}' in python_lines(asked)
    compile(python_lines(asked), "lines", "exec")


def test_large_inputs_are_not_written_out(endpoint):
    image = Signature(inputs=(tensor("image", "float32", (None, 28, 28)), tensor("pair", "int64", (None, 2))))
    asked = page(endpoint(), signature=image)
    assert "-d @request.json" in curl_lines(asked)
    assert '{"image": [[1.5] * 28] * 28, "pair": [1, 1]}' in python_lines(asked)


def test_python_lines_are_python(endpoint):
    for signature in (SIGNATURE, None, Signature(inputs=(tensor("ok", "bool", (None, None)),))):
        compile(python_lines(page(endpoint(), signature=signature)), "lines", "exec")


def test_no_endpoints_yet():
    assert endpoints_bundle([])["text/plain"] == "No endpoints yet. A model is served with %deploy MODEL."


def test_a_list(endpoint, now):
    records = [endpoint(shares=(90, 10), last_request=now), endpoint("DOWN", spec={"name": "fares"})]
    told = endpoints_bundle(records, now=now)
    assert told["text/plain"].split("\n") == [
        "ENDPOINT  STATE    SERVES                    URL                     ASKED",
        "rides     ✓ READY  taxi@1 90 %, taxi@2 10 %  http://127.0.0.1:20001  just now",
        "fares     ■ DOWN   taxi@1                    http://127.0.0.1:20001  —",
        "Next: %endpoints describe rides",
    ]
    assert len(told["application/vnd.mlmagic.endpoints+json"]["endpoints"]) == 2


def test_a_dry_run_shows_what_would_change(endpoint):
    before = endpoint(shares=(100,)).spec
    after = endpoint(shares=(90, 10), spec={"scaling": Scaling(max_replicas=4), "needs_token": False}).spec
    told = deployment_bundle(before, after, ["It asks for no token."])
    assert told["text/plain"].split("\n") == [
        "Dry run: nothing was deployed.",
        "Endpoint rides, which is there",
        "",
        "VERSION  NOW    THEN  ENGINE",
        "taxi@1   100 %  90 %  auto",
        "taxi@2   —      10 %  auto",
        "Listens on: 127.0.0.1, port 20001",
        "Token: none",
        "Workers: 0 to 4, fewer after 15 min 00 s idle",
        "Largest request: 64 MiB, 100,000 instances",
        "Note: It asks for no token.",
    ]
    assert "width:10%" in told["text/html"]


def test_a_dry_run_of_a_new_endpoint_and_of_a_version_that_goes(endpoint):
    after = endpoint(spec={"port": 0}).spec
    assert "127.0.0.1, any port that is free" in deployment_bundle(None, after, [])["text/plain"]
    gone = deployment_bundle(endpoint(shares=(50, 50)).spec, after, [])["text/plain"]
    assert "taxi@2   50 %  —      —" in gone


def test_bars(endpoint):
    assert [bar_text(n) for n in (0, 4, 50, 100)] == [
        "░░░░░░░░░░   0 %",
        "░░░░░░░░░░   4 %",
        "█████░░░░░  50 %",
        "██████████ 100 %",
    ]


def test_what_became_of_the_log_is_on_view(endpoint):
    logging = RequestLogging(sampling_rate=0.1, budget_bytes=1 << 30)
    full = RequestLogStatus(sampled=1200, dropped=3, error="the budget is full")
    html = shown(endpoint(spec={"log": logging}, log=full))["text/html"]
    assert "10 % of the requests, in 1.0 GiB at most; 1,200 kept, 3 dropped: the budget is full" in html
    assert "Request log" not in shown(endpoint())["text/html"]
