"""The part of the exam that is about trials: jobs that a study has made, and that live and die with it."""

# ruff: noqa: D102, S101 - these are tests: their names say what they are about, and they assert

from __future__ import annotations

import pytest

from mlmagic.backends.base import Backend
from mlmagic.errors import ConflictError, NotFoundError
from mlmagic.filters.parser import parse
from mlmagic.spec.job import JobRecord, JobState
from mlmagic.spec.names import trial_job_id
from mlmagic.testing.driving import FOREVER, run, submit, wait_for, wait_for_text


class TrialConformance:
    """Ids, lists, references and ends of trials; and jobs that are stopped early."""

    def test_a_trial_is_made_once(self, backend: Backend) -> None:
        study = submit(backend, FOREVER)
        first = submit(backend, "print(1)\n", parent=study.id, trial=3)
        ended = wait_for(backend, first.id)
        again = submit(backend, "print(2)\n", parent=study.id, trial=3)
        assert first.id == trial_job_id(study.id, 3)
        assert again == ended
        backend.cancel(study.id)
        wait_for(backend, study.id)

    def test_lists_are_without_trials_unless_these_are_asked_for(self, backend: Backend) -> None:
        study, trials = _study(backend, "print(1)\n", "print(2)\n")
        assert [row.id for row in backend.list()] == [study.id]
        assert {row.id for row in backend.list(trials=True)} == {study.id, *(trial.id for trial in trials)}
        rows = backend.list(where=parse(f"parent={study.id} AND trial>1"))
        assert [(row.id, row.parent, row.trial) for row in rows] == [(trials[1].id, study.id, 2)]
        backend.cancel(study.id)
        wait_for(backend, study.id)

    def test_a_name_or_a_prefix_never_means_a_trial(self, backend: Backend) -> None:
        study, (trial,) = _study(backend, "print(1)\n")
        assert backend.resolve("exam") == backend.resolve(study.id[:-1]) == study.id
        assert backend.resolve(trial.id) == trial.id
        with pytest.raises(NotFoundError):
            backend.resolve(f"{study.id}-")
        backend.cancel(study.id)
        wait_for(backend, study.id)

    def test_trials_are_cancelled_with_their_study(self, backend: Backend) -> None:
        study, trials = _study(backend, FOREVER, FOREVER)
        wait_for_text(backend, trials[0].id, "begun")
        backend.cancel(study.id)
        assert {wait_for(backend, record.id).state for record in (study, *trials)} == {JobState.CANCELLED}

    def test_a_study_that_ended_gets_no_trials(self, backend: Backend) -> None:
        study = run(backend, "print(1)\n")
        with pytest.raises(ConflictError, match=f"study {study.id} is SUCCEEDED, so it gets no trial 1"):
            submit(backend, "print(1)\n", parent=study.id, trial=1)
        assert len(backend.list(trials=True)) == 1

    def test_trials_are_deleted_with_their_study_and_not_before(self, backend: Backend) -> None:
        study, (trial,) = _study(backend, "print(1)\n")
        wait_for(backend, trial.id)
        with pytest.raises(ConflictError, match=f"job {trial.id} is a trial of {study.id}, which is"):
            backend.delete(trial.id)
        backend.cancel(study.id)
        wait_for(backend, study.id)
        backend.delete(study.id)
        assert backend.list(trials=True) == []

    def test_a_trial_of_a_study_that_ended_is_deleted_alone(self, backend: Backend) -> None:
        study, trials = _study(backend, "print(1)\n", "print(2)\n")
        backend.cancel(study.id)
        for record in (study, *trials):
            wait_for(backend, record.id)
        backend.delete(trials[0].id)
        assert {row.id for row in backend.list(trials=True)} == {study.id, trials[1].id}

    def test_a_job_that_is_stopped_early_succeeded(self, backend: Backend) -> None:
        job_id = submit(backend, FOREVER, max_retries=2).id
        wait_for_text(backend, job_id, "begun")
        backend.stop(job_id, "it is not getting better")
        record = wait_for(backend, job_id)
        assert (record.state, record.attempt, record.error) == (JobState.SUCCEEDED, 1, None)
        assert record.message == "stopped early: it is not getting better"

    def test_a_stop_leaves_alone_what_ends_already(self, backend: Backend) -> None:
        record = run(backend, "print('done')\n")
        assert backend.stop(record.id, "too late") == record
        job_id = submit(backend, FOREVER).id
        wait_for_text(backend, job_id, "begun")
        backend.cancel(job_id)
        backend.stop(job_id, "too late")
        assert wait_for(backend, job_id).state is JobState.CANCELLED


def _study(backend: Backend, *sources: str) -> tuple[JobRecord, list[JobRecord]]:
    """Return a job that runs until it is cancelled, and trials of it."""
    study = submit(backend, FOREVER)
    made = [submit(backend, source, parent=study.id, trial=number) for number, source in enumerate(sources, 1)]
    return study, made
