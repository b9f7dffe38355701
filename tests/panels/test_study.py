"""The page of a study, in HTML and for a terminal."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from mlmagic.errors import UsageError
from mlmagic.panels import study_bundle, theme, trials_bundle
from mlmagic.panels.markup import escape
from mlmagic.panels.study_order import TrialOrder, ordered, parse_trial_sort
from mlmagic.panels.study_table import curve_svg
from mlmagic.spec.codec import dumps, loads
from mlmagic.spec.job import JobError, JobState, Placement
from mlmagic.spec.study import (
    Condition,
    EarlyStopping,
    Measurement,
    Parameter,
    ParameterKind,
    Promoted,
    Promotion,
    StoppingRule,
)
from mlmagic.spec.study_report import StudyReport
from mlmagic.spec.usage import Usage

AFTER = ("%tune plot flights", "%tensorboard flights --best 3")
HTML, TEXT, MIME = "text/html", "text/plain", "application/vnd.mlmagic.study+json"
HOSTILE = "<script>alert(1)</script>\x1b[31m&\"'"


def lines(report, now):
    return study_bundle(report, now=now)[TEXT].split("\n")


def test_a_running_study_tells_how_far_it_is(study, now):
    told = lines(study(0.3, 0.2, "failed", "early", "active", "waiting", trials=24, parallel=2, eta=130.0), now)
    assert told[0] == "● RUNNING  flights  study" + " " * 45 + "2 min 10 s"
    assert told[2] == "Goal: minimize val_loss · Bayesian · 2 in parallel · seed 0"
    assert " ".join(told[3:5]).endswith(
        "4 of 24 trials · 2 active · 1 failed · 1 stopped   early · about 2 min 10 s left"
    )
    assert told[5] == "★ Best val_loss 0.2000 in trial 2: lr=0.000289 units=32 optimizer=adam batch=64"


def test_trials_that_go_on_come_first_then_the_best_then_those_that_failed(study, now):
    report = study(0.3, 0.2, "failed", 0.25, "active", "waiting")
    assert [trial.number for trial in ordered(report)] == [5, 6, 2, 4, 1, 3]
    rows = [line.split()[:3] for line in lines(report, now) if line[:1] in "●◔✓✗" and line[2:3].isdigit()]
    assert rows == [["●", "5", "0.5000"], ["◔", "6", "—"], ["✓", "2", "★"], ["✓", "4", "0.2500"], ["✓", "1", "0.3000"],
                    ["✗", "3", "—"]]  # fmt: skip


def test_the_highest_is_the_best_of_a_study_that_maximizes(study):
    assert [trial.number for trial in ordered(study(0.3, 0.2, 0.4, goal="MAXIMIZE"))] == [3, 1, 2]


def test_all_trials_are_told_by_number(study):
    told = trials_bundle(study(0.3, "failed", 0.25, *[0.5] * 30))[HTML]
    places = [told.index(f">flights/{number}<") for number in range(1, 34)]
    assert places == sorted(places)
    assert "No trials yet." in trials_bundle(study())[TEXT]


def test_what_failed_or_goes_on_says_so_in_its_row(study, now):
    bundle = study_bundle(study("failed", "active"), now=now)
    assert "Trial 1: it ran out of memory: 2.1 GiB" in bundle[TEXT]
    assert "Trial 2: epoch 3/9" in bundle[TEXT]
    assert "it ran out of memory: 2.1 GiB" in bundle[HTML]


@pytest.mark.parametrize(
    ("trials", "fields", "commands"),
    [
        (
            (0.2, "active"),
            {},
            ["%jobs wait {id}", "%jobs logs flights/2 -f", "%tune plot flights", "%jobs cancel {id}"],
        ),
        (("active",), {}, ["%jobs wait {id}", "%jobs logs flights/1 -f", "%jobs cancel {id}"]),
        ((0.2, "active"), {"state": "CANCELLING"}, ["%jobs wait {id}"]),
        (
            (0.3, 0.2, "failed"),
            {"state": "SUCCEEDED"},
            ["%tune promote flights", *AFTER, "%jobs logs flights/2", "%jobs logs flights/3"],
        ),
        (
            (0.2,),
            {"state": "SUCCEEDED", "promoted": Promoted(model="m", job="m-1")},
            ["%jobs describe m-1", *AFTER, "%jobs logs flights/1"],
        ),
        (
            (0.2,),
            {"state": "SUCCEEDED", "promoted": Promoted(model="m", reason="no room")},
            ["%tune promote flights", *AFTER, "%jobs logs flights/1"],
        ),
        (("failed",), {"state": "FAILED"}, ["%jobs logs flights/1"]),
        ((), {"state": "FAILED"}, ["%jobs logs {id}"]),
    ],
    ids=["running", "begun", "cancelling", "succeeded", "promoted", "not promoted", "failed", "empty"],
)
def test_what_to_do_next(study, now, trials, fields, commands):
    fields = dict(fields)
    promoted = fields.pop("promoted", None)
    report = replace(study(*trials, **fields), promoted=promoted)
    told = " ".join(lines(report, now)).partition("Next: ")[2].split()
    assert told == " ".join(commands).format(id=report.study.id).split()
    html = study_bundle(report, now=now)[HTML]
    assert all(theme.code(command.format(id=report.study.id)) in html for command in commands)


@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.parametrize("trials", [(), ("waiting",), (0.2,), ("failed", "active", 0.2)], ids=len)
def test_every_state_has_a_page(study, now, state, trials):
    bundle = study_bundle(study(*trials, state=state), now=now)
    assert f"{theme.icon(state)} {state.replace('_', ' ')}" in bundle[HTML]
    json.dumps(bundle[MIME], allow_nan=False)


def test_a_study_without_trials_shows_its_space(study, now):
    told = lines(study(state="QUEUED"), now)
    assert told[2] == "Goal: minimize val_loss · Bayesian · seed 0"
    assert told[3].endswith("not running yet.")
    assert ["momentum", "double", "0.0..0.99", "optimizer", "is", "sgd"] in [line.split() for line in told]
    assert ["lr", "double", "log:0.0001..0.1"] in [line.split() for line in told]


def test_a_failed_study_says_why(study, now):
    error = JobError(message="the first 3 trials failed", hint="%jobs logs flights/1 shows why.")
    told = lines(study("failed", "failed", "failed", state="FAILED", error=error), now)
    assert "the first 3 trials failed" in told
    assert "%jobs logs flights/1 shows why." in told


def test_how_it_is_searched_is_told(study, now):
    rule = EarlyStopping(rule=StoppingRule.MEDIAN, use_elapsed_duration=True)
    report = study(0.2, early_stopping=rule, max_failed=3, resumes="old", warm_start=("a", "b"))
    told = " ".join(" ".join(lines(report, now)).split())
    assert "stops trials early by the median, compared by time" in told
    assert "3 failed trials end it" in told
    assert "goes on with old" in told
    assert "knows the trials of a, b" in told


def test_of_many_trials_some_are_shown(study, now):
    report = study(*[0.1 + number / 1000 for number in range(200)], state="SUCCEEDED")
    bundle = study_bundle(report, now=now)
    assert escape("20 of 200 trials. All: %tune describe flights --all") in bundle[HTML]
    assert "flights/20<" in bundle[HTML]
    assert "flights/21<" not in bundle[HTML]
    assert len(bundle[HTML]) < 250_000


def test_lines_fit_a_terminal(study, now):
    report = study(*["failed", 0.2, "active"] * 10, trials=100, reference="a-name-of-a-study" * 3)
    wide = [line for line in lines(report, now) if len(line) > 80]
    # What is to be copied stays whole.
    assert not [line for line in wide if "%jobs" not in line]


def test_of_many_parameters_those_stand_in_columns_that_mattered_most(study, now):
    names = [f"{'long_' * 9}{at}" for at in range(9)]
    space = tuple(Parameter(name=name, kind=ParameterKind.CATEGORICAL, categories=("a", "b")) for name in names)
    report = study(0.2, 0.3, parameters=space, importance={names[8]: 0.9, names[0]: 0.1})
    trials = tuple(replace(trial, parameters=dict.fromkeys(names, "a")) for trial in report.study.trials)
    html = study_bundle(replace(report, study=replace(report.study, trials=trials)), now=now)[HTML]
    header = html.partition("<thead>")[2].partition("</thead>")[0]
    assert [f"…ong_{at}<" in header for at in range(9)] == [True] * 5 + [False] * 3 + [True]
    assert "3 parameters more do not fit" in html
    assert f'title="flights/1 {names[0]}=a {names[1]}=a' in html


def test_what_users_write_is_escaped(study, now):
    space = (
        Parameter(name=HOSTILE, kind=ParameterKind.CATEGORICAL, categories=(HOSTILE,)),
        Parameter(
            name="b",
            kind=ParameterKind.INTEGER,
            minimum=1.0,
            maximum=2.0,
            condition=Condition(parameter=HOSTILE, values=(HOSTILE,)),
        ),
    )
    report = study(0.2, 0.3, parameters=space, metric=HOSTILE, reference=HOSTILE, importance={HOSTILE: 1.0})
    trials = tuple(replace(trial, parameters={HOSTILE: HOSTILE}, reason=HOSTILE) for trial in report.study.trials)
    bundle = study_bundle(replace(report, study=replace(report.study, trials=trials)), now=now)
    assert "<script" not in bundle[HTML]
    assert "\x1b" not in bundle[TEXT]


def test_results_that_are_no_numbers_do_not_spoil_the_page(study, now):
    report = study(0.2, 0.3, "active")
    curve = (Measurement(step=1, value=math.nan), Measurement(step=2, value=math.inf))
    runs = (*report.runs[:2], replace(report.runs[2], curve=curve))
    bundle = study_bundle(replace(report, runs=runs), now=now)
    json.dumps(bundle[MIME], allow_nan=False)
    assert ["●", "3", "inf"] in [line.split()[:3] for line in bundle[TEXT].split("\n")]


def test_a_curve_is_drawn_over_its_own_range():
    points = [Measurement(step=step, value=value) for step, value in enumerate([3.0, math.nan, 1.0])]
    assert 'd="M2.0 2.0L80.0 18.0"' in curve_svg(points, label="x")
    assert curve_svg(points[:2], label="x") is None


def test_an_id_is_told_in_place_of_a_name_that_another_study_has_now(study, now):
    report = study(0.2, state="SUCCEEDED", reference="flights-20261121-092000-cd34")
    assert report.trial_reference(report.study.trials[0]) == "flights-20261121-092000-cd34/1"
    html = study_bundle(report, now=now)[HTML]
    assert 'title="flights-20261121-092000-cd34/1 lr=' in html
    # What would take the room that values need opens on a click.
    row = html.partition("<details>")[2].partition("</details>")[0]
    for verb in ("%jobs describe", "%jobs logs", "%tensorboard"):
        assert theme.code(f"{verb} flights-20261121-092000-cd34/1") in row


def test_trials_of_the_study_before_are_counted(study):
    report = study(0.3, 0.2, trials=10)
    trials = (replace(report.study.trials[0], job="flights-20261120-092000-0000-1"), report.study.trials[1])
    assert replace(report.study, trials=trials).total == 11


def test_a_report_comes_back_from_json(study):
    report = study(0.3, "failed", "active", importance={"lr": 1.0}, eta=3.0)
    assert loads(StudyReport, dumps(report)) == report


def test_a_promotion_is_told_before_and_after(study, now):
    report = study(0.2, "active", promotion=Promotion(model="delays"))
    assert lines(report, now)[2] == "Goal: minimize val_loss · Bayesian · seed 0 · then trains delays"
    assert "then trains delays" in study_bundle(report, now=now)[HTML]
    ended = study(0.2, state="SUCCEEDED", promotion=Promotion(model="delays"))
    done = replace(ended, promoted=Promoted(model="delays", job="delays-1"))
    failed = replace(ended, promoted=Promoted(model="delays", reason="no room"))
    for each, told in [
        (done, "delays-1 trains delays with parameters of this study."),
        (failed, "The best trial could not be promoted: no room"),
    ]:
        assert told in lines(each, now)
        assert told in study_bundle(each, now=now)[HTML]


def test_what_the_study_would_be_in_the_cloud_is_noted(study, now):
    report = study(0.2)
    record = report.job.record
    spec = replace(record.spec, placement=Placement(note="here 2 of 400 parallel trials run at a time"))
    report = replace(report, job=replace(report.job, record=replace(record, spec=spec)))
    assert "Note: here 2 of 400 parallel trials run at a time" in lines(report, now)
    assert "here 2 of 400 parallel trials run at a time" in study_bundle(report, now=now)[HTML]


def test_its_payload_is_bounded(study, sample, now):
    report = study(*[0.1 + number / 1000 for number in range(200)], "active", log_tail="a line of a log\n" * 4000)
    trials = tuple(replace(trial, seen="1-200") for trial in report.study.trials)
    job = replace(report.job, usage=Usage(samples=tuple(sample(second) for second in range(2000))))
    payload = study_bundle(replace(report, study=replace(report.study, trials=trials), job=job), now=now)[MIME]
    assert payload["job"]["logTail"].count("\n") < 60
    assert len(payload["job"]["usage"]["samples"]) <= 150
    assert {trial["seen"] for trial in payload["study"]["trials"]} == {""}
    curves = [len(run["curve"]) for run in payload["runs"]]
    # Of those that are not shown, what they reported last: it is drawn among the others.
    assert (sum(count == 10 for count in curves), sum(count == 1 for count in curves), curves[-1]) == (19, 181, 2)


def test_more_trials_are_shown_in_another_order(study, now):
    report = study(*[0.1 + number / 1000 for number in range(30)])
    assert "flights/21<" in study_bundle(report, order=TrialOrder(limit=None), now=now)[HTML]
    order = TrialOrder(sort_by=parse_trial_sort("~number", report.spec), limit=2)
    text = study_bundle(report, order=order, now=now)[TEXT].split("\n")
    assert [line.split()[1] for line in text if line.startswith("✓")] == ["30", "29"]
    assert "2 of 30 trials. All: %tune describe flights --all" in text


@pytest.mark.parametrize(
    ("keys", "numbers"),
    [
        ("number", [1, 2, 3, 4, 5]),
        ("~number", [5, 4, 3, 2, 1]),
        ("val_loss", [2, 4, 1, 3, 5]),
        ("~metrics.val_loss", [1, 4, 2, 3, 5]),
        ("optimizer,~units", [4, 2, 5, 3, 1]),
        ("momentum", [1, 3, 5, 2, 4]),
        ("~flags.momentum,number", [1, 3, 5, 2, 4]),
        ("state,number", [3, 1, 2, 4, 5]),
        ("seconds,number", [3, 1, 2, 4, 5]),
        ("~seconds", [1, 2, 4, 3, 5]),
    ],
)
def test_trials_are_sorted_by_what_is_told_of_them(study, keys, numbers):
    report = study(0.4, 0.2, "failed", 0.25, "waiting")
    runs = (*report.runs[:4], replace(report.runs[4], elapsed_seconds=None))
    order = TrialOrder(sort_by=parse_trial_sort(keys, report.spec))
    assert [trial.number for trial in order.of(replace(report, runs=runs))] == numbers


def test_keys_that_there_are_not_are_told_at_once(study):
    with pytest.raises(UsageError) as caught:
        parse_trial_sort("~valloss,x y z,,number desc", study().spec)
    assert str(caught.value) == (
        "trials cannot be sorted by '~valloss,x y z,,number desc':\n"
        "  - there is no key 'valloss'. Did you mean val_loss?\n"
        "  - there is no key 'x y z'. Keys: number, state, seconds, val_loss, lr, units, optimizer, momentum, batch.\n"
        "  - there is nothing between two commas, or after a ~.\n"
        "  - there is no 'desc' after a key: write ~number."
    )


def test_a_parameter_that_is_called_like_a_key_is_sorted_by_its_long_name(study):
    space = (Parameter(name="number", kind=ParameterKind.INTEGER, minimum=1.0, maximum=9.0),)
    report = study(0.2, 0.3, parameters=space)
    trials = tuple(replace(trial, parameters={"number": str(9 - trial.number)}) for trial in report.study.trials)
    report = replace(report, study=replace(report.study, trials=trials))
    for keys, numbers in (("number", [1, 2]), ("flags.number", [2, 1])):
        order = TrialOrder(sort_by=parse_trial_sort(keys, report.spec))
        assert [trial.number for trial in order.of(report)] == numbers


def test_a_run_is_found_by_its_number(study):
    report = study(0.2, "failed", 0.3)
    fewer = replace(report, runs=(report.runs[0], report.runs[2]))
    assert [fewer.run(trial).elapsed_seconds for trial in fewer.study.trials] == [61.0, None, 61.0]
    assert fewer.run(fewer.study.trials[1]).number == 2
