"""`%monitor` as it is typed, and how a kernel shows what it returns."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from support.monitored import endpoint, log, register, rides

from mlmagic.api import monitor as api
from mlmagic.api.endpoints import endpoint as api_endpoint
from mlmagic.errors import UsageError
from mlmagic.magics.monitor import MonitoringDisplay
from mlmagic.session import current_session
from mlmagic.spec.monitoring_report import Against
from mlmagic.spec.request_log import RequestLogging
from mlmagic.testing.backends import wait_for

FOUND = api.Monitoring(subject="rides", against=Against.TRAINING)


@pytest.fixture
def asked(monkeypatch):
    """What the api was asked."""
    calls = []

    def answer(endpoint, **options):
        calls.append(
            (endpoint, {name: value for name, value in options.items() if value is not None and value is not False})
        )
        return FOUND

    monkeypatch.setattr(api, "monitor", answer)
    return calls


def test_an_endpoint_and_flags(run, asked):
    assert run("%monitor rides") is FOUND
    run("%monitor rides --last 1h --against window --threshold fare=0.2 --threshold 0.1 --by zone")
    assert [given.pop("invocation").partition(" --")[0] for _, given in asked] == ["%monitor rides"] * 2
    thresholds = {"fare": "0.2", None: "0.1"}
    assert asked == [
        ("rides", {"against": "training"}),
        ("rides", {"against": "window", "last": "1h", "threshold": thresholds, "by": "zone"}),
    ]


def test_files_and_truth(run, shell, asked):
    shell.user_ns["df"] = frame = pd.DataFrame({"id": [1]})
    run("%monitor --model taxi --input a.csv b.csv --statistics s.json")
    run("%monitor rides --rows 500 --truth $df --key id --target fare")
    assert asked[0][1].pop("invocation") == "%monitor --model taxi --input a.csv b.csv --statistics s.json"
    files = {"model": "taxi", "input": ["a.csv", "b.csv"], "statistics": "s.json"}
    assert asked[0] == (None, {"against": "training", **files})
    assert asked[1][1].pop("truth") is frame
    del asked[1][1]["invocation"]
    assert asked[1][1] == {"against": "training", "rows": 500, "key": "id", "target": "fare"}


def test_a_job_that_goes_on(run, asked, shell):
    shell.user_ns["url"] = "https://hooks.example.com/secret"
    assert run("%monitor rides --every 5m --webhook $url --name watch --into job") is FOUND
    [(endpoint, given)] = asked
    assert (endpoint, given["every"], given["webhook"]) == ("rides", "5m", "https://hooks.example.com/secret")
    assert (given["name"], shell.user_ns["job"]) == ("watch", FOUND)
    assert "secret" not in given["invocation"]
    with pytest.raises(UsageError, match="--webhook, --wait: only with --every, which makes a job"):
        run("%monitor rides --wait --webhook $url")


def test_one_threshold_for_each(run):
    with pytest.raises(UsageError, match=r"--threshold fare=0.3: fare has one already"):
        run("%monitor rides --threshold fare=0.2 --threshold fare=0.3")
    with pytest.raises(UsageError, match=r"the threshold of fare is 'low'; it is a number from 0 to 1"):
        run("%monitor rides --threshold fare=low")
    with pytest.raises(UsageError, match=r"endpoint is missing: name one, or files"):
        run("%monitor")


def test_a_unit_that_changed_is_named(run, tmp_path):
    session = current_session()
    register(session, tmp_path)
    log(endpoint(session, 1), rides(1000, seed=1, factor=1.609344))
    found = run("%monitor rides")
    assert "miles: unit changed" in str(found)
    assert json.loads(json.dumps(found._repr_mimebundle_()))["text/html"].count("kilometres") == 1


def test_who_deletes_an_endpoint_is_told_of_the_job_that_watches_it(run, tmp_path, capsys):
    session = current_session()
    register(session, tmp_path)
    endpoint(session, 1, log=RequestLogging())
    job = run("%monitor rides --every 5m")
    assert api_endpoint("rides").watchers == (job.id,)
    run("%endpoints delete rides")
    told = f"Deleted the endpoint rides. {job.id} monitored it, and ends by itself."
    assert told in capsys.readouterr().out.splitlines()
    job.cancel()
    wait_for(session.jobs, job.id)


def test_a_kernel_shows_charts_and_page_as_two_outputs(shell):
    published = []
    shell.display_pub.publish = lambda data, _: published.append(data)
    MonitoringDisplay(shell).show(FOUND)
    assert [max(data) for data in published] == ["text/plain"] * 2
    assert "application/vnd.mlmagic.drift+json" in published[1]
