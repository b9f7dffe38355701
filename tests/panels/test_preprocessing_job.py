"""What panels show of jobs that preprocess."""

from __future__ import annotations

import re

import pytest

from mlmagic.panels import comparison_bundle, description_bundle, job_bundle, jobs_bundle
from mlmagic.panels.progress import progress_html, progress_text
from mlmagic.spec.job import JobError, JobKind
from mlmagic.spec.report import ComparedJob, Comparison, Reading

HOSTILE = "<script>alert(1)</script>\x1b[31m&\"'"
HTML, TEXT = "text/html", "text/plain"
DATA = {"kind": JobKind.PREPROCESSING, "dataset": "taxi", "model": None}
HALF = Reading(rows=126_000, bytes_done=1 << 27, bytes_total=1 << 28, bytes_per_second=12.5 * (1 << 20))
DETAILS = f"  - 12 times fare: not a number\n  - such as rides.csv:7: fare: {HOSTILE} is not a number"


def lines(bundle):
    return bundle[TEXT].split("\n")


def test_a_running_job_tells_rows_and_bytes(describe):
    shown = describe(spec=DATA, reading=HALF, eta_seconds=10.2)
    assert progress_text(shown) == [
        "▕████████████            ▏ 126,000 rows · 12 MiB/s · 50 % · about 10 s left",
    ]
    html = progress_html(shown)
    assert "126,000 rows · 128 MiB of 256 MiB · 12 MiB/s · 50 % · about 10 s left" in html
    assert 'aria-valuenow="50"' in html


def test_a_failed_job_tells_how_far_it_came(describe, now):
    shown = describe("FAILED", spec=DATA, reading=HALF, end_time=now)
    assert progress_text(shown) == ["It had read 126,000 rows, 128 MiB of 256 MiB."]
    assert progress_text(describe("SUCCEEDED", spec=DATA, reading=HALF, end_time=now)) == []
    assert progress_text(describe(spec=DATA, reading=Reading(rows=0, bytes_done=0, bytes_total=0))) == []


def test_what_was_made_is_shown_with_what_to_do_next(record, now):
    ended = record(
        "SUCCEEDED", end_time=now, spec=DATA, dataset_version="taxi@3", message="taxi@3: 7 rows", metrics={"rows": 7.0}
    )
    bundle = job_bundle(ended, now=now)
    assert lines(bundle)[0].startswith("✓ SUCCEEDED  taxi  taxi@3")
    assert lines(bundle)[2] == "taxi@3: 7 rows"
    assert "Metrics" not in "".join(lines(bundle))
    assert lines(bundle)[-1] == "Next: %datasets describe taxi@3   %%train taxi --data taxi"


@pytest.mark.parametrize(
    ("message", "is_open"), [("12 of 100 rows were rejected.", False), ("the program was ended by SIGKILL", True)]
)
def test_the_log_is_open_where_the_error_does_not_say_it_all(record, now, message, is_open):
    html = job_bundle(record("FAILED", end_time=now, spec=DATA, error=JobError(message=message)), "a line", now=now)[
        HTML
    ]
    log = re.search(r"<details[^>]*><summary[^>]*>Log<", html)
    assert ("open" in log[0].split("><")[0]) is is_open


def test_rejected_rows_are_shown_with_the_reason(record, now):
    error = JobError(message="12 of 100 rows were rejected.", details=DETAILS, hint="Raise --max-rejected.")
    bundle = job_bundle(record("FAILED", end_time=now, spec=DATA, error=error), now=now)
    assert lines(bundle)[3:7] == [
        "12 of 100 rows were rejected.",
        "  - 12 times fare: not a number",
        "  - such as rides.csv:7: fare: <script>alert(1)</script>&\"' is not a number",
        "Raise --max-rejected.",
    ]
    assert "such as rides.csv:7" in bundle[HTML]
    assert "<script" not in bundle[HTML]
    assert "\x1b" not in bundle[HTML] + bundle[TEXT]


@pytest.mark.parametrize(("kind", "label"), [(JobKind.PREPROCESSING, "Dataset"), (JobKind.TRAINING, "Trained on")])
def test_details_name_the_dataset(describe, kind, label):
    html = description_bundle(describe(spec={"kind": kind, "dataset": "taxi@3"}))[HTML]
    assert label in html
    assert "taxi@3" in html


def test_a_list_tells_the_kind_and_what_was_made(summary, now):
    kind = JobKind.PREPROCESSING
    rows = [summary(kind=kind), summary("SUCCEEDED", kind=kind, end_time=now, dataset_version="taxi@3")]
    bundle = jobs_bundle(rows, now=now)
    assert [line.split("  ")[-1] for line in lines(bundle)[1:3]] == ["dataset", "taxi@3, dataset"]
    assert ">preprocessing<" in bundle[HTML]
    assert "<strong>dataset taxi@3</strong>" in bundle[HTML]
    assert bundle["application/vnd.mlmagic.jobs+json"]["jobs"][1]["datasetVersion"] == "taxi@3"


def test_kinds_are_told_in_whole_where_there_is_little_room(summary, now):
    kinds = (JobKind.PREPROCESSING, JobKind.BATCH_PREDICTION, JobKind.MONITORING, JobKind.TUNING)
    rows = [summary(kind=kind, backend="emulator", id="taxi-20261122-115000-ab12") for kind in kinds]
    text = lines(jobs_bundle([*rows, summary()], now=now))
    assert [line.split()[-1] for line in text[1:5]] == ["dataset", "batch", "monitor", "tuning"]


def test_a_comparison_names_what_each_made(record):
    jobs = tuple(
        ComparedJob(id=f"taxi-{n}", display_name="taxi", state=record("SUCCEEDED").state, dataset_version=f"taxi@{n}")
        for n in (1, 2)
    )
    text = comparison_bundle(Comparison(jobs=jobs))[TEXT]
    assert "VERSION" in text
    assert "taxi@2" in text
