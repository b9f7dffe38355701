"""The graph: units are predicted each on its own, by a model that the process of a worker loads once.

One graph for all runners. An element is a unit of input, not a row: within it, rows travel in Arrow's batches from the
file to the model and to the output, as they do without Beam, and Beam costs nothing.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared

from mlmagic.preprocessing.arguments import RejectLimit
from mlmagic.preprocessing.failures import leave_failure
from mlmagic.preprocessing.progress import ProgressFile
from mlmagic.preprocessing.reading.source import Unit
from mlmagic.serving.batch.asking import FAILED, Asker
from mlmagic.serving.batch.manifest import Shard
from mlmagic.serving.batch.places import Place
from mlmagic.serving.batch.plan import Plan
from mlmagic.serving.batch.result import cannot_write, check_early, sum_up
from mlmagic.serving.engines.base import Engine

COUNTERS = "mlmagic"
READ, PREDICTED, REJECTED, FAILURES = "rows_read", "rows_predicted", "rows_rejected", "rows_failed"
"""What Dataflow shows beside the step, and tells while it runs; rows that the model failed on are rejected, too."""


class Model(Protocol):
    """What is loaded. It travels to workers."""

    def load(self) -> Engine:
        """Load it.

        Raises:
            MlmagicError: it cannot be loaded, and why.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What workers need to know."""

    plan: Plan
    model: Model
    place: Place
    max_rejected: RejectLimit
    failures: str
    """The folder that gets what went wrong."""
    progress: str | None = None
    """The file that says how far units are, on this machine."""


def build(pipeline: beam.Pipeline, task: Task, units: Sequence[Unit]) -> beam.PCollection:
    """Put the run into a pipeline, and return its shards."""
    # Workers get units one by one; none has to know the others.
    lean = replace(task, plan=replace(task.plan, source=replace(task.plan.source, units=())))
    created = pipeline | "Units" >> beam.Create(units, reshuffle=False) | "Spread" >> beam.Reshuffle()
    return created | "Predict" >> beam.ParDo(PredictUnit(lean))


class PredictUnit(beam.DoFn):  # type: ignore[misc]
    """Predicts the rows of a unit."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._shared = Shared()

    def process(self, unit: Unit) -> Iterator[Shard]:
        """Read, ask and write, and count what became of the rows."""
        task = self._task
        try:
            asker = self._shared.acquire(_loading(task))
            shard = task.place.predict(task.plan, unit, asker, _teller(task))
            _count(shard)
            alone = sum_up(task.plan.label, task.plan.target.path, task.plan.target.errors, [shard.record])
            check_early(task.max_rejected, alone, sum(file.size_bytes for file in task.plan.source.files))
        except OSError as error:
            told = cannot_write(task.plan.target.path, error)
            leave_failure(task.failures, unit.index, told, "")
            raise told from error
        except Exception as error:
            leave_failure(task.failures, unit.index, error, "")
            raise
        yield shard


def _loading(task: Task) -> Callable[[], Asker]:
    def load() -> Asker:
        engine = task.model.load()
        asker = Asker(engine, task.plan.signature, task.plan.outputs, task.plan.kind)
        # At the latest as the process ends, while TensorFlow is still there to be closed.
        weakref.finalize(asker, engine.close)
        return asker

    return load


def _teller(task: Task) -> Callable[[int, int], None]:
    progress = ProgressFile(task.progress)

    def told(size: int, rows: int) -> None:
        Metrics.counter(COUNTERS, READ).inc(rows)
        progress.add(size, rows)

    return told


def _count(shard: Shard) -> None:
    rejected = shard.record.rejected
    Metrics.counter(COUNTERS, PREDICTED).inc(shard.record.written)
    Metrics.counter(COUNTERS, REJECTED).inc(sum(rejected.values()))
    Metrics.counter(COUNTERS, FAILURES).inc(rejected.get(FAILED, 0))
