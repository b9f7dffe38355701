"""A study whose trials and results a test writes itself, with jobs that are real."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from mlmagic.api.study import StudyJob
from mlmagic.backends.memory import MemoryBackend
from mlmagic.spec.job import JobKind
from mlmagic.spec.names import trial_job_id
from mlmagic.spec.study import Goal, Measurement, Parameter, ParameterKind, StudySpec, Trial, TrialState
from mlmagic.testing.driving import FOREVER, submit, wait_for, wait_for_text
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.studies import open_trials

SPACE = (Parameter(name="lr", kind=ParameterKind.DOUBLE, minimum=0.0, maximum=1.0),)


class WrittenStudy:
    """A study of the memory backend; `began` is long ago, so that times can be told."""

    def __init__(self, workspace: Workspace, *, backend: MemoryBackend | None = None, **fields: object) -> None:
        self.workspace = workspace
        self.backend = backend or MemoryBackend()
        known = {"metric": "val_loss", "goal": Goal.MINIMIZE, "parameters": SPACE, "trials": 4}
        self.spec = StudySpec(**{**known, **fields})
        self.id = submit(self.backend, FOREVER, name="flights", kind=JobKind.TUNING, study=self.spec).id
        wait_for_text(self.backend, self.id, "begun")
        self.began = datetime.now(UTC)
        workspace.job(self.id).root.mkdir(parents=True)

    @property
    def job(self) -> StudyJob:
        return StudyJob(id=self.id, backend=self.backend, workspace=self.workspace)

    def start(self, number: int, code: str = FOREVER) -> None:
        """Begin a trial, whose program is running when this returns."""
        submit(self.backend, code, name="flights", parent=self.id, trial=number)
        self.write(number, TrialState.ACTIVE)
        if code is FOREVER:
            wait_for_text(self.backend, trial_job_id(self.id, number), "begun")

    def report(self, number: int, *values: float) -> None:
        """Let a trial report values, one a step."""
        path = self.workspace.job(trial_job_id(self.id, number)).tuning_metrics()
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [{"val_loss": str(value), "global_step": step} for step, value in enumerate(values, 1)]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    def end(self, number: int, value: float | None, *, seconds: float = 10.0) -> None:
        """End a trial with a result, or without one as infeasible; `seconds` after it was suggested."""
        job = trial_job_id(self.id, number)
        self.backend.cancel(job)
        wait_for(self.backend, job)
        state = TrialState.INFEASIBLE if value is None else TrialState.SUCCEEDED
        final = None if value is None else Measurement(step=1, value=value)
        self.write(number, state, end_time=self.began + timedelta(seconds=seconds), final=final)

    def finish(self) -> None:
        """End the study itself."""
        self.backend.cancel(self.id)
        wait_for(self.backend, self.id)

    def write(self, number: int, state: TrialState, **fields: object) -> None:
        """Write how a trial is."""
        trial = Trial(
            number=number,
            parameters={"lr": str(number / 100)},
            state=state,
            job=trial_job_id(self.id, number),
            suggest_time=self.began,
            **fields,
        )
        with open_trials(self.workspace.job(self.id)) as log:
            log.write(trial)
