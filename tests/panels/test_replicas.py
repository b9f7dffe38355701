from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mlmagic.panels.replicas import replicas_html, replicas_text
from mlmagic.spec.job import Replica, ReplicaRole


@pytest.fixture
def replica(now):
    def make(name, *, code=None, restarts=0, is_over=False):
        role, _, index = name.partition("-")
        end = now if is_over or code is not None else None
        begin = now - timedelta(seconds=130)
        return Replica(role=ReplicaRole(role), index=int(index), pid=1, attempt=1, restarts=restarts,
                       start_time=begin, end_time=end, exit_code=code)  # fmt: skip

    return make


def test_one_process_needs_no_table(record, replica, now):
    assert replicas_text(record(), [replica("chief-0")], now) == []
    assert replicas_html(record(), [replica("chief-0")], now) is None


def test_who_died_and_who_was_started_again(record, replica, now):
    cluster = [replica("chief-0"), replica("worker-0", restarts=2), replica("worker-1", code=-9)]
    assert replicas_text(record(), cluster, now) == [
        "Replicas: 2 running, 1 ended by SIGKILL",
        "  REPLICA   STATE               TOOK        STARTED AGAIN",
        "  chief-0   ● running           2 min 10 s",
        "  worker-0  ● running           2 min 10 s  2 times",
        "  worker-1  ✗ ended by SIGKILL  2 min 10 s",
    ]
    assert " open>" in replicas_html(record(), cluster, now)


@pytest.mark.parametrize(
    ("state", "code", "told"),
    [
        ("SUCCEEDED", 0, "✓ ended"),
        ("SUCCEEDED", -15, "■ ended by SIGTERM"),
        ("CANCELLED", 143, "■ ended with exit code 143"),
        ("FAILED", -15, "✗ ended by SIGTERM"),
        ("FAILED", 1, "✗ ended with exit code 1"),
        ("FAILED", -200, "✗ ended by signal 200"),
        ("LOST", None, "? gone"),
    ],
)
def test_what_became_of_a_replica(record, replica, state, code, told):
    ended = record(state, end_time=record().update_time)
    assert told in replicas_text(ended, [replica("chief-0"), replica("ps-0", code=code)], ended.end_time)[-1]


def test_of_replicas_in_the_cloud_only_the_chief_tells_how_it_ended(record, replica, now):
    cluster = [replica("chief-0", code=0), replace(replica("worker-0", is_over=True), pid=0)]
    ended = record("SUCCEEDED", end_time=now)
    assert replicas_text(ended, cluster, now)[0] == "Replicas: 1 ended, 1 ended with its job"


def test_a_cluster_that_ended_well_is_folded_in(record, replica, now):
    cluster = [replica("chief-0", code=0), replica("ps-0", code=-15)]
    html = replicas_html(record("SUCCEEDED", end_time=now), cluster, now)
    assert " open>" not in html
    assert "Started again" not in html


def test_of_very_many_those_stand_out_that_something_befell(record, replica, now):
    cluster = [replica("chief-0"), *(replica(f"worker-{n}", code=1 if n == 7 else None) for n in range(50))]
    lines = replicas_text(record(), cluster, now)
    assert [line.split()[0] for line in lines] == ["Replicas:", "REPLICA", "worker-7"]
    html = replicas_html(record(), cluster, now)
    assert html.count("worker-7<") == 2
    assert html.count("worker-8<") == 1
    assert len(replicas_text(record(), [replica("chief-0")] * 9, now)) == 1
