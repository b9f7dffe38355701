"""A study as an object, and what follows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from support.written_studies import WrittenStudy

from mlmagic.api.comparison import compare_jobs
from mlmagic.api.difference import diff_jobs
from mlmagic.api.job import Job
from mlmagic.api.jobs import job, jobs
from mlmagic.api.promotion import promote, resume
from mlmagic.api.retention import plan_deletion
from mlmagic.api.study import StudyJob, studies, study
from mlmagic.api.trial_list import TrialList
from mlmagic.errors import NotFoundError, UsageError
from mlmagic.session import Session
from mlmagic.spec.job import UNFINISHED, JobKind
from mlmagic.spec.study import Promotion, TrialState
from mlmagic.testing.driving import submit, wait_for

QUICK = "print('trained')\n"


@pytest.fixture
def written(session: Session) -> Iterator[WrittenStudy]:
    """A study of 4 trials: 2 that succeeded, and one that failed."""
    made = WrittenStudy(session.location, backend=session.backend())
    for number, value in ((1, 0.5), (2, 0.25), (3, None)):
        made.start(number, QUICK)
        made.end(number, value)
    yield made
    for summary in session.backend().list(states=UNFINISHED, trials=True):
        session.backend().cancel(summary.id)


@pytest.fixture
def found(written: WrittenStudy, session: Session) -> StudyJob:
    """The same as a user finds it."""
    return study("flights", session=session)


def test_a_study_is_found_by_name_id_and_prefix(written: WrittenStudy, session: Session) -> None:
    assert study("flights", session=session).id == study(written.id[:20], session=session).id == written.id
    assert isinstance(job("flights", session=session), StudyJob)
    assert not isinstance(job("flights/2", session=session), StudyJob)


def test_the_name_of_a_study_means_it_though_its_promotion_has_it_too(found: StudyJob, session: Session) -> None:
    promoted = found.promote()
    assert job("flights", session=session).id == promoted.id
    assert study("flights", session=session).id == found.id


def test_what_is_no_study_says_what_it_is(written: WrittenStudy, session: Session) -> None:
    with pytest.raises(NotFoundError) as caught:
        study("flights/2", session=session)
    assert str(caught.value) == (
        f"{written.id}-2 is no study, but trial 2 of {written.id}.\n`%tune list` shows all studies."
    )
    submit(session.backend(), QUICK, name="taxi")
    with pytest.raises(NotFoundError, match="is no study, but a training job"):
        study("taxi", session=session)
    with pytest.raises(NotFoundError, match=r"there is no study 'fligths'.\nDid you mean flights\?"):
        study("fligths", session=session)


def test_it_tells_its_trials(found: StudyJob) -> None:
    assert [trial.state for trial in found.trials] == [
        *(TrialState.SUCCEEDED, TrialState.SUCCEEDED, TrialState.INFEASIBLE)
    ]
    frame = found.trials.to_frame()
    assert list(frame["lr"]) == [0.01, 0.02, 0.03]
    assert list(frame["val_loss"])[:2] == [0.5, 0.25]
    assert [trial.number for trial in found.trials[1:]] == [2, 3]
    assert "★" in str(found.trials)


def test_a_parameter_keeps_its_values_whatever_it_is_called(found: StudyJob) -> None:
    names = dataclasses.replace(found.study_spec.parameters[0], name="step")
    trials = [dataclasses.replace(trial, parameters={"step": "7"}) for trial in found.trials]
    spec = dataclasses.replace(found.study_spec, parameters=(names,))
    frame = TrialList(dataclasses.replace(found.study, spec=spec, trials=tuple(trials)), NotImplemented).to_frame()
    assert list(frame["--step"]) == [7, 7, 7]
    assert list(frame["step"])[:2] == [trial.final.step for trial in found.trials[:2] if trial.final]


def test_it_tells_the_best_trial_and_what_to_do_with_it(found: StudyJob) -> None:
    assert (found.best_trial.number, found.trial(2).id) == (2, f"{found.id}-2")
    best = found.describe_best()
    assert (best.value, best.parameters) == (0.25, {"lr": "0.02"})
    assert str(best).splitlines() == [
        "Trial 2 of flights: val_loss 0.2500",
        "  --lr=0.02",
        "Next: %tune promote flights   %jobs logs flights/2",
    ]


def test_there_is_no_such_trial(found: StudyJob) -> None:
    with pytest.raises(NotFoundError) as caught:
        found.trial(9)
    assert str(caught.value) == f"{found.id} has no trial 9.\nIt has the trials 1 to 3."


def test_it_is_shown_as_its_page(found: StudyJob) -> None:
    assert "3 of 4 trials" in str(found)
    assert "1 failed" in str(found)
    assert found.plot("history")._repr_mimebundle_()


def test_its_page_shows_trials_in_another_order(found: StudyJob) -> None:
    def numbers(study: StudyJob) -> list[str]:
        return [line.split()[1] for line in str(study).split("\n") if line.startswith(("✓", "✗"))]

    assert numbers(found) == ["2", "1", "3"]
    other = found.showing(sort_by="~lr", limit=2)
    assert (numbers(other), other) == (["3", "2"], found)
    assert numbers(found.showing(sort_by="number", limit=None)) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"sort_by": "units"},
            r"trials cannot be sorted by 'units':\n  - there is no key 'units'. Keys: number, state",
        ),
        ({"sort_by": 3}, "sort_by is text, such as '~number', not int 3."),
        ({"limit": 0}, "limit 0 must be 1 or more"),
        (
            {"sort_by": "units", "limit": 0},
            r"showing cannot take these arguments:\n  - trials .*\n.*\n  - limit 0 must be",
        ),
    ],
)
def test_an_order_that_cannot_be(found: StudyJob, given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        found.showing(**given)


def test_a_list_tells_how_far_studies_are_and_leaves_trials_out(written: WrittenStudy, session: Session) -> None:
    assert [row.id for row in jobs(session=session)] == [row.id for row in studies(session=session)] == [written.id]
    bundle = studies(session=session)._repr_mimebundle_()
    assert "3/4 trials · best 0.2500" in bundle["text/html"]
    assert "3/4 · best 0.2500" in bundle["text/plain"]
    with_trials = jobs(trials=True, session=session)
    assert len(with_trials) == 4
    assert "val_loss 0.2500 · lr=0.02" in with_trials._repr_mimebundle_()["text/html"]
    assert len(jobs(f"parent={written.id}", session=session)) == 3


def test_without_studies_the_list_says_how_one_is_started(session: Session) -> None:
    assert str(studies(session=session)) == "No studies yet. Start one with %%tune NAME."
    with pytest.raises(NotFoundError, match=r"there is no study 'flights'.\nThere are none yet."):
        study("flights", session=session)


def test_a_study_alone_is_compared_by_its_trials(written: WrittenStudy, session: Session) -> None:
    table = compare_jobs("flights", session=session)
    assert [one.id for one in table.jobs] == [f"{written.id}-{number}" for number in (1, 2, 3)]


def test_two_studies_differ_in_what_they_search(found: StudyJob, session: Session) -> None:
    found.cancel()
    wait_for(found.backend, found.id)
    again = resume(found, 8, parallel=2, session=session)
    settings = {one.key: (one.first, one.second) for one in diff_jobs(found, again, session=session).settings}
    assert settings["study.trials"] == ("4", "8")
    assert settings["study.parallel"] == ("1", "2")
    assert settings["study.resumes"] == (None, found.id)


def test_a_study_goes_with_its_trials(written: WrittenStudy, session: Session) -> None:
    written.finish()
    plan = plan_deletion("flights", session=session)
    assert plan.trials == (3,)
    assert "3 trials" in str(plan)
    plan.delete()
    assert len(jobs(trials=True, session=session)) == 0


def test_the_best_parameters_are_trained_once_more(found: StudyJob, session: Session) -> None:
    promoted = promote("flights", args=["--epochs=20"], set_default=True, timeout="5m", session=session)
    spec = promoted.spec
    assert (spec.kind, spec.study, spec.from_study, spec.parent) == (JobKind.TRAINING, None, found.id, None)
    assert spec.args == ("--lr=0.02", "--epochs=20")
    assert (spec.model, spec.set_default, spec.timeout_seconds) == ("flights", True, 300)
    assert found.promote(trial=1, model="delay").spec.args == ("--lr=0.01",)


def test_arguments_of_a_promotion_take_the_place_of_the_trials_own(found: StudyJob) -> None:
    assert found.promote(["--lr", 0.3, "--all"]).spec.args == ("--lr", "0.3", "--all")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"trial": 3}, UsageError, "trial 3 of .* is INFEASIBLE; one that succeeded can be promoted."),
        ({"trial": 7}, NotFoundError, "has no trial 7"),
        ({"trial": 0, "model": "9x"}, UsageError, "promote cannot take these arguments:\n  - model name '9x'"),
        ({"args": "--epochs 3"}, UsageError, "args must be a list of words"),
    ],
)
def test_what_cannot_be_promoted(
    found: StudyJob, given: dict[str, object], error: type[Exception], message: str, session: Session
) -> None:
    with pytest.raises(error, match=message):
        promote(found, **given, session=session)


def test_nothing_is_promoted_while_nothing_has_succeeded(session: Session) -> None:
    made = WrittenStudy(session.location, backend=session.backend())
    with pytest.raises(NotFoundError) as caught:
        made.job.promote()
    assert str(caught.value) == ("no trial of flights has succeeded.\nWhat became of them: %tune describe flights")
    assert "No trials yet." in str(made.job.trials)
    made.finish()


def test_a_study_goes_on_with_what_it_has_not_made(found: StudyJob, session: Session) -> None:
    with pytest.raises(UsageError, match="is RUNNING, and goes on making trials"):
        found.resume()
    found.cancel()
    wait_for(found.backend, found.id)
    spec = found.resume().spec
    assert (spec.study.resumes, spec.study.trials, spec.rerun_of) == (found.id, 1, None)
    assert resume(found, 5, max_failed=2, session=session).spec.study.max_failed == 2


def test_a_study_that_has_made_all_asks_how_many_more(session: Session) -> None:
    made = WrittenStudy(session.location, backend=session.backend(), trials=1)
    made.start(1, QUICK)
    made.end(1, 0.5)
    made.finish()
    with pytest.raises(UsageError, match="has made its 1 trials: say how many more there are to be, trials"):
        made.job.resume()
    with pytest.raises(UsageError, match="resume cannot take these arguments"):
        resume("flights", 0, parallel=0, session=session)


def test_a_study_runs_again_as_a_study_and_a_trial_alone(found: StudyJob, session: Session) -> None:
    again = found.rerun(["--epochs=3"])
    assert isinstance(again, StudyJob)
    assert (again.spec.args, again.study.trials, again.spec.rerun_of) == (("--epochs=3",), (), found.id)
    with pytest.raises(UsageError, match="lr: the arguments set it too"):
        found.rerun(["--lr=1"])
    alone = found.trial(2).rerun()
    assert (type(alone), alone.spec.parent, alone.spec.trial) == (Job, None, None)


def test_all_that_is_wrong_with_a_promotion_is_told_at_once_and_by_its_name(found: StudyJob, session: Session) -> None:
    with pytest.raises(UsageError) as caught:
        promote(found, model="a b", timeout="soon", cores="many", args="--epochs 3", session=session)
    assert caught.value.message == "promote cannot take these arguments:"
    assert [problem.split()[0] for problem in caught.value.problems] == ["model", "args", "timeout", "cores"]


def test_a_promotion_starts_from_nothing_if_it_is_to(found: StudyJob, session: Session) -> None:
    assert [promote(found, fresh=fresh, session=session).spec.fresh for fresh in (None, True)] == [False, True]


@pytest.mark.usefixtures("written")
def test_a_study_that_goes_on_trains_the_best_only_where_it_is_asked_to(session: Session) -> None:
    promotion = Promotion(model="delay", args=("--epochs=9",), set_default=True)
    made = WrittenStudy(session.location, backend=session.backend(), promotion=promotion)
    made.finish()
    assert made.job.resume(2).study_spec.promotion is None
    assert resume(made.job, 2, promote=True, session=session).study_spec.promotion == promotion


@pytest.mark.usefixtures("written")
def test_a_study_that_goes_on_may_train_the_best_for_the_first_time(session: Session) -> None:
    made = WrittenStudy(session.location, backend=session.backend())
    made.finish()
    promotion = resume(made.job, 2, promote=True, session=session).study_spec.promotion
    assert promotion == Promotion(model="flights")


def test_more_trials_have_the_limit_of_a_study(session: Session) -> None:
    made = WrittenStudy(session.location, backend=session.backend())
    made.finish()
    with pytest.raises(UsageError, match="trials 20,000 are too many: a study has 10,000 at most"):
        made.job.resume(20_000)
