"""What is told of a study, read from its lines and from the jobs of its trials."""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest
from support.written_studies import WrittenStudy

from mlmagic.api.study_report import StudyReader, report_study, thinned
from mlmagic.errors import NotFoundError, UsageError
from mlmagic.spec.job import JobState
from mlmagic.spec.study import Algorithm, Measurement, Promoted, Promotion, TrialState
from mlmagic.testing.driving import run, submit
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.studies import write_promoted


@pytest.fixture
def written(tmp_path):
    made = []

    def make(**fields):
        made.append(WrittenStudy(Workspace(tmp_path / ".mlmagic"), **fields))
        return made[-1]

    yield make
    for study in made:
        for summary in study.backend.list(states={JobState.RUNNING}, trials=True):
            study.backend.cancel(summary.id)


def test_trials_are_told_with_their_jobs_and_curves(written):
    study = written()
    study.start(1)
    study.report(1, 0.5, 0.4, 0.3)
    study.end(1, 0.3)
    study.start(2)
    report = report_study(study.backend, study.workspace, study.id)
    first, second = report.runs
    assert [(one.step, one.value) for one in first.curve] == [(1, 0.5), (2, 0.4), (3, 0.3)]
    assert (first.state, second.state) == (JobState.CANCELLED, JobState.RUNNING)
    assert first.elapsed_seconds is not None
    assert second.last is None
    assert report.reference == "flights"
    assert report.study.best.number == 1


def test_a_trial_that_came_further_is_read_anew_and_one_that_ended_once(written):
    study = written()
    for number in (1, 2):
        study.start(number)
        study.report(number, 0.5)
    study.end(1, 0.5)
    reader = StudyReader(study.backend, study.workspace, study.id)
    before = reader.read()
    study.report(1, 0.1, 0.1)
    study.report(2, 0.5, 0.2)
    after = reader.read()
    assert after.runs[0] is before.runs[0]
    assert [one.value for one in after.runs[1].curve] == [0.5, 0.2]


def test_how_far_an_active_trial_is_stands_in_its_log(written):
    study = written()
    study.start(1, "print('Epoch 2/5', flush=True)\nimport time\nwhile True: time.sleep(0.02)\n")
    while (run := report_study(study.backend, study.workspace, study.id).runs[0]).progress is None:
        pass
    assert (run.progress.epoch, run.progress.epochs) == (2, 5)


def test_a_trial_without_a_job_is_told_by_its_line(written):
    study = written()
    study.write(1, TrialState.REQUESTED)
    report = report_study(study.backend, study.workspace, study.id)
    assert report.runs[0].state is None
    assert "◔ 1" in str(report)


def test_the_name_means_the_newest_study_alone(written):
    first = written()
    second = WrittenStudy(first.workspace, backend=first.backend)
    assert report_study(first.backend, first.workspace, first.id).reference == first.id
    # A training job of that name is no study.
    run(first.backend, "print(1)\n", name="flights")
    assert report_study(first.backend, first.workspace, second.id).reference == "flights"


def test_how_long_it_takes_is_told_by_trials_that_ended(written):
    study = written(trials=5, parallel=2)
    now = study.began + timedelta(seconds=14)
    study.start(1)
    assert report_study(study.backend, study.workspace, study.id, now=now).eta_seconds is None
    study.end(1, 0.5, seconds=20)
    study.start(2)
    # 6 s of the second, and three of 20 s, two at a time.
    assert report_study(study.backend, study.workspace, study.id, now=now).eta_seconds == pytest.approx(33)
    study.finish()
    assert report_study(study.backend, study.workspace, study.id, now=now).eta_seconds is None


def test_what_mattered_is_told_once_enough_is_known(written):
    study = written(trials=9)
    for number in range(1, 10):
        study.start(number, "pass\n")
        study.end(number, (number - 4) ** 2)
    report = report_study(study.backend, study.workspace, study.id)
    assert report.importance == pytest.approx({"lr": 1.0})
    assert "What mattered" in report._repr_mimebundle_()["text/html"]


def test_a_page_needs_no_library_of_the_search(written, monkeypatch):
    study = written(trials=9, algorithm=Algorithm.RANDOM)
    for number in range(1, 10):
        study.start(number, "pass\n")
        study.end(number, (number - 4) ** 2)
    for name in ("numpy", "scipy", "threadpoolctl"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "mlmagic.tuning.importance", raising=False)
    report = report_study(study.backend, study.workspace, study.id)
    assert report.importance == {}
    assert "★ Best val_loss 0 in trial 4" in str(report)
    assert str(report.plot("importance")) == 'importance needs numpy and threadpoolctl: pip install "mlmagic[tune]".'


def test_what_mattered_is_not_looked_for_in_a_few_trials(written, monkeypatch):
    study = written()
    study.start(1)
    study.end(1, 0.5)
    monkeypatch.setitem(sys.modules, "mlmagic.tuning.importance", None)
    assert report_study(study.backend, study.workspace, study.id).importance == {}


def test_the_training_job_that_follows_is_told_at_the_end(written):
    study = written(promotion=Promotion(model="delays"))
    study.start(1, "pass\n")
    study.end(1, 0.5)
    assert report_study(study.backend, study.workspace, study.id).promoted is None
    study.finish()
    folder = study.workspace.job(study.id)
    # One that was written down and is there no more was deleted.
    write_promoted(folder, Promoted(model="delays", job="delays-1"))
    assert report_study(study.backend, study.workspace, study.id).promoted is None
    write_promoted(folder, Promoted(model="delays", reason="no room"))
    report = report_study(study.backend, study.workspace, study.id)
    assert report.promoted.reason == "no room"
    promoted = submit(study.backend, "pass\n", name="flights", from_study=study.id, model="delays")
    report = report_study(study.backend, study.workspace, study.id)
    assert report.promoted == Promoted(model="delays", job=promoted.id)
    assert f"%jobs describe {promoted.id}" in str(report)


def test_usage_is_read_anew_now_and_then(written, monkeypatch):
    study = written()
    calls = []
    usage = study.backend.usage
    monkeypatch.setattr(study.backend, "usage", lambda job_id: calls.append(job_id) or usage(job_id))
    reader = StudyReader(study.backend, study.workspace, study.id)
    reader.read()
    reader.read()
    assert calls == [study.id]
    monkeypatch.setattr("mlmagic.api.study_report._USAGE_PAUSE", 0.0)
    reader.read()
    assert calls == [study.id] * 2


def test_what_is_no_study_is_refused(written):
    study = written()
    record = run(study.backend, "print(1)\n")
    with pytest.raises(NotFoundError, match="is no study"):
        report_study(study.backend, study.workspace, record.id)


def test_charts_are_chosen_by_kind(written):
    study = written()
    study.start(1)
    study.end(1, 0.5)
    report = report_study(study.backend, study.workspace, study.id)
    assert str(report.plot("history")) == "Charts:\n  val_loss by trial, and the best so far"
    assert "val_loss by lr" in str(report.plot())
    assert repr(report.plot()) == f"<StudyPlots of {study.id}>"
    with pytest.raises(UsageError) as error:
        report.plot("slice", "pie")
    assert str(error.value).startswith("there is no plot 'slice' or 'pie'. Did you mean slices?")


def test_of_a_long_curve_both_ends_are_kept():
    curve = [Measurement(step=step, value=step / 2) for step in range(1000)]
    kept = thinned(curve, 7)
    assert [one.step for one in kept] == [0, 166, 333, 500, 666, 832, 999]
    assert thinned(curve[:7], 7) == tuple(curve[:7])
