from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mlmagic.panels import endpoint_bundle, endpoints_bundle
from mlmagic.panels.endpoint_shadow import shadow_lines
from mlmagic.spec.endpoint import DeployedVersion, EndpointRecord, EndpointSpec, EndpointState, EndpointStatus, Shadow
from mlmagic.spec.endpoint_page import EndpointPage
from mlmagic.spec.shadow import ComparedAnswers, ShadowCounts, ShadowState, ShadowStatus

COUNTS = ShadowCounts(
    compared=1200,
    failed=2,
    unusable=1,
    outputs={
        "<b>fare</b>": ComparedAnswers(numbers=4, absolute=2.0, size=8.0, largest=1.5),
        "kind": ComparedAnswers(classes=8, equal=7),
    },
)


@pytest.fixture
def record(now):
    def make(state: ShadowState = ShadowState.RUNNING, **fields: Any) -> EndpointRecord:
        spec = EndpointSpec(
            name="rides",
            model="taxi",
            deployed=(DeployedVersion(number=3),),
            shadow=Shadow(version=4, share=0.25, create_time=now),
            port=1,
            create_time=now,
            update_time=now,
        )
        shadow = ShadowStatus(version=4, share=0.25, state=state, since=now - timedelta(hours=2), **fields)
        status = EndpointStatus(state=EndpointState.READY, shadow=shadow, start_time=now, update_time=now)
        return EndpointRecord(spec=spec, status=status)

    return make


def test_what_was_compared_is_told_in_sentences(record, now):
    latency, begun = {"p50": 1.0, "p99": 7.0}, "Shadow taxi@4 (25 % of the requests), begun 2 h ago: "
    told = shadow_lines(record(counts=COUNTS, dropped=3, latency_ms=latency, served_latency_ms=latency), now)
    for part in (
        f"{begun}1,200 requests compared, 2 that it failed at, 3 that it did not come to.",
        "<b>fare</b>: 0.5 (25 %) apart on average, 1.5 at most.",
        "kind: 7 of 8 equal (87.5 %).",
        "For 1 instance it alone predicts no finite number.",
        "Its p50 1 ms and p99 7 ms; of what is returned p50 1 ms and p99 7 ms.",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (ShadowState.LOADING, "It is loading."),
        (ShadowState.WAITING, "It is not loaded, since no worker runs."),
        (ShadowState.FAILED, "It does not run, and is tried again: its process was ended by SIGKILL."),
    ],
)
def test_one_that_does_not_run_says_why(record, now, state, told):
    assert told in shadow_lines(record(state, error="its process was ended by SIGKILL"), now)[0]


def test_pages_tell_of_it_and_of_the_next_steps(record, now):
    page = endpoint_bundle(EndpointPage(record=record(counts=COUNTS)), now=now)
    assert "&lt;b&gt;fare" in page["text/html"]
    assert "<b>fare" not in page["text/html"]
    assert "%deploy taxi@4 --endpoint rides --canary 5,25,100" in page["text/plain"]
    assert "taxi@3; shadow taxi@4" in endpoints_bundle([record()], now=now)["text/plain"]
