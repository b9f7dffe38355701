"""The pipeline for Dataflow: made and sent here, run by workers there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from mlmagic.preprocessing import storage
from mlmagic.preprocessing.failures import leave_failure
from mlmagic.serving.batch.arguments import Arguments, Sending
from mlmagic.serving.batch.bucket import BucketModel, BucketPlace
from mlmagic.serving.batch.manifest import MANIFEST, Manifest, Shard
from mlmagic.serving.batch.models import find_version
from mlmagic.serving.batch.pipeline import Task, build
from mlmagic.serving.batch.plan import make_plan
from mlmagic.serving.batch.work import Work
from mlmagic.spec.codec import dumps
from mlmagic.workspace.layout import Workspace

_LAST = 999_999  # of the failures: what goes wrong at the end comes after what went wrong in units


def send_pipeline(arguments: Arguments, sending: Sending) -> None:
    """Have Dataflow make a job, and write down which.

    Raises:
        MlmagicError: as of `put`.
    """
    # The modules of the package are imported by name: nothing of the main module has to travel.
    options = PipelineOptions(["--runner=DataflowRunner", "--no_save_main_session", *sending.beam])
    pipeline = beam.Pipeline(options=options)
    put(pipeline, arguments, sending)
    result = pipeline.run()
    # Whole or not at all: an empty file would be taken for a job without an id.
    storage.write_text(sending.submitted, result.job_id())


def put(pipeline: beam.Pipeline, arguments: Arguments, sending: Sending) -> None:
    """Look at the input and at the output, and put the units that are not finished yet into a pipeline.

    Raises:
        MlmagicError: the input cannot be read, or the output has something else.
    """
    version, signature = find_version(Workspace(arguments.workspace), arguments)
    plan = make_plan(arguments, version, signature)
    units = plan.source.units
    fingerprint = plan.fingerprint(version)
    work = Work(plan.target, plan.kind, len(units))
    with closing(work):
        work.open(fingerprint)
        waiting = work.waiting(units)
    task = Task(
        plan=plan,
        model=BucketModel(address=sending.artifact, version=version),
        place=BucketPlace(parts=sending.parts, units=len(units)),
        max_rejected=arguments.max_rejected,
        failures=sending.parts,
    )
    manifest = Manifest(
        label=plan.label,
        format=str(plan.kind),
        columns=tuple(plan.schema.names),
        units=len(units),
        fingerprint=fingerprint,
    )
    shards = build(pipeline, task, waiting)
    _ = shards | "List" >> beam.combiners.ToList() | "Finish" >> beam.ParDo(Finish(manifest, sending.parts))


class Finish(beam.DoFn):  # type: ignore[misc]
    """Tells which files count, after all are there."""

    def __init__(self, manifest: Manifest, parts: str) -> None:
        self._manifest = manifest
        self._parts = parts

    def process(self, shards: Sequence[Shard]) -> None:
        """Write the manifest."""
        try:
            told = replace(self._manifest, shards=tuple(sorted(shards, key=lambda shard: shard.record.index)))
            storage.write_text(storage.join(self._parts, MANIFEST), dumps(told))
        except Exception as error:
            leave_failure(self._parts, _LAST, error, "")
            raise
