from __future__ import annotations

import json
from datetime import timedelta

import pytest

from mlmagic.panels import job_bundle, jobs_bundle, theme
from mlmagic.panels.markup import escape
from mlmagic.spec.job import JobError, JobKind, JobState, Origin

HOSTILE = "<script>alert(1)</script>\x1b[31m&\"'"
HTML, TEXT, MIME = "text/html", "text/plain", "application/vnd.mlmagic.jobs+json"
PANDAS = '  File "/v/lib/python3.12/site-packages/pandas/core/frame.py", line 9, in g\n    raise KeyError(key)\n'
TRACEBACK = 'Traceback (most recent call last):\n  Cell [5], line 3, in f\n    1/0\nZeroDivisionError: "x"'


def lines(bundle):
    return bundle[TEXT].split("\n")


def test_a_running_job(record, now):
    bundle = job_bundle(record(spec={"args": ("--epochs", "5")}), "epoch 1\nepoch 2\n", now=now)
    assert lines(bundle)[:2] == ["● RUNNING  taxi" + " " * 55 + "2 min 10 s", "taxi-20261121-092800-ab12"]
    assert lines(bundle)[3:] == [
        "Flags: --epochs 5",
        "  │ epoch 1",
        "  │ epoch 2",
        "Next: %jobs wait taxi-20261121-092800-ab12",
        "      %jobs logs taxi-20261121-092800-ab12 -f",
        "      %jobs cancel taxi-20261121-092800-ab12",
    ]


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_has_icon_and_word(record, now, state):
    bundle = job_bundle(record(state, end_time=now if state.is_final else None), now=now)
    assert f"{theme.icon(state)} {state.replace('_', ' ')}" in bundle[HTML]
    assert lines(bundle)[0].startswith(theme.icon(state))
    assert any(line.startswith("Next: %") for line in lines(bundle)[-3:])


def test_states_are_told_apart_without_colour():
    assert len({theme.icon(state) for state in JobState}) == len(JobState)


def test_a_failed_job_points_at_the_cell(record, now):
    error = JobError(message="ZeroDivisionError: x", traceback=TRACEBACK, hint="Divide by something else.")
    bundle = job_bundle(record("FAILED", error=error, end_time=now), TRACEBACK, now=now)
    assert lines(bundle)[3:6] == ["ZeroDivisionError: x · Cell [5], line 3", "  Traceback (most recent call last):",
                                  "    Cell [5], line 3, in f"]  # fmt: skip
    assert lines(bundle)[-2:] == ["Divide by something else.", "Next: %jobs logs taxi-20261121-092800-ab12"]
    assert "<strong>  Cell [5], line 3, in f</strong>" in bundle[HTML]
    assert "Whole traceback" not in bundle[HTML]


def test_frames_of_libraries_are_folded_in(record, now):
    traceback = TRACEBACK.replace("ZeroDivisionError", PANDAS + "KeyError")
    bundle = job_bundle(record("FAILED", error=JobError(message="KeyError", traceback=traceback)), now=now)
    assert "    … 1 frame in pandas" in lines(bundle)
    assert "pandas/core/frame.py" not in bundle[TEXT]
    assert "pandas/core/frame.py" in bundle[HTML].partition("Whole traceback")[2]


def test_the_banner_of_tensorflow_is_left_out(record, now):
    bundle = job_bundle(
        record(), "I0000 00:00:1795.68   18 port.cc:153] oneDNN custom operations are on.\n1/2\n", now=now
    )
    assert lines(bundle)[3] == "  │ 1/2"
    assert "oneDNN" not in bundle[HTML]
    assert "1 line that TensorFlow prints at every start is left out" in bundle[HTML]


@pytest.mark.parametrize(
    ("version", "set_default", "commands"),
    [
        ("taxi@1", False, "%predict taxi $data"),
        ("taxi@2", False, "%predict taxi@2 $data   %models set-default taxi@2"),
        ("taxi@2", True, "%predict taxi $data"),
        (None, False, "%jobs logs taxi-20261121-092800-ab12"),
    ],
)
def test_what_to_do_next(record, now, version, set_default, commands):
    ended = record("SUCCEEDED", end_time=now, model_version=version, spec={"set_default": set_default})
    assert lines(job_bundle(ended, now=now))[-1] == f"Next: {commands}"


@pytest.mark.parametrize(
    ("state", "commands"),
    [
        ("RUNNING", "%monitor and so on   %jobs cancel taxi-20261121-092800-ab12"),
        ("SUCCEEDED", "%monitor and so on   %jobs logs taxi-20261121-092800-ab12"),
        ("FAILED", "%jobs logs taxi-20261121-092800-ab12"),
    ],
)
def test_the_line_that_compares_what_was_counted(record, now, state, commands):
    spec = {"kind": JobKind.MONITORING, "args": ("--runner", "dataflow"), "invocation": "%monitor and so on"}
    bundle = job_bundle(record(state, spec=spec), now=now)
    assert f"Next: {commands}" in "   ".join(line.strip() for line in lines(bundle))


def test_a_list_tells_of_monitoring_as_much_as_fits(summary, now):
    row = summary(kind=JobKind.MONITORING, id="rides-monitoring-20261121-092800-ab12")
    bundle = jobs_bundle([row], notes={row.id: "2 looks, the last …"}, short={row.id: "1 alert · 2 looks"}, now=now)
    assert lines(bundle)[1].endswith("  1 alert…")
    assert "2 looks, the last …" in bundle[HTML]


def test_what_mlmagic_said_is_shown(record, now):
    message = "no model was written to AIP_MODEL_DIR, so no version was made"
    bundle = job_bundle(record("SUCCEEDED", end_time=now, message=message), now=now)
    assert lines(bundle)[2] == message
    assert message in bundle[HTML]


