"""What the plans of jobs have in common: a package and a spec, before anything is started."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from mlmagic.api.job import Job
from mlmagic.spec.job import JobSpec

if TYPE_CHECKING:
    from mlmagic.session import Session
    from mlmagic.spec.package import TrainerPackage

P = ParamSpec("P")
J_co = TypeVar("J_co", covariant=True, bound=Job)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan(ABC):
    """A job that has not been started."""

    package: TrainerPackage
    spec: JobSpec
    session: Session = field(repr=False)
    yes: bool = field(default=False, compare=False)
    """The user agrees to what it costs."""

    @property
    @abstractmethod
    def command(self) -> tuple[str, ...]:
        """The words that do the same by hand, in the folder of the exported package."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user may not expect of where and how the job will run; the package has notes of its own."""
        return ()

    @property
    def cost(self) -> str | None:
        """Machines times hours, and money if the user's prices tell it; None where nobody is billed."""
        from mlmagic.api.consent import job_cost_line

        return job_cost_line(self.spec, self.session)

    def export(self, path: str | os.PathLike[str]) -> list[Path]:
        """Write the package into a folder, and return the files written.

        Raises:
            UsageError: the folder holds something else, or cannot be written.
        """
        from mlmagic.source.export import write_package

        return write_package(self.package, Path(path).expanduser())

    def submit(self) -> Job:
        """Start the job and return it at once.

        Raises:
            UsageError: the program does not take these arguments.
            ConsentError: it costs money, and the user does not agree to that.
        """
        return Job(id=self._start(), backend=self.session.jobs)

    def _start(self) -> str:
        """Start the job when the user agrees to what it costs, and return its id."""
        from mlmagic.api.consent import agree_to_job

        self._get_ready()
        agree_to_job(self.spec, self.session, yes=self.yes)
        return self.session.jobs.submit(self.spec, self.package).id

    @abstractmethod
    def _get_ready(self) -> None:
        """Check or write what the job needs from its first moment on."""

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    @abstractmethod
    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]: ...


class _Submittable(Protocol[J_co]):
    def submit(self) -> J_co: ...


def submitting(plan: Callable[P, _Submittable[J_co]], name: str, summary: str) -> Callable[P, J_co]:
    """Return a function of that name which starts what `plan` makes; it takes the same arguments."""

    @wraps(plan)
    def submit(*args: P.args, **kwargs: P.kwargs) -> J_co:
        return plan(*args, **kwargs).submit()

    submit.__name__ = submit.__qualname__ = name
    submit.__doc__ = f"{summary}\n\n" + "\n".join((plan.__doc__ or "").split("\n")[2:])
    return submit
