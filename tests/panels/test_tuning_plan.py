"""What a study would do, as the dry run shows it."""

from __future__ import annotations

import dataclasses

from support.search_spaces import EVERYTHING, study_of
from support.studies import trial

from mlmagic.panels import trials_bundle, tuning_plan_bundle
from mlmagic.panels.tuning_plan import study_lines
from mlmagic.spec.job import JobKind, JobRecord, JobSpec, JobState, PackageReference
from mlmagic.spec.package import CellShape, TrainerPackage
from mlmagic.spec.report import JobDescription
from mlmagic.spec.study import Measurement, Promotion, Study, TrialState
from mlmagic.spec.study_report import StudyReport

PACKAGE = TrainerPackage(shape=CellShape.TRAIN, files={"trainer/task.py": b"print(1)\n"}, digest="0", notes=("<note>",))
STUDY = dataclasses.replace(study_of(*EVERYTHING), trials=24, parallel=2)
SPEC = JobSpec(display_name="flights", kind=JobKind.TUNING, package=PackageReference(digest="0"), study=STUDY)


def test_the_view_has_space_package_and_commands() -> None:
    bundle = tuning_plan_bundle(
        PACKAGE,
        SPEC,
        grid_points=None,
        command=("python", "-m", "trainer.task", "--lr=0.01"),
        document={"studySpec": {"algorithm": "RANDOM_SEARCH"}},
        document_notes=("it has no seed",),
        gcloud_command=("gcloud", "ai"),
    )
    text, html = bundle["text/plain"], bundle["text/html"]
    assert "Would minimize loss in 24 trials: Bayesian · 2 in parallel · seed 0." in text
    assert "momentum" in text
    assert "optimizer is sgd or rmsprop" in text
    assert "  # it has no seed\n  studySpec:\n    algorithm: RANDOM_SEARCH" in text
    assert "python -m trainer.task --lr=0.01" in html
    assert "&lt;note&gt;" in html


def test_a_study_is_told_in_words() -> None:
    grid = dataclasses.replace(STUDY, trials=1, promotion=Promotion(model="delay", args=("--epochs=9",)))
    assert study_lines(grid, 12) == [
        "Would minimize loss in 1 trial, of 12 points that there are: Bayesian · 2 in parallel · seed 0.",
        "Then the best parameters would make a version of delay, with --epochs=9.",
    ]


def test_trials_are_shown_by_number() -> None:
    now = trial(1).suggest_time
    ended = trial(1, state=TrialState.SUCCEEDED, final=Measurement(step=1, value=0.5), end_time=now)
    record = JobRecord(
        id="flights-20260131-123015-0a1b", spec=SPEC, state=JobState.RUNNING, create_time=now, update_time=now
    )
    report = StudyReport(
        study=Study(id=record.id, spec=STUDY, trials=(ended, trial(2))),
        job=JobDescription(record=record),
        reference="f",
    )
    text = trials_bundle(report)["text/plain"]
    assert [line.split()[1] for line in text.splitlines()[1:]] == ["1", "2"]
    assert "0.5" in text
    none = dataclasses.replace(report, study=dataclasses.replace(report.study, trials=()))
    assert trials_bundle(none)["text/plain"] == "No trials yet."
