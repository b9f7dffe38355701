"""Preprocessing: files, and a cell that cleans them, become a job that makes a dataset."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.api.arguments import (
    ArgumentCheck,
    read_backend,
    read_labels,
    read_name,
    read_timeout,
    read_whole_number,
)
from mlmagic.api.budgets import read_budget, within_budget
from mlmagic.api.circumstances import circumstances, origin_of, package_reference
from mlmagic.api.cleaning_source import CleaningSource, check_source, read_declaration
from mlmagic.api.commands import local_command
from mlmagic.api.inputs import Inputs, is_remote, read_inputs
from mlmagic.api.job_plan import JobPlan, submitting
from mlmagic.api.preprocessing_words import (
    Flags,
    check_dataflow,
    check_runner,
    divided,
    place_of,
    program_words,
    with_inputs,
    without,
)
from mlmagic.api.resources import read_resources
from mlmagic.source.history import Cell
from mlmagic.spec.job import JobKind, JobSpec
from mlmagic.spec.resources import Resources

if TYPE_CHECKING:
    from mlmagic.session import Session

_BEAM_OPTIONS = ("--", "--project=PROJECT", "--region=us-central1", "--temp_location=gs://BUCKET/temp")


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessingPlan(JobPlan):
    """What a preprocessing call would do: the package and the job, before anything is started."""

    inputs: Inputs

    @property
    def command(self) -> tuple[str, ...]:
        """The words that run the pipeline by hand, in the folder of the exported package."""
        folder = self.spec.working_directory or "."
        own, rest = divided(local_command(self.spec))
        if self.spec.backend != "local":
            own = without(own, {"runner", "workers"})
        own = with_inputs(own, lambda word: word if is_remote(word) else os.path.join(folder, word))  # noqa: PTH118 - a pattern
        return (*own, *(() if "--output" in own else ("--output", self.spec.display_name)), *rest)

    @property
    def dataflow_command(self) -> tuple[str, ...]:
        """The words that run the same pipeline on Dataflow; what is written in capitals is the user's own."""
        own, rest = divided(local_command(self.spec))
        own = with_inputs(own, lambda word: word if is_remote(word) else f"gs://BUCKET/{Path(word).name}")
        own = without(own, {"runner", "output", "workers"})
        output = f"gs://BUCKET/datasets/{self.spec.display_name}"
        return (*own, "--runner", "dataflow", "--output", output, *(rest or _BEAM_OPTIONS))

    def _get_ready(self) -> None:
        self.inputs.write()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from mlmagic.panels import preprocessing_plan_bundle
        from mlmagic.source.preprocessing import vendored_files

        return preprocessing_plan_bundle(
            self.package,
            self.spec,
            command=self.command,
            dataflow_command=self.dataflow_command,
            vendored=vendored_files(),
        )


