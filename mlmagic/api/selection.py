"""Which jobs are meant: by references, or by a filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from mlmagic.api.arguments import ArgumentCheck, read_reference
from mlmagic.api.job import Job
from mlmagic.errors import MlmagicError, NotFoundError, UsageError

if TYPE_CHECKING:
    from mlmagic.backends.base import Backend
    from mlmagic.filters.tree import Filter
    from mlmagic.session import Session
    from mlmagic.spec.job import JobSummary

Reference = Job | str

T = TypeVar("T")


class SelectionCheck(ArgumentCheck):
    """Raises the only error as it is, for that of a filter shows the place, and several as a list."""

    def __init__(self) -> None:
        super().__init__()
        self._errors: list[UsageError] = []

    def read(self, function: Callable[..., T], *arguments: object) -> T | None:
        """Return what `function` returns, or None after noting the UsageError that it raised."""
        try:
            return function(*arguments)
        except UsageError as error:
            self._errors.append(error)
            return None

    def finish(self, call: str) -> None:
        """Raise what was noted.

        Raises:
            UsageError: something was.
        """
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            problems = [str(error).replace("\n", "\n    ") for error in self._errors]
            raise UsageError(f"{call} cannot take these arguments:", problems=problems)


def session_of(session: Session | None) -> Session:
    """Return the session that a call names, or this process's."""
    from mlmagic.session import current_session

    return session or current_session()


def read_filter(text: object) -> Filter | None:
    """Return a filter; None where there is none.

    Raises:
        UsageError: it cannot be read; shows where.
    """
    from mlmagic.filters.parser import parse

    if text is None:
        return None
    if not isinstance(text, str):
        raise UsageError(f"a filter is text, such as 'state=FAILED', not {type(text).__name__} {text!r:.60}.")
    return parse(text)


def read_order(text: object, example: str) -> str:
    """Return by what something is to be sorted; nothing where it need not be.

    Raises:
        UsageError: it is no text.
    """
    if text is None:
        return ""
    if not isinstance(text, str):
        raise UsageError(f"sort_by is text, such as {example!r}, not {type(text).__name__} {text!r:.60}.")
    return text


def check_jobs_or_filter(verb: str, references: Sequence[object], filter: object, *, example: str) -> None:  # noqa: A002
    """Make sure that a verb has jobs or a filter for them, and not both.

    Raises:
        UsageError: it has neither, or both.
    """
    if bool(references) == (filter is not None):
        raise UsageError(
            f"{verb} takes jobs or a filter, one of the two.",
            hint=f'For example %jobs {verb} {example}, or %jobs {verb} --filter "displayName=taxi".',
        )


def trials_of(backend: Backend, study_id: str) -> list[JobSummary]:
    """Return the jobs of a study's own trials, by number."""
    from mlmagic.filters.tree import Filter, Operator, Term, Value

    where = Filter(text="", root=Term("parent", Operator.EQUAL, (Value(study_id),)))
    return sorted(backend.list(where=where, trials=True), key=lambda summary: summary.trial or 0)


def find_job(backend: Backend, reference: object) -> Job:
    """Return the job that a reference means.

    Raises:
        NotFoundError: there is none; names the nearest.
        UsageError: the prefix fits several.
    """
    if isinstance(reference, Job):
        return reference
    return Job(id=backend.resolve(read_reference(reference, "a job's id or name")), backend=backend)


def find_jobs(backend: Backend, references: Sequence[object]) -> list[Job]:
    """Return the jobs that references mean, each once, in their order.

    Raises:
        NotFoundError: there is none for a reference.
        UsageError: several references are wrong; all are listed.
    """
    found: dict[str, Job] = {}
    errors: list[MlmagicError] = []
    for reference in references:
        try:
            job = find_job(backend, reference)
        except (NotFoundError, UsageError) as error:
            errors.append(error)
        else:
            found.setdefault(job.id, job)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise UsageError("these are no jobs:", problems=[str(error) for error in errors])
    return list(found.values())
