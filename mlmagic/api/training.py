"""Training: a cell, a text, a function or a package becomes a job."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import (
    ArgumentCheck,
    read_args,
    read_backend,
    read_labels,
    read_module,
    read_name,
    read_timeout,
)
from mlmagic.api.commands import gcloud_command, local_command, worker_pool_specs
from mlmagic.api.job import Job
from mlmagic.api.program import Program, check_program
from mlmagic.api.program_arguments import check_program_arguments
from mlmagic.errors import UsageError
from mlmagic.source.history import Cell
from mlmagic.spec.job import JobSpec, Origin, PackageReference

if TYPE_CHECKING:
    from mlmagic.session import Session
    from mlmagic.spec.package import TrainerPackage


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """What a training call would do: the package and the job, before anything is started."""

    package: TrainerPackage
    spec: JobSpec
    session: Session = field(repr=False)

    @property
    def command(self) -> tuple[str, ...]:
        """The words that run the program by hand, in the folder of the exported package."""
        return local_command(self.spec)

    @property
    def worker_pool_specs(self) -> list[dict[str, Any]]:
        """The same job as Vertex AI's worker pools."""
        return worker_pool_specs(self.spec)

    @property
    def gcloud_command(self) -> tuple[str, ...]:
        """The words of the gcloud command that runs the same job on Vertex AI."""
        return gcloud_command(self.spec)

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
        """
        check_program_arguments(self.package, self.spec.args)
        backend = self.session.backend(self.spec.backend)
        return Job(id=backend.submit(self.spec, self.package).id, backend=backend)

    def __str__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import plan_bundle

        return plan_bundle(
            self.package,
            self.spec,
            command=self.command,
            worker_pool_specs=self.worker_pool_specs,
            gcloud_command=self.gcloud_command,
        )


def train(
    name: str,
    *,
    source: str | Callable[..., Any] | None = None,
    package: str | os.PathLike[str] | None = None,
    module: str = "trainer.task",
    args: Sequence[str] = (),
    model: str | None = None,
    set_default: bool = False,
    labels: Mapping[str, str] | None = None,
    timeout: float | str | None = None,
    data: Mapping[str, Any] | None = None,
    backend: str | None = None,
    cell: Cell | None = None,
    invocation: str | None = None,
    session: Session | None = None,
    wait: bool = False,
) -> Job:
    """Start a training job and return it at once, or, with `wait`, when it has ended.

    The arguments are those of `plan_training`.

    Raises:
        JobFailed: with `wait`, the job did not succeed.
    """
    plan = plan_training(
        name,
        source=source,
        package=package,
        module=module,
        args=args,
        model=model,
        set_default=set_default,
        labels=labels,
        timeout=timeout,
        data=data,
        backend=backend,
        cell=cell,
        invocation=invocation,
        session=session,
    )
    job = plan.submit()
    return job.wait() if wait else job


def plan_training(
    name: str,
    *,
    source: str | Callable[..., Any] | None = None,
    package: str | os.PathLike[str] | None = None,
    module: str = "trainer.task",
    args: Sequence[str] = (),
    model: str | None = None,
    set_default: bool = False,
    labels: Mapping[str, str] | None = None,
    timeout: float | str | None = None,
    data: Mapping[str, Any] | None = None,
    backend: str | None = None,
    cell: Cell | None = None,
    invocation: str | None = None,
    session: Session | None = None,
) -> TrainingPlan:
    """Return what `train` would do; nothing is started and nothing is written.

    Args:
        name: the job's display name.
        source: the program: its text, or a function called `train`. What it needs comes from the notebook's cells.
        package: instead of `source`, the folder of a trainer package.
        module: with `package`, the module that is run.
        args: the program's arguments, as words.
        model: the model that gets the version; by default `name`.
        set_default: let the new version be the model's default.
        labels: Google Cloud's labels.
        timeout: seconds, or `"90s"`, `"15m"`, `"2h"`; then the job is ended.
        data: DataFrames and arrays, by the name that the program uses, to be shipped as data files.
        backend: where it runs; by default the session's.
        cell: instead of `source`, the cell that the magic stands in.
        invocation: the line that was typed.
        session: another than this process's.

    Raises:
        UsageError: arguments that do not fit; all are listed.
        CellError: the cell cannot become a package.
        PackageError: the package cannot be run.
    """
    from mlmagic.session import current_session

    session = session or current_session()
    check = ArgumentCheck()
    check.read(check_program, source, package, cell)
    check.read(read_name, name)
    if model is not None:
        check.read(read_name, model, "model name")
    words = check.read(read_args, args)
    label_map = check.read(read_labels, labels)
    seconds = check.read(read_timeout, timeout)
    check.read(read_module, module)
    check.read(read_backend, backend)
    check.finish("train")
    context = session.context()
    program = Program(name=name, source=source, cell=cell, package=package, module=module, data=data or {})
    built = program.build(context)
    spec = JobSpec(
        display_name=name,
        backend=backend or session.backend_name,
        package=PackageReference(digest=built.digest, module=built.module, requirements=built.requirements),
        args=words or (),
        model=model or name,
        labels=label_map or {},
        timeout_seconds=seconds,
        set_default=set_default,
        invocation=invocation,
        origin=_origin(cell, context.notebook),
        python=sys.executable,
        working_directory=_working_directory(),
    )
    return TrainingPlan(package=built, spec=spec, session=session)


def _working_directory() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError as error:
        raise UsageError(
            "the working directory was deleted, and relative paths of the program would start there.",
            hint="Change to another folder: %cd ~",
        ) from error


def _origin(cell: Cell | None, notebook: str | None) -> Origin:
    if cell is None:
        return Origin(notebook=notebook)
    return Origin(notebook=notebook, cell_id=cell.cell_id, cell_number=cell.number)
