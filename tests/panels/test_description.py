from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from mlmagic import panels
from mlmagic.panels import description_bundle, job_bundle, theme
from mlmagic.spec import codec
from mlmagic.spec.job import JobError, Origin, Placement, Replica, ReplicaRole
from mlmagic.spec.report import JobDescription, Progress

HTML, TEXT, MIME = "text/html", "text/plain", "application/vnd.mlmagic.job+json"
HOSTILE = "<script>alert(1)</script>\x1b[31m&\"'"
STATES = [("QUEUED", 140, 0), ("PENDING", 139.9), ("RUNNING", 139.7)]


class Closed(HTMLParser):
    """Checks that each element is closed where it was opened."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, _):
        self.open += [tag] if tag != "br" else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def lines(bundle):
    return bundle[TEXT].split("\n")


def test_a_thin_panel_is_a_description_of_a_record(record, now):
    assert job_bundle(record(), "log\n", now=now) == description_bundle(
        JobDescription(record=record(), log_tail="log\n"), now=now
    )


def test_a_running_job_from_top_to_bottom(describe, sample, now):
    spec = {"args": ("--epochs", "10"), "invocation": "%%train taxi", "git_commit": "0123456789abcdef",
            "origin": Origin(notebook="a.ipynb", cell_number=7), "versions": {"python": "3.11.7", "keras": "3.15.0"},
            "rerun_of": "taxi-1", "placement": Placement(note="here one process")}  # fmt: skip
    shown = describe(spec=spec, changes=STATES, metrics={"loss": 0.41239}, progress=Progress(epoch=3, epochs=10),
                     eta_seconds=312, log_tail="Epoch 3/10\n", usage=[sample(1, 0.5)], hints=("fits",))  # fmt: skip
    assert [line.rstrip() for line in lines(description_bundle(shown, now=now))][3:14] == [
        "▕████▊                   ▏ epoch 3 of 10 · 20 % · about 5 min 10 s left",
        "Flags: --epochs 10",
        "Metrics: loss 0.4124",
        "  │ Epoch 3/10",
        "Usage: cores █ peak 0.5 · memory ▇ peak 100 MiB",
        "Note: here one process",
        "Note: fits",
        "Typed: %%train taxi",
        "From: Cell [7] of a.ipynb · commit 0123456789ab · rerun of taxi-1",
        "      package abababababab",
        "With: python 3.11.7 · keras 3.15.0",
    ]


def test_the_same_in_html(describe, now):
    spec = {"git_commit": "0123456789abcdef", "rerun_of": "taxi-1", "versions": {"keras": "3.15.0"}, "priority": 5,
            "max_retries": 3, "flags": {"epochs": "10"}, "fresh": True}  # fmt: skip
    html = description_bundle(describe(spec=spec, changes=STATES, metrics={"loss": 0.41239}, attempt=2), now=now)[HTML]
    details = html.partition("Details")[2]
    for text in ("0123456789ab<", "taxi-1", "keras 3.15.0", "epochs=10", "3 at most", "as asked for with --fresh"):
        assert text in details
    for text in ("try 2 of 4", "0.4124", "RUNNING after 0.3 s"):
        assert text in html.partition("Details")[0]


def test_a_queued_job_says_what_it_waits_for(describe, now):
    shown = describe("QUEUED", waiting_for="2 jobs before it", changes=[("QUEUED", 140, 0)])
    bundle = description_bundle(shown, now=now)
    assert "not running yet: 2 jobs before it." in lines(bundle)[2]
    assert "not running yet: 2 jobs before it." in bundle[HTML]


def test_a_retried_job_that_waits_tells_its_tries(describe, now):
    changes = [("QUEUED", 90, 0), ("RUNNING", 89, 1), ("QUEUED", 50, 1), ("RUNNING", 40, 2), ("QUEUED", 9, 2)]
    shown = describe("QUEUED", attempt=2, waiting_for="1 job before it", changes=changes)
    told = lines(description_bundle(shown, now=now))[2:6]
    assert [line.partition(" ")[0] for line in told] == ["QUEUED", "try", "try", "Waits"]
    assert told[3] == "Waits for try 3: 1 job before it."


def test_an_ordinary_end_stays_compact(describe, sample, now):
    ended = describe("SUCCEEDED", end_time=now, model_version="taxi@1", message="taxi@1", exit_code=0,
                     changes=[*STATES, ("SUCCEEDED", 0)], usage=[sample(1)], log_tail="done\n")  # fmt: skip
    html = description_bundle(ended, now=now)[HTML]
    assert html.count("<details") == 3
    assert html.count("<details open") + html.count(" open>") == 1
    assert "SUCCEEDED after" in html.partition("Details")[2]
    assert "SUCCEEDED after" not in html.partition("Details")[0]


def test_charts_are_on_view_while_the_job_goes_on(describe, sample, now):
    running = description_bundle(describe(usage=[sample(1)]), now=now)[HTML]
    ended = description_bundle(describe("CANCELLED", usage=[sample(1)], end_time=now), now=now)[HTML]
    assert " open><summary" in running.partition("Usage:")[0]
    assert " open><summary" not in ended.partition("Usage:")[0]


def test_a_lost_job_can_be_run_again(describe, now):
    assert lines(description_bundle(describe("LOST", end_time=now), now=now))[-2].startswith("Next: %jobs rerun taxi-")


def test_many_flags_and_metrics_are_no_wall(describe, now):
    args = tuple(f"--flag-{number}={number}" for number in range(200))
    metrics = {f"metric_{number}": number / 7 for number in range(40)}
    bundle = description_bundle(describe(spec={"args": args}, metrics=metrics), now=now)
    assert "--flag-199" not in bundle[HTML].partition("Details")[0]
    assert "--flag-199" in bundle[HTML].partition("Details")[2]
    assert "32 more" in bundle[TEXT]
    assert "metric_39=5.571" in bundle[HTML].partition("Details")[2]


def test_a_log_is_coloured_by_how_grave_its_lines_are(describe, now):
    grave = "ERROR:root:<b>\nTraceback (most recent call last):\n  File\nE: x"
    log = f"fine\nWARNING:root:x\nI0000 00:00:1.5   18 a.cc:1] told\n{grave}"
    html = description_bundle(describe(log_tail=log), now=now)[HTML]
    red = html.partition("ERROR:root:&lt;b&gt;")[0].rpartition("<span")[2]
    assert "color-mix(in srgb,#c5221f" in red
    assert html.count(f"<span{red}") == 4
    assert f'{theme.toned(theme.AMBER)}">WARNING:root:x<' in html
    assert ">fine\n" in html


def test_a_description_is_its_payload(describe, sample, now):
    shown = describe(changes=STATES, usage=[sample(1)], progress=Progress(epoch=1, epochs=2), log_tail="a")
    payload = description_bundle(shown, now=now)[MIME]
    assert payload.pop("schemaVersion") == 1
    assert codec.decode(JobDescription, payload) == codec.decode(JobDescription, codec.encode(shown))


def test_a_payload_is_bounded(describe, sample, now):
    names = [f"worker-{number}" for number in range(20)]
    usage = [sample(second, replica=name) for second in range(200, 0, -1) for name in names]
    shown = describe(usage=usage, log_tail="x" * 100_000)
    assert len(json.dumps(description_bundle(shown, now=now)[MIME])) < 120_000


def hostile(describe, now):
    spec = {"display_name": HOSTILE, "args": (HOSTILE,), "flags": {HOSTILE: HOSTILE}, "versions": {HOSTILE: HOSTILE},
            "git_commit": HOSTILE, "rerun_of": HOSTILE, "invocation": HOSTILE, "labels": {HOSTILE: HOSTILE},
            "placement": Placement(note=HOSTILE), "origin": Origin(notebook=HOSTILE)}  # fmt: skip
    replicas = tuple(
        Replica(role=ReplicaRole.WORKER, index=at, pid=1, attempt=1, start_time=now, exit_code=-200) for at in (0, 1)
    )
    error = JobError(message=HOSTILE, traceback=HOSTILE, hint=HOSTILE)
    return describe("FAILED", spec=spec, metrics={HOSTILE: float("nan")}, error=error, model_version=HOSTILE,
                    message=HOSTILE, replicas=replicas, hints=(HOSTILE,), waiting_for=HOSTILE,
                    log_tail=f"ERROR:{HOSTILE}\n{HOSTILE}")  # fmt: skip


def test_nothing_hostile_gets_through(describe, now):
    bundle = description_bundle(hostile(describe, now), now=now)
    assert "<script" not in bundle[HTML]
    assert "\x1b" not in bundle[HTML] + bundle[TEXT]


def test_each_element_is_closed(describe, now, sample):
    checker = Closed()
    checker.feed(description_bundle(hostile(describe, now), now=now)[HTML])
    checker.feed(description_bundle(describe(usage=[sample(1)], changes=STATES), now=now)[HTML])
    checker.close()
    assert checker.open == []


def test_text_fits_a_terminal(describe, sample, now):
    names = ("chief-0", "worker-0", "ps-0")
    replicas = tuple(
        Replica(role=ReplicaRole(name[:-2]), index=0, pid=1, attempt=1, start_time=now, restarts=2) for name in names
    )
    shown = describe(
        "CANCELLED", end_time=now, message="word " * 40, log_tail="y" * 200, metrics={"m" * 90: 1.0},
        usage=[sample(1, replica=name) for name in names], replicas=replicas, hints=("word " * 40,),
        changes=[*STATES, ("CANCELLING", 4), ("CANCELLED", 1)], spec={"versions": dict.fromkeys("abcdefg", "1.0" * 5)},
    )  # fmt: skip
    assert max(map(len, lines(description_bundle(shown, now=now)))) <= 80


@pytest.mark.parametrize("name", panels.__all__)
def test_each_panel_is_found_by_name(name):
    assert callable(getattr(panels, name))


def test_other_names_are_not():
    with pytest.raises(AttributeError, match=r"module 'mlmagic.panels' has no attribute 'bundles'"):
        _ = panels.bundles


def test_a_trial_says_whose_it_is(describe, now):
    bundle = description_bundle(describe(spec={"parent": "study-1", "trial": 7}), now=now)
    assert lines(bundle)[0].startswith("● RUNNING  taxi  trial 7")
    assert "From: trial 7 of study-1 · package abababababab" in lines(bundle)
    assert theme.pill("trial 7", theme.GREY) in bundle[HTML]
    assert "7 of study-1" in bundle[HTML]


def test_the_best_of_a_study_says_of_which(describe, now):
    bundle = description_bundle(describe(spec={"from_study": "study-1"}), now=now)
    assert "From: best of study-1 · package abababababab" in lines(bundle)
    assert "Best of study" in bundle[HTML]