def test_what_repeats_the_state_is_not_shown(record, now):
    assert lines(job_bundle(record("CANCELLED", end_time=now, message="cancelled"), now=now))[2].startswith("Ended 20")


def test_details_are_folded_in(record, now):
    spec = {"labels": {"team": "a"}, "timeout_seconds": 90.0, "invocation": "%%train taxi",
            "origin": Origin(notebook="a.ipynb", cell_number=7)}  # fmt: skip
    html = job_bundle(record(spec=spec, attempt=2, exit_code=1), now=now)[HTML]
    for text in ("team=a", "1 min 30 s", "%%train taxi", "Cell [7] of a.ipynb", "keras==3.15.0", "Exit status"):
        assert text in html


def test_nothing_hostile_gets_through(record, now):
    error = JobError(message=HOSTILE, traceback=HOSTILE, hint=HOSTILE)
    spec = {"args": (HOSTILE,), "labels": {"a": HOSTILE}, "invocation": HOSTILE, "origin": Origin(notebook=HOSTILE)}
    bundle = job_bundle(record("FAILED", spec=spec, error=error, model_version=HOSTILE), HOSTILE, now=now)
    assert "<script" not in bundle[HTML]
    assert "\x1b" not in bundle[HTML] + bundle[TEXT]


def test_there_is_no_script_and_no_link_outwards(record, now):
    html = job_bundle(record(), "log", now=now)[HTML]
    assert not [word for word in ("<script", "http", "onclick", "<style", "<img") if word in html]


def test_the_payload_is_json_of_bounded_size(record, now):
    payload = job_bundle(record(), "x" * 100_000, now=now)["application/vnd.mlmagic.job+json"]
    assert payload["schemaVersion"] == 1
    assert payload["record"]["state"] == "RUNNING"
    assert len(json.dumps(payload)) < 25_000


def test_text_fits_a_terminal(record, now):
    bundle = job_bundle(record(spec={"args": ("x" * 100,)}, model_version="taxi@1"), "y" * 200, now=now)
    assert max(map(len, lines(bundle))) <= 80


def test_the_list(summary, now):
    rows = [summary("QUEUED", start_time=None), summary("SUCCEEDED", end_time=now, model_version="taxi@2"),
            summary("FAILED", end_time=now, error=f"ValueError: {HOSTILE} {'x' * 200}")]  # fmt: skip
    bundle = jobs_bundle(rows, now=now)
    assert lines(bundle)[0].split() == ["STATE", "JOB", "TOOK", "SUBMITTED", "RESULT"]
    assert lines(bundle)[2].split("  ")[-1] == "taxi@2"
    assert max(map(len, lines(bundle))) <= 80
    assert "<script" not in bundle[HTML]


def test_times_are_relative_and_absolute(summary, now):
    html = jobs_bundle([summary()], now=now)[HTML]
    absolute = (now - timedelta(hours=2)).astimezone()
    assert "2 h ago" in html
    assert f"{absolute:%Y-%m-%d %H:%M}" in html


def test_a_list_that_will_change_says_when_it_was_so(summary, now):
    assert f"As of {now.astimezone():%Y-%m-%d %H:%M:%S}. Again" in jobs_bundle([summary()], now=now)[TEXT]
    assert "As of" not in jobs_bundle([summary("FAILED", end_time=now)], now=now)[HTML]


def test_an_empty_list_says_what_to_do(now):
    bundle = jobs_bundle([], now=now)
    assert bundle[TEXT] == "No jobs yet. Start one with %%train NAME."
    assert bundle["application/vnd.mlmagic.jobs+json"]["jobs"] == []
    assert "%%train NAME" in bundle[HTML]


def test_what_is_not_the_default_is_shown(summary, now):
    rows = [summary("QUEUED", start_time=None, attempt=2, priority=5), summary(attempt=1),
            summary("SUCCEEDED", end_time=now, attempt=3, model_version="taxi@2")]  # fmt: skip
    bundle = jobs_bundle(rows, now=now)
    assert [line.split("  ")[-1] for line in lines(bundle)[1:4]] == ["try 2, priority 5", "2 h ago", "taxi@2, try 3"]
    assert ">try 2, priority 5<" in bundle[HTML]
    assert "try 1" not in bundle[HTML]


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"has_more": True}, "The first 2 jobs; more with --limit."),
        ({"has_more": True, "filter_text": "a=b"}, "The first 2 jobs that pass a=b; more with --limit."),
        ({"filter_text": HOSTILE}, "2 jobs that pass <script>alert(1)</script>&\"'."),
    ],
)
def test_a_list_says_what_it_leaves_out(summary, now, fields, note):
    bundle = jobs_bundle([summary("FAILED", end_time=now)] * 2, now=now, **fields)
    assert lines(bundle)[-1] == note
    assert escape(note) in bundle[HTML]


def test_a_list_of_all_says_nothing_of_the_kind(summary, now):
    rows = [summary("FAILED", end_time=now)]
    assert "job" not in jobs_bundle(rows, now=now)[TEXT].partition("\n")[2].replace(rows[0].id, "")
    assert "1 job that passes a=b." in jobs_bundle(rows, now=now, filter_text="a=b")[TEXT]


def test_a_filter_that_nothing_passes(now):
    bundle = jobs_bundle([], filter_text=HOSTILE, now=now)
    assert bundle[TEXT] == "No job passes the filter <script>alert(1)</script>&\"'\nAll jobs: %jobs"
    assert "<script" not in bundle[HTML]
    assert bundle[MIME] == {"schemaVersion": 1, "jobs": [], "filter": HOSTILE}
