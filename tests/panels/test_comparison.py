from __future__ import annotations

import pytest

from mlmagic.panels import comparison_bundle
from mlmagic.spec.job import JobState
from mlmagic.spec.report import ComparedJob, Comparison

HTML, TEXT, MIME = "text/html", "text/plain", "application/vnd.mlmagic.comparison+json"
HOSTILE = "<script>alert(1)</script>\x1b[31m&\"'"


@pytest.fixture
def job():
    def make(number, *, state="SUCCEEDED", flags=None, metrics=None, **fields):
        return ComparedJob(id=f"taxi-{number}", display_name="taxi", state=JobState(state), seconds=130.0,
                           flags=flags or {}, metrics=metrics or {}, **fields)  # fmt: skip

    return make


def test_flags_against_metrics(job):
    jobs = (
        job(1, flags={"rate": "0.1", "kind": "sgd"}, metrics={"val_loss": 0.51234, "auc": 0.8}, model_version="taxi@1"),
        job(2, flags={"rate": "0.01", "kind": ""}, metrics={"val_loss": 0.0412, "auc": 0.9312}),
        job(3, flags={"rate": "1"}, state="FAILED"),
    )
    bundle = comparison_bundle(Comparison(jobs=jobs, flags=("rate", "kind"), metrics=("val_loss", "auc")))
    assert bundle[TEXT].split("\n") == [
        "JOB       rate  kind  val_loss       auc  VERSION        TOOK",
        "✓ taxi-1   0.1  sgd     0.5123    0.8000  taxi@1   2 min 10 s",
        '✓ taxi-2  0.01  ""    ★ 0.0412  ★ 0.9312  —        2 min 10 s',
        "✗ taxi-3     1  —            —         —  —        2 min 10 s",
        "★ the best of its column",
        "Next: %jobs diff taxi-1 taxi-2",
    ]  # fmt: skip
    assert bundle[HTML].count(">★ 0.") == 2
    assert "text-align:right" in bundle[HTML].partition("val_loss")[0].rpartition("<th")[2]


def test_what_is_not_known_to_be_better_is_not_marked(job):
    jobs = (job(1, metrics={"rate": 1.0}), job(2, metrics={"rate": 2.0}))
    bundle = comparison_bundle(Comparison(jobs=jobs, metrics=("rate",)))
    assert "★" not in bundle[TEXT] + bundle[HTML]
    assert "There is no flag in which they differ." in bundle[TEXT]
    assert "There is no flag in which they differ." in bundle[HTML]


def test_a_wide_table_goes_on_below_in_a_terminal_and_scrolls_on_a_page(job):
    names = tuple(f"hyper_parameter_{number}" for number in range(12))
    jobs = tuple(job(number, flags=dict.fromkeys(names, str(number))) for number in range(3))
    bundle = comparison_bundle(Comparison(jobs=jobs, flags=names))
    assert max(map(len, bundle[TEXT].split("\n"))) <= 80
    assert bundle[TEXT].count("✓ taxi-2") == bundle[TEXT].count("JOB") > 2
    assert "overflow-x:auto" in bundle[HTML]


def test_a_single_job_and_none(job):
    alone = comparison_bundle(Comparison(jobs=(job(1),)))[TEXT]
    assert ("Next" in alone, "One job has nothing to be compared with" in alone) == (False, True)
    bundle = comparison_bundle(Comparison())
    assert bundle[TEXT] == "No jobs to compare."
    assert bundle[TEXT] in bundle[HTML]


def test_the_payload_is_the_comparison(job):
    payload = comparison_bundle(Comparison(jobs=(job(1),), flags=("rate",)))[MIME]
    assert payload["schemaVersion"] == 1
    assert (payload["jobs"][0]["id"], payload["flags"]) == ("taxi-1", ["rate"])


def test_nothing_hostile_gets_through():
    jobs = tuple(
        ComparedJob(id=f"{HOSTILE}{at}", display_name=HOSTILE, state=JobState.RUNNING, model_version=HOSTILE,
                    flags={HOSTILE: HOSTILE * 9}, metrics={HOSTILE: 1.0}) for at in range(2)
    )  # fmt: skip
    bundle = comparison_bundle(Comparison(jobs=jobs, flags=(HOSTILE,), metrics=(HOSTILE,)))
    assert "<script" not in bundle[HTML]
    assert "\x1b" not in bundle[HTML] + bundle[TEXT]
