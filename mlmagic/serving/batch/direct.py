"""The pipeline run on this machine, by threads of this process: `--runner direct`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from mlmagic.errors import MissingDependencyError, MlmagicError
from mlmagic.preprocessing.quiet import quiet_import
from mlmagic.serving.batch.arguments import Arguments
from mlmagic.serving.batch.models import WorkspaceModel
from mlmagic.serving.batch.plan import Plan
from mlmagic.serving.batch.work import Work


def predict_units(
    arguments: Arguments, plan: Plan, work: Work, model: WorkspaceModel, tell: Callable[[str], None]
) -> None:
    """Predict the units that are not finished yet, and note that they are.

    Raises:
        MlmagicError: it cannot be done, and why; what is finished stays.
    """
    finished = work.records()
    if finished:
        tell(f"{len(finished)} of {len(plan.source.units)} shards are there already")
    if not work.waiting(plan.source.units):
        return
    try:
        with quiet_import(is_local=True):
            import apache_beam  # noqa: F401 - so that what is missing is told here
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"--runner direct needs the package {error.name}, which is not installed here.",
            hint="Install it: pip install 'mlmagic[beam]'",
        ) from error
    with tempfile.TemporaryDirectory(prefix="predict-") as scratch:
        _run(arguments, plan, work, model, (tell, Path(scratch)))
    work.reread()


def _run(
    arguments: Arguments, plan: Plan, work: Work, model: WorkspaceModel, told: tuple[Callable[[str], None], Path]
) -> None:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    from mlmagic.preprocessing.failures import read_failure
    from mlmagic.preprocessing.local_runner import LocalRunner
    from mlmagic.preprocessing.options import local_flags
    from mlmagic.preprocessing.progress import ProgressFile, ProgressTeller
    from mlmagic.serving.batch.pipeline import Task, build
    from mlmagic.serving.batch.places import OutputPlace

    tell, scratch = told
    progress = scratch / "progress"
    progress.touch()
    for record in work.records():
        ProgressFile(str(progress)).add(record.size_bytes, record.read)
    task = Task(
        plan=plan,
        model=model,
        place=OutputPlace(target=plan.target, kind=plan.kind, units=len(plan.source.units)),
        max_rejected=arguments.max_rejected,
        failures=str(scratch),
        progress=str(progress),
    )
    options = PipelineOptions([*local_flags(arguments.workers), "--no_save_main_session"])
    # Named outright: the default one would try to fetch a program from the network first.
    pipeline = beam.Pipeline(runner=LocalRunner(), options=options)
    build(pipeline, task, work.waiting(plan.source.units))
    try:
        with ProgressTeller(progress, plan.source.size_bytes, tell):
            pipeline.run().wait_until_finish()
    except Exception:
        failure = read_failure(str(scratch))
        if failure is None:
            raise
        if failure.message is None:
            sys.stderr.write(failure.text)
            raise SystemExit(1) from None
        raise MlmagicError(failure.message) from None
