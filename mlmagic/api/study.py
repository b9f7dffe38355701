"""A study as an object: a tuning job, with what its trials have found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import read_reference, read_whole_number
from mlmagic.api.job import Job
from mlmagic.api.selection import Reference, SelectionCheck, read_order, session_of
from mlmagic.api.trial_list import BestTrial, TrialList, best_of
from mlmagic.errors import NotFoundError, UsageError, nearest
from mlmagic.spec.job import JobKind, JobRecord, JobSpec
from mlmagic.spec.names import is_name
from mlmagic.spec.study import Study, StudySpec, Trial

if TYPE_CHECKING:
    from mlmagic.api.job_list import JobList
    from mlmagic.api.study_report import StudyDescription, StudyPlots
    from mlmagic.backends.base import Backend
    from mlmagic.filters.tree import Filter
    from mlmagic.panels.study_order import TrialOrder
    from mlmagic.session import Session
    from mlmagic.workspace.layout import Workspace

_MOST_NAMES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyJob(Job):
    """A handle on a tuning job. It holds the id alone: whatever it tells is read when it is asked."""

    workspace: Workspace = field(repr=False)
    order: TrialOrder | None = field(default=None, repr=False, compare=False)
    """How its page shows the trials, if otherwise than at first; `showing` sets it."""

    @property
    def study_spec(self) -> StudySpec:
        """What is searched."""
        return study_of(self.spec)

    @property
    def study(self) -> Study:
        """The study as far as it has come."""
        from mlmagic.workspace.studies import read_trials

        return Study(id=self.id, spec=self.study_spec, trials=read_trials(self.workspace.job(self.id)))

    @property
    def best_trial(self) -> Trial | None:
        """The trial with the best result; None while there is none."""
        return self.study.best

    @property
    def reference(self) -> str:
        """What it can be called in a command: its name while it is the newest study of that name, else its id."""
        name = self.spec.display_name
        return name if _resolve(self.backend, name) == self.id else self.id

    def describe_best(self) -> BestTrial:
        """Return the best trial with what it was asked for, shown with what can be done next.

        Raises:
            NotFoundError: no trial has succeeded yet.
        """
        return best_of(self.study, self.reference)

    @property
    def trials(self) -> TrialList:
        """The trials, by number; `trials.to_frame()` is a DataFrame of them."""
        return TrialList(self.study, self.report)

    def trial(self, number: int) -> Job:
        """Return the job of a trial.

        Raises:
            NotFoundError: there is no trial of that number.
        """
        return Job(id=find_trial(self.study, number).job, backend=self.backend)

    def plot(self, *kinds: str) -> StudyPlots:
        """Return charts of the trials, by default all: `history`, `parallel`, `slices`, `importance`.

        Raises:
            UsageError: there is no such kind.
        """
        return self.report().plot(*kinds)

    def showing(self, *, sort_by: str | None = None, limit: int | None = 20) -> StudyJob:
        """Return the same study, whose page shows its trials in another order, or more of them.

        Args:
            sort_by: keys with commas between them, `~` for the highest first: `number`, `state`, `seconds`, the metric,
                parameters, as in `"~units,val_loss"`. By default those that go on, then the best first.
            limit: how many at most; None for all.

        Raises:
            UsageError: there is no such key, or the limit is none; all are listed.
        """
        from mlmagic.panels.study_order import TrialOrder, parse_trial_sort

        check = SelectionCheck()
        text = check.read(read_order, sort_by, "~number")
        keys = check.read(parse_trial_sort, text, self.study_spec) if text else ()
        if limit is not None:
            check.read(read_whole_number, limit, "limit", 1)
        check.finish("showing")
        return replace(self, order=TrialOrder(sort_by=keys or (), limit=limit))

    def report(self) -> StudyDescription:
        """Return all that is known about the study now, with the jobs of its trials and their curves."""
        from mlmagic.api.study_report import report_study

        return report_study(self.backend, self.workspace, self.id)

    def promote(
        self,
        args: Sequence[str | float] = (),
        *,
        trial: int | None = None,
        model: str | None = None,
        set_default: bool = False,
        wait: bool = False,
    ) -> Job:
        """Train once more with the best trial's parameters, and make a version of the model.

        `mlmagic.promote` says what the arguments mean, and takes more of them.
        """
        from mlmagic.api.promotion import promote

        job = promote(self, args=args, trial=trial, model=model, set_default=set_default)
        return job.wait() if wait else job

    def resume(self, trials: int | None = None, *, parallel: int | None = None) -> StudyJob:
        """Go on with more trials, as a new study. `mlmagic.resume` says what the arguments mean, and takes more."""
        from mlmagic.api.promotion import resume

        return resume(self, trials, parallel=parallel)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import study_bundle

        return study_bundle(self.report(), order=self.order)


def study(reference: Reference, *, session: Session | None = None) -> StudyJob:
    """Return the study of that id, that unique id prefix, or the newest study of that name.

    Raises:
        NotFoundError: there is none; says what it is instead, or names the nearest.
        UsageError: the prefix fits several.
    """
    return find_study(session_of(session), reference)


def studies(*, limit: int | None = 50, session: Session | None = None) -> JobList:
    """Return the studies of the workspace, newest first.

    Args:
        limit: how many at most; None for all.
        session: another than this process's.
    """
    from mlmagic.api.job_list import JobQuery

    if limit is not None:
        read_whole_number(limit, "limit", 1)
    here = session_of(session)
    query = JobQuery(backend=here.jobs, limit=limit, where=_studies(), workspace=here.location, is_of_studies=True)
    return query.read()


def find_study(session: Session, reference: Reference) -> StudyJob:
    """Return the study that a reference means; errors are those of `study`."""
    if isinstance(reference, StudyJob):
        return reference
    backend = session.jobs
    job_id = reference.id if isinstance(reference, Job) else _resolve(backend, reference)
    record = backend.get(job_id)
    if record.spec.study is None:
        raise _no_study(record)
    return StudyJob(id=job_id, backend=backend, workspace=session.location)


def job_of(session: Session, job_id: str) -> Job:
    """Return the handle on a job: of a study, one that tells about its trials."""
    backend = session.jobs
    if backend.get(job_id).spec.study is None:
        return Job(id=job_id, backend=backend)
    return StudyJob(id=job_id, backend=backend, workspace=session.location)


def study_of(spec: JobSpec) -> StudySpec:
    """Return what a tuning job searches."""
    if spec.study is None:
        raise NotFoundError(f"{spec.display_name} is no study.")
    return spec.study


def find_trial(study: Study, number: int) -> Trial:
    """Return the trial of that number.

    Raises:
        NotFoundError: there is none; says which there are.
    """
    for trial in study.trials:
        if trial.number == number:
            return trial
    known = f"It has the trials 1 to {study.trials[-1].number}." if study.trials else "It has no trials yet."
    raise NotFoundError(f"{study.id} has no trial {number}.", hint=known)


def check_has_ended(study: StudyJob) -> None:
    """Check that a study makes no more trials.

    Raises:
        UsageError: it does.
    """
    state = study.state
    if not state.is_final:
        raise UsageError(
            f"{study.id} is {state}, and goes on making trials.", hint=f"To end it first: %jobs cancel {study.id}"
        )


def trials_left(resumed: StudyJob) -> int:
    """Return how many trials a study was to make, and has not made.

    Raises:
        UsageError: it has made them all.
    """
    from mlmagic.runtime.tuned import CUT_OFF

    study, spec = resumed.study, resumed.study_spec
    own = [trial for trial in study.trials if study.is_own(trial) and trial.reason != CUT_OFF]
    made = sum(trial.state.is_final for trial in own)
    if made >= spec.trials:
        raise UsageError(f"{resumed.id} has made its {spec.trials} trials: say how many more there are to be, trials.")
    return spec.trials - made


def _resolve(backend: Backend, reference: object) -> str:
    """Return the id that is meant. A name means the newest study of that name, though its promotion has it too."""
    text = read_reference(reference, "a study's id or name")
    if (found := study_called(backend, text)) is not None:
        return found
    try:
        return backend.resolve(text)
    except NotFoundError:
        names = {summary.display_name for summary in backend.list(limit=_MOST_NAMES, where=_studies())}
        told = nearest(text, sorted(names)) or ("%tune lists all studies." if names else "There are none yet.")
        raise NotFoundError(f"there is no study {text!r}.", hint=told) from None


def study_called(backend: Backend, name: str) -> str | None:
    """Return the id of the newest study of that name, if there is one."""
    found = backend.list(limit=1, display_name=name, where=_studies()) if is_name(name) else ()
    return found[0].id if found else None


def _studies() -> Filter:
    from mlmagic.filters.parser import parse

    return parse(f"kind={JobKind.TUNING}")


def _no_study(record: JobRecord) -> NotFoundError:
    what = f"trial {record.spec.trial} of {record.spec.parent}" if record.spec.parent else _WHAT[record.spec.kind]
    return NotFoundError(f"{record.id} is no study, but {what}.", hint="`%tune list` shows all studies.")


_WHAT = {
    JobKind.TRAINING: "a training job",
    JobKind.TUNING: "a tuning job whose search is not known",
    JobKind.PREPROCESSING: "a preprocessing job",
    JobKind.BATCH_PREDICTION: "a batch prediction",
    JobKind.MONITORING: "monitoring",
}
