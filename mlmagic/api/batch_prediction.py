"""Batch prediction: files become a job that predicts their rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import (
    ArgumentCheck,
    read_backend,
    read_labels,
    read_model_reference,
    read_name,
    read_timeout,
    read_whole_number,
)
from mlmagic.api.batch_columns import check_columns
from mlmagic.api.batch_words import (
    BatchWords,
    Columns,
    backend_of,
    name_target,
    read_columns,
    read_output,
    text_types,
    trained_schema,
)
from mlmagic.api.budgets import read_budget, within_budget
from mlmagic.api.circumstances import circumstances, origin_of, package_reference
from mlmagic.api.commands import local_command
from mlmagic.api.first_version import resolve_version
from mlmagic.api.inputs import Inputs, is_remote, read_inputs
from mlmagic.api.job_plan import JobPlan, submitting
from mlmagic.api.preprocessing import threads_of
from mlmagic.api.preprocessing_words import Flags, with_inputs
from mlmagic.api.resources import read_resources
from mlmagic.source.history import Cell
from mlmagic.source.predictor import build_pipeline, build_predictor
from mlmagic.spec.job import JobKind, JobSpec
from mlmagic.spec.model import ModelVersion
from mlmagic.spec.names import ModelReference
from mlmagic.spec.resources import Resources

if TYPE_CHECKING:
    from mlmagic.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan(JobPlan):
    """What a batch prediction would do: the package and the job, before anything is started."""

    version: ModelVersion
    inputs: Inputs

    @property
    def command(self) -> tuple[str, ...]:
        """The words that do the same by hand, in the folder of the exported package."""
        folder = self.spec.working_directory or "."
        words = with_inputs(local_command(self.spec), partial(_within, folder))
        place = words.index("--output") + 1
        return (*words[:place], _within(folder, words[place]), *words[place + 1 :])

    def _get_ready(self) -> None:
        self.inputs.write()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import batch_plan_bundle

        return batch_plan_bundle(self.package, self.spec, command=self.command)


def _within(folder: str, word: str) -> str:
    return word if is_remote(word) else os.path.join(folder, word)  # noqa: PTH118 - a pattern


def plan_predict_files(
    model_ref: str,
    *,
    inputs: Any,
    output: str | os.PathLike[str],
    columns: Columns | None = None,
    max_rejected: float | str | None = None,
    engine: str = "auto",
    runner: str | None = None,
    format: str | None = None,  # noqa: A002 - the flag's name, which is the word for it
    header: bool = True,
    column_names: str | Sequence[str] | None = None,
    types: str | Mapping[str, str] | None = None,
    delimiter: str | None = None,
    null_values: str | Sequence[str] | None = None,
    name: str | None = None,
    workers: int | None = None,
    labels: Mapping[str, str] | None = None,
    timeout: float | str | None = None,
    cores: float | str | None = None,
    memory: int | str | None = None,
    priority: int = 0,
    max_retries: int = 0,
    backend: str | None = None,
    budget: str | None = None,
    yes: bool = False,
    cell: Cell | None = None,
    invocation: str | None = None,
    wait: bool = True,
    on_wait: Callable[[str], None] | None = None,
    session: Session | None = None,
) -> BatchPlan:
    """Return what `predict_files` would do; no job is made.

    Args:
        model_ref: `M` (its default version), `M@3` or `M@alias`; the version is settled now.
        inputs: files and patterns of CSV, JSON lines or Parquet; or DataFrames.
        output: a folder, which gets files of the input's format; or one file that ends in `.csv`, `.jsonl` or
            `.parquet`. A run that was broken off goes on if it is repeated.
        columns: what the output has: columns of the input and predictions, `"id,target=prediction"`; the name of what
            the model was trained to predict means the prediction. By default all columns and all predictions.
        max_rejected: more bad rows than this fail the job: `"1%"`, which is the default, `0.01` or `1000`.
        engine: `"auto"`, `"session"` or `"onnx"`.
        runner: `"direct"` or `"dataflow"` of Beam: a pipeline does the work, on this machine or on Google Cloud's; by
            default threads of one process here, and in the cloud Vertex AI's batch prediction.
        format: of the input, `"csv"`, `"jsonl"` or `"parquet"`, if the files' names do not tell.
        header: whether the first line of CSV files names the columns.
        column_names: of CSV files without a header.
        types: columns to types, where the model does not say it: `{"zip": "string"}`.
        delimiter: of CSV files.
        null_values: what stands for a missing value.
        name: the job's display name; by default the model's with `-predictions`.
        workers: threads; by default one for each processor.
        labels: Google Cloud's labels.
        timeout: seconds, or `"90s"`, `"15m"`, `"2h"`; then the job is ended.
        cores: what the job takes of this machine.
        memory: the same in bytes, or `"8GB"`.
        priority: a waiting job with a higher one starts first.
        max_retries: how many more attempts a job has that fails or is killed; each goes on where the one before was.
        backend: where it runs; by default the session's.
        budget: of a job in the cloud: `"10h"` of machines, `"20USD"`, `"none"`; by default the workspace's.
        yes: start it in the cloud although it costs money.
        cell: the cell that the magic stands in.
        invocation: the line that was typed.
        wait: while the model has no version, wait for a training job that may make the first one.
        on_wait: called once with a line that says so; by default it is not told.
        session: another than this process's.

    Raises:
        UsageError: arguments that do not fit, or columns that the first file of this machine lacks; all are listed.
        NotFoundError: no such model or version.
        NoVersionError: the model has no version; says why.
    """
    from mlmagic.session import current_session

    session = session or current_session()
    check = ArgumentCheck()
    reference = check.read(read_model_reference, model_ref)
    read = check.read(read_inputs, inputs, session.location.inputs)
    flags = Flags(
        max_rejected=max_rejected,
        format=format,
        header=header,
        column_names=column_names,
        types=types,
        delimiter=delimiter,
        null_values=null_values,
        workers=threads_of(workers, cores),
        output=check.read(read_output, output),
    )
    words = BatchWords(
        inputs=read.words if read else (),
        flags=check.read(flags.words) or ("--output", "."),
        columns=check.read(read_columns, columns) or (),
        engine=engine,
        runner=runner,
    )
    named = check.read(read_backend, backend)
    placed = check.read(backend_of, runner, named, session.backend_name)
    check.read(replace(words, runner=None).check)
    job = _JobWords(
        name=check.read(_read_job_name, name, reference),
        resources=check.read(partial(read_resources, cores=cores, memory=memory)),
        labels=check.read(read_labels, labels),
        timeout_seconds=check.read(read_timeout, timeout),
        priority=check.read(read_whole_number, priority, "priority"),
        max_retries=check.read(read_whole_number, max_retries, "max_retries", 0),
        backend=placed,
        budget=check.read(read_budget, budget),
        yes=yes,
        invocation=invocation,
        cell=cell,
    )
    check.finish("predict")
    assert reference is not None  # noqa: S101 - else it was told just now
    version = resolve_version(reference, session, wait=wait, on_wait=on_wait or _say_nothing)
    return _plan(version, words, job, read or Inputs(words=()), session)


@dataclass(frozen=True, slots=True, kw_only=True)
class _JobWords:
    """What is said of the job, not of the predictions."""

    name: str | None
    resources: Resources | None
    labels: Mapping[str, str] | None
    timeout_seconds: float | None
    priority: int | None
    max_retries: int | None
    backend: str | None
    budget: str | None
    yes: bool
    invocation: str | None
    cell: Cell | None


def _plan(version: ModelVersion, words: BatchWords, job: _JobWords, inputs: Inputs, session: Session) -> BatchPlan:
    from mlmagic import __version__
    from mlmagic.preprocessing.arguments import DATAFLOW

    schema = trained_schema(version, session)
    words = replace(words, columns=name_target(words.columns, version, schema))
    args = words.of(str(version), str(session.location.root), texts=text_types(version, schema))
    check_columns(args, version)
    name = job.name or version.model
    if words.runner == DATAFLOW:
        package = build_pipeline(name, version)
    else:
        package = build_predictor(name, __version__, uses_beam=words.runner is not None)
    spec = JobSpec(
        display_name=name,
        kind=JobKind.BATCH_PREDICTION,
        backend=job.backend or session.backend_name,
        package=package_reference(package),
        args=args,
        resources=job.resources or Resources(),
        labels=job.labels or {},
        timeout_seconds=job.timeout_seconds,
        priority=job.priority or 0,
        max_retries=job.max_retries or 0,
        warm_starts=session.warm_starts,
        invocation=job.invocation,
        origin=origin_of(job.cell, session.notebook_path),
        **circumstances(package, args),
    )
    placed = session.planner(spec.backend).place(within_budget(spec, job.budget, session))
    return BatchPlan(version=version, package=package, spec=placed, inputs=inputs, session=session, yes=job.yes)


def _read_job_name(name: object, reference: ModelReference | None) -> str | None:
    if name is None and reference is None:
        return None
    return read_name(name if name is not None or reference is None else f"{reference.model[:88]}-predictions")


def _say_nothing(_: str) -> None:
    pass


predict_files = submitting(
    plan_predict_files, "predict_files", "Start a job that predicts the rows of files, and return it at once."
)