def plan_preprocessing(
    name: str,
    *,
    input: Any,  # noqa: A002 - the flag's name, which is the word for it
    source: str | Callable[..., Any] | None = None,
    features: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    target: str | None = None,
    key: str | None = None,
    split: str | Mapping[str, Any] | None = None,
    split_time: str | None = None,
    max_rejected: float | str | None = None,
    format: str | None = None,  # noqa: A002 - as above
    header: bool = True,
    column_names: str | Sequence[str] | None = None,
    types: str | Mapping[str, str] | None = None,
    delimiter: str | None = None,
    null_values: str | Sequence[str] | None = None,
    runner: str | None = None,
    workers: int | None = None,
    output: str | None = None,
    args: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    timeout: float | str | None = None,
    cores: float | str | None = None,
    memory: int | str | None = None,
    priority: int = 0,
    max_retries: int = 0,
    ship: Mapping[str, Any] | None = None,
    backend: str | None = None,
    budget: str | None = None,
    yes: bool = False,
    cell: Cell | None = None,
    invocation: str | None = None,
    session: Session | None = None,
) -> PreprocessingPlan:
    """Return what `preprocess` would do; no job is made.

    Args:
        name: of the dataset, and the job's display name.
        input: files and patterns of CSV, JSON lines, Parquet or TFRecord; `gs://…`, `bq://…`; or DataFrames.
        source: a function called `clean` or `clean_row`, or the text of a cell.
        features: the declaration of the features, or a YAML or JSON file with it; else they are inferred.
        target: the column that models are to learn.
        key: the column that names a row; all rows of a key get into one split.
        split: `{"train": 0.8, "eval": 0.2}`, or by time `{"eval": "2013-11-01"}`.
        split_time: the column of times by which rows are divided, earliest first.
        max_rejected: more bad rows than this fail the job: `"1%"`, `0.01` or `1000`.
        format: `"csv"`, `"jsonl"`, `"parquet"`, `"tfrecord"`, if the files' names do not tell.
        header: whether the first line of CSV files names the columns.
        column_names: of CSV files without a header.
        types: columns to types, where what is inferred is wrong: `{"zip": "string"}`.
        delimiter: of CSV files.
        null_values: what stands for a missing value.
        runner: `"local"`, `"dataflow"`, or the name of another runner of Beam. On Google Cloud it is `"dataflow"`, and
            `"local"` keeps the job on this machine.
        workers: threads; by default one for each processor. On Google Cloud, machines at most.
        output: a bucket's folder, with a runner elsewhere; on this machine the workspace takes the dataset.
        args: words for Beam's own options.
        labels: Google Cloud's labels.
        timeout: seconds, or `"90s"`, `"15m"`, `"2h"`; then the job is ended.
        cores: what the job takes of this machine; on Google Cloud, of which type the workers are: `n1-standard-N`.
        memory: the same in bytes, or `"8GB"`.
        priority: a waiting job with a higher one starts first.
        max_retries: how many more attempts a job has that fails or is killed.
        ship: DataFrames and arrays, by the name that the cell uses, to be shipped as data files.
        backend: where it runs; by default the session's.
        budget: of a job in the cloud: `"10h"` of machines, `"20USD"`, `"none"`; by default the workspace's.
        yes: start it in the cloud although it costs money.
        cell: instead of `source`, the cell that the magic stands in.
        invocation: the line that was typed.
        session: another than this process's.

    Raises:
        UsageError: arguments that do not fit; all are listed.
        CellError: the cell cannot become a package.
        MissingDependencyError: Beam, or a client that the inputs need, is not installed.
    """
    from mlmagic.session import current_session

    session = session or current_session()
    check = ArgumentCheck()
    check.read(read_name, name, "dataset name")
    check.read(check_source, source, cell)
    read = check.read(read_inputs, input, session.location.inputs)
    place = place_of(runner, backend or session.backend_name)
    flags = Flags(
        target=target,
        key=key,
        split=split,
        split_time=split_time,
        max_rejected=max_rejected,
        format=format,
        header=header,
        column_names=column_names,
        types=types,
        delimiter=delimiter,
        null_values=null_values,
        runner=place.runner,
        workers=workers if place.is_cloud else threads_of(workers, cores),
        output=output,
    )
    words = check.read(program_words, read.words if read else ("-",), flags, args) or ()
    if place.is_cloud:
        check.read(check_dataflow, runner)
    else:
        check.read(check_runner, runner, output, read.words if read else (), args)
    declared = check.read(read_declaration, features)
    resources = check.read(partial(read_resources, cores=cores, memory=memory))
    label_map = check.read(read_labels, labels)
    seconds = check.read(read_timeout, timeout)
    check.read(read_whole_number, priority, "priority")
    check.read(read_whole_number, max_retries, "max_retries", 0)
    check.read(read_backend, backend)
    check.read(read_budget, budget)
    check.finish("preprocess")
    context = session.context()
    code = CleaningSource(source=source, cell=cell, declaration=declared, ship=ship or {})
    package = code.build(name, context, target=target, key=key)
    spec = JobSpec(
        display_name=name,
        kind=JobKind.PREPROCESSING,
        backend=place.backend,
        package=package_reference(package),
        args=words,
        resources=resources or Resources(),
        dataset=name,
        labels=label_map or {},
        timeout_seconds=seconds,
        priority=priority,
        max_retries=max_retries,
        warm_starts=session.warm_starts,
        invocation=invocation,
        origin=origin_of(cell, context.notebook),
        **circumstances(package, words),
    )
    placed = session.planner(spec.backend).place(within_budget(spec, budget, session))
    return PreprocessingPlan(package=package, spec=placed, inputs=read or Inputs(words=()), session=session, yes=yes)


def threads_of(workers: int | None, cores: object) -> int | None:
    """Return how many threads there are: as many as the job has cores, if nothing else is said."""
    if workers is not None or cores is None:
        return workers
    try:
        return max(1, int(float(str(cores))))
    except (ValueError, OverflowError):
        return None  # which is told where resources are read


preprocess = submitting(
    plan_preprocessing,
    "preprocess",
    "Start a job that makes a dataset, and return it at once; `preprocess(...).wait()` waits for it.",
)
