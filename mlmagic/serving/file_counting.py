"""The graph that counts files for monitoring: units are counted each on its own, and their counts are merged.

An element is a unit of input, not a row, as in preprocessing: Beam costs nothing that way, and of a unit only what was
counted travels, which does not grow with its rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.errors import MlmagicError, UsageError
from mlmagic.monitoring.file_window import FileWindow
from mlmagic.preprocessing.arguments import Arguments
from mlmagic.preprocessing.reading.options import ReadOptions
from mlmagic.preprocessing.reading.plan import plan_source
from mlmagic.preprocessing.reading.reader import read_unit
from mlmagic.preprocessing.reading.source import Source, Unit
from mlmagic.spec.codec import dumps, loads
from mlmagic.spec.monitoring_files import COUNTS, Counting, CountReading, CountRequest, FileCounts, Reading, Request

if TYPE_CHECKING:
    import apache_beam as beam

COUNTERS, READ, REJECTED = "mlmagic", "rows_read", "rows_rejected"
"""What Dataflow shows beside the step, and tells while it runs."""


@dataclass(slots=True, kw_only=True)
class UnitCounts:
    """Of one unit, or of several."""

    window: FileWindow
    rejected: dict[str, int] = field(default_factory=dict)

    def merge(self, other: UnitCounts) -> UnitCounts:
        """Count what another has counted, and return this one."""
        self.window.merge(other.window)
        for reason, count in other.rejected.items():
            self.rejected[reason] = self.rejected.get(reason, 0) + count
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class CountPlan:
    """What workers need to know."""

    source: Source
    counting: Counting
    output: str
    """The folder for the result."""
    failures: str
    """The folder for what went wrong."""


def planned_source(request: Request) -> Source:
    """Look at the files, and return them with the types as which they are read.

    Raises:
        MlmagicError: they cannot be read.
    """
    source = plan_source(request.paths, ReadOptions())
    types = {column.name: request.types.get(column.name, column.type) for column in source.columns}
    return replace(source, columns=tuple(replace(column, type=types[column.name]) for column in source.columns))


def count_files(request: CountRequest, folder: str) -> CountReading:
    """Count files with a pipeline on this machine.

    Args:
        request: which files, and what of them.
        folder: an empty one, for what the pipeline writes.

    Raises:
        MlmagicError: a file cannot be read.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from mlmagic.preprocessing.failures import read_failure
    from mlmagic.preprocessing.local_runner import LocalRunner
    from mlmagic.preprocessing.options import local_flags

    source = planned_source(request.files)
    plan = CountPlan(source=source, counting=request.counting, output=folder, failures=folder)
    options = PipelineOptions([*local_flags(request.workers), "--no_save_main_session"])
    pipeline = beam.Pipeline(runner=LocalRunner(), options=options)
    build(pipeline, plan)
    try:
        pipeline.run().wait_until_finish()
    except Exception as error:
        failure = read_failure(folder)
        if failure is None or failure.message is None:
            raise
        raise MlmagicError(failure.message) from error
    return loads(CountReading, Path(folder, COUNTS).read_bytes())


def send_pipeline(arguments: Arguments, request: CountRequest, package: Path) -> None:
    """Have Dataflow make a job, and write down which.

    Args:
        arguments: what the program was told.
        request: what is counted; the files are those of the arguments.
        package: the folder with setup.py that workers install.

    Raises:
        MlmagicError: a file cannot be read, or an option is none.
    """
    import apache_beam as beam

    from mlmagic.preprocessing import storage
    from mlmagic.preprocessing.options import pipeline_options

    if arguments.submitted is None or arguments.parts is None:
        raise UsageError("This program brings a pipeline to Dataflow; --submitted and --parts are missing.")
    options = pipeline_options(arguments, package)
    source = planned_source(replace(request.files, paths=arguments.inputs))
    plan = CountPlan(source=source, counting=request.counting, output=arguments.output, failures=arguments.parts)
    pipeline = beam.Pipeline(options=options)
    build(pipeline, plan)
    result = pipeline.run()
    # Whole or not at all: an empty file would be taken for a job without an id.
    storage.write_text(arguments.submitted, result.job_id())


def build(pipeline: beam.Pipeline, plan: CountPlan) -> None:
    """Put the counting of all units into a pipeline."""
    import apache_beam as beam

    # Workers get units one by one; none has to know the others.
    lean = replace(plan, source=replace(plan.source, units=()))
    spread = pipeline | "Units" >> beam.Create(plan.source.units, reshuffle=False) | "Spread" >> beam.Reshuffle()
    counts = spread | "Count" >> beam.Map(count_unit, lean)
    merged = counts | "Merge" >> beam.CombineGlobally(merge_counts).without_defaults()
    _ = merged | "Write" >> beam.Map(write_counts, lean)


def count_unit(unit: Unit, plan: CountPlan) -> UnitCounts:
    """Read a unit once; memory is that of a few batches."""
    from apache_beam.metrics import Metrics

    from mlmagic.preprocessing.failures import leave_failure

    try:
        counts = UnitCounts(window=FileWindow(plan.counting, [column.name for column in plan.source.columns]))
        for raw in read_unit(plan.source, unit):
            counts.window.add(raw.batch)
            for row in raw.rejected:
                counts.rejected[row.reason] = counts.rejected.get(row.reason, 0) + 1
            Metrics.counter(COUNTERS, READ).inc(raw.batch.num_rows + len(raw.rejected))
            Metrics.counter(COUNTERS, REJECTED).inc(len(raw.rejected))
    except Exception as error:
        leave_failure(plan.failures, unit.index, error, __name__)
        raise
    return counts


def merge_counts(counts: Iterable[UnitCounts]) -> UnitCounts:
    """Bring the counts of some units together."""
    parts = iter(counts)
    merged = next(parts)
    for part in parts:
        merged.merge(part)
    return merged


def write_counts(counts: UnitCounts, plan: CountPlan) -> None:
    """Write down what was counted, whole or not at all."""
    from mlmagic.preprocessing import storage

    found: FileCounts = counts.window.counts
    reading = CountReading(reading=Reading(rejected=counts.rejected), counts=found)
    storage.write_text(storage.join(plan.output, COUNTS), dumps(reading, indent=None))


def told(error: Any) -> CountReading:
    """Return what is said of an error."""
    return CountReading(reading=Reading(error=str(error)))
