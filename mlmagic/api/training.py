"""Training: a cell, a text, a function or a package becomes a job."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import (
    ArgumentCheck,
    read_args,
    read_backend,
    read_labels,
    read_module,
    read_name,
    read_timeout,
    read_whole_number,
)
from mlmagic.api.budgets import read_budget, within_budget
from mlmagic.api.circumstances import circumstances, origin_of, package_reference
from mlmagic.api.commands import (
    as_configured,
    gcloud_command,
    has_flags,
    job_document,
    local_command,
    worker_pool_specs,
)
from mlmagic.api.job_config import JobConfig, read_job_config
from mlmagic.api.job_plan import JobPlan, submitting
from mlmagic.api.program import Program, check_program
from mlmagic.api.program_arguments import check_program_arguments
from mlmagic.api.resources import read_resources
from mlmagic.api.training_data import read_training_data, training_words
from mlmagic.api.vertex_options import read_vertex_options
from mlmagic.source.history import Cell
from mlmagic.spec.job import JobSpec
from mlmagic.spec.resources import Resources
from mlmagic.spec.vertex import VertexOptions

if TYPE_CHECKING:
    from mlmagic.session import Session
    from mlmagic.spec.dataset import DatasetVersion
    from mlmagic.spec.study import Parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan(JobPlan):
    """What a training call would do: the package and the job, before anything is started."""

    left_out: tuple[str, ...] = ()
    """What `config` says that means nothing where the job runs."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user may not expect of where and how the job will run."""
        from mlmagic.source.clusters import cluster_note

        notes = [f"`{key}` of the configuration means nothing on this machine" for key in self.left_out]
        if self.spec.placement is not None:
            alone = cluster_note(self.package, sum(self.spec.placement.replicas.values()))
            notes += [note for note in (self.spec.placement.note, alone) if note is not None]
        return tuple(notes)

    @property
    def command(self) -> tuple[str, ...]:
        """The words that run the program by hand, in the folder of the exported package."""
        return local_command(self.spec)

    @property
    def worker_pool_specs(self) -> list[dict[str, Any]]:
        """The same job as Vertex AI's worker pools."""
        return worker_pool_specs(self._spec_there)

    @property
    def gcloud_command(self) -> tuple[str, ...]:
        """The words of the gcloud command that runs the same job on Vertex AI, with `document` in job.yaml if any."""
        return gcloud_command(self._spec_there)

    @property
    def document(self) -> dict[str, Any] | None:
        """The content of gcloud's `--config`: the same job as a CustomJobSpec; None where flags tell all of it."""
        return None if has_flags(self._spec_there) else job_document(self._spec_there)

    @property
    def _spec_there(self) -> JobSpec:
        return as_configured(self.spec, self.session.google)

    def prepare(self) -> TrainingPlan:
        """Let the backend get ready for this job, which is likely to be submitted soon."""
        self.session.backend(self.spec.backend).prepare(self.spec)
        return self

    def _get_ready(self) -> None:
        check_program_arguments(self.package, self.spec.args)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import plan_bundle

        return plan_bundle(
            replace(self.package, notes=(*self.package.notes, *self.notes)),
            self.spec,
            command=self.command,
            worker_pool_specs=self.worker_pool_specs,
            gcloud_command=self.gcloud_command,
            job_document=self.document,
        )


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
    scale_tier: str | None = None,
    config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    machine_type: str | None = None,
    accelerator: str | None = None,
    replicas: int | str | Mapping[str, int] | None = None,
    cores: float | str | None = None,
    memory: int | str | None = None,
    priority: int = 0,
    max_retries: int = 0,
    fresh: bool = False,
    data: DatasetVersion | str | os.PathLike[str] | None = None,
    target: str | None = None,
    features: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    tuned: Sequence[Parameter] = (),
    ship: Mapping[str, Any] | None = None,
    backend: str | None = None,
    spot: bool = False,
    service_account: str | None = None,
    network: str | None = None,
    image: str | None = None,
    persistent_resource: str | None = None,
    budget: str | None = None,
    yes: bool = False,
    cell: Cell | None = None,
    invocation: str | None = None,
    session: Session | None = None,
) -> TrainingPlan:
    """Return what `train` would do; no job is made.

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
        scale_tier: `"BASIC"`, `"STANDARD_1"`, `"PREMIUM_1"`, `"BASIC_GPU"`, `"BASIC_TPU"`; scaled down on this machine.
        config: a file, or a mapping, in ML Engine's or Vertex AI's form; arguments given here win.
        machine_type: of Compute Engine, such as `"n1-standard-8"`, for all replicas.
        accelerator: `"T4"`, `"V100:2"`.
        replicas: `{"worker": 2, "ps": 1}`, `"worker=2,ps=1"`, or a number, which counts the chief and its workers.
        cores: what a replica takes of this machine.
        memory: the same in bytes, or `"8GB"`.
        priority: a waiting job with a higher one starts first.
        max_retries: how many more attempts a job has that fails or is killed.
        fresh: start the program from nothing, never by a fork.
        data: the dataset: `"taxi"` is its newest version, `"taxi@3"` that one; or the folder of one.
        target: the column that the model of `build_model` learns, if not the dataset's own.
        features: what it is built from, if not the dataset's own: a declaration, or a YAML or JSON file with it.
        tuned: the parameters of a study; one that is called as `fare.buckets` becomes a flag of the program.
        ship: DataFrames and arrays, by the name that the program uses, to be shipped as data files.
        backend: where it runs; by default the session's.
        spot: on Vertex AI, take machines that cost less and may be taken away; the next four are of Vertex AI, too.
        service_account: as whom the program runs.
        network: `"projects/NUMBER/global/networks/NAME"`.
        image: the container image that it runs in.
        persistent_resource: the id of machines that are there already.
        budget: of a job in the cloud: `"10h"` of machines, `"20USD"`, `"none"`; by default the workspace's.
        yes: start it in the cloud although it costs money.
        cell: instead of `source`, the cell that the magic stands in.
        invocation: the line that was typed.
        session: another than this process's.

    Raises:
        UsageError: arguments that do not fit; all are listed.
        NotFoundError: there is no such dataset.
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
    file = JobConfig() if config is None else check.read(read_job_config, config) or JobConfig()
    wanted = partial(
        read_resources, scale_tier=scale_tier, machine_type=machine_type, accelerator=accelerator, replicas=replicas
    )
    resources = check.read(partial(wanted, config=file, cores=cores, memory=memory))
    words = check.read(read_args, args) or file.args
    label_map = check.read(read_labels, {**file.labels, **labels} if isinstance(labels, Mapping) else labels)
    seconds = check.read(read_timeout, file.timeout if timeout is None else timeout)
    check.read(read_whole_number, priority, "priority")
    check.read(read_whole_number, max_retries, "max_retries", 0)
    check.read(read_module, module)
    check.read(read_backend, backend)
    check.read(read_budget, budget)
    options = VertexOptions(
        spot=spot,
        service_account=service_account,
        network=network,
        image=image,
        persistent_resource=persistent_resource,
    )
    check.read(read_vertex_options, options, backend or session.backend_name)
    dataset = check.read(read_training_data, data, target, features, session)
    check.finish("train")
    context = session.context()
    declared = None if dataset is None else replace(dataset, tuned=tuple(tuned)).feature_files
    files = Program(name=name, source=source, cell=cell, package=package, module=module, ship=ship or {})
    built = replace(files, features=declared).build(context)
    words = training_words(dataset, built, words)
    spec = JobSpec(
        display_name=name,
        backend=backend or session.backend_name,
        package=package_reference(built),
        args=words,
        resources=resources or Resources(),
        vertex=options,
        model=model or name,
        dataset=None if dataset is None else dataset.reference,
        labels=file.labels if labels is None else label_map or {},
        timeout_seconds=seconds,
        priority=priority,
        max_retries=max_retries,
        fresh=fresh,
        warm_starts=session.warm_starts,
        set_default=set_default,
        invocation=invocation,
        origin=origin_of(cell, context.notebook),
        **circumstances(built, words),
    )
    # Where the workspace would be is enough to place a job: to look at a plan makes no folder.
    placed = session.planner(spec.backend).place(within_budget(spec, budget, session))
    return TrainingPlan(package=built, spec=placed, session=session, yes=yes, left_out=file.left_out)


train = submitting(
    plan_training, "train", "Start a training job and return it at once; `train(...).wait()` waits for it."
)
